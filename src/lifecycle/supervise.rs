//! Supervision of a failed actor: which strategy decides, and how the decision is carried out.
//!
//! The strategies around the actor's own behaviour come first, the innermost before the others, then its
//! parent's. A failure that they all escalate is a failure of the parent, and so on up to the guardian.

use std::sync::Arc;
use std::time::Duration;

use super::restart::begin_restart;
use super::stand_in::{ask_parent, hand_on, resume_child, tell_of_stop};
use super::stop::begin_stop;
use crate::address::Key;
use crate::deadlock::look_if_held_up;
use crate::failure::{
    Cause, DeadLetterReason, Failure, Stage, WaitEnd, catch_user, drop_with_fate,
};
use crate::observe::ActorSupervised;
use crate::shard::{
    ActorState, Decided, GUARDIAN, Own, Shard, Slot, System, children_of, describe, interrupt,
    key_of, slot_of, supervised_elsewhere, tell_hook, younger_siblings,
};
use crate::supervision::{
    Decision, Directive, History, Reach, Scope, Signal, Strategy, default_strategy,
};
use crate::sync::{Mutant, is_mutated};

/// Tells the pool's hook that an actor has failed, and does what is decided. Returns whether the actor
/// continues at once.
#[cold]
pub(super) fn failed(shard: &Shard, key: Key, during: Stage, cause: Cause) -> bool {
    has_failed(shard, key, Arc::new(describe(shard, key, during, cause)))
}

/// As [`failed`], for a failure that was described already.
#[cold]
pub(super) fn has_failed(shard: &Shard, key: Key, failure: Arc<Failure>) -> bool {
    tell_hook(shard, &failure);
    let goes_on = decide_and_do(shard, key, &failure);
    let _ = drop_with_fate(failure, WaitEnd::Failed);
    goes_on
}

/// Makes a child's failure the actor's own. Returns whether the actor continues at once.
#[cold]
pub(super) fn failed_by_child(shard: &Shard, key: Key, failure: Arc<Failure>) -> bool {
    let of_child = Arc::clone(&failure);
    let goes_on = failed(shard, key, Stage::Supervising, Cause::Child(failure));
    if goes_on {
        resume_below(shard, key, &of_child);
    }
    let _ = drop_with_fate(of_child, WaitEnd::Failed);
    goes_on
}

/// Handles the failure of a task of the actor, of which the hook has been told. Returns whether the actor
/// continues at once.
#[cold]
pub(super) fn failed_by_task(shard: &Shard, key: Key, failure: Arc<Failure>) -> bool {
    let goes_on = decide_and_do(shard, key, &failure);
    let _ = drop_with_fate(failure, WaitEnd::Failed);
    goes_on
}

/// Resumes the child with which a resumed actor had failed, and so on down to where the failure began. Other
/// children whose failures the actor has yet to decide about rest until it does.
fn resume_below(shard: &Shard, mut parent: Key, mut failure: &Arc<Failure>) {
    loop {
        let Some(child) = slot_of(shard, failure.actor) else {
            return;
        };
        let slot = shard.slot(child.slot());
        if slot.parent.get() != parent.slot() {
            return;
        }
        if slot.attention.is_stand_in() {
            return resume_child(slot, failure);
        }
        let Some(below) = resume_one(shard, child, failure) else {
            return;
        };
        (parent, failure) = (child, below);
    }
}

/// As [`resume_below`], from the actor on that had failed so.
pub(super) fn resume_escalated(shard: &Shard, actor: Key, failure: &Arc<Failure>) {
    if let Some(below) = resume_one(shard, actor, failure) {
        resume_below(shard, actor, below);
    }
}

/// Resumes an actor if it rests for that failure. Returns the failure of its child, if it rests for one.
fn resume_one<'a>(
    shard: &Shard,
    actor: Key,
    failure: &'a Arc<Failure>,
) -> Option<&'a Arc<Failure>> {
    let slot = shard.slot(actor.slot());
    let rests = |system: &mut System| std::mem::take(&mut system.escalated);
    if !(slot.attention.get() && slot.has_system() && slot.with_system(rests)) {
        return None;
    }
    if slot.is_at_work() {
        // It failed while it was rebuilt. To resume it would be to continue with the instance that it has,
        // and it has none.
        decide(shard, actor, Decided::Stop, failure);
    } else {
        interrupt(shard, actor);
    }
    match &failure.cause {
        Cause::Child(below) => Some(below),
        _ => None,
    }
}

/// Has an actor do what its parent, on another worker, has decided about its failure.
pub(super) fn answer(shard: &Shard, key: Key, decided: Decided, failure: &Arc<Failure>) {
    let slot = shard.slot(key.slot());
    if slot.state() == ActorState::Stopping {
        return;
    }
    let before = slot.with_system(|system| {
        system.escalated = false;
        system.answer.replace((decided, Arc::clone(failure)))
    });
    interrupt(shard, key);
    let _ = drop_with_fate(before, WaitEnd::Failed);
}

