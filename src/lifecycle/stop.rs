//! How an actor stops, leaf first, and leaves nothing behind.

use std::sync::Arc;

use super::instance::let_go;
use super::naming::release;
use super::next_step::stuck_children;
use super::remove::remove;
use super::stand_in::{cut_child_short, stop_child, tell_of_end};
use super::tasks::cancel_task;
use super::watch::tell_watchers;
use crate::address::{ActorPath, Key};
use crate::deadlock::look_if_held_up;
use crate::failure::{
    Cause, DeadLetterReason, Failure, Stage, TerminationReason, Unwound, WaitEnd, catch_user,
    drop_with_fate,
};
use crate::observe::ActorStopped;
use crate::shard::{
    ActorState, CutShort, GUARDIAN, NO_SLOT, Role, Shard, Slot, System, TurnEnd, children,
    has_only_tasks, interrupt, is_outpost, key_of, path_of, report, shut, wake,
};
use crate::supervision::{Signal, StopReason};
use crate::sync::{Mutant, is_mutated};

/// Asks an actor to stop when it has handled its present mail.
pub(super) fn request_stop(shard: &Shard, key: Key) {
    request_stop_for(shard, key, TerminationReason::Stopped);
}

/// Asks an actor to stop, as its parent ends for that reason. An actor that was asked to stop before stops
/// for the earlier reason.
fn request_stop_for(shard: &Shard, key: Key, reason: TerminationReason) {
    let Some(slot) = shard.tenant(key) else {
        return;
    };
    if slot.attention.is_stand_in() {
        return stop_child(shard, slot, reason);
    }
    let because = (reason != TerminationReason::Stopped).then(|| shard.dropped_replies.failure());
    stop_because(shard, key, reason, because.flatten());
}

/// As [`request_stop_for`], because of that failure, if there is one.
pub(super) fn stop_because(
    shard: &Shard,
    key: Key,
    reason: TerminationReason,
    failure: Option<Arc<Failure>>,
) {
    let Some(slot) = shard.tenant(key) else {
        return drop(drop_with_fate(failure, WaitEnd::Failed));
    };
    if matches!(slot.state(), ActorState::Starting | ActorState::Running) {
        take_no_more(shard, slot);
        slot.enter(ActorState::Draining);
        if reason != TerminationReason::Stopped {
            slot.with_system(|system| {
                system.inherited = Some(reason);
                system.ended_by = failure;
            });
        }
        if is_mutated(Mutant::StopOvertakesMail) {
            bury(shard, slot, key, DeadLetterReason::Stopped);
        }
        wake(shard, key.slot());
    } else {
        let _ = drop_with_fate(failure, WaitEnd::Failed);
    }
}

/// Lets an actor handle nothing after its current message: its mail becomes dead letters, and it stops.
pub(super) fn kill(shard: &Shard, key: Key) {
    cut_short(shard, key, TerminationReason::Killed);
}

fn cut_short(shard: &Shard, key: Key, reason: TerminationReason) {
    let by = CutShort(reason, shard.dropped_replies.failure());
    match shard.tenant(key) {
        Some(slot) if slot.attention.is_stand_in() => cut_child_short(slot, by),
        _ => cut_short_because(shard, key, by),
    }
}

/// As [`cut_short`], with the reason given.
pub(super) fn cut_short_because(shard: &Shard, key: Key, by: CutShort) {
    let Some(slot) = shard
        .tenant(key)
        .filter(|slot| slot.state() != ActorState::Stopping)
    else {
        return drop(drop_with_fate(by, WaitEnd::Failed));
    };
    take_no_more(shard, slot);
    let CutShort(reason, failure) = by;
    // Recorded first: the destructor of a message may wait, and the actor may have its turn meanwhile.
    slot.with_system(|system| {
        if system.cut_short.is_none() {
            system.cut_short = Some(reason);
            system.ended_by = failure;
        }
    });
    interrupt(shard, key);
    bury(shard, slot, key, reason.of_mail());
}

/// Closes an actor to new mail, and says so in the directory.
#[inline]
fn take_no_more(shard: &Shard, slot: &Slot) {
    shut(slot);
    // If it is to stop already, the directory knows.
    if matches!(slot.state(), ActorState::Starting | ActorState::Running) {
        slot.look_at_given_path(|path| shard.core.directory.ends(path));
    }
}

