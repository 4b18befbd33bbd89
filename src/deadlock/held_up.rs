//! Actors that are held up by their families: their next step waits for other actors, but no fiber does.

use crate::address::Key;
use crate::shard::ActorState;
use crate::shard::NO_SLOT;
use crate::shard::Passive;
use crate::shard::Shard;
use crate::shard::Slot;
use crate::shard::Supervised;
use crate::shard::key_of;
use crate::shard::supervised_elsewhere;

/// What an actor waits for without a fiber.
#[derive(Clone, Copy)]
pub(super) enum HeldUp {
    /// All actors below it, which are to end: it starts again, passivates, or did not start.
    ThoseBelow,
    /// Its parent, which is to decide about its failure.
    Parent(Key),
    /// Its parent on another worker, which is to decide about its failure.
    ParentElsewhere(Supervised),
}

/// Returns what holds an actor up, if anything does.
pub(super) fn held_up(shard: &Shard, slot: &Slot) -> Option<HeldUp> {
    if !slot.attention.get() {
        return None;
    }
    let ends = slot.state() == ActorState::Stopping;
    let has_children = slot.first_child.get() != NO_SLOT;
    // An ancestor that waits for all below it looks on its own worker: it finds this actor, but not those
    // below it here.
    if ends && has_children && supervised_elsewhere(slot).is_some() {
        return Some(HeldUp::ThoseBelow);
    }
    if !slot.has_system() {
        return None;
    }
    let (waits_for_their_end, waits_for_parent) = slot.with_system(|system| {
        let waits_for_their_end = match system.passive {
            _ if ends => system.start_failed,
            None => system.restarting.is_some(),
            // While `PostStop` runs, the next step is up to that.
            Some(Passive::Leaving) => !slot.is_at_work(),
            Some(Passive::Told) => true,
            Some(Passive::Asleep) => false,
        };
        let undecided = system.escalated && system.cut_short.is_none() && !ends;
        (waits_for_their_end, undecided)
    });
    if waits_for_their_end {
        return has_children.then_some(HeldUp::ThoseBelow);
    }
    waits_for_parent.then(|| match supervised_elsewhere(slot) {
        Some(supervised) => HeldUp::ParentElsewhere(supervised),
        None => HeldUp::Parent(key_of(shard, slot.parent.get())),
    })
}

/// Whether an actor did not start, and ends when those below it have. Its starter waits for that.
pub(super) fn has_failed_to_start(slot: &Slot) -> bool {
    slot.state() == ActorState::Stopping
        && slot.has_system()
        && slot.with_system(|system| system.start_failed)
}
