//! Actors that are held up by their families: what comes next for them waits for others, and no fiber does.

use super::family::key_of;
use super::passivate::Passive;
use crate::actor::id::Key;
use crate::actor::shard::Shard;
use crate::actor::slot::{NO_SLOT, Slot, State};

/// For whom an actor waits without a fiber.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum HeldUp {
    /// For all below it, which are to end: it starts again, passivates, or did not start.
    ByThoseBelow,
    /// For its parent, which is to decide about its failure.
    ByParent(Key),
}

/// Who holds an actor up, where anybody does.
pub(crate) fn held_up(shard: &Shard, slot: &Slot) -> Option<HeldUp> {
    if !slot.special.get() || !slot.has_system() {
        return None;
    }
    slot.with_system(|system| {
        let ends = slot.state() == State::Stopping;
        let waits_for_their_end = match system.passive {
            _ if ends => system.start_failed,
            None => system.restarting.is_some(),
            // While `PostStop` runs, what comes next is up to that.
            Some(Passive::Leaving) => !slot.is_at_work(),
            Some(Passive::Told) => true,
            Some(Passive::Asleep) => false,
        };
        if waits_for_their_end {
            return (slot.first_child.get() != NO_SLOT).then_some(HeldUp::ByThoseBelow);
        }
        let parent = || HeldUp::ByParent(key_of(shard, slot.parent.get()));
        (system.escalated && !ends).then(parent)
    })
}

/// Whether an actor did not start, and ends when those below it have: for that its starter waits.
pub(crate) fn has_failed_to_start(slot: &Slot) -> bool {
    slot.state() == State::Stopping
        && slot.has_system()
        && slot.with_system(|system| system.start_failed)
}
