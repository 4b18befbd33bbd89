//! A consumer that sleeps whenever its inbox is empty is woken by the push that fills it: no wake-up is
//! lost.
//!
//! A lost wake-up is a thread that no other thread will wake, which loom reports as a deadlock.

#![cfg(nexus_loom)]

use loom::thread::{self, JoinHandle};
use nexus_actors::model::{Inbox, InboxReceiver, Mutant, Pushed, inbox};
use nexus_loom_tests::{Letter, Tally, explore, rejected};
use std::time::Duration;

const PREEMPTIONS: usize = 3;

/// Loom has no clock; a time-out may end a sleep at once, however long it is.
const A_WHILE: Option<Duration> = Some(Duration::from_secs(1));

/// Pushes letters with these numbers on a separate thread, and returns how many pushes woke the
/// consumer.
fn post<const N: usize>(
    inbox: &Inbox<Letter>,
    tally: &Tally,
    numbers: [u32; N],
) -> JoinHandle<usize> {
    let (inbox, tally) = (inbox.clone(), tally.clone());
    thread::spawn(move || {
        let woke = |number| {
            let pushed = inbox.push(Letter::of(&[number], &tally));
            pushed.is_ok_and(|pushed| pushed == Pushed::Woke)
        };
        numbers.into_iter().filter(|&number| woke(number)).count()
    })
}

/// Takes, and sleeps between two takes, until there are `wanted` letters. Returns how often it slept.
fn receive(receiver: &mut InboxReceiver<Letter>, got: &mut Vec<u32>, wanted: usize) -> usize {
    let mut sleeps = 0;
    loop {
        got.extend(receiver.take().flat_map(|letter| letter.read()));
        if got.len() >= wanted {
            return sleeps;
        }
        receiver.park(None);
        sleeps += 1;
    }
}

fn sleep_until_all_is_there() {
    let tally = Tally::default();
    let (sender, mut receiver) = inbox();
    let one = post(&sender, &tally, [10, 11]);
    let two = post(&sender, &tally, [20]);

    let mut got = Vec::new();
    let sleeps = receive(&mut receiver, &mut got, 3);
    let woke = one.join().unwrap() + two.join().unwrap();

    got.sort_unstable();
    assert_eq!(got, [10, 11, 20]);
    assert!(woke <= sleeps, "one sleep needs one waker at most");
    assert_eq!(tally.alive(), 0);
}

#[test]
fn no_wake_up_is_lost() {
    // Claim: a push that finds the consumer asleep, or about to sleep, wakes it, and only one does.
    explore(PREEMPTIONS, sleep_until_all_is_there);
}

#[test]
fn sleeping_without_looking_is_rejected() {
    // Claim: the consumer may sleep only if it found the inbox empty in the same step.
    rejected(
        PREEMPTIONS,
        Some(Mutant::SleepWithoutLooking),
        "deadlock",
        sleep_until_all_is_there,
    );
}

#[test]
fn pushing_without_waking_is_rejected() {
    // Claim: the push that replaces the sleeping mark must wake the consumer.
    rejected(
        PREEMPTIONS,
        Some(Mutant::PushWithoutWaking),
        "deadlock",
        sleep_until_all_is_there,
    );
}

fn sleep_for_a_while_then_for_good() {
    let tally = Tally::default();
    let (sender, mut receiver) = inbox();
    let one = post(&sender, &tally, [10]);
    let two = post(&sender, &tally, [20]);

    receiver.park(A_WHILE);
    let mut got: Vec<u32> = receiver.take().flat_map(|letter| letter.read()).collect();
    receiver.park(A_WHILE);
    let sleeps = receive(&mut receiver, &mut got, 2) + 2;
    let woke = one.join().unwrap() + two.join().unwrap();

    got.sort_unstable();
    assert_eq!(got, [10, 20]);
    assert!(woke <= sleeps, "one sleep needs one waker at most");
    assert_eq!(tally.alive(), 0);
}

#[test]
fn a_time_out_loses_nothing() {
    // Claim: a wake-up that comes after its sleep timed out takes nothing from later sleeps.
    explore(PREEMPTIONS, sleep_for_a_while_then_for_good);
}

fn time_out_then_push() {
    let tally = Tally::default();
    let (sender, mut receiver) = inbox();
    let one = post(&sender, &tally, [10]);
    receiver.park(A_WHILE);
    let woke = one.join().unwrap();
    let got = receiver.take().count();
    assert!(woke <= 1 && got == 1);

    receiver.park(A_WHILE);
    let pushed = sender.push(Letter::of(&[20], &tally));
    assert!(matches!(pushed, Ok(Pushed::Queued)), "nobody sleeps");
    assert!(receiver.has_mail());
}

#[test]
fn a_time_out_clears_the_mark() {
    // Claim: after a sleep that timed out, a push finds the consumer awake.
    explore(PREEMPTIONS, time_out_then_push);
}

fn sleep_where_there_is_nothing_to_wait_for() {
    let tally = Tally::default();
    let (sender, mut receiver) = inbox();
    let one = post(&sender, &tally, [10]);

    let mut got = Vec::new();
    let sleeps = receive(&mut receiver, &mut got, 1);
    assert!(one.join().unwrap() <= sleeps);
    // No thread is left that could wake it: each of these must return by itself.
    let pushed = sender.push(Letter::of(&[11], &tally));
    assert!(matches!(pushed, Ok(Pushed::Queued)));
    receiver.park(None);
    receiver.park(None);
    assert_eq!(receiver.close().count(), 1);
    receiver.park(None);
    receiver.park(A_WHILE);
    assert!(!sender.is_open(), "to sleep must not open it again");
    assert!(sender.push(Letter::of(&[12], &tally)).is_err());
    assert_eq!(tally.alive(), 0);
}

#[test]
fn nobody_sleeps_on_mail_or_on_a_closed_inbox() {
    // Claim: parking returns at once if something is queued, or if nothing ever will be.
    explore(PREEMPTIONS, sleep_where_there_is_nothing_to_wait_for);
}

fn close_while_they_push() {
    let tally = Tally::default();
    let (sender, mut receiver) = inbox();
    let one = post(&sender, &tally, [10]);
    let two = post(&sender, &tally, [20]);

    receiver.park(A_WHILE);
    drop(receiver.close());
    receiver.park(None);
    one.join().unwrap();
    two.join().unwrap();
    receiver.park(None);
    assert_eq!(receiver.take().count(), 0);
    assert_eq!(tally.alive(), 0);
}

#[test]
fn a_late_waker_does_no_harm_to_a_closed_inbox() {
    // Claim: a late waker does not disturb a consumer that timed out and closed.
    explore(PREEMPTIONS, close_while_they_push);
}
