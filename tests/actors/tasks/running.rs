//! What a task does, and what the owner of its handle is told.

use super::{Do, LONG, SECOND, SEEDS, calm, doer, guard, ms, run, start_doer};
use crate::common::{Log, SOON, with_pools};
use nexus_actors::failure::{Stage, TaskError};
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use nexus_actors::{Task, WaitError};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::{Arc, Mutex};

#[test]
fn s6_4_while_a_task_waits_its_actor_handles_its_mail() {
    with_pools(|pool| {
        let actor = pool.spawn("doer", doer(&Log::default())).unwrap();
        let (open, gate) = tokio::sync::oneshot::channel::<u32>();
        let (tell, told) = std::sync::mpsc::channel();
        run(actor, move |ctx| {
            ctx.spawn_task(move |task| {
                let answer = task.block_on(gate);
                let _ = tell.send(answer.unwrap().unwrap());
            });
            Ok(())
        });
        assert_eq!(actor.ask(Do::Ask, SOON).wait(), Ok(7));
        assert!(told.try_recv().is_err(), "it waits");
        open.send(3).unwrap();
        assert_eq!(told.recv_timeout(SOON), Ok(3));
    });
}

#[test]
fn s6_4_a_task_waits_in_every_way_that_a_handler_does() {
    with_pools(|pool| {
        let other = pool
            .spawn_on(pool.workers() - 1, "other", doer(&Log::default()))
            .unwrap();
        let slow = Props::new(|| Behavior::receive(|ctx, _: u8| Ok(ctx.sleep(ms(1))?)));
        let mailbox = Mailbox::bounded(1, Overflow::Backpressure).unwrap();
        let bounded = pool.spawn("bounded", slow.mailbox(mailbox)).unwrap();
        let actor = pool.spawn("doer", doer(&Log::default())).unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        run(actor, move |ctx| {
            let state = Rc::new(Cell::new(0)); // not `Send`
            let shared = Rc::clone(&state);
            let task = ctx.spawn_task(move |task| {
                let before = task.now();
                shared.set(other.ask(Do::Ask, SOON).wait()?);
                // Its own actor cannot answer, as its handler waits for this task.
                let itself = task.actor().ask(Do::Ask, SOON).wait();
                assert!(matches!(itself, Err(AskError::Deadlock(_))), "{itself:?}");
                for number in 0..5 {
                    bounded.send(number).map_err(|error| error.to_string())?;
                }
                shared.set(shared.get() + task.block_on(async { 1 })?);
                shared.set(shared.get() + task.run_blocking(|| 1)?);
                task.sleep(ms(1))?;
                task.yield_now()?;
                assert!(task.now() >= before + ms(1));
                assert!(task.path().as_str().starts_with("/user/doer/$task-"));
                assert_eq!(Some(task.worker()), Some(task.actor().id().worker()));
                Ok::<_, BoxError>(())
            });
            let ended = task.wait();
            let _ = tell.send((ended.map_err(|e| e.to_string()), state.get()));
            Ok(())
        });
        let (ended, state) = told.recv_timeout(SOON).unwrap();
        assert!(matches!(ended, Ok(Ok(()))), "{ended:?}");
        assert_eq!(state, 9);
    });
}

#[test]
fn s6_4_tasks_run_where_the_caller_drives() {
    let system = ActorSystem::new("tasks").unwrap();
    let actor = system.spawn("doer", doer(&Log::default())).unwrap();
    let log = Log::default();
    let told = log.clone();
    run(actor, move |ctx| {
        ctx.spawn_task(move |task| {
            task.sleep(ms(1)).unwrap();
            let answer = task.actor().ask(Do::Ask, SOON).wait();
            told.add(format!("{answer:?}"));
        });
        Ok(())
    });
    while log.lines().is_empty() {
        assert_eq!(actor.ask(Do::Ask, SOON).wait(), Ok(7));
    }
    assert_eq!(log.take(), ["Ok(7)"]);
    system.shutdown(SOON);
}

#[test]
fn s6_4_what_a_task_sends_has_the_task_as_its_sender_and_names_its_cause() {
    calm(|sim| {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&seen);
        let target = Props::new(move || {
            let noted = Arc::clone(&noted);
            Behavior::receive(move |ctx, _: u8| noted.lock().unwrap().push(ctx.envelope()))
        });
        let target = sim.spawn("target", target).unwrap();
        let actor = sim.spawn("doer", doer(&Log::default())).unwrap();
        let sent = Arc::new(Mutex::new(None));
        let cause = Arc::clone(&sent);
        run(actor, move |ctx| {
            *cause.lock().unwrap() = Some(ctx.envelope());
            ctx.spawn_task(move |task| {
                target.tell(1);
                task.sleep(ms(5)).unwrap();
                target.tell(2);
            });
            Ok(())
        });
        sim.run_for(ms(100));
        let cause = sent.lock().unwrap().take().unwrap();
        let seen = seen.lock().unwrap();
        assert_eq!(seen.len(), 2);
        for envelope in &*seen {
            assert_eq!(envelope.causation_id(), Some(cause.message_id()));
            assert_eq!(envelope.correlation_id(), cause.correlation_id());
            let sender = envelope.sender().unwrap();
            assert_ne!(sender, actor.id());
            let path = sim.trace().path_of(sender).cloned().unwrap();
            assert!(path.as_str().starts_with("/user/doer/$task-"), "{path}");
        }
        assert_eq!(sim.stats().sent(), 3, "a task is no message");
    });
}

