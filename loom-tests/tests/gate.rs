//! A gate admits no more than it has permits, and a waiter is admitted, or the owner told of
//! it.

#![cfg(nexus_loom)]

use loom::sync::Arc;
use loom::thread::{self, JoinHandle};
use nexus_actors::model::{AcquireError, Gate, Mutant};
use nexus_loom_tests::{Outcomes, explore, rejected};

const PREEMPTIONS: usize = 3;

/// Does something with a gate on a separate thread.
fn with<R: 'static>(gate: &Arc<Gate>, act: impl FnOnce(&Gate) -> R + 'static) -> JoinHandle<R> {
    let gate = Arc::clone(gate);
    thread::spawn(move || act(&gate))
}

/// Three threads each want one of two permits; one of them returns its permit.
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
    // Claim: the permits taken are those of senders that entered and have not left, and never
    // more than there are.
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || three_want_two_places(&outcomes));
    assert_eq!(reached.seen(), ["all entered", "one was refused"]);
}

#[test]
fn entering_by_a_store_is_rejected() {
    // Claim: a permit is taken in the step that finds it free.
    rejected(
        PREEMPTIONS,
        Some(Mutant::GateEnteredByStore),
        "places were lost or made",
        || three_want_two_places(&Outcomes::default()),
    );
}

/// The owner has a sender wait while the only permit is returned, and others come.
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
    // A sender that came before the mark was set has the permit, and has to leave it under the
    // mark.
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
    // Claim: either the owner finds the permit, or the thread that returns it finds the mark.
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || one_waits(&outcomes));
    assert_eq!(reached.seen(), ["came too late", "found room", "was told"]);
}

#[test]
fn leaving_without_looking_is_rejected() {
    // Claim: the thread that leaves must report that a sender waits.
    rejected(
        PREEMPTIONS,
        Some(Mutant::GateLeftUnseen),
        "nobody is left to wake",
        || one_waits(&Outcomes::default()),
    );
}

/// The owner clears the waiters' mark while one sender leaves and another one comes.
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
    // Claim: the mark is cleared in one step, which leaves the count as it is.
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
    // Claim: what others did since the word was read must not be overwritten.
    rejected(
        PREEMPTIONS,
        Some(Mutant::GateMarkedByStore),
        "assertion `left == right` failed",
        || nobody_waits_any_more(&Outcomes::default()),
    );
}

#[test]
fn setting_the_mark_by_a_store_is_rejected() {
    // Claim: as for clearing it; the permit of a sender that has left would stay taken for
    // ever.
    rejected(
        PREEMPTIONS,
        Some(Mutant::GateMarkedByStore),
        "nobody is left to wake",
        || one_waits(&Outcomes::default()),
    );
}

/// The owner closes the gate while one sender comes and another one leaves.
fn closes(outcomes: &Outcomes) {
    let gate = Arc::new(Gate::new(2));
    assert_eq!(gate.enter(), Ok(()));
    let comes = with(&gate, Gate::enter);
    let leaves = with(&gate, Gate::leave);
    gate.close();
    let at_the_close = gate.taken();
    let came = comes.join().unwrap();
    assert!(!leaves.join().unwrap(), "nobody waits");

    assert!(matches!(came, Ok(()) | Err(AcquireError::Closed)));
    assert_eq!(
        gate.taken(),
        usize::from(came.is_ok()),
        "places were lost or made"
    );
    assert!(
        gate.taken() <= at_the_close,
        "somebody was let in after the close"
    );
    assert_eq!(gate.enter(), Err(AcquireError::Closed));
    assert_eq!(gate.enter_as_first(), Err(AcquireError::Closed));
    outcomes.note("came before", came.is_ok());
    outcomes.note("came after", came.is_err());
}

#[test]
fn nobody_is_let_in_after_the_close() {
    // Claim: a closed gate stays closed; a sender that is in was admitted before, and its
    // permit counts.
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || closes(&outcomes));
    assert_eq!(reached.seen(), ["came after", "came before"]);
}

#[test]
fn closing_by_a_store_is_rejected() {
    // Claim: what others did since the word was read must not be overwritten.
    rejected(
        PREEMPTIONS,
        Some(Mutant::GateClosedByStore),
        "assertion `left == right` failed",
        || closes(&Outcomes::default()),
    );
}

#[test]
fn looking_once_whether_it_is_closed_is_rejected() {
    // Claim: a sender that has to try again must check again.
    rejected(
        PREEMPTIONS,
        Some(Mutant::GateClosedSeenOnce),
        "somebody was let in after the close",
        || closes(&Outcomes::default()),
    );
}
