//! Cycles of waits that go through something else than an ask: the start of an actor, a task, a future.

mod common;

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{check_calm, watchdog, with_pools};
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use nexus_actors::{Cycle, Mailbox, Overflow, Pending, SendError, Task, TaskContext, TaskError};

const HOUR: Duration = Duration::from_secs(3600);

/// Does what it is told, and says how that has ended.
struct Told(Step, Reply<Ended>);
type Step = Box<dyn FnOnce(&mut Context<'_, Told>, &Reply<Ended>) -> Ended + Send>;
type Ended = Result<(), AskError>;

fn told() -> Props<Told> {
    Props::new(|| Behavior::receive(handle))
}

fn handle(ctx: &mut Context<'_, Told>, Told(step, reply): Told) {
    let ended = step(ctx, &reply);
    reply.send(ended);
}

/// A step that changes nothing.
fn nothing(reply: Reply<Ended>) -> Told {
    Told(Box::new(|_, _| Ok(())), reply)
}

fn tell(
    actor: ActorRef<Told>,
    step: impl FnOnce(&mut Context<'_, Told>, &Reply<Ended>) -> Ended + Send + 'static,
) -> Ask<Ended> {
    actor.ask(|reply| Told(Box::new(step), reply), HOUR)
}

/// What a deadlock names, from the one that has closed it.
#[track_caller]
fn cycle_of(error: &AskError) -> Vec<String> {
    assert_eq!(error.kind(), AskErrorKind::Deadlock, "{error}");
    let cycle = error.details().unwrap().cycle().unwrap();
    assert!(cycle.is_certain());
    paths(cycle)
}

fn paths(cycle: &Cycle) -> Vec<String> {
    let links = cycle.links().iter();
    links.map(|link| link.path.to_string()).collect()
}

type Errors = Arc<Mutex<Vec<AskError>>>;

/// Asks that actor in its setup, notes how that has ended, and starts.
fn asks_in_setup(asked: ActorRef<Told>, errors: &Errors) -> Props<Told> {
    let errors = Arc::clone(errors);
    Props::new(move || {
        let errors = Arc::clone(&errors);
        Behavior::setup(move |_ctx| {
            let answer = asked.ask(nothing, HOUR).wait();
            errors.lock().unwrap().extend(answer.err());
            Ok(Behavior::receive(handle))
        })
    })
}

#[track_caller]
fn in_no_time(sim: &mut Sim) {
    let soon = Duration::from_secs(1);
    assert!(sim.now() < soon, "a time-out was waited for");
    sim.run_until_idle();
    assert_eq!(sim.waiting(), []);
}

// ---- starts -----------------------------------------------------------------------------------------

#[test]
fn s5_6_a_child_whose_setup_asks_its_parent_is_told_at_once() {
    for stack_size in [None, Some(1 << 20)] {
        check_calm(0..50, |sim| {
            let parent = sim.spawn("parent", told()).unwrap();
            let errors = Errors::default();
            let child = asks_in_setup(parent, &errors);
            let child = match stack_size {
                Some(bytes) => child.stack_size(bytes),
                None => child,
            };
            let started = tell(parent, move |ctx, _| {
                ctx.spawn("child", child).unwrap();
                Ok(())
            });
            assert_eq!(started.wait().unwrap(), Ok(()), "it starts nevertheless");
            let errors = errors.lock().unwrap();
            assert_eq!(errors.len(), 1);
            assert_eq!(cycle_of(&errors[0]), ["/user/parent/child", "/user/parent"]);
            in_no_time(sim);
        });
    }
}

#[test]
fn s5_6_a_grandchild_whose_setup_asks_up_the_family_is_told_at_once() {
    check_calm(0..50, |sim| {
        let parent = sim.spawn("parent", told()).unwrap();
        let errors = Errors::default();
        let heard = Arc::clone(&errors);
        let child: Props<Told> = Props::new(move || {
            let heard = Arc::clone(&heard);
            Behavior::setup(move |ctx| {
                ctx.spawn("leaf", asks_in_setup(parent, &heard))?;
                Ok(Behavior::empty())
            })
        });
        let started = tell(parent, move |ctx, _| {
            ctx.spawn("child", child).unwrap();
            Ok(())
        });
        assert_eq!(started.wait().unwrap(), Ok(()));
        let expected = [
            "/user/parent/child/leaf",
            "/user/parent",
            "/user/parent/child",
        ];
        assert_eq!(cycle_of(&errors.lock().unwrap()[0]), expected);
        in_no_time(sim);
    });
}

#[test]
fn s5_6_a_setup_that_asks_its_parent_by_way_of_another_actor_closes_a_cycle() {
    for workers in [1, 2] {
        Sim::builder().workers(workers).check(0..50, |sim| {
            let parent = sim.spawn_on(0, "parent", told()).unwrap();
            let other = sim.spawn_on(workers - 1, "other", told()).unwrap();
            let errors = Errors::default();
            let heard = Arc::clone(&errors);
            let child: Props<Told> = Props::new(move || {
                let heard = Arc::clone(&heard);
                Behavior::setup(move |_ctx| {
                    let asked = tell(other, move |_, reply| {
                        parent.ask(nothing, HOUR).wait_for(reply)?
                    });
                    heard.lock().unwrap().extend(asked.wait()?.err());
                    Ok(Behavior::empty())
                })
            });
            let started = tell(parent, move |ctx, _| {
                ctx.spawn("child", child).unwrap();
                Ok(())
            });
            assert_eq!(started.wait().unwrap(), Ok(()));
            let expected = ["/user/other", "/user/parent", "/user/parent/child"];
            assert_eq!(cycle_of(&errors.lock().unwrap()[0]), expected);
            in_no_time(sim);
        });
    }
}

#[test]
fn s5_6_who_starts_an_actor_anywhere_and_is_asked_by_it_meanwhile_closes_a_cycle() {
    for (worker, stack_size) in [(0, 128 << 10), (1, 128 << 10), (1, 1 << 20)] {
        Sim::builder().workers(2).check(0..50, |sim| {
            let starter = sim.spawn_on(0, "starter", told()).unwrap();
            let node = sim.node(0);
            let errors = Errors::default();
            let started = asks_in_setup(starter, &errors).stack_size(stack_size);
            let begun = tell(starter, move |_, _| {
                node.spawn_on(worker, "started", started).unwrap();
                Ok(())
            });
            assert_eq!(begun.wait().unwrap(), Ok(()));
            let errors = errors.lock().unwrap();
            assert_eq!(cycle_of(&errors[0]), ["/user/started", "/user/starter"]);
            in_no_time(sim);
        });
    }
}

#[test]
fn s5_6_word_of_a_start_that_comes_behind_the_question_that_it_leads_to_closes_the_cycle() {
    Sim::builder().workers(3).check(0..300, |sim| {
        let starter = sim.spawn_on(0, "starter", told()).unwrap();
        let other = sim.spawn_on(2, "other", told()).unwrap();
        let (node, errors) = (sim.node(0), Errors::default());
        let heard = Arc::clone(&errors);
        let started: Props<Told> = Props::new(move || {
            let heard = Arc::clone(&heard);
            Behavior::setup(move |_ctx| {
                let asked = tell(other, move |_, reply| {
                    starter.ask(nothing, HOUR).wait_for(reply)?
                });
                heard.lock().unwrap().extend(asked.wait()?.err());
                Ok(Behavior::empty())
            })
        });
        let begun = tell(starter, move |_, _| {
            node.spawn_on(1, "started", started).unwrap();
            Ok(())
        });
        assert_eq!(begun.wait().unwrap(), Ok(()));
        let expected = ["/user/other", "/user/starter", "/user/started"];
        assert_eq!(cycle_of(&errors.lock().unwrap()[0]), expected);
        in_no_time(sim);
    });
}

#[test]
fn s5_6_a_question_that_is_handed_on_to_whoever_waits_for_its_answer_is_told_at_once() {
    for workers in [1, 2, 3] {
        Sim::builder().workers(workers).check(0..100, |sim| {
            let asking = sim.spawn_on(0, "asking", told()).unwrap();
            let desk = sim.spawn_on(1 % workers, "desk", desk(asking)).unwrap();
            let other = sim.spawn_on(2 % workers, "other", told()).unwrap();
            let asked = tell(asking, move |_, _| desk.ask(|reply| reply, HOUR).wait()?);
            let error = asked.wait().unwrap().unwrap_err();
            assert_eq!(cycle_of(&error), ["/user/asking"]);
            // By way of one more.
            let asked = tell(asking, move |_, _| {
                let asked = tell(other, move |_, reply| {
                    desk.ask(|reply| reply, HOUR).wait_for(reply)?
                });
                asked.wait()?
            });
            let error = asked.wait().unwrap().unwrap_err();
            assert_eq!(cycle_of(&error), ["/user/other", "/user/asking"]);
            in_no_time(sim);
        });
    }
}

#[test]
fn s5_6_a_question_that_is_handed_on_elsewhere_closes_a_certain_cycle_however_quick_word_of_it_is()
{
    // The one who asks, the desk, and the one who has the question then: each on its own worker.
    Sim::builder().workers(3).check(0..1000, |sim| {
        let asking = sim.spawn_on(0, "asking", told()).unwrap();
        let other = sim.spawn_on(2, "other", told()).unwrap();
        let desk = sim.spawn_on(1, "desk", desk(other)).unwrap();
        let ended = tell(other, move |ctx, _| {
            // It waits for the asker, whatever that waits for, before the question comes.
            ctx.sleep(Duration::from_millis(1))?;
            asking.ask(nothing, HOUR).wait()?
        });
        let asked = tell(asking, move |ctx, _| {
            ctx.sleep(Duration::from_millis(2))?;
            desk.ask(|reply| reply, HOUR).wait()?
        });
        let error = asked.wait().unwrap().unwrap_err();
        assert_eq!(cycle_of(&error), ["/user/asking", "/user/other"]);
        assert_eq!(ended.wait(), Ok(Ok(())));
        in_no_time(sim);
    });
}

/// Hands every question on to that one.
fn desk(to: ActorRef<Told>) -> Props<Reply<Ended>> {
    Props::new(move || {
        Behavior::receive(move |_ctx, reply: Reply<Ended>| reply.forward(to, nothing))
    })
}

#[test]
fn s5_6_a_start_that_is_asked_for_something_and_ends_is_no_cycle() {
    // The setup waits for one that answers, while others wait for it and for its parent.
    for workers in [1, 2] {
        Sim::builder().workers(workers).check(0..100, |sim| {
            let other = sim.spawn_on(workers - 1, "other", told()).unwrap();
            let parent = sim.spawn_on(0, "parent", told()).unwrap();
            let errors = Errors::default();
            let child = asks_in_setup(other, &errors);
            let started = tell(parent, move |ctx, _| {
                let child = ctx.spawn("child", child).unwrap();
                tell(child, move |_, reply| {
                    other.ask(nothing, HOUR).wait_for(reply)?
                })
                .wait()?
            });
            let others: Vec<_> = (0..3)
                .map(|_| {
                    tell(
                        other,
                        move |ctx, _| Ok(ctx.sleep(Duration::from_millis(1))?),
                    )
                })
                .collect();
            assert_eq!(parent.ask(nothing, HOUR).wait(), Ok(Ok(())));
            assert_eq!(started.wait(), Ok(Ok(())));
            assert!(others.into_iter().all(|other| other.wait() == Ok(Ok(()))));
            assert_eq!(errors.lock().unwrap().len(), 0);
        });
    }
}

/// Fails to start, and leaves a child behind that asks that one, and notes how that has ended.
fn fails_to_start(asked: ActorRef<Told>, errors: &Errors, pause: u64) -> Props<Told> {
    let errors = Arc::clone(errors);
    let leaf = Props::new(move || {
        let errors = Arc::clone(&errors);
        Behavior::receive(move |_ctx, ()| {
            let answer = asked.ask(nothing, HOUR).wait();
            errors.lock().unwrap().extend(answer.err());
        })
    });
    Props::new(move || {
        let leaf = leaf.clone();
        Behavior::setup(move |ctx| {
            ctx.spawn("idle", told())?;
            ctx.spawn("leaf", leaf)?.tell(());
            ctx.sleep(Duration::from_millis(pause))?;
            Err("planned".into())
        })
    })
}

#[test]
fn s5_6_what_a_failed_start_leaves_behind_is_told_that_it_asks_whoever_waits_for_its_end() {
    // Where the child is started, on which stack, and whether its own child asks before or after it has
    // failed.
    let ways = [(0, None), (0, Some(1 << 20)), (1, None), (1, Some(1 << 20))];
    for ((worker, stack_size), pause) in ways.into_iter().flat_map(|way| [(way, 0), (way, 1)]) {
        Sim::builder().workers(2).check(0..50, |sim| {
            let starter = sim.spawn_on(0, "starter", told()).unwrap();
            let node = sim.node(0);
            let errors = Errors::default();
            let child = fails_to_start(starter, &errors, pause);
            let child = match stack_size {
                Some(bytes) => child.stack_size(bytes),
                None => child,
            };
            let begun = tell(starter, move |_, _| {
                let started = node.spawn_on(worker, "child", child);
                assert!(matches!(started, Err(SpawnError::Failed(_))));
                Ok(())
            });
            assert_eq!(begun.wait(), Ok(Ok(())));
            let errors = errors.lock().unwrap();
            assert_eq!(cycle_of(&errors[0]), ["/user/child/leaf", "/user/starter"]);
            in_no_time(sim);
        });
    }
}

#[test]
fn s5_6_who_waits_last_for_what_a_failed_start_leaves_behind_closes_a_cycle() {
    for workers in [1, 2, 3] {
        Sim::builder().workers(workers).check(0..100, |sim| {
            let parent = sim.spawn_on(0, "parent", told()).unwrap();
            let other = sim.spawn_on(workers - 1, "other", told()).unwrap();
            let errors = Errors::default();
            let child = fails_to_start(other, &errors, 1);
            let asked = tell(other, move |ctx, _| {
                ctx.sleep(Duration::from_millis(4))?;
                parent.ask(nothing, HOUR).wait()?
            });
            sim.run_for(Duration::from_millis(1));
            let started = tell(parent, move |ctx, _| {
                assert!(ctx.spawn("child", child).is_err());
                Ok(())
            });
            let error = asked.wait().unwrap().unwrap_err();
            let expected = ["/user/other", "/user/parent", "/user/parent/child/leaf"];
            assert_eq!(cycle_of(&error), expected);
            assert_eq!(started.wait(), Ok(Ok(())));
            assert_eq!(errors.lock().unwrap().len(), 0, "it is answered then");
            in_no_time(sim);
        });
    }
}

#[test]
fn s5_6_a_pool_of_threads_finds_cycles_of_starts_too() {
    let _watchdog = watchdog();
    with_pools(|pool| {
        let starter = pool.spawn_on(0, "starter", told()).unwrap();
        for worker in 0..pool.workers() {
            let (node, errors) = (pool.node(), Errors::default());
            let started = asks_in_setup(starter, &errors);
            let begun = tell(starter, move |_, _| {
                node.spawn_on(worker, &format!("started-{worker}"), started)
                    .unwrap();
                Ok(())
            });
            assert_eq!(begun.wait().unwrap(), Ok(()));
            let named = format!("/user/started-{worker}");
            let errors = errors.lock().unwrap();
            assert_eq!(cycle_of(&errors[0]), [&*named, "/user/starter"]);
        }
    });
}

// ---- tasks ------------------------------------------------------------------------------------------

#[track_caller]
fn assert_through_task(error: &AskError, names: [&str; 2]) {
    let cycle = cycle_of(error);
    let fits = |(path, name): (&String, &str)| path.starts_with(name);
    assert_eq!(cycle.len(), 2, "{cycle:?}");
    assert!(cycle.iter().zip(names).all(fits), "{cycle:?}");
}

#[test]
fn s5_6_a_task_that_asks_the_actor_that_waits_for_it_is_told_at_once() {
    // Whichever of the two begins to wait first.
    for late in [0, 1] {
        check_calm(0..50, |sim| {
            let actor = sim.spawn("actor", told()).unwrap();
            let asked = tell(actor, move |ctx, _| {
                let task = ctx.spawn_task(move |task: &mut TaskContext<'_, Told>| {
                    let answer = task.actor().ask(nothing, HOUR).wait();
                    answer.and_then(|ended| ended)
                });
                for _ in 0..late * 2 {
                    ctx.yield_now()?;
                }
                task.wait().expect("it returns")
            });
            let error = asked.wait().unwrap().unwrap_err();
            assert_through_task(&error, ["/user/actor/$task-", "/user/actor"]);
            in_no_time(sim);
        });
    }
}

#[test]
fn s5_6_tasks_that_wait_for_each_other_are_told_at_once() {
    type Handles = Rc<RefCell<Vec<Option<Task<Result<(), TaskError>>>>>>;
    for tasks in [1, 2, 5] {
        check_calm(0..50, |sim| {
            let actor = sim.spawn("actor", told()).unwrap();
            let heard: Arc<Mutex<Vec<TaskError>>> = Arc::default();
            let log = Arc::clone(&heard);
            let asked = tell(actor, move |ctx, _| {
                let handles = Handles::default();
                let spawned = (0..tasks).map(|place| {
                    let (handles, log) = (Rc::clone(&handles), Arc::clone(&log));
                    Some(ctx.spawn_task(move |_: &mut TaskContext<'_, Told>| {
                        let next = handles.borrow_mut()[(place + 1) % tasks].take();
                        let ended = next.unwrap().wait();
                        log.lock().unwrap().extend(ended.clone().err());
                        ended.and_then(|ended| ended)
                    }))
                });
                let spawned = spawned.collect();
                *handles.borrow_mut() = spawned;
                Ok(ctx.sleep(Duration::from_millis(1))?)
            });
            assert_eq!(asked.wait(), Ok(Ok(())));
            let heard = heard.lock().unwrap();
            let [TaskError::Deadlock(cycle)] = &heard[..] else {
                panic!("one of them is told: {heard:?}");
            };
            assert!(cycle.is_certain());
            assert_eq!(cycle.links().len(), tasks);
            in_no_time(sim);
        });
    }
}

