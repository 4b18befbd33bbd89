//! Pools: options, placement, names that all workers agree on, values that move, and idleness.

use crate::common::*;
use nexus_actors::pool::{ManualTime, TimeSource, WaitStrategy};
use nexus_actors::prelude::*;
use nexus_actors::{LookupError, SpawnError, StartError};
use std::collections::HashSet;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

fn where_am_i() -> Props<Reply<(usize, String)>> {
    Props::new(|| {
        Behavior::receive(|ctx, reply: Reply<(usize, String)>| {
            let thread = thread::current().name().unwrap_or_default().to_owned();
            reply.send((ctx.worker(), thread));
        })
    })
}

#[test]
fn s8_1_names_are_placed_by_the_ring_and_actors_stay_there() {
    with_pools(|pool| {
        let ring = pool.ring();
        assert_eq!(ring.workers() as usize, pool.workers());
        let mut used = HashSet::new();
        for number in 0..200 {
            let name = format!("order-{number}");
            let actor = pool.spawn(&name, where_am_i()).unwrap();
            let owner = ring.owner(&name) as usize;
            let (worker, thread) = actor.ask(|reply| reply, SOON).wait().unwrap();
            assert_eq!((actor.id().worker(), worker), (owner, owner));
            assert_eq!(thread, format!("nexus-{owner}"));
            used.insert(owner);
        }
        assert_eq!(used.len(), pool.workers(), "every worker has its share");
    });
}

#[test]
fn s8_1_children_live_with_their_parents() {
    with_pools(|pool| {
        let parent = pool
            .spawn(
                "parent",
                Props::new(|| {
                    Behavior::receive(|ctx, reply: Reply<bool>| {
                        let child = ctx.spawn_anonymous(where_am_i())?;
                        let (worker, _) = child.ask(|reply| reply, SOON).wait()?;
                        reply.send(worker == ctx.worker() && child.id().worker() == worker);
                        Ok(())
                    })
                }),
            )
            .unwrap();
        assert_eq!(parent.ask(|reply| reply, SOON).wait(), Ok(true));
    });
}

#[test]
fn s8_2_workers_and_their_threads_have_the_number_and_the_name_asked_for() {
    for workers in SIZES {
        with_pool(pool_of(workers).name("named"), |pool| {
            assert_eq!(
                (pool.workers(), pool.stats().workers.len()),
                (workers, workers)
            );
            // One for each worker, and one for the watchdog.
            eventually("they have their names", || {
                threads_named("named-").len() == workers + 1
                    && threads_named("named-watchdog").len() == 1
            });
            for worker in 0..workers {
                let actor = pool
                    .spawn_on(worker, &format!("on-{worker}"), where_am_i())
                    .unwrap();
                let place = actor.ask(|reply| reply, SOON).wait();
                assert_eq!(place, Ok((worker, format!("named-{worker}"))));
            }
        });
        eventually("no thread is left", || threads_named("named-").is_empty());
    }
    with_pool(WorkerPool::builder(), |pool| {
        assert_eq!(
            pool.workers(),
            thread::available_parallelism().unwrap().get()
        );
    });
}

/// Uses a kilobyte of stack for each level.
#[inline(never)]
fn descend(levels: usize) -> usize {
    let frame = std::hint::black_box([1_u8; 1024]);
    if levels == 0 {
        0
    } else {
        descend(levels - 1) + usize::from(frame[levels % 1024])
    }
}

#[test]
fn s8_2_a_large_stack_has_room_for_deep_handlers_also_after_a_wait() {
    in_child(
        "pool::s8_2_a_large_stack_has_room_for_deep_handlers_also_after_a_wait",
        || {
            with_pool(pool_of(2).stack_size(64 << 20), |pool| {
                let deep = pool
                    .spawn(
                        "deep",
                        Props::new(|| {
                            Behavior::receive(|ctx, reply: Reply<usize>| {
                                let first = descend(10_000);
                                ctx.yield_now().unwrap();
                                reply.send(first + descend(10_000));
                            })
                        }),
                    )
                    .unwrap();
                assert_eq!(deep.ask(|reply| reply, SOON).wait(), Ok(20_000));
            });
        },
    );
}

