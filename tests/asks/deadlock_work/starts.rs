//! Cycles through the start of an actor.

use super::{Ended, HOUR, Told, cycle_of, handle, in_no_time, nothing, tell, told};
use crate::common::{check_calm, watchdog, with_pools};
use nexus_actors::SpawnError;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Errors = Arc<Mutex<Vec<AskError>>>;

/// Asks that actor in its setup, records the outcome, and starts.
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
                        parent.ask(nothing, HOUR).wait_on_behalf_of(reply)?
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
                    starter.ask(nothing, HOUR).wait_on_behalf_of(reply)?
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
fn s5_6_a_question_that_is_forwarded_to_a_waiter_for_its_answer_is_told_at_once() {
    for workers in [1, 2, 3] {
        Sim::builder().workers(workers).check(0..100, |sim| {
            let asking = sim.spawn_on(0, "asking", told()).unwrap();
            let desk = sim.spawn_on(1 % workers, "desk", desk(asking)).unwrap();
            let other = sim.spawn_on(2 % workers, "other", told()).unwrap();
            let asked = tell(asking, move |_, _| desk.ask(|reply| reply, HOUR).wait()?);
            let error = asked.wait().unwrap().unwrap_err();
            assert_eq!(cycle_of(&error), ["/user/asking"]);
            // Through one more actor.
            let asked = tell(asking, move |_, _| {
                let asked = tell(other, move |_, reply| {
                    desk.ask(|reply| reply, HOUR).wait_on_behalf_of(reply)?
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
    // The asker, the desk, and the actor that the question is forwarded to: each on its own worker.
    Sim::builder().workers(3).check(0..1000, |sim| {
        let asking = sim.spawn_on(0, "asking", told()).unwrap();
        let other = sim.spawn_on(2, "other", told()).unwrap();
        let desk = sim.spawn_on(1, "desk", desk(other)).unwrap();
        let ended = tell(other, move |ctx, _| {
            // It waits for the asker, whatever the asker waits for, before the question arrives.
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

/// Forwards every question to that actor.
fn desk(to: ActorRef<Told>) -> Props<Reply<Ended>> {
    Props::new(move || {
        Behavior::receive(move |_ctx, reply: Reply<Ended>| reply.forward(to, nothing))
    })
}

#[test]
fn s5_6_a_start_that_is_asked_for_something_and_ends_is_no_cycle() {
    // The setup waits for an actor that answers, while others wait for the setup and for its parent.
    for workers in [1, 2] {
        Sim::builder().workers(workers).check(0..100, |sim| {
            let other = sim.spawn_on(workers - 1, "other", told()).unwrap();
            let parent = sim.spawn_on(0, "parent", told()).unwrap();
            let errors = Errors::default();
            let child = asks_in_setup(other, &errors);
            let started = tell(parent, move |ctx, _| {
                let child = ctx.spawn("child", child).unwrap();
                tell(child, move |_, reply| {
                    other.ask(nothing, HOUR).wait_on_behalf_of(reply)?
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

/// Fails to start, and leaves a child behind that asks that actor and records the outcome.
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
fn s5_6_a_child_left_by_a_failed_start_is_told_that_it_asks_the_waiter_for_its_end() {
    // On which worker and stack the child is started, and whether its own child asks before or
    // after the child has failed.
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
            assert_eq!(
                cycle_of(&errors[0]),
                ["/user/child/leaf", "/user/starter", "/user/child"]
            );
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
            let child = "/user/parent/child";
            let expected = [
                "/user/other",
                "/user/parent",
                child,
                "/user/parent/child/leaf",
            ];
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