#[test]
fn s5_6_what_waits_for_a_task_that_was_cancelled_is_no_cycle() {
    for workers in [1, 2] {
        Sim::builder().workers(workers).check(0..100, |sim| {
            let actor = sim.spawn_on(0, "actor", told()).unwrap();
            let other = sim.spawn_on(workers - 1, "other", told()).unwrap();
            let answered = tell(other, move |ctx, _| {
                ctx.sleep(Duration::from_millis(2))?;
                actor.ask(nothing, HOUR).wait()?
            });
            sim.run_for(Duration::from_millis(1));
            let asked = tell(actor, move |ctx, _| {
                let task = ctx.spawn_task(move |_: &mut TaskContext<'_, Told>| {
                    let _ = other.ask(nothing, HOUR).wait();
                });
                ctx.sleep(Duration::from_millis(4))?;
                task.cancel();
                assert_eq!(task.wait(), Err(TaskError::Cancelled));
                Ok(())
            });
            assert_eq!(asked.wait(), Ok(Ok(())));
            assert_eq!(answered.wait(), Ok(Ok(())), "its actor goes on");
            in_no_time(sim);
        });
    }
}

#[test]
fn s5_6_a_task_whose_question_comes_back_to_its_actor_closes_a_cycle() {
    for workers in [1, 2] {
        Sim::builder().workers(workers).check(0..50, |sim| {
            let actor = sim.spawn_on(0, "actor", told()).unwrap();
            let other = sim.spawn_on(workers - 1, "other", told()).unwrap();
            let asked = tell(actor, move |ctx, _| {
                let task = ctx.spawn_task(move |_: &mut TaskContext<'_, Told>| {
                    let asked = tell(other, move |_, reply| {
                        actor.ask(nothing, HOUR).wait_for(reply)?
                    });
                    asked.wait().and_then(|ended| ended)
                });
                task.wait().expect("it returns")
            });
            let error = asked.wait().unwrap().unwrap_err();
            let cycle = cycle_of(&error);
            assert_eq!(cycle[..2], ["/user/other", "/user/actor"]);
            assert!(cycle[2].starts_with("/user/actor/$task-"), "{cycle:?}");
            in_no_time(sim);
        });
    }
}

