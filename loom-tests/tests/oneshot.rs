//! A one-shot's value is received, returned, or dropped: exactly one of them, once, and no waiter is left
//! asleep.

#![cfg(nexus_loom)]

use loom::sync::{Condvar, Mutex};
use loom::thread::{self, JoinHandle};
use nexus_actors::model::{Mutant, RecvError, once, oneshot};
use nexus_loom_tests::{Letter, Outcomes, Tally, explore, rejected};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

const PREEMPTIONS: usize = 3;

/// When a receiver stops waiting.
#[derive(Clone, Copy)]
enum Until {
    /// Never.
    Answered,
    /// Never, in truth, but it looks at the clock, and its sleeps may end early.
    TheFarFuture,
    /// At once, though not before it has announced itself as waiting.
    Now,
}

impl Until {
    fn deadline(self) -> Option<Instant> {
        match self {
            Self::Answered => None,
            Self::TheFarFuture => Some(Instant::now() + Duration::from_secs(24 * 3600)),
            Self::Now => Some(Instant::now()),
        }
    }
}

type Received = Result<Vec<u32>, RecvError>;

/// Receives on a separate thread.
fn receive(receiver: once::Receiver<Letter>, until: Until) -> JoinHandle<Received> {
    thread::spawn(move || receiver.recv(until.deadline()).map(|letter| letter.read()))
}

fn send_to_one_who_waits(until: Until, outcomes: &Outcomes) {
    let tally = Tally::default();
    let (sender, receiver) = oneshot();
    let received = receive(receiver, until);
    let given_back = sender.send(Letter::of(&[10], &tally)).err();
    let given_back = given_back.map(|letter| letter.read());
    let received = received.join().unwrap();

    outcomes.note("received", received.is_ok());
    outcomes.note("given back", given_back.is_some());
    match (received, given_back) {
        (Ok(received), None) => assert_eq!(received, [10]),
        (Err(RecvError::Timeout), Some(given_back)) => {
            assert!(matches!(until, Until::Now), "the time was not over");
            assert_eq!(given_back, [10]);
        }
        (received, given_back) => panic!("received {received:?}, given back {given_back:?}"),
    }
    assert_eq!(tally.alive(), 0);
}

fn send_and_expect(until: Until, all: &[&str]) {
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || send_to_one_who_waits(until, &outcomes));
    assert_eq!(reached.seen(), all);
}

#[test]
fn a_waiter_receives_what_is_sent() {
    // Claim: a value that is sent reaches the waiter, whichever comes first.
    send_and_expect(Until::Answered, &["received"]);
}

#[test]
fn a_waiter_with_a_deadline_receives_what_is_sent() {
    // Claim: a sleep that ends early, while time is left, is only a reason to sleep again.
    send_and_expect(Until::TheFarFuture, &["received"]);
}

#[test]
fn a_time_out_receives_the_value_or_gives_it_back() {
    // Claim: a value sent at the deadline is either received or returned to its sender.
    send_and_expect(Until::Now, &["given back", "received"]);
}

#[test]
fn announcing_without_release_is_rejected() {
    // Claim: the ordering of the swap to `FULL` is what makes the value visible.
    rejected(
        PREEMPTIONS,
        Some(Mutant::OneshotPublishRelaxed),
        "Causality violation",
        || {
            send_to_one_who_waits(Until::Answered, &Outcomes::default());
        },
    );
}

#[test]
fn giving_up_without_looking_is_rejected() {
    // Claim: a waiter may give up only if it found no value in the same step.
    rejected(
        PREEMPTIONS,
        Some(Mutant::OneshotTimeoutByStore),
        "given back None",
        || {
            send_to_one_who_waits(Until::Now, &Outcomes::default());
        },
    );
}

#[test]
fn sending_without_waking_is_rejected() {
    // Claim: the swap that finds a waiter must wake it.
    rejected(
        PREEMPTIONS,
        Some(Mutant::OneshotSendWithoutWaking),
        "deadlock",
        || {
            send_to_one_who_waits(Until::Answered, &Outcomes::default());
        },
    );
}

/// The first wait sleeps for a while at a time, so that it may see its value before it is woken: its waker
/// then comes late, during the second wait.
fn wait_twice() {
    let tally = Tally::default();
    let (first, first_receiver) = oneshot();
    let (second, second_receiver) = oneshot();
    let received = thread::spawn(move || {
        let deadline = Until::TheFarFuture.deadline();
        [first_receiver.recv(deadline), second_receiver.recv(None)]
            .map(|received| received.map(|letter: Letter| letter.read()))
    });
    let letter = Letter::of(&[10], &tally);
    let sending = thread::spawn(move || first.send(letter).is_ok());
    assert!(second.send(Letter::of(&[20], &tally)).is_ok());
    assert!(sending.join().unwrap());
    assert_eq!(received.join().unwrap(), [Ok(vec![10]), Ok(vec![20])]);
    assert_eq!(tally.alive(), 0);
}

