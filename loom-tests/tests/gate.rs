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

/// The owner closes the gate while somebody comes.
fn closes() {
    let gate = Arc::new(Gate::new(1));
    let comes = with(&gate, Gate::enter);
    gate.close();
    let came = comes.join().unwrap();
    assert!(matches!(came, Ok(()) | Err(Refused::Closed)));
    assert_eq!(gate.enter(), Err(Refused::Closed));
    assert_eq!(gate.enter_as_first(), Err(Refused::Closed));
    assert_eq!(gate.taken(), usize::from(came.is_ok()));
}

#[test]
fn nobody_is_let_in_after_the_close() {
    // Claim: a gate that is closed stays so, and its count with it.
    explore(PREEMPTIONS, closes);
}