/// Does what the parent of an actor, on another worker, has decided about its failure. Returns whether the
/// actor continues at once.
#[cold]
pub(super) fn answered(shard: &Shard, key: Key, decided: Decided, failure: Arc<Failure>) -> bool {
    let goes_on = carry_out(shard, key, decided, &failure);
    if goes_on && let Cause::Child(below) = &failure.cause {
        resume_below(shard, key, below);
    }
    let _ = drop_with_fate(failure, WaitEnd::Failed);
    goes_on
}

/// Has an actor do, before all else, what was decided because of a failure.
pub(super) fn decide(shard: &Shard, key: Key, decided: Decided, failure: &Arc<Failure>) {
    // What is dropped below may wait, and the actors decided about after it may be gone by then.
    let Some(slot) = shard.tenant(key) else {
        return;
    };
    let decision = Some((decided, Arc::clone(failure)));
    let before = slot.with_system(|system| std::mem::replace(&mut system.decided, decision));
    interrupt(shard, key);
    // The failure carries the user's values, and this may be its last handle.
    let _ = drop_with_fate(before, WaitEnd::Failed);
}

/// Does what is decided about a failure of which the hook has been told. Returns whether the actor continues
/// at once.
pub(super) fn decide_and_do(shard: &Shard, key: Key, failure: &Arc<Failure>) -> bool {
    match decide_for_itself(shard, key, failure) {
        Some(Decision::Escalate) | None => {}
        Some(decision) => return carry_out(shard, key, decided(decision), failure),
    }
    if let Some(supervised) = supervised_elsewhere(shard.slot(key.slot())) {
        ask_parent(shard, key, supervised, failure);
        return false;
    }
    let parent = shard.slot(key.slot()).parent.get();
    if !is_supervising(shard.slot(parent)) {
        return carry_out(shard, key, Decided::Stop, failure);
    }
    let (decision, scope) = parent_decides(shard, key, parent, failure);
    if decision == Decision::Escalate && parent != GUARDIAN {
        escalate(shard, key, parent, failure);
        return false;
    }
    for sibling in siblings_in_reach(shard, key, parent, scope, decision) {
        decide(shard, sibling, decided(decision), failure);
    }
    carry_out(shard, key, decided(decision), failure)
}

/// Whether a parent still decides about its children: not while it stops, passivates or starts again.
pub(super) fn is_supervising(parent: &Slot) -> bool {
    let leaves = |system: &mut System| system.restarting.is_some() || system.passive.is_some();
    let goes_on = parent.state() != ActorState::Stopping;
    goes_on && !(parent.attention.get() && parent.has_system() && parent.with_system(leaves))
}

/// Whether there is no instance that could be restarted or resumed, or soon will be none.
fn is_passive(slot: &Slot) -> bool {
    slot.attention.get() && slot.with_system(|system| system.passive.is_some())
}

fn decided(decision: Decision) -> Decided {
    match decision {
        Decision::Resume => Decided::Resume,
        Decision::Restart { after } => Decided::Restart { after },
        // The guardian has no parent to escalate to.
        Decision::Stop { .. } | Decision::Escalate => Decided::Stop,
    }
}

/// Asks the strategies around the actor's own behaviour.
fn decide_for_itself(shard: &Shard, key: Key, failure: &Failure) -> Option<Decision> {
    let slot = shard.slot(key.slot());
    // Taken out, as deciders are the user's code.
    let mut own = slot.with_system(|system| std::mem::take(&mut system.own));
    let mut decision = None;
    for Own { strategy, history } in own.iter_mut().rev() {
        let decided = ask(shard, strategy, failure, history);
        decision = Some(decided);
        if decided != Decision::Escalate {
            break;
        }
    }
    slot.with_system(|system| system.own = own);
    decision
}

/// Asks the strategy of the parent.
fn parent_decides(shard: &Shard, key: Key, parent: u32, failure: &Failure) -> (Decision, Scope) {
    let recipe = shard.slot(parent).recipe();
    let strategy = match &recipe {
        Some(recipe) => recipe.strategy(),
        None if parent == GUARDIAN => &shard.core.guardian,
        None => default_strategy(),
    };
    let scope = strategy.scope();
    // What all siblings share is recorded with the parent.
    let together = scope.counts_together();
    let keeper = shard.slot(if together { parent } else { key.slot() });
    // Taken out, as deciders are the user's code.
    let mut history = keeper.with_system(|system| std::mem::take(system.history(together)));
    let decision = ask(shard, strategy, failure, &mut history);
    keeper.with_system(|system| *system.history(together) = history);
    (decision, scope)
}

fn ask(
    shard: &Shard,
    strategy: &Strategy<Failure>,
    failure: &Failure,
    history: &mut History,
) -> Decision {
    let (now, random) = (shard.read_clock(), shard.random());
    let decided = catch_user(|| strategy.decide_for(failure, history, now, random));
    // A decider that panics has decided nothing; the panic hook has reported it.
    decided.unwrap_or(Decision::Stop { over_limit: false })
}

