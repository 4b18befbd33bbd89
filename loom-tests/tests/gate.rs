//! No more are let through a gate than it has places, and whoever waits is let in or told of.

#![cfg(nexus_loom)]

use loom::sync::Arc;
use loom::thread::{self, JoinHandle};
use nexus_actors::model::{Gate, Mutant, Refused};
use nexus_loom_tests::{Outcomes, explore, rejected};

const PREEMPTIONS: usize = 3;

/// Does something with a gate on a thread of its own.
fn with<R: 'static>(gate: &Arc<Gate>, act: impl FnOnce(&Gate) -> R + 'static) -> JoinHandle<R> {
    let gate = Arc::clone(gate);
    thread::spawn(move || act(&gate))
}

/// Three threads want one of two places each; one of them gives its own up again.
fn three_want_two_places(outcomes: &Outcomes) {
    let gate = Arc::new(Gate::new(2));
    let comes_and_goes = |gate: &Gate| {
        let entered = gate.enter().is_ok();
        if entered {
            assert!(!gate.leave(), "nobody waits");
        }
        entered
    };
    let one = with(&gate, comes_and_goes);
    let two = with(&gate, |gate| gate.enter().is_ok());
    let three = gate.enter().is_ok();
    let (one, two) = (one.join().unwrap(), two.join().unwrap());

    let inside = usize::from(two) + usize::from(three);
    assert_eq!(gate.taken(), inside, "places were lost or made");
    outcomes.note("all entered", one && two && three);
    outcomes.note("one was refused", !(one && two && three));
}

#[test]
fn no_place_is_lost_or_made() {
    // Claim: what is taken is what was let in and has not left, and never more than there is.
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || three_want_two_places(&outcomes));
    assert_eq!(reached.seen(), ["all entered", "one was refused"]);
}

#[test]
fn entering_by_a_store_is_rejected() {
    // Claim: a place is taken in the step that finds it free.
    rejected(
        PREEMPTIONS,
        Some(Mutant::GateEnteredByStore),
        "places were lost or made",
        || three_want_two_places(&Outcomes::default()),
    );
}

/// The owner has somebody wait while the only place is given up, and others come.
fn one_waits(outcomes: &Outcomes) {
    let gate = Arc::new(Gate::new(1));
    assert_eq!(gate.enter(), Ok(()));
    let leaves = with(&gate, Gate::leave);
    let comes = with(&gate, |gate| gate.enter().is_ok());
    gate.mark_waiting(true);
    let mut let_in = gate.enter_as_first().is_ok();
    let (told, overtook) = (leaves.join().unwrap(), comes.join().unwrap());
    if told && !let_in {
        let_in = gate.enter_as_first().is_ok();
        assert!(let_in, "nobody comes between the two");
    }
    // Who came before the mark was set has the place, and is to leave it under the mark.
    assert!(
        let_in || overtook,
        "nobody is left to wake the one who waits"
    );
    if overtook && !let_in {
        assert!(gate.leave(), "nobody is left to wake the one who waits");
    }
    outcomes.note("found room", let_in && !told);
    outcomes.note("was told", told);
    outcomes.note("came too late", overtook);
}

#[test]
fn whoever_waits_is_let_in_or_told_of() {
    // Claim: either the owner finds the room, or whoever leaves it finds the mark.
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || one_waits(&outcomes));
    assert_eq!(reached.seen(), ["came too late", "found room", "was told"]);
}

#[test]
fn leaving_without_looking_is_rejected() {
    // Claim: whoever leaves must say that somebody waits.
    rejected(
        PREEMPTIONS,
        Some(Mutant::GateLeftUnseen),
        "nobody is left to wake",
        || one_waits(&Outcomes::default()),
    );
}

/// The owner says that nobody waits any more while one leaves and another one comes.
fn nobody_waits_any_more(outcomes: &Outcomes) {
    let gate = Arc::new(Gate::new(2));
    assert_eq!(gate.enter(), Ok(()));
    gate.mark_waiting(true);
    let leaves = with(&gate, Gate::leave);
    let comes = with(&gate, |gate| gate.enter().is_ok());
    gate.mark_waiting(false);
    let (told, entered) = (leaves.join().unwrap(), comes.join().unwrap());

    assert_eq!(
        gate.taken(),
        usize::from(entered),
        "places were lost or made"
    );
    assert_eq!(
        gate.enter(),
        Ok(()),
        "nobody waits, and yet nobody is let in"
    );
    outcomes.note("left before", told);
    outcomes.note("left after", !told);
    outcomes.note("came before", !entered);
    outcomes.note("came after", entered);
}

#[test]
fn taking_the_mark_away_takes_nothing_else_away() {
    // Claim: the mark is taken away in one step, which leaves the count as it is.
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || nobody_waits_any_more(&outcomes));
    assert_eq!(
        reached.seen(),
        ["came after", "came before", "left after", "left before"]
    );
}

#[test]
fn taking_the_mark_away_by_a_store_is_rejected() {
    // Claim: what others did since the word was read must not be written over.
    rejected(
        PREEMPTIONS,
        Some(Mutant::GateMarkedByStore),
        "assertion `left == right` failed",
        || nobody_waits_any_more(&Outcomes::default()),
    );
}

#[test]
fn setting_the_mark_by_a_store_is_rejected() {
    // Claim: as for taking it away; the place of one who has left would be taken for ever.
    rejected(
        PREEMPTIONS,
        Some(Mutant::GateMarkedByStore),
        "nobody is left to wake",
        || one_waits(&Outcomes::default()),
    );
}

/// The owner closes the gate while one comes and another one leaves.
fn closes(outcomes: &Outcomes) {
    let gate = Arc::new(Gate::new(2));
    assert_eq!(gate.enter(), Ok(()));
    let comes = with(&gate, Gate::enter);
    let leaves = with(&gate, Gate::leave);
    gate.close();
    let at_the_close = gate.taken();
    let came = comes.join().unwrap();
    assert!(!leaves.join().unwrap(), "nobody waits");

    assert!(matches!(came, Ok(()) | Err(Refused::Closed)));
    assert_eq!(
        gate.taken(),
        usize::from(came.is_ok()),
        "places were lost or made"
    );
    assert!(
        gate.taken() <= at_the_close,
        "somebody was let in after the close"
    );
    assert_eq!(gate.enter(), Err(Refused::Closed));
    assert_eq!(gate.enter_as_first(), Err(Refused::Closed));
    outcomes.note("came before", came.is_ok());
    outcomes.note("came after", came.is_err());
}

#[test]
fn nobody_is_let_in_after_the_close() {
    // Claim: a gate that is closed stays so; who is in was let in before, and its place counts.
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || closes(&outcomes));
    assert_eq!(reached.seen(), ["came after", "came before"]);
}

#[test]
fn closing_by_a_store_is_rejected() {
    // Claim: what others did since the word was read must not be written over.
    rejected(
        PREEMPTIONS,
        Some(Mutant::GateClosedByStore),
        "assertion `left == right` failed",
        || closes(&Outcomes::default()),
    );
}

#[test]
fn looking_once_whether_it_is_closed_is_rejected() {
    // Claim: who has to try again must look again.
    rejected(
        PREEMPTIONS,
        Some(Mutant::GateClosedSeenOnce),
        "somebody was let in after the close",
        || closes(&Outcomes::default()),
    );
}