#[test]
fn s5_6_a_task_that_asks_its_actor_while_that_goes_on_is_answered() {
    check_calm(0..50, |sim| {
        let actor = sim.spawn("actor", told()).unwrap();
        let answers = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&answers);
        let asked = tell(actor, move |ctx, _| {
            drop(ctx.spawn_task(move |task: &mut TaskContext<'_, Told>| {
                let answer = task.actor().ask(nothing, HOUR).wait();
                heard.lock().unwrap().push(answer);
            }));
            Ok(ctx.sleep(Duration::from_millis(1))?)
        });
        assert_eq!(asked.wait(), Ok(Ok(())));
        sim.run_until_idle();
        assert_eq!(*answers.lock().unwrap(), [Ok(Ok(()))]);
    });
}

// ---- futures ----------------------------------------------------------------------------------------

/// Waits for that in a handler of `first`, which the other one asks on behalf of it.
fn through_future<F>(
    workers: usize,
    future: impl Fn(ActorRef<Told>, ActorRef<Told>) -> F + Copy + Send + Sync + 'static,
) where
    F: Future<Output = Result<Ended, AskError>> + 'static,
{
    Sim::builder().workers(workers).check(0..50, |sim| {
        let first = sim.spawn_on(0, "first", told()).unwrap();
        let second = sim.spawn_on(workers - 1, "second", told()).unwrap();
        let asked = tell(first, move |ctx, _| {
            let answer = ctx.block_on(future(first, second))?;
            answer?
        });
        let error = asked.wait().unwrap().unwrap_err();
        assert_eq!(cycle_of(&error), ["/user/second", "/user/first"]);
        in_no_time(sim);
    });
}

