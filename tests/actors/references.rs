//! Actors and the references to them: one message at a time, order, names, paths and starts.

use crate::common::*;
use nexus_actors::actor::TellError;
use nexus_actors::address::NameError;
use nexus_actors::failure::{Cause, Stage};
use nexus_actors::prelude::*;
use nexus_actors::{ActorPath, DeadLetterReason, LookupError, SendError, SpawnError};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

enum Sum {
    Add(u64),
    Get(Reply<u64>),
}

fn sum() -> Props<Sum> {
    Props::new(|| {
        Behavior::with_state(0, |total, _ctx, message| match message {
            Sum::Add(number) => *total += number,
            Sum::Get(reply) => reply.send(*total),
        })
    })
}

fn total(actor: ActorRef<Sum>) -> u64 {
    actor.ask(Sum::Get, SOON).wait().expect("it answers")
}

#[test]
fn s1_1_an_actor_handles_one_message_to_the_end_before_the_next_also_when_it_waits() {
    with_pools(|pool| {
        let inside = Arc::new(AtomicBool::new(false));
        let helper = pool.spawn("helper", echo(|| ())).unwrap();
        let actor = pool
            .spawn(
                "actor",
                Props::new(move || {
                    let inside = Arc::clone(&inside);
                    Behavior::with_state(0_u32, move |handled, ctx, done: Option<Reply<u32>>| {
                        assert!(!inside.swap(true, SeqCst), "nobody else is inside");
                        ctx.yield_now()?;
                        helper.ask(|reply| reply, SOON).wait()?;
                        *handled += 1;
                        inside.store(false, SeqCst);
                        if let Some(reply) = done {
                            reply.send(*handled);
                        }
                        Ok(())
                    })
                }),
            )
            .unwrap();
        (0..99).for_each(|_| actor.tell(None));
        assert_eq!(actor.ask(Some, SOON).wait(), Ok(100));
    });
}

#[test]
fn s1_2_state_need_not_be_send_and_is_built_and_dropped_on_its_worker() {
    struct Local(Rc<RefCell<Vec<u8>>>, mpsc::Sender<String>);
    impl Drop for Local {
        fn drop(&mut self) {
            let thread = thread::current().name().unwrap_or_default().to_owned();
            self.1.send(thread).unwrap();
        }
    }
    let (tell, told) = mpsc::channel();
    with_pool(pool_of(2).name("local"), |pool| {
        let tell = tell.clone();
        let props = Props::new(move || {
            tell.send(thread::current().name().unwrap_or_default().to_owned())
                .unwrap();
            let state = Local(Rc::default(), tell.clone());
            Behavior::with_state(state, |state, _ctx, reply: Reply<usize>| {
                state.0.borrow_mut().push(1);
                reply.send(state.0.borrow().len());
            })
        });
        let actor = pool.spawn_on(1, "actor", props).unwrap();
        assert_eq!(actor.ask(|reply| reply, SOON).wait(), Ok(1));
        assert_eq!(actor.ask(|reply| reply, SOON).wait(), Ok(2));
    });
    drop(tell);
    assert_eq!(told.iter().collect::<Vec<_>>(), ["local-1", "local-1"]);
}

#[test]
fn s1_2_every_start_makes_fresh_state() {
    with_pools(|pool| {
        let props = sum();
        let first = pool.spawn("first", props.clone()).unwrap();
        first.tell(Sum::Add(5));
        assert_eq!(total(first), 5);
        let second = pool.spawn("second", props.clone()).unwrap();
        assert_eq!(total(second), 0);
        first.stop();
        gone(pool, "/user/first");
        let again = pool.spawn("first", props).unwrap();
        assert_eq!((total(again), total(second)), (0, 0));
    });
}

#[test]
fn s1_3_a_reference_is_a_small_value_that_names_one_incarnation() {
    fn is_value<T: Copy + Send + Sync + Eq + std::hash::Hash + std::fmt::Debug>(_: T) {}
    assert_eq!(size_of::<ActorRef<Sum>>(), 16);
    with_pools(|pool| {
        let old = pool.spawn("same", sum()).unwrap();
        is_value(old);
        assert_eq!(old, pool.lookup::<Sum>("/user/same").unwrap());
        old.stop();
        gone(pool, "/user/same");
        let new = pool.spawn("same", sum()).unwrap();
        assert_ne!(old, new);
        assert_eq!(HashSet::from([old, old, new]).len(), 2);
        old.tell(Sum::Add(1));
        old.stop();
        assert_eq!(total(new), 0, "a stale reference reaches nobody");
        assert!(old.ask(Sum::Get, SOON).wait().is_err());
        assert_eq!(total(new), 0, "nor stops anybody");
    });
}