fn bury(shard: &Shard, slot: &Slot, key: Key, reason: DeadLetterReason) {
    if slot.mailbox_len() == 0 {
        return;
    }
    let buried = slot.bury_mail(shard, shard.id_of(key), reason);
    shard.counts.buried.add(buried);
}

/// Asks every top-level actor to stop.
pub(crate) fn stop_all(shard: &Shard) {
    let why = TerminationReason::Stopped;
    ask_children_to_stop(shard, shard.slot(GUARDIAN), WaitEnd::Stopped, why);
}

/// Asks the children of an actor to stop, for the reason why it ends, and cancels its tasks. Replies held by
/// the tasks end with `end`.
pub(super) fn ask_children_to_stop(
    shard: &Shard,
    parent: &Slot,
    end: WaitEnd,
    why: TerminationReason,
) {
    if parent.first_child.get() == NO_SLOT {
        return;
    }
    // A child that rests until its failure is decided would wait for ever. The keys are taken first: what
    // these children lose may have destructors that wait, and their slots may be reused meanwhile.
    let stuck = stuck_children(shard, parent);
    let stuck: Vec<Key> = stuck.iter().map(|child| key_of(shard, *child)).collect();
    for child in stuck {
        cut_short(shard, child, TerminationReason::Failed);
    }
    for child in children(shard, parent) {
        if shard.slot(child).attention.is_task() {
            if is_mutated(Mutant::TaskOutlivesRestart) && end == WaitEnd::Failed {
                continue;
            }
            cancel_task(shard, key_of(shard, child), end);
        } else {
            request_stop_for(shard, key_of(shard, child), why);
        }
    }
}

/// Stops every actor that is left, without waiting for its mail or its handler. Calls `tell` for each, with a
/// function that returns its path.
pub(crate) fn force_all(shard: &Shard, tell: &mut dyn FnMut(&dyn Fn() -> ActorPath)) {
    for (index, slot) in shard.slots().iter() {
        let is_nobody = index == GUARDIAN || is_outpost(shard, index);
        if is_nobody || slot.state() == ActorState::Vacant || slot.attention.is_stand_in() {
            continue;
        }
        slot.set_forced(true);
        if slot.attention.is_task() {
            // If it waits, it is ended with all waiters; otherwise at its next wait.
            continue;
        }
        take_no_more(shard, slot);
        shard.activity.note_progress();
        tell(&|| path_of(shard, index));
        // At once, so that a handler that survives its forced end finds nothing more to handle.
        bury(shard, slot, key_of(shard, index), DeadLetterReason::Forced);
        if matches!(slot.state(), ActorState::Running | ActorState::Draining) {
            interrupt(shard, key_of(shard, index));
        }
    }
}

/// Runs a step of the end of an actor. What that drops, it drops because of the failure that ends the actor,
/// if there is one.
fn because_of_its_end(shard: &Shard, slot: &Slot, end_it: impl FnOnce()) {
    let failure = if slot.has_system() {
        ended_by(slot)
    } else {
        None
    };
    shard.dropped_replies.because_of(failure.as_ref(), end_it);
    if let Some(failure) = failure {
        let _ = drop_with_fate(failure, WaitEnd::Failed);
    }
}

#[cold]
fn ended_by(slot: &Slot) -> Option<Arc<Failure>> {
    slot.with_system(|system| system.ended_by.clone())
}

/// Lets an actor handle nothing more. It has stopped when its children have.
pub(super) fn begin_stop(shard: &Shard, index: u32, reason: DeadLetterReason) {
    let slot = shard.slot(index);
    because_of_its_end(shard, slot, || begin_to_stop(shard, index, reason));
}

