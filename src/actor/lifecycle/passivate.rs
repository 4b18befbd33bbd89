//! Passivation: an actor gives up its state, and is built again when mail comes.
//!
//! It is a restart that waits for a message. For its instance it is a stop: children and tasks end,
//! `PostStop` is told, the state is dropped. Its slot, name, references, watchers and mail stay. While it
//! is passive, its slot's flag says that there is *more to look at than the mail*, so a turn notices it
//! by the one flag that it checks anyway.

use super::family::interrupt;
use super::keep::{end_what_it_began, lose_stashed_if_withdrawn, rest};
use super::restart::build_again;
use super::stop::{ask_children_to_stop, begin_stop, tell_of_stop};
use super::watch::TerminationReason;
use super::withdraw::screen_withdrawn;
use crate::actor::behavior::{Signal, StopReason};
use crate::actor::dead_letter::DeadLetterReason;
use crate::actor::failure::Stage;
use crate::actor::fate::End;
use crate::actor::id::Key;
use crate::actor::run_queue::Due;
use crate::actor::shard::Shard;
use crate::actor::slot::{NO_SLOT, Slot, State};
use crate::sync::{Mutant, is_mutated};

/// The progress of a passivation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passive {
    /// Its children and tasks are ending; then the instance is told.
    Leaving,
    /// The instance was told, and has begun something, which has to end too.
    Told,
    /// The actor has no instance.
    Asleep,
}

/// Passivates an actor after its current message.
pub(crate) fn passivate(shard: &Shard, key: Key) {
    let Some(slot) = shard.tenant(key) else {
        return;
    };
    // An actor that stops soon has nothing to come back to.
    if matches!(slot.state(), State::Starting | State::Running) {
        slot.with_system(|system| system.passivation_wanted = system.passive.is_none());
        interrupt(shard, key);
    }
}

/// Begins to passivate an actor that has a turn.
pub(super) fn begin_passivation(shard: &Shard, key: Key) {
    let slot = shard.slot(key.slot());
    if !slot.can_be_built_again() {
        return begin_stop(shard, key.slot(), DeadLetterReason::Stopped);
    }
    slot.with_system(|system| {
        system.passivation_wanted = false;
        system.passive = Some(Passive::Leaving);
    });
    let_go_of_instance(shard, key);
    slot.special.set(true);
    ask_children_to_stop(shard, slot, End::NoReply, TerminationReason::Stopped);
    shard.look_if_held_up(slot, key);
    shard.due.push(Due::Turn(key.slot()));
}

/// Ends what a passivating instance has begun. Its stash stays, for the next instance.
fn let_go_of_instance(shard: &Shard, key: Key) {
    rest(shard, key);
    end_what_it_began(shard, key, End::NoReply);
}

/// Tells an instance whose children and tasks have ended that it ends, and drops it.
pub(super) fn fall_asleep(shard: &Shard, key: Key) {
    let slot = shard.slot(key.slot());
    tell_of_stop(shard, key, End::NoReply, |_| StopReason::Passivated);
    // What `PostStop` has begun ends too. No instance is told of that, nor of what has come since this
    // one began to leave.
    if is_mutated(Mutant::NextInstanceTold) {
        rest(shard, key);
    } else {
        let_go_of_instance(shard, key);
    }
    ask_children_to_stop(shard, slot, End::NoReply, TerminationReason::Stopped);
    if slot.first_child.get() == NO_SLOT {
        slot.with_system(|system| system.passive = Some(Passive::Asleep));
        if let Some(observer) = shard.observer.get() {
            observer.passivates(shard.id_of(key));
        }
    } else {
        slot.with_system(|system| system.passive = Some(Passive::Told));
        shard.look_if_held_up(slot, key);
    }
}

/// Whether an actor is passive, and would wake up for a message.
pub(crate) fn is_asleep(slot: &Slot) -> bool {
    slot.special.get() && slot.has_system() && slot.with_system(|system| system.is_asleep())
}

/// Leaves an actor idle until mail comes.
pub(super) fn sleep(shard: &Shard, key: Key) {
    let slot = shard.slot(key.slot());
    slot.release_mailbox(shard.slabs());
    slot.queued.set(false);
}

/// If the message for which an actor would be rebuilt is a question that was withdrawn, drops it as lost.
/// Returns whether it was.
fn lose_next_if_withdrawn(shard: &Shard, key: Key) -> bool {
    if lose_stashed_if_withdrawn(shard, key) {
        return true;
    }
    let slot = shard.slot(key.slot());
    if slot.has_system() && slot.with_system(|system| system.store.is_some()) {
        return false; // stashed messages come before the mail
    }
    let next = slot.peek_envelope().map(|envelope| envelope.message_id());
    let reason = next.and_then(|message| screen_withdrawn(shard, key.slot(), message));
    if let Some(reason) = reason {
        slot.bury_next(shard, shard.id_of(key), reason);
    }
    reason.is_some()
}

/// Rebuilds an actor for the mail that has come, unless that was withdrawn. Returns whether the actor
/// continues.
pub(super) fn wake_up(shard: &Shard, key: Key) -> bool {
    if lose_next_if_withdrawn(shard, key) {
        return true; // the next message is checked in turn
    }
    let slot = shard.slot(key.slot());
    if let Some(observer) = shard.observer.get() {
        observer.wakes(shard.id_of(key));
    }
    slot.with_system(|system| system.passive = None);
    if is_mutated(Mutant::KeptMailLost) && slot.mailbox_len() > 1 {
        slot.bury_next(shard, shard.id_of(key), DeadLetterReason::Stopped);
    }
    build_again(shard, key, Signal::PreStart, Stage::Starting)
}
