//! The life of an actor: signals, stops from the leaves up, failures, and the end of a pool.

use crate::common::*;
use nexus_actors::failure::{Cause, Stage};
use nexus_actors::pool::ShutdownError;
use nexus_actors::prelude::*;
use nexus_actors::supervision::StopReason;
use nexus_actors::{DeadLetterReason, SpawnError};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// A panic whose type is not `!`, so that a handler may end with it.
fn planned() {
    panic!("planned");
}

/// A family of two children in each of `depth` generations, whose members record their signals.
fn family(depth: u32, log: Log) -> Behavior<()> {
    Behavior::setup(move |ctx| {
        for number in 0..if depth == 0 { 0 } else { 2 } {
            let log = log.clone();
            ctx.spawn(
                &format!("c{number}"),
                Props::new(move || family(depth - 1, log.clone())),
            )?;
        }
        Ok(
            Behavior::receive(|_ctx, ()| ()).on_signal(move |ctx, signal| {
                ctx.sleep(Duration::from_micros(50))?;
                log.add(format!("{signal:?} {}", ctx.path()));
                Ok(())
            }),
        )
    })
}

fn assert_leaf_first(log: &Log, members: usize) {
    let lines = log.lines();
    let stops: Vec<_> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("PostStop(")?.split_once(") "))
        .map(|(_reason, path)| path)
        .collect();
    assert_eq!(stops.len(), members, "each is told once: {lines:?}");
    assert_eq!(lines.len(), 2 * members);
    for (place, stopped) in stops.iter().enumerate() {
        let inside = format!("{stopped}/");
        assert!(
            !stops[place..]
                .iter()
                .any(|later| later.starts_with(&inside)),
            "{stopped} stopped before its children"
        );
    }
}

#[test]
fn s4_2_pre_start_comes_before_the_first_message_and_post_stop_after_the_last() {
    with_pools(|pool| {
        let log = Log::default();
        let told = log.clone();
        let actor = pool
            .spawn(
                "actor",
                Props::new(move || {
                    let (first, second) = (told.clone(), told.clone());
                    Behavior::setup(move |ctx| {
                        ctx.self_ref().tell(1);
                        first.add("setup");
                        Ok(Behavior::receive(move |_ctx, number: u8| {
                            first.add(format!("{number}"))
                        }))
                    })
                    .on_signal(move |_ctx, signal| {
                        second.add(format!("{signal:?}"));
                        Ok(())
                    })
                }),
            )
            .unwrap();
        actor.tell(2);
        actor.stop();
        actor.tell(3);
        gone(pool, "/user/actor");
        assert_eq!(
            log.lines(),
            ["setup", "PreStart", "1", "2", "PostStop(Stopped)"]
        );
    });
}

#[test]
fn s4_3_a_stop_keeps_its_place_in_the_mail_from_everywhere() {
    with_pools(|pool| {
        for worker in 0..pool.workers() {
            let handled = Arc::new(AtomicU64::new(0));
            let count = Arc::clone(&handled);
            let target = pool
                .spawn(
                    "target",
                    Props::new(move || {
                        let count = Arc::clone(&count);
                        Behavior::receive(move |_ctx, ()| {
                            count.fetch_add(1, SeqCst);
                        })
                    }),
                )
                .unwrap();
            let stopper = pool
                .spawn_on(
                    worker,
                    &format!("stopper-{worker}"),
                    Props::new(move || {
                        Behavior::receive(move |_ctx, reply: Reply<()>| {
                            (0..1000).for_each(|_| target.tell(()));
                            target.stop();
                            target.stop();
                            (0..10).for_each(|_| target.tell(()));
                            reply.send(());
                        })
                    }),
                )
                .unwrap();
            let before = pool.dead_letters().count(DeadLetterReason::Stopped);
            stopper.ask(|reply| reply, SOON).wait().unwrap();
            gone(pool, "/user/target");
            assert_eq!(handled.load(SeqCst), 1000);
            eventually("the rest is lost", || {
                pool.dead_letters().count(DeadLetterReason::Stopped) == before + 10
            });
        }
    });
}

