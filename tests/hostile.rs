//! What hostile user code may do to the runtime: destructors that panic, wait or send, hooks that
//! re-enter it, orders that cross each other, and messages of odd shapes.

mod common;

use common::*;
use nexus_actors::StartError;
use nexus_actors::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

/// A panic that is no `!`, so that a handler may end with it.
fn planned() {
    panic!("planned");
}

/// Has panics print a backtrace, as the usual hook does where the environment asks for it.
fn print_backtraces() {
    std::panic::set_hook(Box::new(|info| {
        eprintln!("{info}\n{}", std::backtrace::Backtrace::force_capture());
    }));
}

/// Runs one handler that panics, in a pool of such stacks.
fn panics_once(stack_size: usize) {
    with_pool(pool_of(1).stack_size(stack_size), |pool| {
        let failing = pool
            .spawn(
                "failing",
                Props::new(|| Behavior::receive(|_ctx, ()| planned())),
            )
            .unwrap();
        failing.tell(());
        gone(pool, "/user/failing");
    });
}

/// Starts an actor that hands every reply that it is sent over to the test.
fn keeper(pool: &WorkerPool) -> (ActorRef<Reply<()>>, mpsc::Receiver<Reply<()>>) {
    let (give, replies) = mpsc::channel();
    let props = Props::new(move || {
        let give = give.clone();
        Behavior::receive(move |_ctx, reply: Reply<()>| give.send(reply).unwrap())
    });
    (pool.spawn("keeper", props).unwrap(), replies)
}

// ---- orders that cross ---------------------------------------------------------------------

#[test]
fn s4_4_shutdown_is_idempotent_while_others_ask_for_it_too() {
    in_child(
        "s4_4_shutdown_is_idempotent_while_others_ask_for_it_too",
        || {
            for _ in 0..20 {
                let pool = pool_of(2).start().unwrap();
                let over = Arc::new(AtomicBool::new(false));
                let (other, ended) = (pool.clone(), Arc::clone(&over));
                let insistent = thread::spawn(move || {
                    while !ended.load(SeqCst) {
                        other.request_shutdown(SOON);
                    }
                });
                let report = pool.shutdown(Duration::from_secs(1)).unwrap();
                over.store(true, SeqCst);
                insistent.join().unwrap();
                assert_eq!(report.stuck_workers, 0, "{report:?}");
            }
        },
    );
}

#[test]
fn s4_4_a_later_order_never_puts_the_deadline_off() {
    in_child("s4_4_a_later_order_never_puts_the_deadline_off", || {
        let pool = pool_of(1).start().unwrap();
        let sleeper = pool
            .spawn(
                "sleeper",
                Props::new(|| Behavior::receive(|ctx, ()| ctx.sleep(NEVER))),
            )
            .unwrap();
        sleeper.tell(());
        let (entered, entry) = mpsc::channel();
        let (leave, exit) = mpsc::channel::<()>();
        let exit = Mutex::new(Some(exit));
        let blocker = pool
            .spawn(
                "blocker",
                Props::new(move || {
                    let (entered, exit) = (entered.clone(), exit.lock().unwrap().take().unwrap());
                    Behavior::receive(move |_ctx, ()| {
                        entered.send(()).unwrap();
                        exit.recv().unwrap();
                    })
                }),
            )
            .unwrap();
        blocker.tell(());
        entry.recv().unwrap();
        pool.request_shutdown(Duration::ZERO);
        pool.request_shutdown(NEVER);
        leave.send(()).unwrap();
        assert!(pool.wait().unwrap().forced >= 1);
    });
}

#[test]
fn s4_4_a_worker_that_forced_its_last_handler_ends_without_being_woken_again() {
    in_child(
        "s4_4_a_worker_that_forced_its_last_handler_ends_without_being_woken_again",
        || {
            let pool = pool_of(1).start().unwrap();
            let (entered, entry) = mpsc::channel();
            let slow = pool
                .spawn(
                    "slow",
                    Props::new(move || {
                        let entered = entered.clone();
                        Behavior::receive(move |ctx, ()| {
                            entered.send(()).unwrap();
                            ctx.sleep(NEVER)
                        })
                    }),
                )
                .unwrap();
            slow.tell(());
            entry.recv().unwrap();
            pool.request_shutdown(Duration::from_millis(10));
            assert_eq!(pool.wait().unwrap().forced, 1);
        },
    );
}

// ---- starts that end at once ---------------------------------------------------------------

#[test]
fn s4_4_a_setup_that_has_mail_may_stop_at_once() {
    in_child("s4_4_a_setup_that_has_mail_may_stop_at_once", || {
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
            quitter.unwrap();
            gone(pool, "/user/quitter");
        });
    });
}

