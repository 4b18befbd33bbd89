//! Orders that cross, and forced ends of handlers that wait, yield or never return.

use crate::common::*;
use nexus_actors::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

/// An actor that reports when it begins to sleep for ever.
fn sleeper(entered: mpsc::Sender<()>) -> Props<()> {
    Props::new(move || {
        let entered = entered.clone();
        Behavior::receive(move |ctx, ()| {
            entered.send(()).unwrap();
            Ok(ctx.sleep(NEVER)?)
        })
    })
}

#[test]
fn s4_4_shutdown_is_idempotent_while_others_ask_for_it_too() {
    in_child(
        "hostile::orders::s4_4_shutdown_is_idempotent_while_others_ask_for_it_too",
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
                assert_eq!(report.stuck_workers.len(), 0, "{report:?}");
            }
        },
    );
}

#[test]
fn s4_4_a_later_order_never_puts_the_deadline_off() {
    in_child(
        "hostile::orders::s4_4_a_later_order_never_puts_the_deadline_off",
        || {
            let pool = pool_of(1).start().unwrap();
            let sleeper = pool
                .spawn(
                    "sleeper",
                    Props::new(|| Behavior::receive(|ctx, ()| Ok(ctx.sleep(NEVER)?))),
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
                        let (entered, exit) =
                            (entered.clone(), exit.lock().unwrap().take().unwrap());
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
        },
    );
}

#[test]
fn s4_4_a_worker_that_forced_its_last_handler_ends_without_being_woken_again() {
    in_child(
        "hostile::orders::s4_4_a_worker_that_forced_its_last_handler_ends_without_being_woken_again",
        || {
            let pool = pool_of(1).start().unwrap();
            let (entered, entry) = mpsc::channel();
            let slow = pool.spawn("slow", sleeper(entered)).unwrap();
            slow.tell(());
            entry.recv().unwrap();
            pool.request_shutdown(Duration::from_millis(10));
            assert_eq!(pool.wait().unwrap().forced, 1);
        },
    );
}

#[test]
fn s4_4_a_failed_start_that_waits_for_its_children_ends_by_force() {
    in_child(
        "hostile::orders::s4_4_a_failed_start_that_waits_for_its_children_ends_by_force",
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
                            let child = ctx.spawn("child", sleeper(entered.clone()))?;
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
fn s4_4_a_handler_that_only_yields_ends_by_force() {
    in_child(
        "hostile::orders::s4_4_a_handler_that_only_yields_ends_by_force",
        || {
            let pool = pool_of(1).start().unwrap();
            let busy = pool
                .spawn(
                    "busy",
                    Props::new(|| {
                        Behavior::receive(|ctx, ()| -> Result<(), BoxError> {
                            loop {
                                ctx.yield_now()?;
                            }
                        })
                    }),
                )
                .unwrap();
            busy.tell(());
            let report = pool.shutdown(Duration::from_millis(50)).unwrap();
            assert_eq!((report.forced, report.stuck_workers.len()), (1, 0));
            assert_conserved(&pool);
        },
    );
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
    // Sent from the actor's own worker and all at once, so that one turn finds all of them.
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
                        Ok(ctx.sleep(NEVER)?)
                    })
                    .on_signal(move |ctx, signal| {
                        if matches!(signal, Signal::PostStop(_)) {
                            told.fetch_add(1, SeqCst);
                            ctx.sleep(NEVER)?; // ends at once
                        }
                        Ok(())
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
    in_child(
        "hostile::orders::s4_4_a_worker_that_never_returns_is_reported",
        || {
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
                    .stuck_workers
                    .len(),
                1
            );
        },
    );
}