#[test]
fn s4_4_children_have_stopped_before_their_parent_is_told() {
    with_pools(|pool| {
        let log = Log::default();
        let told = log.clone();
        let top = pool
            .spawn("top", Props::new(move || family(4, told.clone())))
            .unwrap();
        top.stop();
        gone(pool, "/user/top");
        assert_leaf_first(&log, 31);
        eventually("nobody is left", || pool.stats().actors() == 0);
    });
}

#[test]
fn s4_4_a_shutdown_stops_families_from_the_leaves_up() {
    for workers in SIZES {
        let logs: Vec<Log> = (0..4).map(|_| Log::default()).collect();
        with_pool(pool_of(workers), |pool| {
            for (number, log) in logs.iter().enumerate() {
                let log = log.clone();
                pool.spawn(
                    &format!("top-{number}"),
                    Props::new(move || family(3, log.clone())),
                )
                .unwrap();
            }
        });
        logs.iter().for_each(|log| assert_leaf_first(log, 15));
    }
}

#[test]
fn s4_4_a_shutdown_lets_actors_handle_the_mail_that_they_have() {
    with_pools(|pool| {
        let handled = Arc::new(AtomicU64::new(0));
        for number in 0..10 {
            let count = Arc::clone(&handled);
            let actor = pool
                .spawn(
                    &format!("actor-{number}"),
                    Props::new(move || {
                        let count = Arc::clone(&count);
                        Behavior::receive(move |ctx, ()| {
                            ctx.yield_now()?;
                            count.fetch_add(1, SeqCst);
                            Ok(())
                        })
                    }),
                )
                .unwrap();
            (0..500).for_each(|_| actor.tell(()));
        }
        let report = finish(pool, SOON);
        assert_eq!(
            (report.forced, report.unprocessed, handled.load(SeqCst)),
            (0, 0, 5000)
        );
    });
}

#[test]
fn s4_4_what_is_left_at_the_deadline_is_stopped_by_force() {
    for workers in SIZES {
        let _watchdog = watchdog();
        let (log, failures) = (Log::default(), Log::default());
        let pool = pool_of(workers)
            .on_failure(failures.hook())
            .start()
            .unwrap();
        let (entered, entry) = mpsc::channel();
        let told = log.clone();
        let actor = pool
            .spawn(
                "actor",
                Props::new(move || {
                    let (entered, told) = (entered.clone(), told.clone());
                    let child = told.clone();
                    Behavior::setup(move |ctx| {
                        ctx.spawn("child", Props::new(move || family(0, child.clone())))?;
                        Ok(Behavior::receive(move |ctx, ()| {
                            entered.send(()).unwrap();
                            Ok(ctx.sleep(NEVER)?)
                        }))
                    })
                    .on_signal(move |_ctx, signal| {
                        told.add(format!("{signal:?}"));
                        Ok(())
                    })
                }),
            )
            .unwrap();
        (0..8).for_each(|_| actor.tell(()));
        entry.recv().unwrap();
        let begun = Instant::now();
        let report = finish(&pool, Duration::from_millis(50));
        assert!(begun.elapsed() >= Duration::from_millis(50));
        assert_eq!(
            (report.forced, report.unprocessed),
            (2, 7),
            "with its child"
        );
        assert_eq!(pool.dead_letters().count(DeadLetterReason::Forced), 7);
        assert_eq!(
            log.lines().last().map(String::as_str),
            Some("PostStop(Killed)")
        );
        assert!(failures.lines().is_empty(), "a forced end is no failure");
    }
}

