//! Two producers and one consumer of an inbox lose nothing, duplicate nothing, and keep each producer's
//! order.
//!
//! At any time each node has one owner: its producer, the list, or the consumer. Closing, or dropping the
//! receiver, ends the list's ownership for good.

#![cfg(nexus_loom)]

use loom::thread::{self, JoinHandle};
use nexus_actors::model::{Chain, Inbox, InboxReceiver, Mutant, inbox};
use nexus_loom_tests::{Letter, Outcomes, Tally, explore, rejected};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

const PREEMPTIONS: usize = 3;

/// The fate of one producer's letters.
#[derive(Default)]
struct Posted {
    accepted: Vec<u32>,
    refused: Vec<u32>,
}

/// Pushes letters with these numbers, in order, on a separate thread.
fn post<const N: usize>(
    inbox: &Inbox<Letter>,
    tally: &Tally,
    closed: &Arc<AtomicBool>,
    numbers: [u32; N],
) -> JoinHandle<Posted> {
    let (inbox, tally, closed) = (inbox.clone(), tally.clone(), closed.clone());
    thread::spawn(move || {
        let mut posted = Posted::default();
        for number in numbers {
            let too_late = closed.load(Relaxed);
            match inbox.push(Letter::of(&[number], &tally)) {
                Ok(_) => {
                    assert!(!too_late, "a push after the close succeeded");
                    assert!(posted.refused.is_empty(), "a closed inbox opened again");
                    posted.accepted.push(number);
                }
                Err(letter) => posted.refused.extend(letter.read()),
            }
        }
        posted
    })
}

fn read(letters: Chain<Letter>) -> impl Iterator<Item = u32> {
    letters.flat_map(|letter| letter.read())
}

fn of_producer(numbers: &[u32], first: u32) -> Vec<u32> {
    let same = |number: &u32| number / 10 == first / 10;
    numbers.iter().copied().filter(same).collect()
}

fn take_twice_then_the_rest() {
    let tally = Tally::default();
    let open = Arc::default();
    let (sender, mut receiver) = inbox();
    let one = post(&sender, &tally, &open, [10, 11]);
    let two = post(&sender, &tally, &open, [20, 21]);

    let mut got: Vec<u32> = read(receiver.take()).collect();
    got.extend(read(receiver.take()));
    one.join().unwrap();
    two.join().unwrap();
    got.extend(read(receiver.take()));

    assert_eq!(of_producer(&got, 10), [10, 11]);
    assert_eq!(of_producer(&got, 20), [20, 21]);
    assert_eq!(got.len(), 4);
    assert_eq!(tally.alive(), 0, "every letter was handed over");
}

#[test]
fn nothing_is_lost_doubled_or_reordered() {
    // Claim: what two producers push comes out once, and in each one's order.
    explore(PREEMPTIONS, take_twice_then_the_rest);
}

#[test]
fn publishing_without_release_is_rejected() {
    // Claim: the release of a push is what makes its node visible to the consumer.
    rejected(
        PREEMPTIONS,
        Some(Mutant::InboxPublishRelaxed),
        "Causality violation",
        take_twice_then_the_rest,
    );
}

#[test]
fn taking_without_acquire_is_rejected() {
    // Claim: the acquire of a take is what makes the nodes visible to the consumer.
    rejected(
        PREEMPTIONS,
        Some(Mutant::InboxTakeRelaxed),
        "Causality violation",
        take_twice_then_the_rest,
    );
}

fn take_then_close(outcomes: &Outcomes) {
    let tally = Tally::default();
    let closed = Arc::new(AtomicBool::new(false));
    let (sender, mut receiver) = inbox();
    let one = post(&sender, &tally, &closed, [10, 11]);
    let two = post(&sender, &tally, &closed, [20]);

    let mut got: Vec<u32> = read(receiver.take()).collect();
    let taken = got.len();
    got.extend(read(receiver.close()));
    closed.store(true, Relaxed);
    // A take from a closed inbox must not open it.
    assert_eq!(read(receiver.take()).count(), 0);
    let (one, two) = (one.join().unwrap(), two.join().unwrap());
    assert_eq!(read(receiver.take()).count(), 0);
    assert_eq!(read(receiver.close()).count(), 0);

    outcomes.note("received", taken > 0);
    outcomes.note("returned by the close", got.len() > taken);
    outcomes.note("given back", got.len() < 3);
    assert_eq!(of_producer(&got, 10), one.accepted);
    assert_eq!(of_producer(&got, 20), two.accepted);
    assert_eq!([one.accepted, one.refused].concat(), [10, 11]);
    assert_eq!([two.accepted, two.refused].concat(), [20]);
    assert_eq!(tally.alive(), 0, "every letter was handed over");
    assert!(!sender.is_open());
}

#[test]
fn a_close_leaves_no_node_without_an_owner() {
    // Claim: a node is received, returned by the close, or returned to its sender, and no push succeeds
    // after.
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || take_then_close(&outcomes));
    let all = ["given back", "received", "returned by the close"];
    assert_eq!(reached.seen(), all);
}

#[test]
fn closing_by_a_store_is_rejected() {
    // Claim: only a swap closes an inbox without losing what was pushed just before.
    rejected(
        PREEMPTIONS,
        Some(Mutant::InboxCloseByStore),
        "assertion `left == right` failed",
        || take_then_close(&Outcomes::default()),
    );
}

fn drop_the_receiver() {
    let tally = Tally::default();
    let closed = Arc::new(AtomicBool::new(false));
    let (sender, mut receiver): (_, InboxReceiver<Letter>) = inbox();
    let one = post(&sender, &tally, &closed, [10, 11]);
    let two = post(&sender, &tally, &closed, [20]);

    // A chain that is dropped half way frees the rest as well.
    drop(receiver.take().next());
    drop(receiver);
    closed.store(true, Relaxed);
    one.join().unwrap();
    two.join().unwrap();

    assert_eq!(tally.alive(), 0, "letters were left in the dropped inbox");
    assert!(sender.push(Letter::of(&[30], &tally)).is_err());
    assert_eq!(tally.alive(), 0);
}

#[test]
fn dropping_the_receiver_frees_what_is_queued() {
    // Claim: whatever a producer pushes while the receiver is dropped is freed or returned.
    explore(PREEMPTIONS, drop_the_receiver);
}