#[test]
fn s8_2_every_wait_strategy_works() {
    let spin = WaitStrategy::SpinThenPark(Duration::from_micros(50));
    for strategy in [WaitStrategy::Park, spin, WaitStrategy::Spin] {
        with_pool(pool_of(2).wait_strategy(strategy), |pool| {
            let near = pool.spawn_on(0, "near", echo(|| 1_u64)).unwrap();
            let far = pool
                .spawn_on(
                    1,
                    "far",
                    echo(move || near.ask(|reply| reply, SOON).wait().unwrap()),
                )
                .unwrap();
            let sum: u64 = (0..500)
                .map(|_| far.ask(|reply| reply, SOON).wait().unwrap())
                .sum();
            assert_eq!(sum, 500);
            let parks = || -> u64 { pool.stats().workers.iter().map(|worker| worker.parks).sum() };
            if strategy == WaitStrategy::Spin {
                assert_eq!(parks(), 0, "a spinning worker never sleeps");
            } else {
                eventually("an idle worker sleeps", || parks() > 0);
            }
        });
    }
}

#[test]
fn s8_2_a_manual_clock_stands_still_until_it_is_advanced() {
    for workers in SIZES {
        let time = ManualTime::new();
        let builder = pool_of(workers).time_source(TimeSource::Manual(time.clone()));
        with_pool(builder, |pool| {
            let (tell, told) = mpsc::channel();
            let sleeper = pool
                .spawn_on(
                    0,
                    "sleeper",
                    Props::new(move || {
                        let tell = tell.clone();
                        Behavior::receive(move |ctx, ()| {
                            tell.send(ctx.now()).unwrap();
                            ctx.sleep(Duration::from_secs(60))?;
                            tell.send(ctx.now()).unwrap();
                            Ok(())
                        })
                    }),
                )
                .unwrap();
            sleeper.tell(());
            assert_eq!(told.recv(), Ok(Duration::ZERO));
            round_trip(pool, 0);
            time.advance(Duration::from_secs(59));
            round_trip(pool, 0);
            assert!(told.try_recv().is_err(), "never early");
            time.advance(Duration::from_secs(2));
            assert_eq!(told.recv(), Ok(Duration::from_secs(61)));
            assert_eq!(time.now(), Duration::from_secs(61));
        });
    }
}

#[test]
fn s8_2_workers_may_be_bound_to_cores() {
    let started = pool_of(2).pin_cores(true).name("pinned").start();
    let pool = match started {
        Ok(pool) => pool,
        Err(error) => {
            assert!(matches!(error, StartError::NotPinned { .. }), "{error}");
            return; // this machine does not allow pinning
        }
    };
    let _watchdog = watchdog();
    for worker in 0..2 {
        let cpus = pool
            .spawn_on(
                worker,
                &format!("cpus-{worker}"),
                echo(|| {
                    let status =
                        std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
                    status.lines().find_map(|line| {
                        line.strip_prefix("Cpus_allowed_list:")
                            .map(|list| list.trim().to_owned())
                    })
                }),
            )
            .unwrap();
        let cpus = cpus.ask(|reply| reply, SOON).wait().unwrap();
        assert!(
            cpus.is_none_or(|list| list.parse::<u32>().is_ok()),
            "one core"
        );
    }
    finish(&pool, SOON);
}

#[test]
fn s8_2_configure_runs_once_on_every_worker_on_a_fiber_before_start_returns() {
    for workers in SIZES {
        let ran = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&ran);
        let builder = pool_of(workers).configure(move |node| {
            let helper = node.spawn_on(
                node.index(),
                &format!("helper-{}", node.index()),
                echo(|| 1_u8),
            )?;
            helper.ask(|reply| reply, SOON).wait()?;
            assert_eq!(
                thread::current().name().unwrap(),
                format!("nexus-{}", node.index())
            );
            notes.lock().unwrap().push((node.index(), node.workers()));
            Ok(())
        });
        with_pool(builder, |_pool| {
            let mut ran = ran.lock().unwrap().clone();
            ran.sort_unstable();
            assert_eq!(
                ran,
                (0..workers)
                    .map(|worker| (worker, workers))
                    .collect::<Vec<_>>()
            );
        });
    }
}