#[test]
fn s1_3_a_stale_reference_does_not_reach_an_actor_of_another_type_in_the_same_slot() {
    with_pool(pool_of(1), |pool| {
        let old = pool
            .spawn("old", Props::new(|| Behavior::receive(|_ctx, _: u64| ())))
            .unwrap();
        old.stop();
        gone(pool, "/user/old");
        for number in 0..50 {
            let new = pool
                .spawn(&format!("new-{number}"), echo(String::new))
                .unwrap();
            old.tell(u64::MAX);
            assert_eq!(new.ask(|reply| reply, SOON).wait(), Ok(String::new()));
            new.stop();
            gone(pool, &format!("/user/new-{number}"));
        }
        assert_eq!(pool.stats().dead_letters, 50);
    });
}

#[test]
fn s1_4_what_cannot_be_delivered_becomes_a_dead_letter_or_is_given_back() {
    with_pools(|pool| {
        let stopped = pool
            .spawn(
                "stopped",
                Props::new(|| Behavior::receive(|_ctx, _: String| ())),
            )
            .unwrap();
        stopped.try_tell("in time".into()).unwrap();
        stopped.stop();
        gone(pool, "/user/stopped");
        stopped.tell("late".into());
        let worker = stopped.id().worker();
        let near = pool
            .spawn_on(
                worker,
                "near",
                Props::new(move || {
                    Behavior::receive(move |_ctx, reply: Reply<String>| {
                        let refused = stopped.try_tell("late".into()).unwrap_err();
                        assert!(matches!(refused, TellError::Stopped(_)));
                        reply.send(refused.into_message());
                    })
                }),
            )
            .unwrap();
        assert_eq!(near.ask(|reply| reply, SOON).wait().unwrap(), "late");
        eventually("the dead letter", || {
            pool.dead_letters().count(DeadLetterReason::Stopped) == 1
        });
    });
    let orphan = with_pool(pool_of(1), |pool| {
        pool.spawn("orphan", Props::new(|| Behavior::receive(|_ctx, _: u8| ())))
            .unwrap()
    });
    let refused = orphan.try_tell(3).unwrap_err();
    assert_eq!(refused, TellError::PoolClosed(3));
    orphan.tell(4);
}

/// A message that is not `Clone`, so it must be the same one that comes back.
#[derive(Debug, PartialEq)]
struct Parcel(u32);

/// Takes one parcel, records it, and stops.
fn takes_one(log: &Log) -> Props<Parcel> {
    let log = log.clone();
    Props::new(move || {
        let log = log.clone();
        Behavior::receive(move |_ctx, Parcel(number)| {
            log.add(number.to_string());
            Next::Stop
        })
    })
}

#[test]
fn s1_4_send_says_for_certain_and_gives_the_message_back() {
    with_pools(|pool| {
        for worker in 0..pool.workers() {
            let log = Log::default();
            let name = format!("one-{worker}");
            let target = pool.spawn_on(worker, &name, takes_one(&log)).unwrap();
            assert!(target.send(Parcel(1)).is_ok());
            gone(pool, &format!("/user/{name}"));
            let refused = target.send_timeout(Parcel(2), SOON).unwrap_err();
            assert!(matches!(&refused, SendError::Stopped(_)), "{refused:?}");
            assert_eq!(refused.into_message(), Parcel(2));

            // The same from a handler, on each worker.
            for from in 0..pool.workers() {
                let sender = Props::new(move || {
                    Behavior::receive(move |_ctx, reply: Reply<bool>| {
                        reply.send(matches!(
                            target.send(Parcel(3)),
                            Err(SendError::Stopped(Parcel(3)))
                        ));
                    })
                });
                let sender = pool.spawn_on(from, &format!("from-{worker}-{from}"), sender);
                let answer = sender.unwrap().ask(|reply| reply, SOON).wait();
                assert_eq!(answer, Ok(true));
            }
            assert_eq!(log.lines(), ["1"]);
        }
    });
    let log = Log::default();
    let orphan = with_pool(pool_of(1), |pool| {
        pool.spawn("orphan", takes_one(&log)).unwrap()
    });
    let refused = orphan.send(Parcel(4)).unwrap_err();
    assert!(matches!(refused, SendError::PoolClosed(Parcel(4))));
}