/// The second one is asked, and asks the first one on behalf of that.
fn there_and_back(first: ActorRef<Told>, second: ActorRef<Told>) -> Ask<Ended> {
    tell(second, move |_, reply| {
        first.ask(nothing, HOUR).wait_for(reply)?
    })
}

#[test]
fn s5_6_an_ask_that_is_awaited_in_a_handler_is_part_of_a_cycle_too() {
    for workers in [1, 2] {
        through_future(workers, there_and_back);
        through_future(workers, |first, second| {
            there_and_back(first, second).map(|answer| answer)
        });
        through_future(workers, |first, second| async move {
            // One after the other.
            second.ask(nothing, HOUR).await??;
            there_and_back(first, second).await
        });
    }
}

#[test]
fn s5_6_who_awaits_an_answer_from_itself_is_told_at_once() {
    check_calm(0..50, |sim| {
        let actor = sim.spawn("actor", told()).unwrap();
        let asked = tell(actor, move |ctx, _| {
            let own = ctx.self_ref();
            ctx.block_on(async move { own.ask(nothing, HOUR).await })??
        });
        let error = asked.wait().unwrap().unwrap_err();
        assert_eq!(cycle_of(&error), ["/user/actor"]);
        // In a task, of the actor that waits for it.
        let asked = tell(actor, move |ctx, _| {
            let task = ctx.spawn_task(move |task: &mut TaskContext<'_, Told>| {
                let asked = task.actor().ask(nothing, HOUR);
                task.block_on(asked).unwrap().and_then(|ended| ended)
            });
            task.wait().expect("it returns")
        });
        let error = asked.wait().unwrap().unwrap_err();
        assert_through_task(&error, ["/user/actor/$task-", "/user/actor"]);
        in_no_time(sim);
    });
}

