//! Starts that end at once, fail, or are nested in others, and spawns under way while a pool starts or ends.

use super::planned;
use crate::common::*;
use nexus_actors::prelude::*;
use nexus_actors::{LookupError, SpawnError, StartError};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

#[test]
fn s4_4_a_setup_that_has_mail_may_stop_at_once() {
    in_child(
        "hostile::starts::s4_4_a_setup_that_has_mail_may_stop_at_once",
        || {
            with_pool(pool_of(1), |pool| {
                let quitter = pool.spawn(
                    "quitter",
                    Props::new(|| {
                        Behavior::<u8>::setup(|ctx| {
                            ctx.self_ref().tell(1);
                            Ok(Behavior::stopped())
                        })
                    }),
                );
                assert!(matches!(quitter, Err(SpawnError::EndedInStart(_))));
                gone(pool, "/user/quitter");
            });
        },
    );
}

#[test]
fn s4_4_a_setup_that_stops_itself_twice_leaves_nothing() {
    with_pool(pool_of(1), |pool| {
        let quitter = pool.spawn(
            "quitter",
            Props::new(|| {
                Behavior::<u8>::setup(|ctx| {
                    ctx.self_ref().stop();
                    Ok(Behavior::stopped())
                })
            }),
        );
        assert!(matches!(quitter, Err(SpawnError::EndedInStart(_))));
        gone(pool, "/user/quitter");
    });
}

#[test]
fn s4_4_an_actor_stopped_during_its_setup_handles_its_mail_and_stops() {
    let handled = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&handled);
    with_pool(pool_of(1), |pool| {
        pool.spawn(
            "brief",
            Props::new(move || {
                let count = Arc::clone(&count);
                Behavior::<u8>::setup(move |ctx| {
                    ctx.self_ref().tell(1);
                    ctx.self_ref().stop();
                    ctx.self_ref().tell(2);
                    Ok(Behavior::receive(move |_ctx, n| {
                        count.fetch_add(u64::from(n), SeqCst);
                    }))
                })
            }),
        )
        .unwrap();
        gone(pool, "/user/brief");
    });
    assert_eq!(handled.load(SeqCst), 1);
}

#[test]
fn s8_2_a_failing_configure_ends_spawns_that_others_wait_for() {
    in_child(
        "hostile::starts::s8_2_a_failing_configure_ends_spawns_that_others_wait_for",
        || {
            let started = pool_of(3)
                .configure(|node| {
                    let waiting = node.workers() - 1;
                    if node.index() == waiting {
                        thread::sleep(Duration::from_millis(100)); // lets the others begin to wait
                        return Err("planned".into());
                    }
                    node.spawn(
                        "slow",
                        Props::new(|| {
                            Behavior::<()>::setup(|ctx| {
                                ctx.sleep(NEVER)?;
                                Ok(Behavior::receive(|_ctx, ()| ()))
                            })
                        }),
                    )?;
                    Ok(())
                })
                .start();
            assert!(matches!(started, Err(StartError::Configure { .. })));
        },
    );
}

#[test]
fn s8_3_a_spawn_that_cannot_wait_leaves_no_actor_behind() {
    with_pool(pool_of(2), |pool| {
        let (tell, told) = mpsc::channel();
        let handle = pool.clone();
        let failing = pool
            .spawn_on(
                0,
                "failing",
                Props::new(move || {
                    let (tell, handle) = (tell.clone(), handle.clone());
                    Behavior::receive(move |_ctx, ()| {
                        let _spawning = OnDrop(|| {
                            let spawned = handle.spawn_on(
                                1,
                                "phantom",
                                Props::new(|| Behavior::receive(|_ctx, ()| ())),
                            );
                            tell.send(spawned.map(|_| ())).unwrap();
                        });
                        planned();
                    })
                }),
            )
            .unwrap();
        failing.tell(());
        assert!(matches!(
            told.recv().unwrap(),
            Err(SpawnError::CannotWait(_))
        ));
        gone(pool, "/user/failing");
        round_trip(pool, 1);
        assert_eq!(
            pool.lookup::<()>("/user/phantom").map(|_| ()),
            Err(LookupError::NotFound("/user/phantom".into()))
        );
    });
}

#[test]
fn s4_9_setups_within_become_within_setups_may_fail() {
    let log = Log::default();
    with_pool(pool_of(1).on_failure(log.hook()), |pool| {
        let actor = pool
            .spawn(
                "nested",
                Props::new(|| {
                    Behavior::setup(|_ctx| {
                        Ok(Behavior::setup(|_ctx| {
                            Ok(Behavior::receive(|_ctx, _: u8| {
                                Behavior::setup(|ctx| {
                                    ctx.spawn("child", echo(|| 1_u8))?;
                                    Ok(Behavior::setup(|_ctx| Err("planned".into())))
                                })
                            }))
                        }))
                    })
                }),
            )
            .unwrap();
        actor.tell(1);
        gone(pool, "/user/nested");
        gone(pool, "/user/nested/child");
    });
    assert_eq!(log.lines().len(), 1);
}

#[test]
fn s4_4_spawns_under_way_at_a_shutdown_all_get_an_answer() {
    let _watchdog = watchdog();
    for _ in 0..10 {
        let pool = pool_of(2).start().unwrap();
        let spawners: Vec<_> = (0..4)
            .map(|number| {
                let pool = pool.clone();
                thread::spawn(move || {
                    (0..200)
                        .filter(|n| {
                            pool.spawn(&format!("a-{number}-{n}"), echo(|| 1_u8))
                                .is_ok()
                        })
                        .count() as u64
                })
            })
            .collect();
        pool.request_shutdown(Duration::ZERO);
        let started: u64 = spawners
            .into_iter()
            .map(|spawner| spawner.join().unwrap())
            .sum();
        finish(&pool, SOON);
        assert_eq!(
            pool.stats()
                .workers
                .iter()
                .map(|worker| worker.started)
                .sum::<u64>(),
            started
        );
        assert_eq!(pool.stats().actors(), 0);
    }
}

#[test]
fn s8_3_actors_that_spawn_the_same_name_while_the_pool_starts_get_an_actor_or_a_reason() {
    let outcomes: Arc<Mutex<Vec<Result<(), SpawnError>>>> = Arc::default();
    let told = Arc::clone(&outcomes);
    let builder = pool_of(2).configure(move |node| {
        let (own, told) = (node.clone(), Arc::clone(&told));
        let starter = node.spawn_on(
            node.index(),
            &format!("starter-{}", node.index()),
            Props::new(move || {
                let (own, told) = (own.clone(), Arc::clone(&told));
                Behavior::receive(move |_ctx, ()| {
                    let slow = own.spawn(
                        "slow",
                        Props::new(|| {
                            Behavior::<()>::setup(|ctx| {
                                ctx.sleep(Duration::from_millis(300))?;
                                Ok(Behavior::receive(|_ctx, ()| ()))
                            })
                        }),
                    );
                    told.lock().unwrap().push(slow.map(|_| ()));
                })
            }),
        )?;
        starter.tell(());
        Ok(())
    });
    with_pool(builder, |_pool| {
        eventually("both have an outcome", || {
            outcomes.lock().unwrap().len() == 2
        });
    });
    let outcomes = outcomes.lock().unwrap();
    assert!(
        !outcomes
            .iter()
            .any(|outcome| matches!(outcome, Err(SpawnError::PoolClosed))),
        "the pool has not ended: {outcomes:?}"
    );
}
