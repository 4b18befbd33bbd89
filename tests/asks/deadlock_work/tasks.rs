//! Cycles through a task.

use super::{HOUR, Told, assert_through_task, cycle_of, in_no_time, nothing, tell, told};
use crate::common::check_calm;
use nexus_actors::Task;
use nexus_actors::actor::TaskContext;
use nexus_actors::failure::TaskError;
use nexus_actors::sim::Sim;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[test]
fn s5_6_a_task_that_asks_the_actor_that_waits_for_it_is_told_at_once() {
    // Whichever of the two waits first.
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
                        actor.ask(nothing, HOUR).wait_on_behalf_of(reply)?
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