fn begin_to_stop(shard: &Shard, index: u32, reason: DeadLetterReason) {
    let slot = shard.slot(index);
    take_no_more(shard, slot);
    slot.enter(ActorState::Stopping);
    slot.attention.set(true);
    let reason = reason_of_end(slot, reason);
    if reason == DeadLetterReason::Forced {
        slot.set_forced(true);
    }
    slot.end_with(WaitEnd::from(reason));
    let_go(shard, slot, key_of(shard, index), reason);
    bury(shard, slot, key_of(shard, index), reason);
    slot.set_resting(false);
    // While it counts as queued it gets no other turn, however long the next step waits.
    if slot.first_child.get() != NO_SLOT {
        ask_children_to_stop(shard, slot, slot.ending(), termination_reason(slot));
    }
    // Until the last child is gone there is nothing to do for it.
    slot.queued.set(false);
    if slot.first_child.get() == NO_SLOT {
        slot.queued.set(true);
        return finish_stop(shard, index);
    }
    look_if_held_up(shard, slot, key_of(shard, index));
    if is_mutated(Mutant::ParentStopsFirst)
        || is_mutated(Mutant::TaskOutlivesActor) && has_only_tasks(shard, slot)
    {
        tell_of_stop(shard, key_of(shard, index), slot.ending(), stop_reason);
    }
}

/// Returns why the mail of an actor that begins to stop for that reason is lost. A shutdown's deadline takes
/// precedence, and an actor that stops as its parent has failed ends as the parent does.
fn reason_of_end(slot: &Slot, reason: DeadLetterReason) -> DeadLetterReason {
    let fails_with_parent = |system: &mut System| {
        system.inherited == Some(TerminationReason::Failed) && system.cut_short.is_none()
    };
    if slot.is_forced() {
        DeadLetterReason::Forced
    } else if reason == DeadLetterReason::Stopped
        && slot.has_system()
        && slot.with_system(fails_with_parent)
    {
        DeadLetterReason::Failed
    } else {
        reason
    }
}

/// Tells the actor that it has stopped, and vacates its slot, once the last of its children is gone.
pub(super) fn go_on_to_the_end(shard: &Shard, index: u32) {
    because_of_its_end(shard, shard.slot(index), || finish_stop(shard, index));
}

fn finish_stop(shard: &Shard, index: u32) {
    let slot = shard.slot(index);
    debug_assert_eq!(slot.first_child.get(), NO_SLOT);
    let key = key_of(shard, index);
    tell_of_stop(shard, key, slot.ending(), stop_reason);
    // Ends what `PostStop` has begun.
    let_go(shard, slot, key, DeadLetterReason::Stopped);
    let left = is_mutated(Mutant::LateTaskLeft) && has_only_tasks(shard, slot);
    if slot.first_child.get() != NO_SLOT && !left {
        // `PostStop` started children: they stop first, and the actor is not told a second time.
        ask_children_to_stop(shard, slot, slot.ending(), termination_reason(slot));
        if slot.first_child.get() != NO_SLOT {
            return slot.queued.set(false);
        }
    }
    vacate(shard, key);
}

/// Tells the actor that it has stopped, unless it has been told, and drops its state. Replies in the state
/// end with `ending`. An instance that was to be replaced has been told `PreRestart`, and is told nothing
/// after that.
pub(super) fn tell_of_stop(
    shard: &Shard,
    key: Key,
    ending: WaitEnd,
    why: impl FnOnce(&Slot) -> StopReason,
) {
    let slot = shard.slot(key.slot());
    let Some(mut body) = slot.take_body() else {
        return;
    };
    let id = shard.id_of(key);
    let told = slot.has_system() && slot.with_system(|system| system.restarting.is_some());
    if told && !is_mutated(Mutant::ToldOfTwoEnds) {
        let dropped = shard.acting_as(id, || drop_with_fate(body, ending));
        if let Some(Unwound::Panicked(payload)) = dropped {
            report(shard, key, Stage::Restarting, Cause::Panic(payload));
        }
        return;
    }
    let stopped = shard.acting_as(id, || {
        if !body.hears_signals() {
            return Ok(drop_with_fate(body, ending));
        }
        let signal = Signal::PostStop(why(slot));
        let failed = match catch_user(|| body.signal(shard, key, &signal)) {
            Ok(TurnEnd::Failed(error)) => Some(Cause::Error(*error)),
            Err(Unwound::Panicked(payload)) => Some(Cause::Panic(payload)),
            // It is too late to become another behaviour, which is dropped.
            Ok(TurnEnd::Become(next)) => {
                let _ = drop_with_fate(next, WaitEnd::Stopped);
                None
            }
            Ok(TurnEnd::Done | TurnEnd::Stop | TurnEnd::Passivate) | Err(Unwound::Forced) => None,
        };
        match failed {
            None => Ok(drop_with_fate(body, ending)),
            Some(cause) => Err((cause, body)),
        }
    });
    let dropped = stopped.unwrap_or_else(|(cause, body)| {
        // The hook may wait: once the state is dropped, the actor has ended and its name is free.
        report(shard, key, Stage::Stopping, cause);
        shard.acting_as(id, || drop_with_fate(body, ending))
    });
    if let Some(Unwound::Panicked(payload)) = dropped {
        report(shard, key, Stage::Stopping, Cause::Panic(payload));
    }
}

