//! Tasks of actors: row 6.4 of the contract.

mod common;

use common::{Log, OnDrop, SOON, finish, pool_of, watchdog, with_pools};
use nexus_actors::prelude::*;
use nexus_actors::sim::{Sim, check};
use nexus_actors::{Stage, WaitsFor};
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SEEDS: std::ops::Range<u64> = 0..60;
const LONG: Duration = Duration::from_secs(3600);
const SECOND: Duration = Duration::from_secs(1);

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

type Run = Box<dyn FnOnce(&mut Context<'_, Do>) -> Result<(), BoxError> + Send>;

enum Do {
    Run(Run),
    Ask(Reply<u32>),
}

fn run(
    actor: ActorRef<Do>,
    code: impl FnOnce(&mut Context<'_, Do>) -> Result<(), BoxError> + Send + 'static,
) {
    actor.tell(Do::Run(Box::new(code)));
}

/// Does what it is told, answers what it is asked, and notes its signals.
fn doer(log: &Log) -> Props<Do> {
    let log = log.clone();
    Props::new(move || {
        let log = log.clone();
        Behavior::receive(|ctx: &mut Context<'_, Do>, message| match message {
            Do::Run(run) => run(ctx),
            Do::Ask(reply) => {
                reply.send(7);
                Ok(())
            }
        })
        .on_signal(move |_ctx, signal| {
            log.add(match signal {
                Signal::PreStart => "starts",
                Signal::PostStop => "stopped",
                Signal::PreRestart(_) => "restarts",
                Signal::PostRestart(_) => "restarted",
                _ => return,
            });
        })
    })
}

/// Writes that it was dropped.
fn guard(log: &Log, name: &str) -> OnDrop<impl FnMut() + use<>> {
    let (log, name) = (log.clone(), name.to_owned());
    OnDrop(move || log.add(format!("{name} dropped")))
}

fn calm(test: impl Fn(&mut Sim)) {
    common::check_calm(SEEDS, test);
}

// ---- what a task does ---------------------------------------------------------------------------

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
        let slow = Props::new(|| Behavior::receive(|ctx, _: u8| ctx.sleep(ms(1))));
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

// ---- its handle ---------------------------------------------------------------------------------

#[test]
fn s6_4_whoever_holds_the_handle_is_told_how_the_task_ended() {
    let failures = Log::default();
    let hook = failures.clone();
    let builder = Sim::builder().on_failure(move |failure| hook.add(failure.to_string()));
    builder.check(SEEDS, |sim| {
        failures.take();
        let log = Log::default();
        let actor = sim.spawn("doer", doer(&log)).unwrap();
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
        let start = "/user/doer failed in its task tasks::";
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
            let log = Log::default();
            let actor = sim.spawn("doer", doer(&log)).unwrap();
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
                    Ok::<_, TaskError>(())
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

// ---- bound to its actor -------------------------------------------------------------------------

#[test]
fn s6_4_tasks_end_before_their_actor_has_stopped_or_starts_again() {
    for end in ["stop", "kill", "fail", "restart"] {
        let directive = match end {
            "restart" => Directive::Restart,
            _ => Directive::Stop,
        };
        let strategy = SupervisorStrategy::one_for_one().always(directive);
        Sim::builder().supervising(strategy).check(SEEDS, |sim| {
            let log = Log::default();
            let actor = sim.spawn("doer", doer(&log)).unwrap();
            let guards = ["asks", "sleeps", "yields", "waits"].map(|name| guard(&log, name));
            let unbegun = guard(&log, "unbegun");
            let silent = sim.spawn("silent", {
                Props::new(|| Behavior::with_state(Vec::new(), |all, _, r: Reply<()>| all.push(r)))
            });
            let silent = silent.unwrap();
            run(actor, move |ctx| {
                let [asks, sleeps, yields, waits] = guards;
                ctx.spawn_task(move |_task| {
                    let _asks = asks;
                    let _ = silent.ask(|reply| reply, LONG).wait();
                    unreachable!("nobody answers");
                });
                let other = ctx.spawn_task(move |task| {
                    let _sleeps = sleeps;
                    let _ = task.sleep(LONG);
                    unreachable!("it is not that late");
                });
                ctx.spawn_task(move |task| {
                    let _yields = yields;
                    while task.yield_now().is_ok() && task.sleep(ms(1)).is_ok() {}
                    unreachable!("it can always wait");
                });
                ctx.spawn_task(move |_task| {
                    let _waits = waits;
                    let ended: Result<(), _> = other.wait();
                    unreachable!("{ended:?} is never told");
                });
                Ok(())
            });
            sim.run_for(ms(20));
            run(actor, move |ctx| {
                ctx.spawn_task(move |_task| {
                    drop(unbegun);
                });
                ctx.sleep(ms(0))?;
                match end {
                    "stop" => ctx.self_ref().stop(),
                    "kill" => ctx.self_ref().kill(),
                    _ => return Err("torn".into()),
                }
                Ok(())
            });
            sim.run_for(ms(100));
            let lines = log.take();
            let (first, last) = (&lines[0], &lines[lines.len() - 1]);
            let mut dropped = lines.clone();
            dropped.retain(|line| line.ends_with("dropped"));
            dropped.sort();
            let names = ["asks", "sleeps", "unbegun", "waits", "yields"];
            assert_eq!(dropped, names.map(|name| format!("{name} dropped")));
            assert_eq!(first, "starts");
            let restart = end == "restart";
            assert_eq!(last, if restart { "restarted" } else { "stopped" });
            if restart {
                let told = lines.iter().position(|line| line == "restarts").unwrap();
                let unbegun = lines.iter().position(|line| line == "unbegun dropped");
                assert!(lines[1..told].len() <= 1 && unbegun.is_some(), "{lines:?}");
            }
            let pending = sim.pending();
            assert_eq!(pending.waiting, 0, "{:?}", sim.waiting());
            assert_eq!(pending.slots, 1 + usize::from(restart));
        });
    }
}

#[test]
fn s6_4_a_shutdown_does_not_wait_for_tasks_that_wait() {
    for workers in common::SIZES {
        let log = Log::default();
        let pool = pool_of(workers).start().unwrap();
        let actor = pool.spawn("doer", doer(&log)).unwrap();
        let dropped = guard(&log, "task");
        let (tell, told) = std::sync::mpsc::channel();
        run(actor, move |ctx| {
            ctx.spawn_task(move |task| {
                let _dropped = dropped;
                tell.send(()).unwrap();
                let _ = task.sleep(LONG);
            });
            Ok(())
        });
        told.recv_timeout(SOON).unwrap();
        let report = finish(&pool, SOON);
        assert_eq!((report.forced, report.unprocessed), (0, 0));
        assert_eq!(log.take(), ["starts", "task dropped", "stopped"]);
    }
}

#[test]
fn s6_4_a_forced_end_counts_actors_and_not_their_tasks() {
    check(SEEDS, |sim| {
        let log = Log::default();
        let actor = sim.spawn("doer", doer(&log)).unwrap();
        let dropped = [0, 1, 2].map(|n| guard(&log, &format!("task {n}")));
        run(actor, move |ctx| {
            for dropped in dropped {
                ctx.spawn_task(move |task| {
                    let _dropped = dropped;
                    let _ = task.sleep(LONG);
                });
            }
            Ok(ctx.sleep(LONG)?)
        });
        sim.run_for(ms(50));
        let report = sim.shutdown(SECOND);
        assert_eq!(report.forced, 1);
        let lines = log.take();
        assert_eq!(lines.len(), 5, "{lines:?}");
        assert_eq!((&*lines[0], &*lines[4]), ("starts", "stopped"));
    });
}

#[test]
fn s6_4_a_task_that_survives_its_cancellation_ends_when_it_waits_next() {
    calm(|sim| {
        let log = Log::default();
        let told = log.clone();
        let actor = sim.spawn("doer", doer(&log)).unwrap();
        run(actor, move |ctx| {
            ctx.spawn_task(move |task| {
                let caught = catch_unwind(AssertUnwindSafe(|| task.sleep(LONG)));
                told.add(format!("caught {}", caught.is_err()));
                let _ = task.sleep(LONG);
                unreachable!("it waits no more");
            });
            Ok(())
        });
        sim.run_for(ms(10));
        actor.stop();
        sim.run_for(ms(100));
        assert_eq!(log.take(), ["starts", "caught true", "stopped"]);
    });
}

#[test]
fn s6_4_a_task_may_cancel_itself_and_ends_when_it_waits() {
    calm(|sim| {
        let log = Log::default();
        let told = log.clone();
        let actor = sim.spawn("doer", doer(&log)).unwrap();
        run(actor, move |ctx| {
            let own: Rc<RefCell<Option<Task<()>>>> = Rc::default();
            let handle = Rc::clone(&own);
            *own.borrow_mut() = Some(ctx.spawn_task(move |task| {
                if let Some(own) = &*handle.borrow() {
                    own.cancel();
                }
                told.add("goes on");
                let _ = task.yield_now();
                unreachable!("it waits no more");
            }));
            ctx.sleep(ms(1))?;
            let task = own.borrow_mut().take().unwrap();
            assert_eq!(task.wait(), Err(TaskError::Cancelled));
            Ok(())
        });
        sim.run_for(ms(100));
        assert_eq!(log.take(), ["starts", "goes on"]);
    });
}

#[test]
fn s6_4_a_cancelled_task_that_was_to_go_on_does_not() {
    let mut begun = 0;
    for seed in SEEDS {
        let mut sim = Sim::new(seed);
        let log = Log::default();
        let actor = sim.spawn("doer", doer(&log)).unwrap();
        let told = log.clone();
        run(actor, move |ctx| {
            let task = ctx.spawn_task(move |task| {
                let _dropped = guard(&told, "task");
                told.add("begins");
                let _ = task.yield_now();
                told.add("goes on");
            });
            ctx.yield_now()?;
            task.cancel();
            assert_eq!(task.wait(), Err(TaskError::Cancelled));
            Ok(())
        });
        sim.run_until_idle();
        let lines = log.take();
        if lines.len() > 1 {
            begun += 1;
            assert_eq!(lines, ["starts", "begins", "task dropped"]);
        }
    }
    assert!(begun > 0, "in some order it has begun");
}

#[test]
fn s6_4_the_one_task_that_is_cancelled_ends_and_those_that_wait_before_and_after_it_do_not() {
    // Those that wait run the others' turns on top of themselves, up to a number of them.
    const TASKS: usize = 24;
    let _watchdog = watchdog();
    let pool = pool_of(1).start().unwrap();
    let actor = pool.spawn("doer", doer(&Log::default())).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    for chosen in 0..TASKS {
        let tell = tell.clone();
        run(actor, move |ctx| {
            let log = Log::default();
            let tasks: Vec<Task<()>> = (0..TASKS)
                .map(|number| {
                    let guard = guard(&log, &number.to_string());
                    ctx.spawn_task(move |task| {
                        let _guard = guard;
                        let _ = task.sleep(LONG);
                        unreachable!("it is not that late");
                    })
                })
                .collect();
            let tasks = Rc::new(tasks);
            let all = Rc::clone(&tasks);
            let canceller = ctx.spawn_task(move |_task| all[chosen].cancel());
            canceller.wait()?;
            ctx.sleep(ms(1))?;
            let ended = tasks
                .iter()
                .enumerate()
                .filter(|(_, task)| task.is_finished());
            let ended: Vec<_> = ended.map(|(number, _)| number).collect();
            let _ = tell.send((chosen, ended, log.take()));
            for task in Rc::into_inner(tasks).ok_or("nobody else has them")? {
                task.cancel();
                assert_eq!(task.wait(), Err(TaskError::Cancelled));
            }
            assert_eq!(log.take().len(), TASKS - 1);
            Ok(())
        });
        let (number, ended, dropped) = told.recv_timeout(SOON).unwrap();
        assert_eq!((number, ended), (chosen, vec![chosen]));
        assert_eq!(dropped, [format!("{chosen} dropped")]);
    }
    assert_eq!(actor.ask(Do::Ask, SOON).wait(), Ok(7), "it has not failed");
    assert_eq!(finish(&pool, SOON).forced, 0);
}

#[test]
fn s6_4_an_actor_that_a_cancelled_task_was_starting_does_not_start() {
    let _watchdog = watchdog();
    let log = Log::default();
    let pool = pool_of(1).start().unwrap();
    let actor = pool.spawn("doer", doer(&Log::default())).unwrap();
    let node = pool.node();
    let (told, after) = (log.clone(), log.clone());
    let slow = Props::new(move || {
        let log = told.clone();
        Behavior::setup(move |ctx: &mut Context<'_, u8>| {
            log.add("begins");
            let slept = ctx.sleep(LONG);
            log.add(format!("woken: {slept:?}"));
            Ok(Behavior::empty())
        })
    });
    let (tell, told) = std::sync::mpsc::channel();
    run(actor, move |ctx| {
        let starts = ctx.spawn_task(move |task| {
            let started = node.spawn_on(0, "slow", slow);
            after.add(format!("started: {}", started.is_ok()));
            let _ = task.yield_now();
            unreachable!("it waits no more");
        });
        // These wait on top of it.
        let others = [1, 2].map(|_| ctx.spawn_task(|task| task.sleep(LONG)));
        let starts = Rc::new(starts);
        let same = Rc::clone(&starts);
        ctx.spawn_task(move |_task| same.cancel()).wait()?;
        ctx.sleep(ms(1))?;
        assert!(starts.is_finished() && !others.iter().any(Task::is_finished));
        let ended: Result<(), _> = Rc::into_inner(starts).unwrap().wait();
        let _ = tell.send(ended);
        Ok(())
    });
    assert_eq!(told.recv_timeout(SOON), Ok(Err(TaskError::Cancelled)));
    assert_eq!(log.take(), ["begins", "started: false"]);
    assert!(pool.lookup::<u8>("/user/slow").is_err());
    assert_eq!(finish(&pool, SOON).forced, 0);
}

#[test]
fn s6_4_the_failure_of_a_task_is_not_that_of_the_next_instance() {
    let failures = Log::default();
    let hook = failures.clone();
    let builder = Sim::builder().on_failure(move |failure| hook.add(failure.to_string()));
    let builder = builder.supervising(SupervisorStrategy::one_for_one());
    builder.check(SEEDS, |sim| {
        failures.take();
        let log = Log::default();
        let actor = sim.spawn("doer", doer(&log)).unwrap();
        run(actor, |ctx| {
            ctx.spawn_task(|_task| panic!("planned"));
            ctx.sleep(ms(1))?;
            Err("torn".into())
        });
        assert_eq!(actor.ask(Do::Ask, LONG).wait(), Ok(7));
        sim.run_until_idle();
        assert_eq!(failures.take().len(), 2);
        assert_eq!(log.take(), ["starts", "restarts", "restarted"]);
    });
}

#[test]
fn s6_4_replies_that_a_cancelled_task_holds_end_their_asks() {
    let table = [
        ("cancel", AskErrorKind::NoReply),
        ("stop", AskErrorKind::TargetStopped),
        ("fail", AskErrorKind::TargetFailed),
    ];
    for (end, error) in table {
        check(SEEDS, |sim| {
            let actor = sim.spawn("doer", doer(&Log::default())).unwrap();
            let (questions, taken) = std::sync::mpsc::channel::<Reply<u8>>();
            let holder = Props::new(move || {
                let questions = questions.clone();
                Behavior::receive(move |_ctx, reply| questions.send(reply).unwrap())
            });
            let holder = sim.spawn("holder", holder).unwrap();
            let asked = holder.ask(|reply| reply, LONG);
            sim.run_until_idle();
            let reply = taken.try_recv().unwrap();
            run(actor, move |ctx| {
                let task = ctx.spawn_task(move |task| {
                    let _held = reply;
                    let _ = task.sleep(LONG);
                });
                ctx.sleep(ms(1))?;
                match end {
                    "cancel" => task.cancel(),
                    "stop" => ctx.self_ref().stop(),
                    _ => return Err("torn".into()),
                }
                Ok(())
            });
            assert_eq!(asked.wait().unwrap_err().kind(), error, "{end}");
            assert!(sim.now() < SECOND, "at once");
        });
    }
}

// ---- no child, but for who looks why nothing goes on --------------------------------------------

#[test]
fn s6_4_tasks_are_no_children_to_their_actor_nor_to_its_strategy() {
    let strategy = SupervisorStrategy::all_for_one();
    Sim::builder().check(SEEDS, |sim| {
        let log = Log::default();
        let told = log.clone();
        let child = doer(&log);
        let dropped = Arc::new(Mutex::new(Some(guard(&log, "task"))));
        let parent = Props::new(move || {
            let (log, child, dropped) = (told.clone(), child.clone(), Arc::clone(&dropped));
            Behavior::setup(move |ctx| {
                let dropped = dropped.lock().unwrap().take();
                ctx.spawn_task(move |task| {
                    let _dropped = dropped;
                    let _ = task.sleep(SECOND);
                    log.add("task ended");
                });
                let children = [ctx.spawn("one", child.clone())?, ctx.spawn("two", child)?];
                assert_eq!(ctx.children(), [children[1].id(), children[0].id()]);
                Ok(Behavior::receive(move |_ctx, ()| {
                    run(children[0], |_ctx| Err("torn".into()));
                }))
            })
        });
        let parent = sim.spawn("parent", parent.supervising(strategy.clone()));
        parent.unwrap().tell(());
        sim.run_for(3 * SECOND);
        let mut lines = log.take();
        assert_eq!(lines.pop().as_deref(), Some("task dropped"));
        assert_eq!(lines.pop().as_deref(), Some("task ended"));
        lines.sort();
        let [a, b, c] = ["restarted", "restarts", "starts"];
        assert_eq!(lines, [a, a, b, b, c, c]);
        assert_eq!((sim.stats().actors(), sim.pending().slots), (3, 3));
    });
}

#[test]
fn s6_4_who_waits_names_the_task() {
    let mut sim = Sim::builder().orderly().workers(1).start().unwrap();
    let actor = sim.spawn("doer", doer(&Log::default())).unwrap();
    run(actor, |ctx| {
        let task = ctx.spawn_task(|task| task.sleep(LONG));
        let _ = task.wait();
        Ok(())
    });
    sim.run_for(SECOND);
    let mut waiting = sim.waiting();
    waiting.sort_by_key(ToString::to_string);
    let lines: Vec<_> = waiting.iter().map(ToString::to_string).collect();
    let name = waiting[1].actor.clone().unwrap().1;
    assert!(name.as_str().starts_with("/user/doer/$task-"), "{name}");
    assert_eq!(lines[1], format!("{name} waits for time to pass"));
    assert_eq!(lines[0], format!("/user/doer waits for {name}"));
    assert!(matches!(waiting[0].waits_for, WaitsFor::Actor(..)));
}

#[test]
fn s6_4_a_task_has_a_stack_like_its_actors() {
    fn depth(left: u32) -> u32 {
        if left == 0 {
            0
        } else {
            1 + std::hint::black_box(depth(left - 1))
        }
    }
    with_pools(|pool| {
        let deep = doer(&Log::default()).stack_size(64 << 20);
        let actor = pool.spawn("deep", deep).unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        run(actor, move |ctx| {
            let tasks = [1, 2, 3].map(|_| {
                ctx.spawn_task(|task| {
                    task.sleep(ms(1))?;
                    Ok::<_, WaitError>(depth(50_000))
                })
            });
            let cancelled = ctx.spawn_task(|task| task.sleep(LONG));
            ctx.sleep(ms(1))?;
            cancelled.cancel();
            assert_eq!(cancelled.wait(), Err(TaskError::Cancelled));
            for task in tasks {
                let _ = tell.send(task.wait()??);
            }
            Ok(())
        });
        for _ in 0..3 {
            assert_eq!(told.recv_timeout(SOON), Ok(50_000));
        }
    });
}

// ---- many at once -------------------------------------------------------------------------------

/// A number that follows from a seed (the mixing function of SplitMix64).
fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What the model knows of the tasks of one incarnation.
#[derive(Default)]
struct Alive {
    incarnation: u32,
    tasks: u32,
    begun: u64,
    ended: u64,
}

#[test]
fn s6_4_no_task_outlives_its_incarnation_under_a_storm_of_failures_and_cancellations() {
    let builder = Sim::builder().workers(2);
    let strategy = SupervisorStrategy::one_for_one().limit(1000, SECOND);
    builder.supervising(strategy).check(0..200, |sim| {
        let alive: Arc<Mutex<Alive>> = Arc::default();
        let kept = Arc::clone(&alive);
        let other = sim.spawn_on(1, "other", doer(&Log::default())).unwrap();
        let props = Props::new(move || {
            let alive = Arc::clone(&kept);
            Behavior::setup(move |_ctx| {
                let mut state = alive.lock().unwrap();
                assert_eq!(state.tasks, 0, "those of the last incarnation have ended");
                state.incarnation += 1;
                drop(state);
                let noted = Arc::clone(&alive);
                let mut held: Vec<Task<u64>> = Vec::new();
                let behavior = Behavior::receive(move |ctx: &mut Context<'_, u64>, seed: u64| {
                    storm(ctx, seed, &alive, &mut held, other)
                });
                Ok(behavior.on_signal(move |_ctx, signal| {
                    if *signal == Signal::PostStop {
                        assert_eq!(noted.lock().unwrap().tasks, 0);
                    }
                }))
            })
        });
        let actor = sim.spawn_on(0, "actor", props).unwrap();
        for round in 0..60 {
            actor.tell(mixed(sim.seed() ^ (round << 32)));
            if round % 7 == 0 {
                sim.run_for(ms(3));
            }
        }
        sim.run_for(ms(200));
        actor.stop();
        sim.run_until_idle();
        let alive = alive.lock().unwrap();
        assert_eq!((alive.tasks, alive.begun), (0, alive.ended));
        assert!(alive.begun > 10, "{}", alive.begun);
        let (stats, pending) = (sim.stats(), sim.pending());
        assert_eq!(stats.sent(), stats.handled() + stats.dead_letters);
        assert_eq!(
            (pending.slots, pending.waiting, pending.waits, pending.due),
            (1, 0, 0, 0)
        );
    });
}

/// One thing to do with tasks, chosen by a number.
fn storm(
    ctx: &mut Context<'_, u64>,
    seed: u64,
    alive: &Arc<Mutex<Alive>>,
    held: &mut Vec<Task<u64>>,
    other: ActorRef<Do>,
) -> Result<(), BoxError> {
    let counted = || {
        let mut state = alive.lock().unwrap();
        state.tasks += 1;
        state.begun += 1;
        let (alive, incarnation) = (Arc::clone(alive), state.incarnation);
        OnDrop(move || {
            let mut state = alive.lock().unwrap();
            assert_eq!(
                state.incarnation, incarnation,
                "it ends with its incarnation"
            );
            state.tasks -= 1;
            state.ended += 1;
        })
    };
    match seed % 8 {
        0..=3 => {
            let counted = counted();
            let task = ctx.spawn_task(move |task| {
                let _counted = counted;
                for step in 0..(seed >> 8) % 5 {
                    match mixed(seed ^ step) % 5 {
                        0 => task.sleep(Duration::from_micros(seed % 3000)).unwrap(),
                        1 => task.yield_now().unwrap(),
                        2 => drop(other.ask(Do::Ask, ms(1)).wait()),
                        3 => task.run_blocking(|| ()).unwrap(),
                        _ => task.block_on(std::future::ready(())).unwrap(),
                    }
                }
                assert!(!(seed >> 16).is_multiple_of(9), "planned");
                seed
            });
            if seed >> 20 & 1 == 0 {
                held.push(task);
            }
        }
        4 if !held.is_empty() => held.swap_remove((seed >> 8) as usize % held.len()).cancel(),
        5 if !held.is_empty() => drop(held.remove(0).wait()),
        6 if seed >> 8 & 3 == 0 => return Err("torn".into()),
        _ => ctx.sleep(Duration::from_micros(seed % 1000))?,
    }
    Ok(())
}

#[test]
fn s6_4_ten_thousand_tasks_end_at_once() {
    let _watchdog = watchdog();
    let pool = pool_of(1).start().unwrap();
    let actor = pool.spawn("doer", doer(&Log::default())).unwrap();
    let ended = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = Arc::clone(&ended);
    let (tell, told) = std::sync::mpsc::channel();
    run(actor, move |ctx| {
        for _ in 0..10_000 {
            let (counted, tell) = (Arc::clone(&counted), tell.clone());
            ctx.spawn_task(move |task| {
                let _counted = OnDrop(move || {
                    counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                });
                let _ = tell.send(());
                let _ = task.sleep(LONG);
            });
        }
        Ok(())
    });
    for _ in 0..10_000 {
        told.recv_timeout(SOON).unwrap();
    }
    assert_eq!(finish(&pool, SOON).forced, 0);
    assert_eq!(ended.load(std::sync::atomic::Ordering::Relaxed), 10_000);
}