#[test]
fn s8_2_what_cannot_start_says_why_and_leaks_no_thread() {
    let _watchdog = watchdog();
    assert!(matches!(
        pool_of(0).start(),
        Err(StartError::InvalidWorkers(0))
    ));
    assert!(matches!(
        pool_of(40_000).start(),
        Err(StartError::InvalidWorkers(40_000))
    ));
    assert!(matches!(
        pool_of(1).stack_size(100).start(),
        Err(StartError::InvalidStackSize(100))
    ));
    for workers in SIZES {
        for panics in [false, true] {
            let bad = workers - 1;
            let started = pool_of(workers)
                .name("leaky")
                .configure(move |node| {
                    node.spawn("shared", echo(|| ()))?;
                    if node.index() != bad {
                        return Ok(());
                    }
                    assert!(!panics, "planned");
                    Err("planned".into())
                })
                .start();
            let Err(StartError::Configure { worker, error }) = started else {
                panic!("it fails");
            };
            assert_eq!(worker, bad);
            assert!(error.to_string().contains("planned"), "{error}");
            eventually("no thread is left", || threads_named("leaky").is_empty());
        }
    }
}

#[test]
fn s8_2_run_blocks_until_the_pool_is_asked_to_end() {
    let _watchdog = watchdog();
    let report = pool_of(2)
        .configure(|node| {
            let own = node.clone();
            let ender = node.spawn(
                "ender",
                Props::new(move || {
                    let own = own.clone();
                    Behavior::receive(move |_ctx, ()| own.request_shutdown(SOON))
                }),
            )?;
            ender.tell(());
            Ok(())
        })
        .run()
        .unwrap();
    assert_eq!((report.forced, report.stuck_workers.len()), (0, 0));
}

#[test]
fn s8_2_a_shutdown_asked_for_in_configure_ends_the_pool() {
    let _watchdog = watchdog();
    for workers in SIZES {
        let started = pool_of(workers)
            .name("early")
            .configure(|node| {
                node.request_shutdown(Duration::ZERO);
                Ok(())
            })
            .start();
        if let Ok(pool) = started {
            assert_eq!(pool.wait().unwrap().stuck_workers.len(), 0);
        }
        eventually("no thread is left", || threads_named("early").is_empty());
    }
}

#[test]
fn s8_3_what_every_worker_configures_exists_once_and_all_have_the_same_reference() {
    for workers in SIZES {
        let (starts, given) = (
            Arc::new(AtomicU64::new(0)),
            Arc::new(Mutex::new(Vec::new())),
        );
        let (count, notes) = (Arc::clone(&starts), Arc::clone(&given));
        let builder = pool_of(workers).configure(move |node| {
            for number in 0..20 {
                let name = format!("shared-{number}");
                let count = Arc::clone(&count);
                let actor = node.spawn(
                    &name,
                    Props::new(move || {
                        let count = Arc::clone(&count);
                        Behavior::setup(move |ctx| {
                            ctx.sleep(Duration::from_millis(1))?;
                            count.fetch_add(1, SeqCst);
                            Ok(Behavior::receive(|_ctx, ()| ()))
                        })
                    }),
                )?;
                assert_eq!(actor.id().worker(), node.owner(&name));
                notes.lock().unwrap().push((number, actor));
                assert!(matches!(
                    node.spawn(&name, Props::<()>::new(Behavior::stopped)),
                    Err(SpawnError::NameTaken(_))
                ));
            }
            Ok(())
        });
        with_pool(builder, |pool| {
            assert_eq!(starts.load(SeqCst), 20);
            let given = given.lock().unwrap();
            assert_eq!(given.len(), 20 * workers);
            for (number, actor) in given.iter() {
                assert_eq!(
                    pool.lookup::<()>(format!("/user/shared-{number}")).as_ref(),
                    Ok(actor)
                );
            }
        });
    }
}

