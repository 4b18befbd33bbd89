//! A number finds the value that has it, or nothing: never the value that has its place now.

#![cfg(nexus_loom)]

use loom::sync::Arc;
use loom::thread::{self, JoinHandle};
use nexus_actors::model::{Mutant, Numbered, Table};
use nexus_loom_tests::{Outcomes, explore, rejected};

const PREEMPTIONS: usize = 3;

const END: u32 = 9;

/// Something with a number.
struct Thing(u32);

impl Numbered for Thing {
    fn number(&self) -> u32 {
        self.0
    }
}

/// A table with one place: the next value has that too.
type OnePlace = Table<Thing, 1>;

fn with<R: 'static>(
    table: &Arc<OnePlace>,
    act: impl FnOnce(&OnePlace) -> R + 'static,
) -> JoinHandle<R> {
    let table = Arc::clone(table);
    thread::spawn(move || act(&table))
}

/// Registers a new value, and returns its number, if there is a place.
fn register(table: &OnePlace) -> Option<u32> {
    table.register(END, Thing).map(|thing| thing.0)
}

/// Returns the number of what is found under a number.
fn find(table: &OnePlace, number: u32) -> Option<u32> {
    table.find(number).map(|thing| thing.0)
}

/// One thread looks for a value that is forgotten, while another value gets its place; two threads forget
/// it.
fn the_place_changes_hands(outcomes: &Outcomes) {
    let table = Arc::new(OnePlace::new());
    assert_eq!(register(&table), Some(1));
    let looks = with(&table, |table| [find(table, 1), find(table, 1)]);
    let forgets = with(&table, |table| table.forget(1).is_some());
    let forgot = table.forget(1).is_some();
    assert_eq!(register(&table), Some(2), "the place is free");
    let (seen, other_forgot) = (looks.join().unwrap(), forgets.join().unwrap());

    for seen in seen.into_iter().flatten() {
        assert_eq!(seen, 1, "an old number has found something else");
    }
    assert!(seen[0].is_some() || seen[1].is_none(), "it came back");
    assert_eq!(find(&table, 2), Some(2), "the next one was forgotten");
    assert_eq!(find(&table, 1), None);
    assert!(forgot ^ other_forgot, "it is forgotten once");
    outcomes.note("seen", seen == [Some(1), Some(1)]);
    outcomes.note("not seen", seen == [None, None]);
    outcomes.note("forgotten meanwhile", seen == [Some(1), None]);
    outcomes.note("forgotten by the other one", other_forgot);
}

#[test]
fn an_old_number_finds_nothing_else() {
    // Claim: a number finds its value while that is entered, and nothing afterwards; the next value stays.
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || the_place_changes_hands(&outcomes));
    assert_eq!(
        reached.seen(),
        [
            "forgotten by the other one",
            "forgotten meanwhile",
            "not seen",
            "seen"
        ]
    );
}

fn is_rejected(mutant: Mutant, complaint: &str) {
    rejected(PREEMPTIONS, Some(mutant), complaint, || {
        the_place_changes_hands(&Outcomes::default());
    });
}

#[test]
fn looking_at_no_number_is_rejected() {
    // Claim: the place may belong to another number by now.
    is_rejected(
        Mutant::TableNumberUnseen,
        "an old number has found something else",
    );
}

#[test]
fn forgetting_whatever_is_there_is_rejected() {
    // Claim: a value that is forgotten twice may have lost its place in between.
    is_rejected(Mutant::TableForgetsAnother, "the next one was forgotten");
}

/// Two threads want the only place.
fn two_register() {
    let table = Arc::new(OnePlace::new());
    let one = with(&table, register);
    let two = register(&table);
    let both = [one.join().unwrap(), two];
    let registered: Vec<u32> = both.into_iter().flatten().collect();
    let [number] = registered[..] else {
        panic!("the place was given to {} at once", registered.len());
    };
    assert_eq!(find(&table, number), Some(number));
}

#[test]
fn a_place_is_given_to_one() {
    // Claim: of two threads that want the same place one gets it, and the other one learns that it is
    // taken.
    explore(PREEMPTIONS, two_register);
}

#[test]
fn entering_outside_of_the_lock_is_rejected() {
    // Claim: the place is checked and taken under one hold of the lock.
    rejected(
        PREEMPTIONS,
        Some(Mutant::TableUnlockedEarly),
        "the place was given to 2 at once",
        two_register,
    );
}