#[test]
fn s4_4_a_setup_that_stops_itself_twice_leaves_nothing() {
    with_pool(pool_of(1), |pool| {
        pool.spawn(
            "quitter",
            Props::new(|| {
                Behavior::<u8>::setup(|ctx| {
                    ctx.self_ref().stop();
                    Ok(Behavior::stopped())
                })
            }),
        )
        .unwrap();
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

// ---- ends by force -------------------------------------------------------------------------

#[test]
fn s4_4_a_failed_start_that_waits_for_its_children_ends_by_force() {
    in_child(
        "s4_4_a_failed_start_that_waits_for_its_children_ends_by_force",
        || {
            let pool = pool_of(1).start().unwrap();
            let spawner = pool.clone();
            let (entered, entry) = mpsc::channel();
            let thread = thread::spawn(move || {
                spawner.spawn(
                    "parent",
                    Props::new(move || {
                        let entered = entered.clone();
                        Behavior::<()>::setup(move |ctx| {
                            let child = ctx.spawn(
                                "child",
                                Props::new(move || {
                                    let entered = entered.clone();
                                    Behavior::receive(move |ctx, ()| {
                                        entered.send(()).unwrap();
                                        ctx.sleep(NEVER)
                                    })
                                }),
                            )?;
                            child.tell(());
                            Err("planned".into())
                        })
                    }),
                )
            });
            entry.recv().unwrap();
            let report = finish(&pool, Duration::from_millis(50));
            assert!(report.forced >= 1);
            assert!(thread.join().unwrap().is_err());
        },
    );
}

#[test]
fn s8_2_a_failing_configure_ends_spawns_that_others_wait_for() {
    in_child(
        "s8_2_a_failing_configure_ends_spawns_that_others_wait_for",
        || {
            let started = pool_of(3)
                .configure(|node| {
                    let waiting = node.workers() - 1;
                    if node.index() == waiting {
                        thread::sleep(Duration::from_millis(100)); // lets the others come to wait
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
fn s4_4_a_handler_that_only_yields_ends_by_force() {
    in_child("s4_4_a_handler_that_only_yields_ends_by_force", || {
        let pool = pool_of(1).start().unwrap();
        let busy = pool
            .spawn(
                "busy",
                Props::new(|| {
                    Behavior::receive(|ctx, ()| -> Result<(), WaitError> {
                        loop {
                            ctx.yield_now()?;
                        }
                    })
                }),
            )
            .unwrap();
        busy.tell(());
        let report = pool.shutdown(Duration::from_millis(50)).unwrap();
        assert_eq!((report.forced, report.stuck_workers), (1, 0));
        assert_conserved(&pool);
    });
}

#[test]
fn s4_4_a_handler_that_catches_its_forced_end_handles_nothing_more() {
    let handled = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&handled);
    let _watchdog = watchdog();
    let pool = pool_of(1).start().unwrap();
    let stubborn = pool
        .spawn(
            "stubborn",
            Props::new(move || {
                let count = Arc::clone(&count);
                Behavior::receive(move |ctx, ()| {
                    count.fetch_add(1, SeqCst);
                    let _ = catch_unwind(AssertUnwindSafe(|| ctx.sleep(NEVER)));
                })
            }),
        )
        .unwrap();
    // On its own worker and at once, so that one turn finds all of them.
    let feeder = pool
        .spawn(
            "feeder",
            Props::new(move || {
                Behavior::receive(move |_ctx, ()| (0..10).for_each(|_| stubborn.tell(())))
            }),
        )
        .unwrap();
    feeder.tell(());
    eventually("it waits", || handled.load(SeqCst) == 1);
    let report = finish(&pool, Duration::from_millis(50));
    assert_eq!(report.forced, 1);
    assert_eq!(handled.load(SeqCst), 1, "its mail becomes dead letters");
}

// ---- destructors that panic ----------------------------------------------------------------

#[test]
fn s4_9_a_late_reply_whose_value_panics_when_dropped_harms_nobody() {
    in_child(
        "s4_9_a_late_reply_whose_value_panics_when_dropped_harms_nobody",
        || {
            with_pool(pool_of(2), |pool| {
                let (give, replies) = mpsc::channel::<Reply<Bomb>>();
                let keeper = pool
                    .spawn_on(
                        1,
                        "keeper",
                        Props::new(move || {
                            let give = give.clone();
                            Behavior::receive(move |_ctx, reply: Reply<Bomb>| {
                                give.send(reply).unwrap()
                            })
                        }),
                    )
                    .unwrap();
                let asker = pool
                    .spawn_on(
                        0,
                        "asker",
                        Props::new(move || {
                            Behavior::receive(move |_ctx, done: Reply<bool>| {
                                let bomb =
                                    keeper.ask(|reply| reply, Duration::from_millis(1)).wait();
                                done.send(
                                    bomb.is_err_and(|error| matches!(error, AskError::Timeout(_))),
                                );
                            })
                        }),
                    )
                    .unwrap();
                assert!(asker.ask(|reply| reply, SOON).wait().unwrap());
                replies.recv().unwrap().send(Bomb);
                assert_eq!(
                    asker.ask(|reply| reply, SOON).wait(),
                    Ok(true),
                    "its worker goes on"
                );
            });
        },
    );
}

#[test]
fn s4_9_an_error_that_panics_when_dropped_harms_nobody() {
    in_child(
        "s4_9_an_error_that_panics_when_dropped_harms_nobody",
        || {
            #[derive(Debug)]
            struct BadError;
            impl std::fmt::Display for BadError {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("planned")
                }
            }
            impl std::error::Error for BadError {}
            impl Drop for BadError {
                fn drop(&mut self) {
                    panic!("planned: dropped an error");
                }
            }
            with_pool(pool_of(1), |pool| {
                let failing = pool
                    .spawn(
                        "failing",
                        Props::new(|| Behavior::receive(|_ctx, ()| Err::<(), _>(BadError))),
                    )
                    .unwrap();
                failing.tell(());
                gone(pool, "/user/failing");
            });
        },
    );
}

#[test]
fn s4_9_props_that_panic_when_dropped_harm_nobody() {
    in_child("s4_9_props_that_panic_when_dropped_harm_nobody", || {
        with_pool(pool_of(1), |pool| {
            let bomb = Arc::new(Bomb);
            let actor = pool
                .spawn(
                    "actor",
                    Props::new(move || {
                        let _used = &bomb;
                        Behavior::receive(|_ctx, reply: Reply<()>| reply.send(()))
                    }),
                )
                .unwrap();
            assert_eq!(actor.ask(|reply| reply, SOON).wait(), Ok(()));
        });
    });
}

#[test]
fn s4_9_a_pre_start_that_panics_with_a_state_that_panics_harms_nobody() {
    in_child(
        "s4_9_a_pre_start_that_panics_with_a_state_that_panics_harms_nobody",
        || {
            with_pool(pool_of(1), |pool| {
                let started = pool.spawn(
                    "twice",
                    Props::new(|| {
                        Behavior::with_state(Bomb, |_bomb, _ctx, ()| ())
                            .on_signal(|_ctx, _signal| -> Next<_> { panic!("planned") })
                    }),
                );
                assert!(matches!(started, Err(SpawnError::Failed(_))));
            });
        },
    );
}

#[test]
fn s4_9_a_panic_in_the_drop_of_the_state_is_reported() {
    let log = Log::default();
    with_pool(pool_of(1).on_failure(log.hook()), |pool| {
        let actor = pool
            .spawn(
                "fragile",
                Props::new(|| Behavior::with_state(Bomb, |_bomb, _ctx, ()| Next::Stop)),
            )
            .unwrap();
        actor.tell(());
        gone(pool, "/user/fragile");
    });
    assert_eq!(log.lines().len(), 1, "{:?}", log.lines());
}

// ---- destructors and hooks that re-enter ---------------------------------------------------

#[test]
fn s7_1_a_subscriber_whose_destructor_loses_a_message_ends_its_subscription() {
    in_child(
        "s7_1_a_subscriber_whose_destructor_loses_a_message_ends_its_subscription",
        || {
            let orphan = with_pool(pool_of(1), |pool| {
                pool.spawn("orphan", Props::new(|| Behavior::receive(|_ctx, _: u8| ())))
                    .unwrap()
            });
            let letters = nexus_actors::dead_letters_without_pool();
            let sending = OnDrop(move || orphan.tell(1));
            drop(letters.subscribe(move |_letter| {
                let _captured = &sending;
            }));
            assert_eq!(letters.total(), 1);
        },
    );
}

#[test]
fn s7_1_a_subscriber_that_waits_keeps_nobody_else_from_hearing() {
    let heard = Arc::new(AtomicUsize::new(0));
    with_pool(pool_of(1), |pool| {
        let (keeper, replies) = keeper(pool);
        let picky = |name: &str| {
            pool.spawn(
                name,
                Props::new(|| Behavior::receive(|_ctx, _: u8| Next::Unhandled)),
            )
            .unwrap()
        };
        let (first, second) = (picky("first"), picky("second"));
        let (count, slow) = (Arc::clone(&heard), first.id());
        let _subscription = pool.dead_letters().subscribe(move |letter| {
            if letter.target == slow {
                let _ = keeper.ask(|reply| reply, NEVER).wait();
            } else {
                count.fetch_add(1, SeqCst);
            }
        });
        first.tell(1);
        let reply = replies.recv().unwrap();
        second.tell(2);
        round_trip(pool, 0);
        let in_between = heard.load(SeqCst);
        reply.send(());
        assert_eq!(
            in_between, 1,
            "the second dead letter is told while the first is"
        );
    });
}

#[test]
fn s5_2_a_destructor_that_waits_does_not_change_the_end_of_other_asks() {
    with_pool(pool_of(1), |pool| {
        let (keeper, replies) = keeper(pool);
        let forgetful = pool
            .spawn(
                "forgetful",
                Props::new(|| Behavior::receive(|_ctx, reply: Reply<()>| drop(reply))),
            )
            .unwrap();
        let slow = pool
            .spawn(
                "slow",
                Props::new(move || {
                    let waiting = OnDrop(move || {
                        let _ = keeper.ask(|reply| reply, NEVER).wait();
                    });
                    Behavior::with_state(waiting, |_waiting, _ctx, ()| Next::Stop)
                }),
            )
            .unwrap();
        slow.tell(());
        let reply = replies.recv().unwrap();
        let answer = forgetful.ask(|reply| reply, SOON).wait();
        reply.send(());
        assert!(matches!(answer, Err(AskError::NoReply(_))));
    });
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
fn s7_2_messages_whose_destructors_send_are_counted_while_the_pool_ends() {
    struct Chatty(ActorRef<u8>);
    impl Drop for Chatty {
        fn drop(&mut self) {
            self.0.tell(1);
        }
    }
    let _watchdog = watchdog();
    for _ in 0..20 {
        let pool = pool_of(2).start().unwrap();
        let target = pool
            .spawn_on(
                1,
                "target",
                Props::new(|| Behavior::receive(|_ctx, _: u8| ())),
            )
            .unwrap();
        let sink = pool
            .spawn_on(
                0,
                "sink",
                Props::new(|| Behavior::receive(|_ctx, _: Chatty| ())),
            )
            .unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&over);
        let flood = thread::spawn(move || {
            while !ended.load(SeqCst) {
                for _ in 0..100 {
                    sink.tell(Chatty(target));
                }
            }
        });
        let report = pool.shutdown(SOON).unwrap();
        over.store(true, SeqCst);
        flood.join().unwrap();
        assert_eq!(report.stuck_workers, 0);
        assert_conserved(&pool);
    }
}

#[test]
fn s4_4_waiting_for_the_end_on_a_worker_does_not_hold_it_for_ever() {
    in_child(
        "s4_4_waiting_for_the_end_on_a_worker_does_not_hold_it_for_ever",
        || {
            let pool = pool_of(1).start().unwrap();
            let handle = pool.clone();
            let waiter = pool
                .spawn(
                    "waiter",
                    Props::new(move || {
                        let handle = handle.clone();
                        Behavior::receive(move |_ctx, ()| {
                            let _ = handle.wait();
                        })
                    }),
                )
                .unwrap();
            waiter.tell(());
            let report = pool.shutdown(Duration::from_millis(100)).unwrap();
            assert_eq!(report.stuck_workers, 0);
        },
    );
}

#[test]
fn s4_4_the_last_handle_may_be_dropped_in_a_handler() {
    let _watchdog = watchdog();
    let (stopped, stop) = mpsc::channel();
    let pool = pool_of(2).name("lasthandle").start().unwrap();
    let holder = pool
        .spawn(
            "holder",
            Props::new(move || {
                let stopped = stopped.clone();
                Behavior::with_state(
                    None::<WorkerPool>,
                    |held, _ctx, handle: Option<WorkerPool>| *held = handle,
                )
                .on_signal(move |_ctx, signal| {
                    if *signal == Signal::PostStop {
                        stopped.send(()).unwrap();
                    }
                    Ok::<_, BoxError>(())
                })
            }),
        )
        .unwrap();
    holder.tell(Some(pool));
    holder.tell(None);
    stop.recv().unwrap();
    eventually("its threads have ended", || {
        threads_named("lasthandle").is_empty()
    });
    let before = nexus_actors::dead_letters_without_pool().total();
    holder.tell(None);
    assert!(nexus_actors::dead_letters_without_pool().total() > before);
}

#[test]
fn s4_9_a_failure_hook_may_send_spawn_ask_stop_and_shut_down() {
    let _watchdog = watchdog();
    let hands: Arc<Mutex<Option<WorkerPool>>> = Arc::default();
    let (held, log) = (Arc::clone(&hands), Log::default());
    let said = log.clone();
    let pool = pool_of(2)
        .on_failure(move |failure| {
            let pool = held.lock().unwrap().clone().unwrap();
            for worker in 0..2 {
                let name = format!("helper-{worker}");
                let helper = pool.spawn_on(worker, &name, echo(|| 7_u8)).unwrap();
                assert_eq!(helper.ask(|reply| reply, SOON).wait(), Ok(7));
                helper.stop();
            }
            let failed = pool.lookup::<()>(failure.path.as_str()).unwrap();
            failed.tell(());
            failed.stop();
            failed.tell(());
            assert!(pool.shutdown(SOON).is_err());
            said.add("done");
        })
        .start()
        .unwrap();
    *hands.lock().unwrap() = Some(pool.clone());
    let failing = pool
        .spawn(
            "failing",
            Props::new(|| Behavior::receive(|_ctx, ()| planned())),
        )
        .unwrap();
    failing.tell(());
    assert_eq!(pool.wait().unwrap().forced, 0);
    assert_eq!(log.lines(), ["done"]);
    assert_conserved(&pool);
    hands.lock().unwrap().take();
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
fn s4_4_post_stop_may_start_children() {
    let log = Log::default();
    let said = log.clone();
    with_pool(pool_of(1), move |pool| {
        let parent = pool
            .spawn(
                "parent",
                Props::new(move || {
                    let said = said.clone();
                    Behavior::receive(|_ctx, ()| ()).on_signal(move |ctx, signal| {
                        if *signal == Signal::PostStop {
                            said.add("parent");
                            for number in 0..3 {
                                let said = said.clone();
                                ctx.spawn_anonymous(Props::new(move || {
                                    let said = said.clone();
                                    Behavior::<()>::receive(|_ctx, ()| ()).on_signal(
                                        move |_ctx, signal| {
                                            said.add(format!("child {number} {signal:?}"));
                                            Ok::<_, BoxError>(())
                                        },
                                    )
                                }))?;
                            }
                            ctx.sleep(Duration::from_millis(1))?;
                        }
                        Ok::<_, BoxError>(())
                    })
                }),
            )
            .unwrap();
        parent.stop();
        gone(pool, "/user/parent");
    });
    assert_eq!(log.lines().len(), 7, "{:?}", log.lines());
}

// ---- messages of odd shapes ----------------------------------------------------------------

#[repr(align(64))]
struct Aligned(u8);

fn arrives<M: Send + 'static>(
    make: impl Fn() -> M + Send + Sync + Clone + 'static,
    check: impl Fn(&M) -> bool + Send + Sync + Clone + 'static,
) {
    with_pools(|pool| {
        let good = Arc::new(AtomicU64::new(0));
        let (count, check) = (Arc::clone(&good), check.clone());
        let sink = pool
            .spawn(
                "sink",
                Props::new(move || {
                    let (count, check) = (Arc::clone(&count), check.clone());
                    Behavior::receive(move |_ctx, message: M| {
                        count.fetch_add(u64::from(check(&message)), SeqCst);
                    })
                }),
            )
            .unwrap();
        for _ in 0..9 {
            sink.tell(make());
        }
        for worker in 0..pool.workers() {
            let make = make.clone();
            let source = pool
                .spawn_on(
                    worker,
                    &format!("source-{worker}"),
                    Props::new(move || {
                        let make = make.clone();
                        Behavior::receive(move |_ctx, reply: Reply<()>| {
                            (0..9).for_each(|_| sink.tell(make()));
                            reply.send(());
                        })
                    }),
                )
                .unwrap();
            source.ask(|reply| reply, SOON).wait().unwrap();
        }
        let expected = 9 + 9 * pool.workers() as u64;
        eventually("all have arrived whole", || good.load(SeqCst) == expected);
    });
}

#[test]
fn s3_1_messages_of_size_zero_arrive() {
    arrives(|| (), |()| true);
}

#[test]
fn s3_1_messages_of_strict_alignment_arrive() {
    arrives(
        || Aligned(7),
        |message| message.0 == 7 && (&raw const *message).addr() % 64 == 0,
    );
}

#[test]
fn s3_1_messages_of_strict_alignment_and_size_zero_arrive() {
    #[repr(align(64))]
    struct AlignedNothing;
    arrives(
        || AlignedNothing,
        |message| (&raw const *message).addr() % 64 == 0,
    );
}

#[test]
fn s3_1_messages_of_odd_sizes_arrive() {
    arrives(
        || [3_u8; 255],
        |message| message.iter().all(|byte| *byte == 3),
    );
    arrives(
        || [3_u8; 256],
        |message| message.iter().all(|byte| *byte == 3),
    );
    arrives(
        || [3_u8; 257],
        |message| message.iter().all(|byte| *byte == 3),
    );
    arrives(
        || [3_u8; 1009],
        |message| message.iter().all(|byte| *byte == 3),
    );
    arrives(|| u128::MAX, |message| *message == u128::MAX);
}

#[test]
fn s3_1_messages_that_are_not_sync_arrive() {
    arrives(|| std::cell::Cell::new(5_u8), |message| message.get() == 5);
}

#[test]
fn s3_1_large_messages_arrive_where_the_stacks_are_large() {
    in_child(
        "s3_1_large_messages_arrive_where_the_stacks_are_large",
        || {
            let large = || {
                thread::Builder::new().stack_size(64 << 20).spawn(|| {
                    with_pool(pool_of(2).stack_size(64 << 20), |pool| {
                        let sink = pool
                            .spawn(
                                "sink",
                                Props::new(|| {
                                    Behavior::receive(
                                        |_ctx, (large, reply): ([u8; 1 << 20], Reply<u8>)| {
                                            reply.send(large[77])
                                        },
                                    )
                                }),
                            )
                            .unwrap();
                        assert_eq!(sink.ask(|reply| ([9; 1 << 20], reply), SOON).wait(), Ok(9));
                    });
                })
            };
            large().unwrap().join().unwrap();
        },
    );
}

#[test]
fn s5_1_answers_of_strict_alignment_arrive() {
    with_pools(|pool| {
        let sink = pool.spawn("sink", echo(|| Aligned(7))).unwrap();
        for worker in 0..pool.workers() {
            let asker = pool
                .spawn_on(
                    worker,
                    &format!("asker-{worker}"),
                    Props::new(move || {
                        Behavior::receive(move |_ctx, reply: Reply<bool>| {
                            let answer = sink.ask(|reply| reply, SOON).wait().unwrap();
                            reply.send(answer.0 == 7 && (&raw const answer).addr() % 64 == 0);
                        })
                    }),
                )
                .unwrap();
            assert_eq!(asker.ask(|reply| reply, SOON).wait(), Ok(true));
        }
        assert_eq!(sink.ask(|reply| reply, SOON).wait().unwrap().0, 7);
    });
}

// ---- options at their limits ---------------------------------------------------------------

#[test]
fn s8_2_an_endless_stack_is_refused() {
    in_child("s8_2_an_endless_stack_is_refused", || {
        assert!(pool_of(1).stack_size(usize::MAX).start().is_err());
    });
}

#[test]
fn s8_2_a_stack_beyond_the_address_space_is_refused() {
    in_child("s8_2_a_stack_beyond_the_address_space_is_refused", || {
        assert!(pool_of(1).stack_size(1 << 60).start().is_err());
    });
}

#[test]
fn s8_2_a_name_with_a_nul_is_refused_with_an_error() {
    let started = catch_unwind(|| pool_of(1).name("a\0b").start().is_err());
    assert_eq!(started.ok(), Some(true));
}

#[test]
fn s8_2_the_smallest_stack_has_room_for_a_panic() {
    in_child("s8_2_the_smallest_stack_has_room_for_a_panic", || {
        std::panic::set_hook(Box::new(|info| eprintln!("{info}"))); // without a backtrace
        panics_once(64 * 1024);
    });
}

#[test]
fn s8_2_the_smallest_stack_has_room_for_a_panic_with_the_usual_hook() {
    in_child(
        "s8_2_the_smallest_stack_has_room_for_a_panic_with_the_usual_hook",
        || {
            print_backtraces();
            panics_once(64 * 1024);
        },
    );
}

#[test]
fn s4_9_the_usual_stack_has_room_for_a_panic_with_the_usual_hook() {
    in_child(
        "s4_9_the_usual_stack_has_room_for_a_panic_with_the_usual_hook",
        || {
            print_backtraces();
            panics_once(256 * 1024);
        },
    );
}

#[test]
fn s4_4_forced_ends_run_the_destructors_of_all_that_wait_and_tell_post_stop() {
    const WAITING: u64 = 1_000;
    let _watchdog = watchdog();
    for workers in SIZES {
        let (entered, dropped, told) = (
            Arc::new(AtomicU64::new(0)),
            Arc::new(AtomicU64::new(0)),
            Arc::new(AtomicU64::new(0)),
        );
        let pool = pool_of(workers).start().unwrap();
        for _ in 0..WAITING {
            let (entered, dropped, told) = (
                Arc::clone(&entered),
                Arc::clone(&dropped),
                Arc::clone(&told),
            );
            let actor = pool
                .spawn_anonymous(Props::new(move || {
                    let (entered, dropped, told) = (
                        Arc::clone(&entered),
                        Arc::clone(&dropped),
                        Arc::clone(&told),
                    );
                    Behavior::receive(move |ctx, ()| {
                        let _guard = OnDrop(|| {
                            dropped.fetch_add(1, SeqCst);
                        });
                        entered.fetch_add(1, SeqCst);
                        ctx.sleep(NEVER)
                    })
                    .on_signal(move |ctx, signal| {
                        if *signal == Signal::PostStop {
                            told.fetch_add(1, SeqCst);
                            ctx.sleep(NEVER)?; // ends at once
                        }
                        Ok::<_, BoxError>(())
                    })
                }))
                .unwrap();
            actor.tell(());
            actor.tell(());
        }
        eventually("all wait", || entered.load(SeqCst) == WAITING);
        let report = finish(&pool, Duration::from_millis(20));
        assert_eq!((report.forced, report.unprocessed), (WAITING, WAITING));
        assert_eq!(
            (dropped.load(SeqCst), told.load(SeqCst)),
            (WAITING, WAITING)
        );
    }
}

#[test]
fn s4_4_a_worker_that_never_returns_is_reported() {
    in_child("s4_4_a_worker_that_never_returns_is_reported", || {
        let pool = pool_of(1).start().unwrap();
        let (entered, entry) = mpsc::channel();
        let stuck = pool
            .spawn(
                "stuck",
                Props::new(move || {
                    let entered = entered.clone();
                    Behavior::receive(move |_ctx, ()| {
                        entered.send(()).unwrap();
                        while !NEVER.is_zero() {
                            thread::park();
                        }
                    })
                }),
            )
            .unwrap();
        stuck.tell(());
        entry.recv().unwrap();
        assert_eq!(
            pool.shutdown(Duration::from_millis(10))
                .unwrap()
                .stuck_workers,
            1
        );
    });
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
fn s7_2_a_message_whose_destructor_does_everything_is_buried_well() {
    struct Busy(
        WorkerPool,
        ActorRef<Busy>,
        ActorRef<Reply<u8>>,
        Arc<AtomicU64>,
    );
    impl Drop for Busy {
        fn drop(&mut self) {
            let Self(pool, own, other, done) = self;
            other.ask(|reply| reply, SOON).wait().unwrap();
            let name = format!("from-drop-{}", done.load(SeqCst));
            pool.spawn(&name, echo(|| 1_u8)).unwrap().stop();
            own.stop();
            assert!(
                own.try_tell(Busy(pool.clone(), *own, *other, Arc::clone(done)))
                    .map_err(|refused| {
                        std::mem::forget(refused);
                    })
                    .is_err()
            );
            done.fetch_add(1, SeqCst);
        }
    }
    with_pool(pool_of(2), |pool| {
        let done = Arc::new(AtomicU64::new(0));
        let other = pool.spawn_on(1, "other", echo(|| 1_u8)).unwrap();
        let target = pool
            .spawn_on(
                0,
                "target",
                Props::new(|| {
                    Behavior::receive(|_ctx, busy: Busy| {
                        std::mem::forget(busy);
                        Next::Stop
                    })
                }),
            )
            .unwrap();
        // Sent from its own worker, so that all of them are in its mailbox when it stops, and
        // their destructors run where they may wait.
        let feeder = Props::new(move || {
            Behavior::receive(move |_ctx, all: Vec<Busy>| {
                all.into_iter().for_each(|busy| target.tell(busy));
            })
        });
        let feeder = pool.spawn_on(0, "feeder", feeder).unwrap();
        let leaked = pool.clone();
        let busy = || Busy(pool.clone(), target, other, Arc::clone(&done));
        feeder.tell((0..4).map(|_| busy()).collect());
        gone(pool, "/user/target");
        assert_eq!(done.load(SeqCst), 3);
        drop(leaked);
    });
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

#[test]
fn s6_2_a_manual_clock_put_forward_by_a_duration_ends_a_sleep_of_it() {
    let time = ManualTime::new();
    let builder = pool_of(1).time_source(TimeSource::Manual(time.clone()));
    with_pool(builder, |pool| {
        let (tell, told) = mpsc::channel();
        let sleeper = pool
            .spawn(
                "sleeper",
                Props::new(move || {
                    let tell = tell.clone();
                    Behavior::receive(move |ctx, ()| {
                        tell.send(()).unwrap();
                        ctx.sleep(Duration::from_secs(1))?;
                        tell.send(()).unwrap();
                        Ok::<_, WaitError>(())
                    })
                }),
            )
            .unwrap();
        sleeper.tell(());
        told.recv().unwrap();
        round_trip(pool, 0);
        time.advance(Duration::from_secs(1));
        let woke = told.recv_timeout(Duration::from_secs(2));
        time.advance(Duration::from_secs(1));
        assert_eq!(woke, Ok(()));
    });
}

#[test]
fn s5_3_the_longest_time_is_no_time_out() {
    with_pools(|pool| {
        let sink = pool.spawn("sink", echo(|| 7_u8)).unwrap();
        let asker = pool
            .spawn(
                "asker",
                Props::new(move || {
                    Behavior::receive(move |_ctx, reply: Reply<u8>| {
                        reply.send(sink.ask(|reply| reply, Duration::MAX).wait().unwrap());
                    })
                }),
            )
            .unwrap();
        assert_eq!(asker.ask(|reply| reply, Duration::MAX).wait(), Ok(7));
    });
}

#[test]
fn s1_8_the_path_of_a_deep_family_can_be_told() {
    in_child("s1_8_the_path_of_a_deep_family_can_be_told", || {
        struct Deeper(u32, Reply<usize>);
        fn link() -> Behavior<Deeper> {
            Behavior::receive(|ctx, Deeper(left, reply)| {
                if left == 0 {
                    reply.send(ctx.path().depth());
                } else {
                    ctx.spawn_anonymous(Props::new(link))?
                        .tell(Deeper(left - 1, reply));
                }
                Ok::<_, SpawnError>(())
            })
        }
        with_pool(pool_of(1), |pool| {
            let first = pool.spawn_anonymous(Props::new(link)).unwrap();
            let depth = first.ask(|reply| Deeper(5_000, reply), SOON).wait();
            assert_eq!(depth, Ok(5_002));
        });
    });
}

// ---- counts and ids ------------------------------------------------------------------------

#[test]
fn s7_3_ids_are_unique_in_a_pool_that_another_pool_sends_to() {
    with_pool(pool_of(1), |here| {
        let seen: Arc<Mutex<Vec<u64>>> = Arc::default();
        let ids = Arc::clone(&seen);
        let sink = here
            .spawn(
                "sink",
                Props::new(move || {
                    let ids = Arc::clone(&ids);
                    Behavior::receive(move |ctx, ()| {
                        ids.lock().unwrap().push(ctx.envelope().message_id().get())
                    })
                }),
            )
            .unwrap();
        let source = || {
            Props::new(move || {
                Behavior::receive(move |_ctx, reply: Reply<()>| {
                    (0..100).for_each(|_| sink.tell(()));
                    reply.send(());
                })
            })
        };
        with_pool(pool_of(1), |there| {
            for pool in [here, there] {
                pool.spawn("source", source())
                    .unwrap()
                    .ask(|reply| reply, SOON)
                    .wait()
                    .unwrap();
            }
        });
        eventually("all have arrived", || seen.lock().unwrap().len() == 200);
        let mut ids = seen.lock().unwrap().clone();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 200);
    });
}

#[test]
fn s5_3_an_unanswered_reply_that_is_dropped_late_is_no_late_reply() {
    with_pool(pool_of(1), |pool| {
        let (keeper, replies) = keeper(pool);
        let asker = pool
            .spawn(
                "asker",
                Props::new(move || {
                    Behavior::receive(move |_ctx, done: Reply<()>| {
                        let _ = keeper.ask(|reply| reply, Duration::from_millis(1)).wait();
                        done.send(());
                    })
                }),
            )
            .unwrap();
        asker.ask(|reply| reply, SOON).wait().unwrap();
        drop(replies.recv().unwrap());
        round_trip(pool, 0);
        assert_eq!(pool.stats().late_replies, 0);
    });
}

#[test]
fn s5_3_a_late_reply_of_a_thread_to_a_thread_is_counted() {
    with_pool(pool_of(1), |pool| {
        let (keeper, replies) = keeper(pool);
        let asked = keeper.ask(|reply| reply, Duration::from_millis(1));
        // Taken before the time-out is looked at: a question that was not would be taken back.
        let late = replies.recv().unwrap();
        assert!(matches!(asked.wait(), Err(AskError::Timeout(_))));
        late.send(());
        assert_eq!(pool.stats().late_replies, 1);
    });
}

#[test]
fn s5_3_a_target_that_returns_an_error_fails_the_ask_as_failed() {
    with_pool(pool_of(1), |pool| {
        let failing = pool
            .spawn(
                "failing",
                Props::new(|| Behavior::receive(|_ctx, _reply: Reply<()>| Err::<(), _>("planned"))),
            )
            .unwrap();
        assert!(matches!(
            failing.ask(|reply| reply, SOON).wait(),
            Err(AskError::TargetFailed(_))
        ));
    });
}