#[test]
fn s6_4_the_holder_of_the_handle_is_told_how_the_task_ended() {
    let failures = Log::default();
    let hook = failures.clone();
    let builder = Sim::builder().on_failure(move |failure| hook.add(failure.to_string()));
    builder.check(SEEDS, |sim| {
        failures.take();
        let (log, actor) = start_doer(sim);
        let told = log.clone();
        run(actor, move |ctx| {
            let quick = ctx.spawn_task(|_task| "done");
            let slow = ctx.spawn_task(|task| task.sleep(SECOND));
            let wrong = ctx.spawn_task(|task| {
                task.sleep(ms(1)).unwrap();
                panic!("planned")
            });
            let never = ctx.spawn_task(|task| task.sleep(LONG));
            assert!(!quick.is_finished() && !never.is_finished());
            assert_eq!(quick.wait(), Ok("done"));
            let text: Result<(), _> = wrong.wait();
            assert_eq!(text, Err(TaskError::Panicked("planned".into())));
            never.cancel();
            assert!(!never.is_finished(), "it has to unwind first");
            never.cancel();
            assert_eq!(never.wait(), Err(TaskError::Cancelled));
            assert!(!slow.is_finished());
            assert_eq!(slow.wait(), Ok(Ok(())));
            assert!(ctx.now() >= SECOND);
            let unbegun = ctx.spawn_task(|_task| unreachable!("it is cancelled before it begins"));
            unbegun.cancel();
            let ended: Result<(), _> = unbegun.wait();
            assert_eq!(ended, Err(TaskError::Cancelled));
            let ended = ctx.spawn_task(|_task| 3);
            ctx.sleep(ms(1))?;
            assert!(ended.is_finished());
            ended.cancel();
            assert_eq!(ended.wait(), Ok(3), "it had ended before");
            told.add("all");
            Ok(())
        });
        sim.run_for(3 * SECOND);
        assert_eq!(log.take(), ["starts", "all"]);
        let failures = failures.take();
        assert_eq!(failures.len(), 1, "{failures:?}");
        let start = "/user/doer failed in its task actors::tasks::";
        assert!(failures[0].starts_with(start), "{failures:?}");
        assert!(failures[0].ends_with("{{closure}}: panic: planned"));
        let pending = sim.pending();
        assert_eq!((pending.slots, pending.waits), (1, 0));
    });
}

#[test]
fn s6_4_a_detached_task_goes_on_and_its_panic_is_its_actors_failure() {
    for directive in [Directive::Restart, Directive::Resume, Directive::Stop] {
        let failures: Arc<Mutex<Vec<(Stage, String)>>> = Arc::default();
        let hook = Arc::clone(&failures);
        let builder = Sim::builder().on_failure(move |failure| {
            let line = (failure.during, failure.message_type.to_owned());
            hook.lock().unwrap().push(line);
        });
        let strategy = SupervisorStrategy::one_for_one().always(directive);
        builder.supervising(strategy).check(SEEDS, |sim| {
            failures.lock().unwrap().clear();
            let (log, actor) = start_doer(sim);
            let kept = guard(&log, "sibling");
            run(actor, |ctx| {
                ctx.spawn_task(|task| {
                    task.sleep(SECOND).unwrap();
                    panic!("planned")
                });
                ctx.spawn_task(move |task| {
                    let _kept = kept;
                    let _ = task.sleep(2 * SECOND);
                });
                Ok(())
            });
            sim.run_for(ms(900));
            assert_eq!(actor.ask(Do::Ask, LONG).wait(), Ok(7));
            sim.run_for(ms(500));
            let end = match directive {
                Directive::Restart => {
                    &["starts", "restarts", "sibling dropped", "restarted"] as &[_]
                }
                Directive::Resume => &["starts"],
                _ => &["starts", "sibling dropped", "stopped"],
            };
            assert_eq!(log.lines(), end);
            let lives = directive != Directive::Stop;
            assert_eq!(actor.ask(Do::Ask, LONG).wait().is_ok(), lives);
            sim.run_until_idle();
            let failures = failures.lock().unwrap();
            assert_eq!(failures.len(), 1, "it is told once: {failures:?}");
            assert_eq!(failures[0].0, Stage::Task);
            assert!(failures[0].1.contains("{{closure}}"), "{failures:?}");
        });
    }
}

#[test]
fn s6_4_a_task_may_be_awaited_later_and_by_another_task() {
    calm(|sim| {
        let log = Log::default();
        let told = log.clone();
        let props = Props::new(move || {
            let log = told.clone();
            Behavior::setup(move |ctx| {
                let first = ctx.spawn_task(|task| {
                    task.sleep(SECOND)?;
                    Ok::<_, WaitError>(5)
                });
                let second = ctx.spawn_task(move |_task| first.wait().unwrap().unwrap() + 1);
                let mut second = Some(second);
                Ok(Behavior::receive(move |_ctx, reply: Reply<u32>| {
                    log.add("asked");
                    if let Some(task) = second.take() {
                        reply.send(task.wait()?);
                    }
                    Ok(())
                }))
            })
        });
        let actor = sim.spawn("actor", props).unwrap();
        assert_eq!(actor.ask(|reply| reply, LONG).wait(), Ok(6));
        assert!(sim.now() >= SECOND);
        assert_eq!(log.take(), ["asked"]);
    });
}

#[test]
fn s6_4_a_handle_outside_of_handlers_says_that_it_cannot_wait() {
    let system = ActorSystem::new("tasks").unwrap();
    let actor = system.spawn("doer", doer(&Log::default())).unwrap();
    thread_local! {
        static OUT: RefCell<Option<Task<u32>>> = const { RefCell::new(None) };
    }
    run(actor, |ctx| {
        OUT.set(Some(ctx.spawn_task(|_task| 3)));
        Ok(())
    });
    system.run_until_idle();
    let task = OUT.take().unwrap();
    let outside = Err(TaskError::CannotWait(WaitError::OutsideHandler));
    assert_eq!(task.wait(), outside);
    system.shutdown(SOON);
}