#[test]
fn s8_3_workers_that_configure_one_name_for_different_messages_are_told() {
    let _watchdog = watchdog();
    let started = pool_of(2)
        .name("differing")
        .configure(|node| {
            if node.index() == 0 {
                node.spawn("shared", echo(|| 1_u8))?;
            } else {
                node.spawn("shared", echo(|| 1_u16))?;
            }
            Ok(())
        })
        .start();
    let Err(StartError::Configure { error, .. }) = started else {
        panic!("it fails");
    };
    assert!(
        matches!(error.downcast_ref(), Some(SpawnError::WrongType { .. })),
        "{error}"
    );
}

#[test]
fn s8_3_lookup_finds_named_actors_with_their_type_and_no_phantoms() {
    with_pools(|pool| {
        let parent = pool
            .spawn(
                "parent",
                Props::new(|| {
                    Behavior::setup(|ctx| {
                        ctx.spawn("child", echo(|| 1_u8))?;
                        Ok(Behavior::receive(|_ctx, ()| ()))
                    })
                }),
            )
            .unwrap();
        assert_eq!(pool.lookup("/user/parent"), Ok(parent));
        assert!(pool.lookup::<Reply<u8>>("/user/parent/child").is_ok());
        for missing in [
            "/user",
            "/",
            "",
            "parent",
            "/user/parent/",
            "/user/nobody",
            "nonsense//",
        ] {
            assert_eq!(
                pool.lookup::<()>(missing),
                Err(LookupError::NotFound(missing.into()))
            );
        }
        let wrong = pool.lookup::<String>("/user/parent").unwrap_err();
        assert!(
            matches!(&wrong, LookupError::WrongType { actual: "()", .. }),
            "{wrong}"
        );

        assert!(
            pool.spawn(
                "broken",
                Props::new(|| Behavior::<()>::setup(|_ctx| Err("planned".into())))
            )
            .is_err()
        );
        assert_eq!(
            pool.lookup::<()>("/user/broken"),
            Err(LookupError::NotFound("/user/broken".into()))
        );
        parent.stop();
        gone(pool, "/user/parent");
        gone(pool, "/user/parent/child");
    });
}

#[test]
fn s8_3_actors_may_be_placed_by_hand_and_spawned_from_handlers() {
    with_pools(|pool| {
        let last = pool.workers() - 1;
        let far = pool.spawn_on(last, "far", where_am_i()).unwrap();
        let near = pool.spawn_near(far, "near", where_am_i()).unwrap();
        assert_eq!((far.id().worker(), near.id().worker()), (last, last));
        let missing = pool
            .spawn_on(last + 1, "nowhere", where_am_i())
            .unwrap_err();
        assert!(
            matches!(missing, SpawnError::NoSuchWorker { worker, workers } if worker == last + 1 && workers == last + 1)
        );
        let handle = pool.clone();
        let spawner = pool
            .spawn_on(
                0,
                "spawner",
                echo(move || {
                    (0..handle.workers())
                        .map(|worker| {
                            let actor = handle
                                .spawn_on(worker, &format!("made-{worker}"), echo(|| 5_u8))
                                .unwrap();
                            assert_eq!(actor.id().worker(), worker);
                            actor.ask(|reply| reply, SOON).wait().unwrap()
                        })
                        .map(usize::from)
                        .sum::<usize>()
                }),
            )
            .unwrap();
        assert_eq!(
            spawner.ask(|reply| reply, SOON).wait(),
            Ok(5 * pool.workers())
        );
        assert!(
            pool.lookup::<Reply<u8>>("/user/made-0").is_ok(),
            "they are nobody's children"
        );
        with_pool(pool_of(1), |other| {
            let foreign = other.spawn_near(far, "foreign", where_am_i());
            assert!(matches!(foreign, Err(SpawnError::OtherPool)));
        });
    });
}

