//! The end of a system: by a shutdown, by force, by a drop, with its thread, or during a panic.

use super::{Count, SHORT, conserved, counter, end, manual, mute, smuggle, stuck, system};
use crate::common::*;
use nexus_actors::actor::TellError;
use nexus_actors::prelude::*;
use nexus_actors::{SendError, SpawnError, WaitError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Instant;

#[test]
fn s4_4_a_deadline_ends_what_waits_by_force() {
    for by_hand in [false, true] {
        let _watchdog = watchdog();
        let system = if by_hand { manual().0 } else { system() };
        let log = Log::default();
        let stuck = system.spawn("stuck", stuck(&log)).unwrap();
        (0..3).for_each(|_| stuck.tell(()));
        system.run_until_idle();
        let start = Instant::now();
        let report = system.shutdown(SHORT);
        assert!(start.elapsed() >= SHORT);
        assert_eq!((report.forced, report.unprocessed), (1, 2));
        assert_eq!(report.stuck_workers.len(), 0);
        assert_eq!(log.lines(), ["unwound", "told"]);
        assert_eq!(system.shutdown(SOON), report);
        assert_eq!(system.run_until_shutdown(), report);
        conserved(&system);
    }
}

#[test]
fn s4_4_a_handler_asks_for_the_end() {
    let _watchdog = watchdog();
    let system = system();
    let (node, handled) = (system.node(), Arc::new(AtomicU64::new(0)));
    let count = Arc::clone(&handled);
    let props = Props::new(move || {
        let (node, count) = (node.clone(), Arc::clone(&count));
        Behavior::receive(move |_ctx, ()| {
            node.request_shutdown(SOON);
            count.fetch_add(1, SeqCst);
        })
    });
    let last = system.spawn("last", props).unwrap();
    (0..5).for_each(|_| last.tell(()));
    let report = system.run_until_shutdown();
    assert_eq!((report.forced, report.unprocessed), (0, 0));
    assert_eq!(handled.load(SeqCst), 5, "it handles the mail that it has");
    assert!(system.has_ended());
    conserved(&system);
}

#[test]
fn s4_4_dropping_it_ends_handlers_that_wait() {
    let _watchdog = watchdog();
    let log = Log::default();
    let system = system();
    let actor = system.spawn("stuck", stuck(&log)).unwrap();
    actor.tell(());
    system.run_until_idle();
    let letters = system.dead_letters();
    drop(system);
    assert_eq!(log.lines(), ["unwound", "told"]);
    actor.tell(());
    assert_eq!(letters.total(), 0, "it is forgotten");
    assert!(matches!(actor.try_tell(()), Err(TellError::PoolClosed(()))));
    assert!(matches!(actor.send(()), Err(SendError::PoolClosed(()))));
}

#[test]
fn s5_8_an_ended_system_refuses_everything_at_once() {
    let _watchdog = watchdog();
    let system = system();
    let asked = system.spawn("mute", mute::<u8>()).unwrap();
    let kept = asked.ask(|reply| reply, NEVER);
    system.run_until_idle();
    end(&system);
    assert!(matches!(kept.wait(), Err(AskError::TargetStopped(_))));
    let late = asked.ask(|reply| reply, NEVER).wait();
    assert!(matches!(late, Err(AskError::PoolClosed(_))));
    let spawned = system.spawn("late", counter());
    assert!(matches!(spawned, Err(SpawnError::PoolClosed)));
    assert!(matches!(
        asked.send(never_sent()),
        Err(SendError::PoolClosed(_))
    ));
    system.run();
    conserved(&system);
}

/// A reply that is never sent.
fn never_sent() -> Reply<u8> {
    let other = system();
    let (give, replies) = mpsc::channel();
    let props = Props::new(move || {
        let give = give.clone();
        Behavior::receive(move |_ctx, reply: Reply<u8>| give.send(reply).unwrap())
    });
    let keeper = other.spawn("keeper", props).unwrap();
    let ask = keeper.ask(|reply| reply, NEVER);
    other.run_until_idle();
    drop(ask);
    replies.recv().unwrap()
}

#[test]
fn s5_8_an_ask_kept_beyond_the_end_does_not_hang() {
    let _watchdog = watchdog();
    let (keep, replies) = mpsc::channel();
    let system = system();
    let props = Props::new(move || {
        let keep = keep.clone();
        Behavior::receive(move |_ctx, reply: Reply<u8>| keep.send(reply).unwrap())
    });
    let keeper = system.spawn("keeper", props).unwrap();
    let [first, second, third] = [(); 3].map(|()| keeper.ask(|reply| reply, NEVER));
    system.run_until_idle();
    drop(system);
    assert!(matches!(first.wait(), Err(AskError::PoolClosed(_))));
    let replies: Vec<_> = replies.try_iter().collect();
    replies.into_iter().for_each(|reply| reply.send(1));
    assert!(matches!(second.wait(), Err(AskError::PoolClosed(_))));
    drop(third);
    let late = keeper.ask(|reply| reply, NEVER);
    assert!(matches!(late.wait(), Err(AskError::PoolClosed(_))));
}

#[test]
fn s5_8_a_reply_kept_in_a_thread_local_outlives_its_system() {
    in_child(
        "system::end::s5_8_a_reply_kept_in_a_thread_local_outlives_its_system",
        || {
            let thread = thread::spawn(|| {
                let system = system();
                let props =
                    Props::new(|| Behavior::receive(|_ctx, reply: Reply<u8>| smuggle(reply)));
                let keeper = system.spawn("keeper", props).unwrap();
                let ask = keeper.ask(|reply| reply, NEVER);
                system.run_until_idle();
                end(&system);
                drop(system);
                assert!(matches!(ask.wait(), Err(AskError::PoolClosed(_))));
            });
            thread.join().unwrap();
        },
    );
}

#[test]
fn s4_4_a_system_in_a_thread_local_ends_with_its_thread() {
    in_child(
        "system::end::s4_4_a_system_in_a_thread_local_ends_with_its_thread",
        || {
            let log = Log::default();
            let noted = log.clone();
            let thread = thread::spawn(move || {
                let system = system();
                let stuck = system.spawn("stuck", stuck(&noted)).unwrap();
                stuck.tell(());
                system.run_until_idle();
                let mute = system.spawn("mute", mute::<u8>()).unwrap();
                smuggle(mute.ask(|reply| reply, NEVER));
                let counter = system.spawn("counter", counter()).unwrap();
                smuggle(OnDrop(move || {
                    assert_eq!(counter.ask(Count::Get, NEVER).wait(), Ok(0));
                }));
                smuggle(system);
            });
            thread.join().unwrap();
            assert_eq!(log.lines(), ["unwound", "told"]);
        },
    );
}

#[test]
fn s4_9_a_system_dropped_while_its_thread_panics_does_not_abort() {
    in_child(
        "system::end::s4_9_a_system_dropped_while_its_thread_panics_does_not_abort",
        || {
            let (tell, told) = mpsc::channel();
            let system = AssertUnwindSafe(system());
            let waiting = system.spawn("stuck", stuck(&Log::default())).unwrap();
            waiting.tell(());
            system.run_until_idle();
            let (node, mute) = (system.node(), system.spawn("mute", mute::<u8>()).unwrap());
            let counter = system.spawn("counter", counter()).unwrap();
            // No thread that waits for the system may wait for ever.
            let others = [
                thread::spawn({
                    let tell = tell.clone();
                    move || {
                        tell.send(()).unwrap();
                        let spawned = node.spawn("late", self::counter());
                        let refused = spawned.expect_err("the system ends");
                        assert!(matches!(
                            refused,
                            SpawnError::ShuttingDown | SpawnError::PoolClosed
                        ));
                    }
                }),
                thread::spawn(move || {
                    tell.send(()).unwrap();
                    let answer = mute.ask(|reply| reply, NEVER).wait();
                    // Either the target is stopped with the system, or the system no longer exists.
                    let refused = answer.expect_err("the system ends");
                    assert!(matches!(
                        refused,
                        AskError::TargetStopped(_) | AskError::PoolClosed(_)
                    ));
                }),
            ];
            (0..2).for_each(|_| told.recv().unwrap());
            thread::sleep(SHORT);
            let caught = catch_unwind(move || {
                let system = system;
                let kept = counter.ask(Count::Get, NEVER);
                let node = system.node();
                // Dropped first, while the thread panics.
                let _guard = OnDrop(|| {
                    system.run();
                    system.run_until_idle();
                    let _ = system.shutdown(SOON);
                    assert_eq!(system.run_until_shutdown().forced, 0);
                    let asked = counter.ask(Count::Get, NEVER).wait();
                    let unwinding = WaitError::Unwinding;
                    assert_eq!(asked, Err(AskError::CannotWait(unwinding)));
                    let spawned = node.spawn("never", self::counter());
                    assert!(matches!(spawned, Err(SpawnError::CannotWait(_))));
                });
                let _kept = kept;
                panic!("planned: a panic beside the system");
            });
            assert!(caught.is_err());
            others.into_iter().for_each(|other| other.join().unwrap());
        },
    );
}

#[test]
fn s4_9_a_system_goes_on_after_a_panic_beside_it() {
    let _watchdog = watchdog();
    let system = system();
    let counter = system.spawn("counter", counter()).unwrap();
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let node = system.node();
        let _guard = OnDrop(|| {
            let spawned = node.spawn("never", self::counter());
            assert!(matches!(spawned, Err(SpawnError::CannotWait(_))));
        });
        counter.tell(Count::Add(1));
        panic!("planned: a panic beside the system");
    }));
    assert!(caught.is_err());
    assert_eq!(counter.ask(Count::Get, SOON).wait(), Ok(1));
    assert!(
        system.lookup::<Count>("/user/never").is_err(),
        "a spawn that failed leaves nothing behind"
    );
    end(&system);
}

#[test]
fn s4_9_a_started_system_in_an_unwinding_thread_harms_nobody() {
    in_child(
        "system::end::s4_9_a_started_system_in_an_unwinding_thread_harms_nobody",
        || {
            let caught = catch_unwind(|| {
                let _guard = OnDrop(|| {
                    let system = system();
                    assert!(system.spawn("never", counter()).is_err());
                    system.run();
                });
                panic!("planned");
            });
            assert!(caught.is_err());
        },
    );
}