#[test]
fn a_stray_token_ends_no_wait() {
    // Claim: the late waker of an earlier wait neither ends the next one nor hides its waker.
    explore(PREEMPTIONS, wait_twice);
}

fn drop_the_sender_on_one_who_waits(until: Until, outcomes: &Outcomes) {
    let (sender, receiver) = oneshot::<Letter>();
    let received = receive(receiver, until);
    drop(sender);
    let received = received.join().unwrap();
    assert!(received.is_err(), "nobody has sent anything");
    outcomes.note("closed", received == Err(RecvError::Closed));
    outcomes.note("timed out", received == Err(RecvError::Timeout));
}

fn drop_and_expect(until: Until, all: &[&str]) {
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || {
        drop_the_sender_on_one_who_waits(until, &outcomes);
    });
    assert_eq!(reached.seen(), all);
}

#[test]
fn a_dropped_sender_wakes_the_waiter() {
    // Claim: a waiter learns at once that the sender is gone.
    drop_and_expect(Until::Answered, &["closed"]);
}

#[test]
fn a_dropped_sender_meets_a_time_out() {
    // Claim: if the sender is dropped at the deadline, the waiter ends with one of the two.
    drop_and_expect(Until::Now, &["closed", "timed out"]);
}

fn drop_the_receiver_on_a_sender(outcomes: &Outcomes) {
    let tally = Tally::default();
    let (sender, receiver) = oneshot();
    let dropping = thread::spawn(move || drop(receiver));
    let given_back = sender.send(Letter::of(&[10], &tally)).err();
    dropping.join().unwrap();

    outcomes.note("dropped", given_back.is_none());
    outcomes.note("given back", given_back.is_some());
    if let Some(letter) = given_back {
        assert_eq!(letter.read(), [10]);
    }
    assert_eq!(tally.alive(), 0, "the value was left in the slot");
}

#[test]
fn a_dropped_receiver_drops_the_value_or_gives_it_back() {
    // Claim: if the receiver waits no more, the value is dropped once, by one of the two halves.
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || {
        drop_the_receiver_on_a_sender(&outcomes)
    });
    assert_eq!(reached.seen(), ["dropped", "given back"]);
}

#[test]
fn both_halves_may_be_dropped_at_once() {
    // Claim: two halves that are dropped at the same time leave nothing behind.
    explore(PREEMPTIONS, || {
        let (sender, receiver) = oneshot::<Letter>();
        let dropping = thread::spawn(move || drop(receiver));
        drop(sender);
        dropping.join().unwrap();
    });
}

/// What wakes a task: the thread that runs the task sleeps until then.
#[derive(Default)]
struct Signal {
    given: Mutex<bool>,
    changed: Condvar,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        *self.given.lock().unwrap() = true;
        self.changed.notify_one();
    }
}

impl Signal {
    fn wait(&self) {
        let mut given = self.given.lock().unwrap();
        while !*given {
            given = self.changed.wait(given).unwrap();
        }
    }
}

fn poll(receiver: &mut once::Receiver<Letter>, signal: &Arc<Signal>) -> Poll<Received> {
    let waker = Waker::from(Arc::clone(signal));
    let polled = receiver.poll_recv(&mut Context::from_waker(&waker));
    polled.map(|received| received.map(|letter| letter.read()))
}

/// Polls twice, as a task that has moved in between, and then sleeps until the later waker is called. One
/// more poll follows, which must find what it was woken for.
fn receive_as_task(mut receiver: once::Receiver<Letter>, outcomes: &Outcomes) -> Received {
    let (earlier, later) = (Arc::default(), Arc::default());
    if let Poll::Ready(received) = poll(&mut receiver, &earlier) {
        outcomes.note("at the first poll", true);
        return received;
    }
    if let Poll::Ready(received) = poll(&mut receiver, &later) {
        outcomes.note("at the second poll", true);
        return received;
    }
    later.wait();
    outcomes.note("woken", true);
    match poll(&mut receiver, &later) {
        Poll::Ready(received) => received,
        Poll::Pending => panic!("woken for nothing"),
    }
}

const AT_ANY_POLL: [&str; 3] = ["at the first poll", "at the second poll", "woken"];

fn send_to_a_task(outcomes: &Outcomes) {
    let tally = Tally::default();
    let (sender, receiver) = oneshot();
    let noted = outcomes.clone();
    let received = thread::spawn(move || receive_as_task(receiver, &noted));
    assert!(sender.send(Letter::of(&[10], &tally)).is_ok());
    assert_eq!(received.join().unwrap(), Ok(vec![10]));
    assert_eq!(tally.alive(), 0);
}

#[test]
fn a_task_receives_what_is_sent_whichever_waker_it_left_last() {
    // Claim: whatever comes between two polls, the task gets the value, or the last waker is called.
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || send_to_a_task(&outcomes));
    assert_eq!(reached.seen(), AT_ANY_POLL);
}

