//! Slots that are not just an actor with its parent on its own worker: tasks, stand-ins, and actors whose
//! parent is elsewhere.

use super::records::{Role, StandIn, Supervised, TaskRecord};
use super::slot::{ActorState, Slot};
use super::state::Shard;
use super::tree::key_of;
use crate::address::{ActorId, Key};

pub(crate) fn with_record<R>(slot: &Slot, look: impl FnOnce(&mut TaskRecord) -> R) -> R {
    slot.with_extra(|extra| {
        let Some(Role::Task(record)) = extra.role.as_deref_mut() else {
            unreachable!("a task keeps its record as long as its slot")
        };
        look(record)
    })
}

/// Whether a task ends at its present wait. If so, that it waits means nothing.
pub(crate) fn is_cancelled(slot: &Slot) -> bool {
    !cfg!(panic = "abort") && with_record(slot, |task| task.cancelled.is_some())
}

/// If that is a stand-in, returns the parent for whose decision its child waits: `Some(None)` if the child
/// does not wait for one, or the parent has come to it.
pub(crate) fn undecided_parent(shard: &Shard, stand_in: Key) -> Option<Option<Key>> {
    let slot = stand_in_at(shard, stand_in)?;
    let waits = slot.state() != ActorState::Draining
        && slot.has_system()
        && slot.with_system(|system| system.escalated);
    Some(waits.then(|| key_of(shard, slot.parent.get())))
}

/// Returns the actor that a child is. For a stand-in, that is the actor for which it stands, if that has
/// begun to start and not ended.
pub(crate) fn actor_of(shard: &Shard, child: Key) -> Option<ActorId> {
    let slot = shard.slot(child.slot());
    if !slot.attention.is_stand_in() {
        return Some(shard.id_of(child));
    }
    let actor = |record: &mut StandIn| record.actor.filter(|_| !record.ended);
    with_stand_in(slot, actor).flatten()
}

/// Returns the slot of an actor on this worker: that of its stand-in, if the actor is elsewhere.
pub(crate) fn slot_of(shard: &Shard, actor: ActorId) -> Option<Key> {
    if actor.home == shard.home {
        return shard.tenant(actor.key).map(|_| actor.key);
    }
    shard.elsewhere.stand_ins.borrow().get(&actor).copied()
}

pub(crate) fn with_stand_in<R>(slot: &Slot, look: impl FnOnce(&mut StandIn) -> R) -> Option<R> {
    slot.with_extra(|extra| match extra.role.as_deref_mut() {
        Some(Role::StandIn(record)) => Some(look(record)),
        _ => None,
    })
}

pub(crate) fn stand_in_at(shard: &Shard, key: Key) -> Option<&Slot> {
    shard
        .tenant(key)
        .filter(|slot| slot.attention.is_stand_in())
}

/// Vacates the outpost: the last actor whose parent is elsewhere is gone.
pub(crate) fn give_up_outpost(shard: &Shard) {
    if let Some(index) = shard.elsewhere.outpost.take()
        && shard.slot(index).vacate(shard.slabs())
    {
        shard.slots().vacate(index);
    }
}

/// Whether that slot is the outpost, and no actor's.
pub(crate) fn is_outpost(shard: &Shard, index: u32) -> bool {
    shard.elsewhere.outpost.get() == Some(index)
}

/// Returns the record of an actor whose parent is elsewhere. `None` for any other slot.
pub(crate) fn supervised_elsewhere(slot: &Slot) -> Option<Supervised> {
    slot.look_at_role(|role| match role {
        Role::Supervised(supervised) => Some(*supervised),
        _ => None,
    })
    .flatten()
}