#[test]
fn s1_4_send_timeout_gives_up_on_a_worker_that_does_not_answer() {
    with_pool(pool_of(2), |pool| {
        let (entered, entry) = mpsc::channel();
        let (leave, exit) = mpsc::channel::<()>();
        let exit = std::sync::Mutex::new(Some(exit));
        let busy = Props::new(move || {
            let (entered, exit) = (entered.clone(), exit.lock().unwrap().take().unwrap());
            Behavior::receive(move |_ctx, ()| {
                entered.send(()).unwrap();
                exit.recv().unwrap();
            })
        });
        let busy = pool.spawn_on(0, "busy", busy).unwrap();
        busy.tell(());
        entry.recv().unwrap();
        let short = Duration::from_millis(1);
        assert!(matches!(
            busy.send_timeout((), short),
            Err(SendError::Timeout(()))
        ));
        let sender = Props::new(move || {
            Behavior::receive(move |_ctx, reply: Reply<bool>| {
                reply.send(matches!(
                    busy.send_timeout((), short),
                    Err(SendError::Timeout(()))
                ));
            })
        });
        let sender = pool.spawn_on(1, "sender", sender).unwrap();
        assert_eq!(sender.ask(|reply| reply, SOON).wait(), Ok(true));
        leave.send(()).unwrap();
    });
}

#[test]
fn s1_5_the_same_calls_work_from_a_handler_another_worker_and_a_thread_outside() {
    with_pools(|pool| {
        let target = pool.spawn("target", sum()).unwrap();
        let user = move || {
            target.tell(Sum::Add(1));
            target.try_tell(Sum::Add(1)).unwrap();
            assert!(target.ask(Sum::Get, SOON).wait().unwrap() >= 2);
        };
        user();
        thread::spawn(user).join().unwrap();
        for worker in 0..pool.workers() {
            let caller = pool
                .spawn_on(
                    worker,
                    &format!("caller-{worker}"),
                    Props::new(move || {
                        Behavior::receive(move |_ctx, reply: Reply<()>| {
                            user();
                            reply.send(());
                        })
                    }),
                )
                .unwrap();
            caller.ask(|reply| reply, SOON).wait().unwrap();
        }
        assert_eq!(total(target), 4 + 2 * pool.workers() as u64);
    });
}

/// A number of a sender's messages.
struct Numbered(usize, u64);

/// Expects each sender's numbers in order, and reports how many came.
fn orderly(seen: &Arc<AtomicU64>) -> Props<Numbered> {
    let seen = Arc::clone(seen);
    Props::new(move || {
        let seen = Arc::clone(&seen);
        Behavior::with_state(
            HashMap::new(),
            move |last: &mut HashMap<usize, u64>, _ctx, Numbered(sender, number)| {
                let last = last.entry(sender).or_default();
                assert_eq!(number, *last + 1, "of sender {sender}");
                *last = number;
                seen.fetch_add(1, SeqCst);
            },
        )
    })
}

const EACH: u64 = 5_000;

/// Sends its numbers, with either method, and waits now and then.
fn sender(number: usize, target: ActorRef<Numbered>, helper: ActorRef<Reply<()>>) -> Props<()> {
    Props::new(move || {
        Behavior::receive(move |ctx, ()| {
            for count in 1..=EACH {
                if count % 2 == 0 {
                    target.tell(Numbered(number, count));
                } else {
                    assert!(target.try_tell(Numbered(number, count)).is_ok());
                }
                if count % 1000 == 0 {
                    ctx.yield_now()?;
                    helper.ask(|reply| reply, SOON).wait()?;
                }
            }
            Ok(())
        })
    })
}

fn arrive_in_order(pool: &WorkerPool, owner: usize, senders: &[usize], threads: usize) {
    let seen = Arc::new(AtomicU64::new(0));
    let target = pool.spawn_on(owner, "target", orderly(&seen)).unwrap();
    let helper = pool.spawn("helper", echo(|| ())).unwrap();
    for (number, worker) in senders.iter().enumerate() {
        let props = sender(number, target, helper);
        pool.spawn_on(*worker, &format!("sender-{number}"), props)
            .unwrap()
            .tell(());
    }
    let threads: Vec<_> = (0..threads)
        .map(|number| {
            thread::spawn(move || {
                (1..=EACH).for_each(|count| target.tell(Numbered(1000 + number, count)));
            })
        })
        .collect();
    let all = (senders.len() + threads.len()) as u64 * EACH;
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    eventually("all arrive, in order", || seen.load(SeqCst) == all);
}

#[test]
fn s1_6_messages_of_one_sender_arrive_in_order_on_one_worker() {
    with_pools(|pool| arrive_in_order(pool, 0, &[0], 0));
}

