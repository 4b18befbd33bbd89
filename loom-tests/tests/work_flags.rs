//! No work goes unwatched: a watcher that sleeps is woken, and one that is about to sleep sees which
//! threads work.

#![cfg(nexus_loom)]

use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;
use nexus_actors::model::{Mutant, watcher_of};
use nexus_loom_tests::{Outcomes, explore, rejected};

const PREEMPTIONS: usize = 3;

/// What a working thread waits for: to be seen.
#[derive(Default)]
struct Seen {
    seen: Mutex<bool>,
    changed: Condvar,
}

impl Seen {
    fn tell(&self) {
        *self.seen.lock().unwrap() = true;
        self.changed.notify_one();
    }

    fn wait(&self) {
        let mut seen = self.seen.lock().unwrap();
        while !*seen {
            seen = self.changed.wait(seen).unwrap();
        }
    }
}

/// One thread works until it is seen to work; another one works for a moment.
fn one_works_for_long(outcomes: &Outcomes) {
    let watcher = watcher_of(2);
    let seen = Arc::new(Seen::default());
    let works = {
        let (nap, seen) = (watcher.flags(), Arc::clone(&seen));
        thread::spawn(move || {
            nap.goes_on(0);
            seen.wait();
            nap.rests(0);
        })
    };
    let works_for_a_moment = {
        let nap = watcher.flags();
        thread::spawn(move || {
            nap.goes_on(1);
            nap.rests(1);
        })
    };
    let mut sleeps = 0;
    while !watcher.sees_work() {
        watcher.sleep();
        sleeps += 1;
    }
    works_for_a_moment.join().unwrap();
    // The watcher may have seen that one.
    while !watcher.sees_work() {
        watcher.sleep();
        sleeps += 1;
    }
    seen.tell();
    works.join().unwrap();
    outcomes.note("seen at once", sleeps == 0);
    outcomes.note("seen after a sleep", sleeps == 1);
    outcomes.note("seen after two", sleeps == 2);
}

#[test]
fn nobody_works_unwatched() {
    // Claim: either the watcher sees that a thread works, or is woken by it; so it does not sleep for good.
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || one_works_for_long(&outcomes));
    assert_eq!(
        reached.seen(),
        ["seen after a sleep", "seen after two", "seen at once"]
    );
}

fn is_rejected(mutant: Mutant) {
    rejected(PREEMPTIONS, Some(mutant), "deadlock", || {
        one_works_for_long(&Outcomes::default());
    });
}

#[test]
fn going_on_without_a_fence_is_rejected() {
    // Claim: the thread's flag is seen before the thread checks whether the watcher sleeps.
    is_rejected(Mutant::NapUnfenced);
}

#[test]
fn sleeping_without_a_fence_is_rejected() {
    // Claim: the watcher's flag is seen before the watcher checks whether a thread works.
    is_rejected(Mutant::NapSleepUnfenced);
}

#[test]
fn sleeping_without_looking_is_rejected() {
    // Claim: a thread that resumes before the watcher says that it sleeps does not wake it.
    is_rejected(Mutant::NapSleepUnseen);
}

#[test]
fn going_on_without_waking_is_rejected() {
    // Claim: a thread that finds the watcher asleep must wake it.
    is_rejected(Mutant::NapWakeForgotten);
}

#[test]
fn looking_for_the_watcher_before_being_awake_is_rejected() {
    // Claim: the watcher may look, and go to sleep, between the two steps.
    is_rejected(Mutant::NapAwakeLate);
}

/// The watcher is told to end while a thread resumes work.
fn it_ends() {
    let watcher = watcher_of(1);
    let ends = {
        let nap = watcher.flags();
        thread::spawn(move || nap.end())
    };
    let works = {
        let nap = watcher.flags();
        thread::spawn(move || {
            nap.goes_on(0);
            nap.rests(0);
        })
    };
    let mut rounds = 0;
    while !watcher.has_ended() {
        watcher.sleep();
        rounds += 1;
        if watcher.sees_work() {
            // It would look again after a while; a look in vain leads to no new state.
            if rounds > 3 {
                loom::skip_branch();
            }
            thread::yield_now();
        }
    }
    ends.join().unwrap();
    works.join().unwrap();
}

#[test]
fn its_end_is_not_slept_over() {
    // Claim: whenever the end is ordered, the watcher sees it before it sleeps for good.
    explore(PREEMPTIONS, it_ends);
}

#[test]
fn ending_after_the_wake_up_is_rejected() {
    // Claim: the watcher that has received the token must see the end.
    rejected(PREEMPTIONS, Some(Mutant::NapEndLate), "deadlock", it_ends);
}
