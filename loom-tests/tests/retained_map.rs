//! A thread that learns of a value from its owner finds it, even if it has ended by then.

#![cfg(nexus_loom)]

use loom::sync::Arc;
use loom::thread;
use nexus_actors::model::{Mutant, RetainedMap, oneshot};
use nexus_loom_tests::{Letter, Outcomes, Tally, explore, rejected};

const PREEMPTIONS: usize = 3;

/// Two are asked. The first one fails, and ends; its asker then wants to name it. `late` is a mistake: it is
/// entered after the reply.
fn one_is_asked_and_ends(late: bool, outcomes: &Outcomes) {
    let known = Arc::new(RetainedMap::new(1));
    let tally = Tally::default();
    let (answer, answered) = oneshot();
    let asks = {
        let (known, noted) = (Arc::clone(&known), outcomes.clone());
        thread::spawn(move || {
            noted.note("known before", known.find(1).is_some());
            answered.recv(None).map(drop).expect("it is answered");
            assert_eq!(known.find(1), Some("one"), "it cannot be named");
        })
    };
    let looks = {
        let (known, noted) = (Arc::clone(&known), outcomes.clone());
        thread::spawn(move || noted.note("the other one known", known.find(2) == Some("two")))
    };
    if !late {
        known.insert(1, "one");
    }
    let answered = answer.send(Letter::of(&[10], &tally));
    assert!(answered.is_ok());
    if late {
        known.insert(1, "one");
    }
    known.insert(2, "two");
    known.end(1);
    asks.join().unwrap();
    looks.join().unwrap();
    known.end(2);
    assert_eq!((known.find(1), known.find(2)), (None, Some("two")));
}

#[test]
fn whoever_is_answered_can_name_whom_it_asked() {
    // Claim: a value that was entered before a reply is found after it, even if it has ended.
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || one_is_asked_and_ends(false, &outcomes));
    assert_eq!(reached.seen(), ["known before", "the other one known"]);
}

#[test]
fn forgetting_at_the_end_is_rejected() {
    // Claim: the error is written after the end that it reports.
    rejected(
        PREEMPTIONS,
        Some(Mutant::EndedForgotten),
        "it cannot be named",
        || one_is_asked_and_ends(false, &Outcomes::default()),
    );
}

#[test]
fn entering_after_the_answer_is_rejected() {
    // Claim: the asker may look at once when the reply arrives.
    rejected(PREEMPTIONS, None, "it cannot be named", || {
        one_is_asked_and_ends(true, &Outcomes::default());
    });
}
