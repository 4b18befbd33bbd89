//! A batch of several cells is published whole by one push, and may be sent back and filled again.
//!
//! The way back is a second inbox, so that it, too, consists only of what is checked.

#![cfg(nexus_loom)]

use loom::thread;
use nexus_actors::model::{Inbox, Node, inbox};
use nexus_loom_tests::{Letter, Outcomes, Tally, explore, rejected};

const PREEMPTIONS: usize = 3;

fn push<N: Node>(inbox: &Inbox<N>, node: N) {
    assert!(inbox.push(node).is_ok(), "nobody closes these inboxes");
}

fn publish_two_batches() {
    let tally = Tally::default();
    let (sender, mut receiver) = inbox();
    let filler = |numbers: [u32; 3]| {
        let (sender, tally) = (sender.clone(), tally.clone());
        thread::spawn(move || {
            let mut batch = Letter::of(&[0; 3], &tally);
            batch.fill(&numbers);
            push(&sender, batch);
        })
    };
    let fillers = [filler([10, 11, 12]), filler([20, 21, 22])];

    let mut got: Vec<Vec<u32>> = receiver.take().map(|batch| batch.read()).collect();
    for filler in fillers {
        filler.join().unwrap();
    }
    got.extend(receiver.take().map(|batch| batch.read()));
    got.sort();
    assert_eq!(got, [[10, 11, 12], [20, 21, 22]]);
    assert_eq!(tally.alive(), 0);
}

#[test]
fn a_batch_arrives_whole() {
    // Claim: the consumer sees all cells of a batch that were filled before its one push.
    explore(PREEMPTIONS, publish_two_batches);
}

fn fill_on_after_the_push() {
    let tally = Tally::default();
    let (sender, mut receiver) = inbox();
    let filler = thread::spawn(move || {
        let batch = Letter::of(&[10, 0], &tally);
        let lines = batch.lines();
        push(&sender, batch);
        lines.write(1, 11);
    });
    for batch in receiver.take() {
        let _ = batch.read();
    }
    filler.join().unwrap();
}

#[test]
fn filling_after_the_push_is_rejected() {
    // Claim: what is written into a batch after its push is a race, and the check sees it.
    rejected(
        PREEMPTIONS,
        None,
        "Causality violation",
        fill_on_after_the_push,
    );
}

/// Sends a batch, and, if it has come back already, fills it again and sends it once more.
/// Meanwhile a second producer pushes onto whatever the head is, or was.
fn fill_again(outcomes: &Outcomes) {
    let tally = Tally::default();
    let (sender, mut receiver) = inbox();
    let (way_back, mut spare) = inbox::<Letter>();
    let refiller = {
        let (sender, tally) = (sender.clone(), tally.clone());
        thread::spawn(move || {
            push(&sender, Letter::of(&[10, 11], &tally));
            let mut refilled = 0;
            for mut batch in spare.take() {
                batch.fill(&[12, 13]);
                push(&sender, batch);
                refilled += 1;
            }
            // Dropped any sooner, the receiver would close the way back.
            (refilled, spare)
        })
    };
    let other = {
        let tally = tally.clone();
        thread::spawn(move || push(&sender, Letter::of(&[20, 21], &tally)))
    };

    let mut got = Vec::new();
    let mut sent_back = false;
    for _ in 0..2 {
        for batch in receiver.take() {
            let numbers = batch.read();
            if numbers == [10, 11] && !sent_back {
                sent_back = true;
                push(&way_back, batch);
            }
            got.push(numbers);
        }
    }
    let (refilled, spare) = refiller.join().unwrap();
    other.join().unwrap();
    got.extend(receiver.take().map(|batch| batch.read()));

    outcomes.note("filled again", refilled == 1);
    let first: Vec<_> = got.iter().filter(|numbers| numbers[0] < 20).collect();
    let expected: &[_] = &[&vec![10, 11], &vec![12, 13]];
    assert_eq!(first, expected[..=refilled]);
    assert_eq!(
        got.iter().filter(|numbers| **numbers == [20, 21]).count(),
        1
    );
    assert_eq!(got.len(), first.len() + 1);
    drop(spare);
    assert_eq!(tally.alive(), 0, "a batch was left on its way");
}

#[test]
fn a_batch_may_be_filled_again() {
    // Claim: a batch that came back belongs to its producer again, and a head that comes back at
    // its earlier address confuses no producer that has seen it there.
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || fill_again(&outcomes));
    assert_eq!(reached.seen(), ["filled again"]);
}