enum Flood {
    Begin(ActorRef<Flood>),
    Drop,
}

/// Sends a message to an actor whose mailbox may be full.
type SendOne = fn(&mut Context<'_, Flood>, ActorRef<Flood>) -> Result<(), SendError<Flood>>;

/// Has two actors send into each other's small mailboxes, until one of them is told that it cannot be.
fn flood_each_other(send_one: SendOne) {
    let flooder = |log: &Arc<Mutex<Vec<String>>>| {
        let log = Arc::clone(log);
        let bound = Mailbox::bounded(2, Overflow::Backpressure).unwrap();
        Props::new(move || {
            let log = Arc::clone(&log);
            Behavior::receive(move |ctx, message| {
                if let Flood::Begin(other) = message {
                    let mut sent = (0..6).map(|_| send_one(ctx, other));
                    if let Some(error) = sent.find_map(Result::err) {
                        log.lock().unwrap().push(error.to_string());
                    }
                }
            })
        })
        .mailbox(bound)
    };
    let met = AtomicU64::new(0);
    for workers in [1, 2] {
        Sim::builder().workers(workers).check(0..200, |sim| {
            let log = Arc::default();
            let a = sim.spawn_on(0, "a", flooder(&log)).unwrap();
            let b = sim.spawn_on(workers - 1, "b", flooder(&log)).unwrap();
            a.tell(Flood::Begin(b));
            b.tell(Flood::Begin(a));
            sim.run_until_idle();
            let log = log.lock().unwrap();
            assert!(log.len() <= 1, "{log:?}");
            let told = |text: &String| text.contains("a deadlock");
            assert!(log.iter().all(told), "{log:?}");
            assert_eq!(sim.waiting(), [], "nobody waits for ever");
            met.fetch_add(log.len() as u64, Relaxed);
        });
    }
    let met = met.into_inner();
    assert!(met > 50, "they have met {met} times");
}

#[test]
fn s5_6_two_full_mailboxes_that_wait_for_each_other_are_told_at_once() {
    flood_each_other(|_ctx, other| other.send(Flood::Drop));
}

#[test]
fn s5_6_two_full_mailboxes_that_are_awaited_for_room_are_told_at_once() {
    flood_each_other(|ctx, other| ctx.block_on(other.send_async(Flood::Drop)).unwrap());
}

#[test]
fn s5_6_who_tells_itself_something_while_it_waits_for_a_future_has_that_next() {
    Sim::builder().check(0..200, |sim| {
        let seen: Arc<Mutex<Vec<u32>>> = Arc::default();
        let log = Arc::clone(&seen);
        let itself = Props::new(move || {
            let log = Arc::clone(&log);
            Behavior::receive(move |ctx, number: u32| {
                if number < 3 {
                    let me = ctx.self_ref();
                    ctx.block_on(async move { me.tell(number + 1) })?;
                }
                log.lock().unwrap().push(number);
                Ok::<_, BoxError>(())
            })
        });
        sim.spawn("itself", itself).unwrap().tell(1);
        sim.run_until_idle();
        assert_eq!(*seen.lock().unwrap(), [1, 2, 3]);
    });
}

#[test]
fn s5_6_a_future_that_something_else_can_wake_is_no_part_of_a_cycle() {
    for workers in [1, 2] {
        Sim::builder().workers(workers).check(0..50, |sim| {
            let first = sim.spawn_on(0, "first", told()).unwrap();
            let second = sim.spawn_on(workers - 1, "second", told()).unwrap();
            let (wake, woken) = tokio::sync::oneshot::channel::<()>();
            let asked = tell(first, move |ctx, _| {
                let asked = there_and_back(first, second);
                let either = futures_util::future::select(asked, woken);
                ctx.block_on(either)?;
                Ok(())
            });
            sim.run_for(Duration::from_secs(1));
            wake.send(()).unwrap();
            assert_eq!(asked.wait(), Ok(Ok(())));
        });
    }
}
