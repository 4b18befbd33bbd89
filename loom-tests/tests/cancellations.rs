//! A reader that is told that an ask was given up finds it so, and never takes a waiting ask for given up.

#![cfg(nexus_loom)]

use loom::sync::Arc;
use loom::thread;
use nexus_actors::model::{Cancellations, Mutant, inbox};
use nexus_loom_tests::{Letter, Outcomes, Tally, explore, rejected};

const PREEMPTIONS: usize = 3;

/// A place of the second chunk, so that the first look may find none.
const PLACE: u32 = 1;

/// Three waits in one place, of which the first and the second are given up. For each of them a message tells
/// the holder of the replies; the first is noted once more, late. The third one is not given up.
fn give_up_twice(outcomes: &Outcomes) {
    let cancellations = Arc::new(Cancellations::default());
    let tally = Tally::default();
    let (told, mut words) = inbox::<Letter>();
    let holds_replies = {
        let (cancellations, noted) = (Arc::clone(&cancellations), outcomes.clone());
        thread::spawn(move || {
            let before = cancellations.has(PLACE, 1);
            noted.note("seen before it was told", before);
            assert!(!cancellations.has(PLACE, 3), "it still waits");
            for _ in 0..2 {
                for word in words.take() {
                    for generation in word.read() {
                        assert!(
                            cancellations.has(PLACE, generation),
                            "it is said to be given up, and is not"
                        );
                        noted.note("told", true);
                    }
                }
            }
            if before {
                assert!(
                    cancellations.has(PLACE, 1),
                    "it was given up, and is no more"
                );
            }
            assert!(!cancellations.has(PLACE, 3), "it still waits");
            drop(words.close());
        })
    };
    for generation in [1, 2] {
        cancellations.note(PLACE, generation);
        let _ = told.push(Letter::of(&[generation], &tally));
    }
    // As if the end of the first one had called a waker that gave up the second one.
    cancellations.note(PLACE, 1);
    holds_replies.join().unwrap();
    assert!(
        cancellations.has(PLACE, 2),
        "it was given up, and is no more"
    );
    assert!(!cancellations.has(PLACE, 3), "it still waits");
}

#[test]
fn whoever_is_told_finds_it_and_nobody_else_is_given_up() {
    // Claim: the numbers of a place only grow, and a reader that is told of one finds it.
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || give_up_twice(&outcomes));
    assert_eq!(reached.seen(), ["seen before it was told", "told"]);
}

fn is_rejected(mutant: Mutant, complaint: &str) {
    rejected(PREEMPTIONS, Some(mutant), complaint, || {
        give_up_twice(&Outcomes::default());
    });
}

#[test]
fn taking_the_number_away_in_between_is_rejected() {
    // Claim: what was given up once stays given up.
    is_rejected(
        Mutant::CancellationClearedFirst,
        "it was given up, and is no more",
    );
}

#[test]
fn comparing_no_generation_is_rejected() {
    // Claim: the place may belong to another wait by now.
    is_rejected(Mutant::CancellationOfAnyWait, "it still waits");
}