/// Does with an actor what was decided. Returns whether it continues at once.
pub(super) fn carry_out(shard: &Shard, key: Key, decided: Decided, failure: &Arc<Failure>) -> bool {
    if shard.slot(key.slot()).attention.is_stand_in() {
        hand_on(shard.slot(key.slot()), decided, failure);
        return false;
    }
    if shard.observation.is_of_events() {
        tell_observers(shard, key, Some(decided), failure);
    }
    match decided {
        Decided::Resume => true,
        Decided::Restart { .. } if is_passive(shard.slot(key.slot())) => true,
        Decided::Restart { .. } if !goes_on_after_restart(shard.slot(key.slot())) => {
            carry_out(shard, key, Decided::Stop, failure)
        }
        Decided::Restart { after } => {
            begin_restart(shard, key, failure, after);
            // The second restart is recognized by its delay, so that there is no third.
            if is_mutated(Mutant::RestartedTwice) && after != 1 {
                let again = Decided::Restart { after: 1 };
                decide(shard, key, again, failure);
            }
            false
        }
        Decided::Stop => {
            let slot = shard.slot(key.slot());
            if failure.actor == shard.id_of(key) {
                tell_parent_of_stop(shard, slot, failure);
            }
            slot.with_system(|system| system.ended_by = Some(Arc::clone(failure)));
            begin_stop(shard, key.slot(), DeadLetterReason::Failed);
            false
        }
    }
}

/// Tells the observers what was decided about an actor; that the failure is its parent's, if nothing was.
#[cold]
fn tell_observers(shard: &Shard, key: Key, decided: Option<Decided>, failure: &Failure) {
    let slot = shard.slot(key.slot());
    let (directive, delay) = match decided {
        None => (Directive::Escalate, 0),
        Some(Decided::Resume) => (Directive::Resume, 0),
        Some(Decided::Stop) => (Directive::Stop, 0),
        // Nothing is done, or it stops instead, which is told then: see `carry_out`.
        Some(Decided::Restart { .. }) if is_passive(slot) || !goes_on_after_restart(slot) => return,
        Some(Decided::Restart { after }) => (Directive::Restart, after),
    };
    let restarts = slot.with_system(|system| system.restarts);
    shard.tell_of_actor(key, |observer, actor| {
        observer.supervised(&ActorSupervised {
            actor,
            failure,
            directive,
            delay: Duration::from_nanos(delay),
            restarts,
        });
    });
}

/// Whether there can be another instance. An actor that is to stop, and that could not be built for its
/// remaining mail, is not rebuilt again and again.
fn goes_on_after_restart(slot: &Slot) -> bool {
    let stops = slot.state() == ActorState::Draining;
    slot.can_be_built_again() && !(stops && slot.with_system(|system| system.unbuilt))
}

/// Tells the parent of an actor that it stops because of a failure of its own.
fn tell_parent_of_stop(shard: &Shard, slot: &Slot, failure: &Arc<Failure>) {
    if let Some(supervised) = supervised_elsewhere(slot) {
        return tell_of_stop(supervised, failure);
    }
    let parent = slot.parent.get();
    if parent != GUARDIAN && is_supervising(shard.slot(parent)) {
        tell_parent(shard, parent, failure);
    }
}

/// Tells an actor that one of its children stops because of that failure.
pub(super) fn tell_parent(shard: &Shard, parent: u32, failure: &Arc<Failure>) {
    let signal = Signal::ChildFailed {
        child: failure.actor,
        failure: Arc::clone(failure),
    };
    shard
        .slot(parent)
        .with_system(|system| system.signals.push(signal));
    interrupt(shard, key_of(shard, parent));
}

/// Returns the siblings of a failed actor to which the decision applies too, in the order of their start.
fn siblings_in_reach(
    shard: &Shard,
    key: Key,
    parent: u32,
    scope: Scope,
    decision: Decision,
) -> Vec<Key> {
    let goes_on = |child: &Key| shard.slot(child.slot()).state() != ActorState::Stopping;
    match scope.reach(decision) {
        Reach::Itself => Vec::new(),
        Reach::Later => younger_siblings(shard, key.slot())
            .filter(goes_on)
            .collect(),
        Reach::All => {
            let others = children_of(shard, parent).filter(|child| *child != key);
            let mut others: Vec<_> = others.filter(goes_on).collect();
            others.reverse();
            others
        }
    }
}

/// Makes a failure the parent's own. The actor rests until the parent has decided.
fn escalate(shard: &Shard, key: Key, parent: u32, failure: &Arc<Failure>) {
    let slot = shard.slot(key.slot());
    if shard.observation.is_of_events() {
        tell_observers(shard, key, None, failure);
    }
    slot.with_system(|system| system.escalated = true);
    slot.attention.set(true);
    // A stand-in has turns all the same.
    slot.set_resting(!slot.attention.is_stand_in());
    let failure = Arc::clone(failure);
    shard
        .slot(parent)
        .with_system(|system| system.child_failures.push_back(failure));
    interrupt(shard, key_of(shard, parent));
    look_if_held_up(shard, slot, key);
}
