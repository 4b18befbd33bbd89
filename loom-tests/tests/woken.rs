//! A future that polls only those of its parts that were woken never sleeps while one of them is ready.
//!
//! A lost wake-up is a poller that no thread will wake, which loom reports as a deadlock.

#![cfg(nexus_loom)]

use loom::sync::atomic::AtomicBool;
use loom::sync::atomic::Ordering::Relaxed;
use loom::sync::{Arc, Notify};
use loom::thread;
use nexus_actors::model::{Mutant, Woken};
use nexus_loom_tests::{Outcomes, explore, rejected};

const PREEMPTIONS: usize = 2;

const PARTS: usize = 2;

/// The poller has another waker at each poll, as some executors do, and sleeps until the latest one is called.
/// Each part becomes ready on a thread of its own, which then calls the waker of the part; that of the first part
/// has called it before, for nothing.
fn poll_until_all_are_ready(outcomes: &Outcomes) {
    let woken = Arc::new(Woken::new(PARTS));
    let ready: Arc<[AtomicBool; PARTS]> = Arc::new(std::array::from_fn(|_| AtomicBool::new(false)));
    let threads: Vec<_> = (0..PARTS)
        .map(|part| {
            let (woken, ready) = (Arc::clone(&woken), Arc::clone(&ready));
            thread::spawn(move || {
                let wake = || {
                    let whole: Option<Arc<Notify>> = woken.note(part);
                    whole.into_iter().for_each(|whole| whole.notify());
                };
                if part == 0 {
                    wake(); // for nothing
                }
                ready[part].store(true, Relaxed);
                wake();
            })
        })
        .collect();

    let mut left = [true; PARTS];
    let mut is_first = true;
    while left.contains(&true) {
        let waker = Arc::new(Notify::new());
        let (numbers, _) = woken.take(Arc::clone(&waker));
        let numbers = if is_first {
            (0..PARTS).collect()
        } else {
            numbers
        };
        outcomes.note(
            "one part of two was polled again",
            !is_first && numbers.len() == 1,
        );
        is_first = false;
        for part in numbers {
            if left[part] && woken.poll(part, || ready[part].load(Relaxed)) {
                left[part] = false;
            }
        }
        if left.contains(&true) {
            outcomes.note("slept", true);
            waker.wait();
        }
    }
    assert!(woken.close().is_some(), "it was polled");
    for thread in threads {
        thread.join().unwrap();
    }
    assert!(woken.note(0).is_none(), "no poller is left to be woken");
}

#[test]
fn a_future_of_many_sleeps_only_while_no_part_is_ready() {
    // Claim: a part that becomes ready is seen by the poll that it is about to have, or wakes the whole and is
    // polled again.
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || poll_until_all_are_ready(&outcomes));
    assert_eq!(
        reached.seen(),
        ["one part of two was polled again", "slept"]
    );
}

fn is_rejected(mutant: Mutant) {
    rejected(PREEMPTIONS, Some(mutant), "deadlock", || {
        poll_until_all_are_ready(&Outcomes::default());
    });
}

#[test]
fn clearing_the_mark_after_the_poll_is_rejected() {
    // Claim: a part that is woken while it is polled is noted.
    is_rejected(Mutant::PartPolledFirst);
}

#[test]
fn taking_the_parts_before_the_waker_is_given_is_rejected() {
    // Claim: a part that is noted after the others were taken calls the new waker.
    is_rejected(Mutant::PartsTakenFirst);
}