#[test]
fn s4_4_a_shutdown_may_be_asked_for_again_and_from_any_thread() {
    with_pools(|pool| {
        let handle = pool.clone();
        let insider = pool
            .spawn(
                "insider",
                Props::new(move || {
                    let handle = handle.clone();
                    Behavior::receive(move |_ctx, reply: Reply<bool>| {
                        reply.send(matches!(
                            handle.shutdown(SOON),
                            Err(ShutdownError::OnWorker)
                        ));
                    })
                }),
            )
            .unwrap();
        assert_eq!(insider.ask(|reply| reply, SOON).wait(), Ok(true));
        let first = pool.wait().unwrap();
        let others: Vec<_> = (0..4)
            .map(|_| {
                let pool = pool.clone();
                thread::spawn(move || pool.shutdown(SOON).unwrap())
            })
            .collect();
        for other in others {
            assert_eq!(other.join().unwrap(), first);
        }
        assert!(matches!(
            pool.spawn("late", echo(|| ())),
            Err(SpawnError::PoolClosed)
        ));
    });
}

#[test]
fn s4_4_dropping_the_last_handle_ends_the_pool() {
    let _watchdog = watchdog();
    let pool = pool_of(2).name("dropped").start().unwrap();
    let (tell, told) = mpsc::channel();
    pool.spawn(
        "actor",
        Props::new(move || {
            let tell = tell.clone();
            Behavior::receive(|_ctx, ()| ()).on_signal(move |_ctx, signal| {
                tell.send(signal.clone())?;
                Ok(())
            })
        }),
    )
    .unwrap();
    let other = pool.clone();
    drop(pool);
    assert!(
        other.lookup::<()>("/user/actor").is_ok(),
        "a handle is left"
    );
    drop(other);
    eventually("its threads are gone", || {
        threads_named("dropped").is_empty()
    });
    assert_eq!(
        told.iter().collect::<Vec<_>>(),
        [Signal::PreStart, Signal::PostStop(StopReason::Killed)]
    );
}

#[test]
fn s4_12_nothing_grows_with_the_actors_that_ever_lived() {
    fn brief() -> Props<()> {
        Props::new(|| Behavior::receive(|_ctx, ()| Next::Stop))
    }
    with_pool(pool_of(1), |pool| {
        let mother = pool
            .spawn(
                "mother",
                Props::new(|| {
                    Behavior::receive(|ctx, reply: Reply<()>| {
                        for _ in 0..100 {
                            ctx.spawn("child", brief())?.tell(());
                            // The name is free once the child has had its turn.
                            let again = loop {
                                match ctx.spawn("child", brief()) {
                                    Err(SpawnError::NameTaken(_)) => ctx.yield_now()?,
                                    other => break other?,
                                }
                            };
                            again.tell(());
                            while !ctx.children().is_empty() {
                                ctx.yield_now()?;
                            }
                        }
                        reply.send(());
                        Ok(())
                    })
                }),
            )
            .unwrap();
        for _ in 0..10 {
            mother.ask(|reply| reply, SOON).wait().unwrap();
        }
        eventually("one is left", || {
            let stats = pool.stats().workers[0];
            (stats.actors, stats.started) == (1, 2001)
        });
    });
}

// ---- failures ------------------------------------------------------------------------------

/// Runs one actor that fails, beside one that must not notice, and returns what was reported.
fn failing(make: impl Fn() -> Behavior<u8> + Send + Sync + Clone + 'static) -> Vec<String> {
    let mut reports = Vec::new();
    for workers in SIZES {
        let log = Log::default();
        with_pool(pool_of(workers).on_failure(log.hook()), |pool| {
            let bystander = pool.spawn_on(0, "bystander", echo(|| ())).unwrap();
            if let Ok(actor) = pool.spawn_on(0, "actor", Props::new(make.clone())) {
                actor.tell(1);
                actor.tell(2);
            }
            gone(pool, "/user/actor");
            assert_eq!(bystander.ask(|reply| reply, SOON).wait(), Ok(()));
            pool.spawn("actor", echo(|| ())).expect("its name is free");
        });
        let lines = log.lines();
        assert!(
            reports.is_empty() || reports == lines,
            "the same in every pool"
        );
        reports = lines;
    }
    reports
}

