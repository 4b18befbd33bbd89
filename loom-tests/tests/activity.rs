//! A look at a worker's activity sees one turn, or none: never parts of two.

#![cfg(nexus_loom)]

use loom::sync::Arc;
use loom::thread::{self, JoinHandle};
use nexus_actors::model::{Activity, ActivityMark, Mutant};
use nexus_loom_tests::{Outcomes, explore, rejected};
use std::ptr;

const PREEMPTIONS: usize = 3;

static FIRST: u8 = 1;
static SECOND: u8 = 2;

fn running(key: u64, what: &'static u8) -> ActivityMark<u8> {
    ActivityMark::new(key, ptr::from_ref(what).cast_mut())
}

fn first() -> ActivityMark<u8> {
    running(1, &FIRST)
}

fn second() -> ActivityMark<u8> {
    running(2, &SECOND)
}

/// A turn, by its number, and what runs in it.
type Ran = (u64, fn() -> ActivityMark<u8>);

/// Looks, and checks that what is seen is what ran in the turn with that number.
fn look(beat: &Activity<u8>, ran: &[Ran]) -> Option<u64> {
    let (turn, seen) = beat.look()?;
    let of_turn = ran.iter().find(|(number, _)| *number == turn);
    let (_, expected) = of_turn.expect("a handler ran in that turn");
    assert!(
        seen.parts() == expected().parts(),
        "what was seen is of two turns"
    );
    Some(turn)
}

/// Looks this many times, on a separate thread.
///
/// The worker's thread is the model's, which runs first. Loom keeps only the last access to an atomic: what
/// the worker reads of its own would hide that another thread had looked before it writes.
fn watch(
    beat: &Arc<Activity<u8>>,
    looks: usize,
    ran: &'static [Ran],
) -> JoinHandle<Vec<Option<u64>>> {
    let beat = Arc::clone(beat);
    thread::spawn(move || (0..looks).map(|_| look(&beat, ran)).collect())
}

/// A worker has two turns, while another thread looks twice.
fn two_turns(outcomes: &Outcomes) {
    let beat = Arc::new(Activity::default());
    let watching = watch(&beat, 2, &[(1, first), (3, second)]);
    beat.begin(first());
    beat.end();
    beat.begin(second());
    beat.end();
    assert!(beat.look().is_none(), "it has ended");
    let seen = watching.join().unwrap();
    outcomes.note("the first", seen.contains(&Some(1)));
    outcomes.note("the second", seen.contains(&Some(3)));
    outcomes.note("both", seen == [Some(1), Some(3)]);
    outcomes.note("none", seen == [None, None]);
}

#[test]
fn a_look_sees_one_turn_or_none() {
    // Claim: what is seen was written for the turn whose number is seen with it.
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || two_turns(&outcomes));
    assert_eq!(reached.seen(), ["both", "none", "the first", "the second"]);
}

fn is_rejected(mutant: Mutant) {
    rejected(
        PREEMPTIONS,
        Some(mutant),
        "what was seen is of two turns",
        || two_turns(&Outcomes::default()),
    );
}

#[test]
fn numbering_a_turn_without_release_is_rejected() {
    // Claim: the release of the odd number hands over the fields of its turn.
    is_rejected(Mutant::BeatTurnUnreleased);
}

#[test]
fn looking_at_the_number_without_acquire_is_rejected() {
    // Claim: the acquire of the odd number takes over the fields of its turn.
    is_rejected(Mutant::BeatTurnUnacquired);
}

#[test]
fn writing_the_fields_without_release_is_rejected() {
    // Claim: the release of a field of a later turn hands over that the one before has ended.
    is_rejected(Mutant::BeatFieldsUnreleased);
}

#[test]
fn reading_the_fields_without_acquire_is_rejected() {
    // Claim: the acquire of a field of a later turn takes over that the one before has ended.
    is_rejected(Mutant::BeatFieldsUnacquired);
}

#[test]
fn not_looking_at_the_number_again_is_rejected() {
    // Claim: the fields may change while they are read.
    is_rejected(Mutant::BeatSeenOnce);
}

/// A handler runs in the middle of another one, which then resumes.
fn one_within_another(outcomes: &Outcomes) {
    let beat = Arc::new(Activity::default());
    let watching = watch(&beat, 1, &[(1, first), (3, second), (5, first)]);
    beat.begin(first());
    let outer = beat.running();
    beat.begin_within(second());
    beat.go_on(outer);
    beat.end();
    beat.go_on(beat.running());
    assert!(beat.look().is_none(), "it has ended");
    let seen = watching.join().unwrap();
    outcomes.note("before", seen == [Some(1)]);
    outcomes.note("within", seen == [Some(3)]);
    outcomes.note("after", seen == [Some(5)]);
}

#[test]
fn a_look_sees_the_inner_or_the_outer_turn() {
    // Claim: the turn within another one, and the rest of that one afterwards, have numbers of their own.
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || one_within_another(&outcomes));
    assert_eq!(reached.seen(), ["after", "before", "within"]);
}

#[test]
fn changing_the_fields_of_a_turn_that_runs_is_rejected() {
    // Claim: the number is even while the fields are written.
    rejected(
        PREEMPTIONS,
        Some(Mutant::BeatNeverEven),
        "what was seen is of two turns",
        || one_within_another(&Outcomes::default()),
    );
}