#[test]
fn s1_6_messages_of_one_sender_arrive_in_order_across_workers() {
    with_pool(pool_of(2), |pool| arrive_in_order(pool, 0, &[1], 0));
}

#[test]
fn s1_6_messages_of_a_foreign_thread_arrive_in_order() {
    with_pools(|pool| arrive_in_order(pool, 0, &[], 1));
}

#[test]
fn s1_6_messages_of_many_senders_at_once_arrive_each_in_order_and_exactly_once() {
    with_pools(|pool| {
        let senders: Vec<_> = (0..8).map(|number| number % pool.workers()).collect();
        arrive_in_order(pool, pool.workers() - 1, &senders, 4);
    });
}

#[test]
fn s1_8_actors_know_their_paths() {
    with_pools(|pool| {
        let parent = pool
            .spawn(
                "parent",
                Props::new(|| {
                    Behavior::receive(|ctx, reply: Reply<Vec<ActorPath>>| {
                        let named = ctx.spawn("child.1", paths())?;
                        let unnamed = ctx.spawn_anonymous(paths())?;
                        let mut all = vec![ctx.path()];
                        for child in [named, unnamed] {
                            all.extend(child.ask(|reply| reply, SOON).wait()?);
                        }
                        reply.send(all);
                        Ok(())
                    })
                }),
            )
            .unwrap();
        let all = parent.ask(|reply| reply, SOON).wait().unwrap();
        assert_eq!(all[0].as_str(), "/user/parent");
        assert_eq!(all[1].as_str(), "/user/parent/child.1");
        assert_eq!(all[2].as_str(), "/user/parent/child.1/leaf");
        assert!(all[3].name().starts_with('$') && all[3].is_child_of(&all[0]));
        assert_eq!(all[4].parent().as_ref(), Some(&all[3]));
        for path in &all {
            assert_eq!(&ActorPath::parse(path.as_str()).unwrap(), path);
        }
    });

    /// Replies with its path, and that of a child.
    fn paths() -> Props<Reply<Vec<ActorPath>>> {
        Props::new(|| {
            Behavior::receive(|ctx, reply: Reply<Vec<ActorPath>>| {
                let leaf = ctx.spawn(
                    "leaf",
                    Props::new(|| {
                        Behavior::receive(|ctx, reply: Reply<ActorPath>| reply.send(ctx.path()))
                    }),
                )?;
                let leaf = leaf.ask(|reply| reply, SOON).wait()?;
                reply.send(vec![ctx.path(), leaf]);
                Ok(())
            })
        })
    }
}

#[test]
fn s1_9_a_name_is_taken_while_its_actor_lives_and_free_afterwards() {
    with_pools(|pool| {
        let first = pool.spawn("name", sum()).unwrap();
        let taken = pool.spawn("name", sum()).unwrap_err();
        assert!(matches!(taken, SpawnError::NameTaken(path) if path.as_str() == "/user/name"));
        assert!(
            pool.spawn_on(pool.workers() - 1, "name", sum()).is_err(),
            "wherever it lives"
        );
        first.stop();
        gone(pool, "/user/name");
        pool.spawn("name", sum()).unwrap();
    });
}

#[test]
fn s1_9_a_name_is_taken_while_its_setup_waits() {
    with_pools(|pool| {
        let (give, replies) = mpsc::channel::<Reply<()>>();
        let keeper = pool
            .spawn(
                "keeper",
                Props::new(move || {
                    let give = give.clone();
                    Behavior::receive(move |_ctx, reply| give.send(reply).unwrap())
                }),
            )
            .unwrap();
        let slow = Props::new(move || {
            Behavior::<()>::setup(move |_ctx| {
                keeper.ask(|reply| reply, SOON).wait()?;
                Ok(Behavior::receive(|_ctx, ()| ()))
            })
        });
        let spawner = pool.clone();
        let spawned = thread::spawn(move || spawner.spawn("slow", slow).map(|_| ()));
        let reply = replies.recv().unwrap();
        assert!(matches!(
            pool.spawn("slow", sum()),
            Err(SpawnError::NameTaken(_))
        ));
        assert!(
            pool.lookup::<()>("/user/slow").is_err(),
            "it is not there yet"
        );
        reply.send(());
        spawned.join().unwrap().unwrap();
        assert!(pool.lookup::<()>("/user/slow").is_ok());
    });
}

