//! Passivation: an actor gives up its state, and is built again when mail comes.
//!
//! It is a restart that waits for a message. For its instance it is a stop: children and tasks end,
//! `PostStop` is told, the state is dropped. Its slot, name, references, watchers and mail stay. While it
//! is passive, its slot's flag says that there is *more to look at than the mail*, so a turn notices it
//! by the one flag that it checks anyway.

use super::instance::{end_what_it_began, rest};
use super::stop::{ask_children_to_stop, begin_stop, tell_of_stop};
use crate::address::Key;
use crate::deadlock::look_if_held_up;
use crate::failure::{DeadLetterReason, TerminationReason, WaitEnd};
use crate::shard::{ActorState, NO_SLOT, Passive, Runnable, Shard, interrupt};
use crate::supervision::StopReason;
use crate::sync::{Mutant, is_mutated};

/// Passivates an actor after its current message.
pub(super) fn passivate(shard: &Shard, key: Key) {
    let Some(slot) = shard.tenant(key) else {
        return;
    };
    // An actor that stops soon has nothing to come back to.
    if matches!(slot.state(), ActorState::Starting | ActorState::Running) {
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
    slot.attention.set(true);
    ask_children_to_stop(shard, slot, WaitEnd::NoReply, TerminationReason::Stopped);
    look_if_held_up(shard, slot, key);
    shard.due.push(Runnable::Turn(key.slot()));
}

/// Ends what a passivating instance has begun. Its stash stays, for the next instance.
fn let_go_of_instance(shard: &Shard, key: Key) {
    rest(shard, key);
    end_what_it_began(shard, key, WaitEnd::NoReply);
}

/// Tells an instance whose children and tasks have ended that it ends, and drops it.
pub(super) fn fall_asleep(shard: &Shard, key: Key) {
    let slot = shard.slot(key.slot());
    tell_of_stop(shard, key, WaitEnd::NoReply, |_| StopReason::Passivated);
    // What `PostStop` has begun ends too. No instance is told of that, nor of what has come since this
    // one began to leave.
    if is_mutated(Mutant::NextInstanceTold) {
        rest(shard, key);
    } else {
        let_go_of_instance(shard, key);
    }
    ask_children_to_stop(shard, slot, WaitEnd::NoReply, TerminationReason::Stopped);
    if slot.first_child.get() == NO_SLOT {
        slot.with_system(|system| system.passive = Some(Passive::Asleep));
        if let Some(tracer) = shard.observation.tracer() {
            tracer.passivates(shard.id_of(key));
        }
        shard.tell_of_actor(key, |observer, actor| observer.passivated(&actor));
    } else {
        slot.with_system(|system| system.passive = Some(Passive::Told));
        look_if_held_up(shard, slot, key);
    }
}

/// Leaves an actor idle until mail comes.
pub(super) fn sleep(shard: &Shard, key: Key) {
    let slot = shard.slot(key.slot());
    slot.release_mailbox(shard.slabs());
    slot.queued.set(false);
}