#[test]
fn s8_4_what_a_message_owns_is_moved_and_not_copied() {
    with_pools(|pool| {
        for worker in 0..pool.workers() {
            let (tell, told) = mpsc::channel();
            let echoing = pool.spawn_on(worker, &format!("echo-{worker}"), Props::new(move || {
                let tell = tell.clone();
                Behavior::receive(move |_ctx, (value, reply): (Box<[u64; 100]>, Reply<Box<[u64; 100]>>)| {
                    tell.send((&raw const *value).addr()).unwrap();
                    reply.send(value);
                })
            })).unwrap();
            let sent = Box::new([worker as u64; 100]);
            let place = (&raw const *sent).addr();
            let back = echoing.ask(|reply| (sent, reply), SOON).wait().unwrap();
            assert_eq!(told.recv(), Ok(place));
            assert_eq!((&raw const *back).addr(), place);
        }
    });
}

/// Nanoseconds that the threads with that name prefix spent on a core.
fn cpu_time(prefix: &str) -> u64 {
    let of =
        |task: String| std::fs::read_to_string(format!("/proc/self/task/{task}/schedstat")).ok();
    threads_named(prefix)
        .into_iter()
        .filter_map(of)
        .filter_map(|times| times.split_whitespace().next()?.parse::<u64>().ok())
        .sum()
}

#[test]
fn s8_5_an_idle_pool_uses_no_time_and_wakes_when_it_is_needed() {
    with_pool(pool_of(4).name("idle"), |pool| {
        let actors: Vec<_> = (0..4)
            .map(|worker| {
                pool.spawn_on(worker, &format!("a{worker}"), echo(|| 1_u8))
                    .unwrap()
            })
            .collect();
        let sleeper = pool
            .spawn(
                "sleeper",
                Props::new(|| Behavior::receive(|ctx, ()| Ok(ctx.sleep(Duration::from_secs(3))?))),
            )
            .unwrap();
        sleeper.tell(());
        round_trip(pool, sleeper.id().worker());
        let parks = || {
            pool.stats()
                .workers
                .iter()
                .map(|worker| worker.parks)
                .sum::<u64>()
        };
        let (time, slept) = (cpu_time("idle-"), parks());
        thread::sleep(Duration::from_secs(2)); // this is the measured period, not a wait for a race
        let used = cpu_time("idle-") - time;
        assert!(used < 30_000_000, "{used} ns of processor time");
        assert!(
            parks() - slept <= 16,
            "it does not poll: {} parks",
            parks() - slept
        );
        for actor in actors {
            assert_eq!(actor.ask(|reply| reply, SOON).wait(), Ok(1));
        }
    });
}

#[test]
fn s8_5_a_message_to_a_worker_that_goes_to_sleep_is_never_missed() {
    with_pool(pool_of(2).wait_strategy(WaitStrategy::Park), |pool| {
        let near = pool.spawn_on(0, "near", echo(|| ())).unwrap();
        let far = pool
            .spawn_on(
                1,
                "far",
                echo(move || near.ask(|reply| reply, SOON).wait().unwrap()),
            )
            .unwrap();
        for _ in 0..5_000 {
            assert_eq!(far.ask(|reply| reply, SOON).wait(), Ok(()));
        }
    });
}

#[test]
fn s8_7_the_same_work_is_done_by_any_number_of_workers() {
    for workers in [1, 2, 3, 8, 16] {
        with_pool(pool_of(workers), |pool| {
            let leaves: Vec<_> = (0..32)
                .map(|number| {
                    pool.spawn(&format!("leaf-{number}"), echo(move || number))
                        .unwrap()
                })
                .collect();
            let root = pool
                .spawn(
                    "root",
                    echo(move || {
                        let asked: Vec<_> = leaves
                            .iter()
                            .map(|leaf| leaf.ask(|reply| reply, SOON))
                            .collect();
                        asked
                            .into_iter()
                            .map(|ask| ask.wait().unwrap())
                            .sum::<u32>()
                    }),
                )
                .unwrap();
            for _ in 0..50 {
                assert_eq!(root.ask(|reply| reply, SOON).wait(), Ok(31 * 32 / 2));
            }
        });
    }
}