#[test]
fn s1_9_of_many_that_spawn_one_name_at_once_one_succeeds() {
    with_pools(|pool| {
        for round in 0..20 {
            let name = format!("wanted-{round}");
            let won: usize = thread::scope(|scope| {
                let racers: Vec<_> = (0..4)
                    .map(|racer| {
                        let name = &name;
                        scope.spawn(move || {
                            pool.spawn_on(racer % pool.workers(), name, sum()).is_ok()
                        })
                    })
                    .collect();
                racers
                    .into_iter()
                    .map(|racer| usize::from(racer.join().unwrap()))
                    .sum()
            });
            assert_eq!(won, 1);
        }
    });
}

#[test]
fn s1_9_names_are_checked_and_generated_ones_differ() {
    with_pools(|pool| {
        for bad in ["", "a/b", "$1", ".", "..", "ä", "a b"] {
            assert!(
                matches!(pool.spawn(bad, sum()), Err(SpawnError::InvalidName(_))),
                "{bad:?}"
            );
        }
        let long = "x".repeat(256);
        assert!(matches!(
            pool.spawn(&long, sum()),
            Err(SpawnError::InvalidName(NameError::TooLong { .. }))
        ));
        let paths: HashSet<String> = (0..100)
            .map(|_| {
                let actor = pool
                    .spawn_anonymous(Props::new(|| {
                        Behavior::receive(|ctx, reply: Reply<String>| {
                            reply.send(ctx.path().to_string())
                        })
                    }))
                    .unwrap();
                actor.ask(|reply| reply, SOON).wait().unwrap()
            })
            .collect();
        assert_eq!(paths.len(), 100);
    });
}

#[test]
fn s1_10_a_failed_start_reaches_the_spawner_and_leaves_nothing_behind() {
    let ways: [fn() -> Behavior<()>; 6] = [
        || panic!("planned in the factory"),
        || Behavior::setup(|_ctx| Err("planned in the setup".into())),
        || Behavior::setup(|_ctx| panic!("planned in the setup")),
        || {
            Behavior::setup(|ctx| {
                ctx.self_ref().tell(());
                let child = ctx.spawn("child", sum())?;
                child.tell(Sum::Add(1));
                ctx.spawn_anonymous(sum())?;
                Err("planned after children".into())
            })
        },
        || {
            Behavior::receive(|_ctx, ()| ()).on_signal(|_ctx, _signal| -> HandlerResult<()> {
                Err("planned in PreStart".into())
            })
        },
        || {
            Behavior::receive(|_ctx, ()| ())
                .on_signal(|_ctx, _signal| -> Next<_> { panic!("planned in PreStart") })
        },
    ];
    with_pools(|pool| {
        for way in ways {
            let Err(SpawnError::Failed(failure)) = pool.spawn("failing", Props::new(way)) else {
                panic!("it fails with its cause");
            };
            assert_eq!(
                (failure.path.as_str(), failure.during),
                ("/user/failing", Stage::Starting)
            );
            let (Cause::Error(_) | Cause::Panic(_)) = failure.cause else {
                panic!("it has a cause");
            };
            assert!(failure.to_string().contains("planned"), "{failure}");
            let child = pool.lookup::<Sum>("/user/failing/child");
            assert!(matches!(child, Err(LookupError::NotFound(_))), "{child:?}");
            let next = pool
                .spawn("failing", sum())
                .expect("the name is free at once");
            next.stop();
            gone(pool, "/user/failing");
        }
        eventually("no actor is left", || pool.stats().actors() == 0);
    });
}

#[test]
fn s1_10_a_failed_start_reaches_a_parent_that_goes_on() {
    let log = Log::default();
    with_pool(pool_of(1).on_failure(log.hook()), |pool| {
        let outcome = Arc::new(Mutex::new(None));
        let told = Arc::clone(&outcome);
        let parent = pool
            .spawn(
                "parent",
                Props::new(move || {
                    let told = Arc::clone(&told);
                    Behavior::receive(move |ctx, reply: Reply<bool>| {
                        let failed = ctx.spawn(
                            "child",
                            Props::new(|| {
                                Behavior::<()>::setup(|ctx| {
                                    ctx.sleep(Duration::from_millis(1))?;
                                    Err("planned".into())
                                })
                            }),
                        );
                        *told.lock().unwrap() = failed.err().map(|error| error.to_string());
                        reply.send(ctx.spawn("child", sum()).is_ok());
                    })
                }),
            )
            .unwrap();
        assert_eq!(parent.ask(|reply| reply, SOON).wait(), Ok(true));
        assert!(
            outcome
                .lock()
                .unwrap()
                .as_ref()
                .unwrap()
                .contains("planned")
        );
    });
}