#[test]
fn a_dropped_sender_ends_the_polls_of_a_task() {
    // Claim: as for a value, a task learns that the sender is gone.
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || {
        let (sender, receiver) = oneshot();
        let noted = outcomes.clone();
        let received = thread::spawn(move || receive_as_task(receiver, &noted));
        drop(sender);
        assert_eq!(received.join().unwrap(), Err(RecvError::Closed));
    });
    assert_eq!(reached.seen(), AT_ANY_POLL);
}

#[test]
fn a_task_that_polls_again_without_taking_its_waker_back_is_rejected() {
    // Claim: while the word says that a receiver waits, the waker belongs to the sender.
    rejected(
        PREEMPTIONS,
        Some(Mutant::OneshotAnnouncedTwice),
        "Causality violation",
        || send_to_a_task(&Outcomes::default()),
    );
}

#[test]
fn a_task_that_keeps_its_first_waker_is_rejected() {
    // Claim: each poll hands over its own waker, in place of the one before.
    rejected(
        PREEMPTIONS,
        Some(Mutant::OneshotWakerKept),
        "deadlock",
        || send_to_a_task(&Outcomes::default()),
    );
}

#[test]
fn sending_to_a_task_without_waking_it_is_rejected() {
    // Claim: the swap that finds a task's waker must call it.
    rejected(
        PREEMPTIONS,
        Some(Mutant::OneshotSendWithoutWaking),
        "deadlock",
        || send_to_a_task(&Outcomes::default()),
    );
}

/// Polls once, and then waits no more.
fn give_up_after_a_poll(outcomes: &Outcomes, by_dropping: bool) {
    let tally = Tally::default();
    let (sender, mut receiver) = oneshot();
    let polling = thread::spawn(move || {
        if let Poll::Ready(received) = poll(&mut receiver, &Arc::default()) {
            return Some(received);
        }
        if by_dropping {
            drop(receiver);
            return None;
        }
        let received = receiver.give_up_polling();
        Some(received.map(|letter| letter.read()))
    });
    let given_back = sender.send(Letter::of(&[10], &tally)).err();
    let given_back = given_back.map(|letter| letter.read());
    match (polling.join().unwrap(), given_back) {
        (Some(Ok(received)), None) => {
            outcomes.note("received", true);
            assert_eq!(received, [10]);
        }
        (Some(Err(RecvError::Timeout)), Some(given_back)) => {
            outcomes.note("given back", true);
            assert_eq!(given_back, [10]);
        }
        (None, given_back) => {
            outcomes.note("given back", given_back.is_some());
            outcomes.note("dropped", given_back.is_none());
        }
        (received, given_back) => panic!("received {received:?}, given back {given_back:?}"),
    }
    assert_eq!(tally.alive(), 0, "the value was left in the slot");
}

#[test]
fn a_task_that_gives_up_receives_the_value_or_gives_it_back() {
    // Claim: a value sent while a task gives up is either received or returned to its sender.
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || give_up_after_a_poll(&outcomes, false));
    assert_eq!(reached.seen(), ["given back", "received"]);
}

#[test]
fn a_task_that_is_dropped_after_a_poll_leaves_nothing_behind() {
    // Claim: neither a value nor a waker is left if a task polled and was dropped.
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || give_up_after_a_poll(&outcomes, true));
    assert_eq!(reached.seen(), ["dropped", "given back", "received"]);
}

/// Polls once, as a task does, and then has its thread wait.
fn wait_after_a_poll(outcomes: &Outcomes) {
    let tally = Tally::default();
    let (sender, mut receiver) = oneshot();
    let noted = outcomes.clone();
    let received = thread::spawn(move || {
        if let Poll::Ready(received) = poll(&mut receiver, &Arc::default()) {
            noted.note("at the poll", true);
            return received;
        }
        noted.note("after the poll", true);
        receiver.recv(None).map(|letter| letter.read())
    });
    assert!(sender.send(Letter::of(&[10], &tally)).is_ok());
    assert_eq!(received.join().unwrap(), Ok(vec![10]));
    assert_eq!(tally.alive(), 0);
}

#[test]
fn a_thread_that_waits_after_a_poll_receives_what_is_sent() {
    // Claim: the last waiter is woken, whatever waker was left before.
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || wait_after_a_poll(&outcomes));
    assert_eq!(reached.seen(), ["after the poll", "at the poll"]);
}

#[test]
fn a_thread_that_waits_without_taking_the_waker_back_is_rejected() {
    // Claim: a read of the word takes no waker back: the sender would wake the task that polled before.
    rejected(
        PREEMPTIONS,
        Some(Mutant::OneshotWaitUnclaimed),
        "deadlock",
        || wait_after_a_poll(&Outcomes::default()),
    );
}