#[test]
fn s4_9_a_panic_in_a_handler_stops_that_actor_only() {
    let reports = failing(|| {
        Behavior::receive(|_ctx, number: u8| {
            if number > 0 {
                panic!("planned {number}")
            }
        })
    });
    assert_eq!(
        reports,
        ["/user/actor failed while handling a u8: panic: planned 1"]
    );
}

#[test]
fn s4_9_an_error_of_a_handler_stops_that_actor_only() {
    let reports = failing(|| Behavior::receive(|_ctx, _: u8| Err::<(), _>("planned".into())));
    assert_eq!(reports, ["/user/actor failed while handling a u8: planned"]);
}

#[test]
fn s4_9_a_panic_after_a_wait_stops_that_actor_only() {
    let reports = failing(|| {
        Behavior::receive(|ctx, _: u8| {
            ctx.sleep(Duration::from_millis(1)).unwrap();
            planned();
        })
    });
    assert_eq!(reports.len(), 1);
}

#[test]
fn s4_9_a_panic_in_a_setup_or_a_factory_stops_nobody_else() {
    failing(|| panic!("planned"));
    failing(|| Behavior::setup(|_ctx| panic!("planned")));
    failing(|| {
        Behavior::receive(|_ctx, _: u8| ())
            .on_signal(|_ctx, _signal| -> Next<_> { panic!("planned") })
    });
}

#[test]
fn s4_9_a_panic_in_a_setup_that_a_handler_returned_stops_that_actor_only() {
    let reports =
        failing(|| Behavior::receive(|_ctx, _: u8| Behavior::setup(|_ctx| panic!("planned"))));
    assert_eq!(
        reports,
        ["/user/actor failed while handling a u8: panic: planned"]
    );
}

#[test]
fn s4_9_a_panic_in_post_stop_is_reported() {
    let stopping = || {
        Behavior::receive(|_ctx, _: u8| Next::Stop).on_signal(|_ctx, signal| {
            assert!(!matches!(signal, Signal::PostStop(_)), "planned");
            Ok(())
        })
    };
    let reports = failing(stopping);
    assert_eq!(reports.len(), 1);
    assert!(
        reports[0].starts_with("/user/actor failed while stopping: panic:"),
        "{reports:?}"
    );
}

#[test]
fn s4_9_a_failure_of_post_stop_is_told_of_before_its_state_is_dropped() {
    struct Noted(Log);
    impl Drop for Noted {
        fn drop(&mut self) {
            self.0.add("dropped");
        }
    }
    for panics in [false, true] {
        let log = Log::default();
        let told = log.clone();
        let builder = pool_of(1).on_failure(move |failure| {
            told.add(format!("{:?}", failure.during));
        });
        with_pool(builder, |pool| {
            let noted = log.clone();
            let failing = Props::new(move || {
                let state = Noted(noted.clone());
                Behavior::receive(|_ctx, ()| Next::Stop).on_signal(move |_ctx, signal| {
                    let _kept = &state;
                    if matches!(signal, Signal::PostStop(_)) {
                        if panics {
                            planned();
                        }
                        return Err::<(), BoxError>("planned".into());
                    }
                    Ok(())
                })
            });
            pool.spawn("failing", failing).unwrap().tell(());
            // Its name becomes free when everything is over; counts are published a little later.
            eventually("it has stopped", || {
                pool.lookup::<()>("/user/failing").is_err()
            });
            assert_eq!(log.lines(), ["Stopping", "dropped"]);
        });
    }
}

#[test]
fn s4_9_a_panic_in_the_drop_of_the_state_harms_nobody() {
    failing(|| Behavior::with_state(Bomb, |_bomb, _ctx, _: u8| Next::Stop));
    failing(|| Behavior::with_state(Bomb, |_bomb, _ctx, _: u8| planned()));
    failing(|| Behavior::with_state(Bomb, |_bomb, _ctx, _: u8| Behavior::stopped()));
    failing(|| {
        Behavior::with_state(Bomb, |_bomb, _ctx, _: u8| {
            Behavior::receive(|_ctx, _: u8| Next::Stop)
        })
    });
}