pub(super) fn vacate(shard: &Shard, key: Key) {
    if shard.observation.is_of_events() {
        tell_observers_of_stop(shard, key);
        shard.observation.arrivals.forget(key);
    }
    let slot = shard.slot(key.slot());
    let extra = slot.take_extra();
    shard.counts.alive.take_away(1);
    shard.known_actor_ends(key);
    let Some(mut extra) = extra else {
        return remove(shard, key, |_| {});
    };
    let system = extra.system.take();
    if extra.bound.is_some() {
        shard.core.bounded_mailboxes.remove(shard.id_of(key));
    }
    let reason = reason_to_tell(slot, system.as_deref());
    let with_parent = shard.slot(slot.parent.get()).state() == ActorState::Stopping;
    if let Some(path) = &extra.path
        && !(is_mutated(Mutant::NameKept) && with_parent)
    {
        release(shard, path);
    }
    let supervised = match extra.role.as_deref() {
        Some(Role::Supervised(supervised)) => Some(*supervised),
        _ => None,
    };
    remove(shard, key, |shard| {
        // First, so that its parent no longer has the child when it is told of the end.
        if let Some(supervised) = supervised {
            tell_of_end(supervised);
        }
        for then in extra.at_end {
            then.ended(shard);
        }
        if let Some(system) = system {
            forget(shard, key, *system, reason);
        }
    });
}

/// Tells the observers of the end of an actor, unless it is one that did not start.
#[cold]
fn tell_observers_of_stop(shard: &Shard, key: Key) {
    let slot = shard.slot(key.slot());
    if slot.has_system() && slot.with_system(|system| system.start_failed) {
        return;
    }
    let reason = termination_reason(slot);
    shard.tell_of_actor(key, |observer, actor| {
        observer.stopped(&ActorStopped { actor, reason });
    });
}

/// Returns why a stopping actor ends: what its watchers are told, and what its children end for.
fn termination_reason(slot: &Slot) -> TerminationReason {
    if slot.has_system() {
        slot.with_system(|system| reason_to_tell(slot, Some(system)))
    } else {
        reason_to_tell(slot, None)
    }
}

/// Returns what the last instance of a stopping actor is told.
fn stop_reason(slot: &Slot) -> StopReason {
    termination_reason(slot).into()
}

fn reason_to_tell(slot: &Slot, system: Option<&System>) -> TerminationReason {
    if let Some(reason) = system.and_then(|system| system.cut_short) {
        reason
    } else if slot.ending() == WaitEnd::Failed {
        TerminationReason::Failed
    } else if slot.is_forced() {
        TerminationReason::Killed
    } else {
        let inherited = system.and_then(|system| system.inherited);
        inherited.unwrap_or(TerminationReason::Stopped)
    }
}

/// Drops all that the system has recorded of an actor, and tells its watchers.
fn forget(shard: &Shard, key: Key, mut system: System, reason: TerminationReason) {
    let failure = system.ended_by.take();
    if let Some(wait) = system.backoff {
        shard.waits.forget(wait);
    }
    let watchers = system.watchers.iter().map(|(watcher, ())| *watcher);
    tell_watchers(shard, key, watchers, reason, failure.as_ref());
    let _ = drop_with_fate(failure, WaitEnd::Failed);
    system.watching.let_go(shard, key);
    // Failures that were never told carry the user's values, and so do the strategies' deciders.
    let _ = drop_with_fate(system, WaitEnd::Stopped);
}