#[test]
fn s4_9_a_panic_with_a_payload_that_panics_harms_nobody() {
    let reports = failing(|| {
        Behavior::receive(|_ctx, _: u8| {
            if true {
                std::panic::panic_any(Bomb)
            }
        })
    });
    assert_eq!(reports.len(), 1);
}

#[test]
fn s4_9_a_panic_in_the_drop_of_a_message_stops_its_actor_only_if_it_was_handled() {
    for workers in SIZES {
        let log = Log::default();
        with_pool(pool_of(workers).on_failure(log.hook()), |pool| {
            let actor = pool
                .spawn(
                    "actor",
                    Props::new(|| Behavior::receive(|_ctx, _: Bomb| ())),
                )
                .unwrap();
            (0..5).for_each(|_| actor.tell(Bomb));
            gone(pool, "/user/actor");
            for worker in 0..pool.workers() {
                let late = pool
                    .spawn_on(
                        worker,
                        &format!("late-{worker}"),
                        Props::new(move || {
                            Behavior::receive(move |_ctx, reply: Reply<()>| {
                                actor.tell(Bomb);
                                reply.send(());
                            })
                        }),
                    )
                    .unwrap();
                assert_eq!(late.ask(|reply| reply, SOON).wait(), Ok(()));
            }
            eventually("all are lost", || {
                pool.stats().dead_letters == 4 + pool.workers() as u64
            });
        });
        assert_eq!(log.lines().len(), 1);
    }
}

#[test]
fn s4_9_a_hook_that_panics_harms_nobody() {
    let builder = pool_of(1).on_failure(|_failure| panic!("planned in the hook"));
    with_pool(builder, |pool| {
        let actor = pool
            .spawn(
                "actor",
                Props::new(|| Behavior::receive(|_ctx, ()| planned())),
            )
            .unwrap();
        actor.tell(());
        gone(pool, "/user/actor");
    });
}

#[test]
fn s4_9_a_failure_says_who_where_and_why() {
    let seen = Arc::new(Mutex::new(None));
    let told = Arc::clone(&seen);
    let builder = pool_of(2).on_failure(move |failure| {
        let Cause::Panic(text) = &failure.cause else {
            return;
        };
        let facts = (
            failure.actor,
            failure.path.to_string(),
            failure.message_type,
            failure.during,
            text.clone(),
        );
        *told.lock().unwrap() = Some(facts);
    });
    let id = with_pool(builder, |pool| {
        let actor = pool
            .spawn(
                "actor",
                Props::new(|| Behavior::receive(|_ctx, ()| planned())),
            )
            .unwrap();
        actor.tell(());
        gone(pool, "/user/actor");
        actor.id()
    });
    let expected = (
        id,
        "/user/actor".into(),
        "()",
        Stage::Handling,
        "planned".into(),
    );
    assert_eq!(*seen.lock().unwrap(), Some(expected));
}

#[test]
fn s4_9_a_failed_actor_stops_its_children_and_loses_its_mail() {
    with_pools(|pool| {
        let log = Log::default();
        let told = log.clone();
        let actor = pool
            .spawn(
                "actor",
                Props::new(move || {
                    let told = told.clone();
                    Behavior::setup(move |ctx| {
                        ctx.spawn("child", Props::new(move || family(1, told.clone())))?;
                        Ok(Behavior::receive(|ctx, last: bool| {
                            // By then all messages are in the mailbox, so that the rest is lost as failed.
                            while !last && ctx.mailbox_len() < 3 {
                                ctx.yield_now().unwrap();
                            }
                            planned();
                        }))
                    })
                }),
            )
            .unwrap();
        for last in [false, false, false, true] {
            actor.tell(last);
        }
        gone(pool, "/user/actor");
        assert_leaf_first(&log, 3);
        assert_eq!(pool.dead_letters().count(DeadLetterReason::Failed), 3);
    });
}
