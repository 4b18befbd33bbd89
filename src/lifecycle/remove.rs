//! Vacating the slot of an actor, a task or a stand-in.

use crate::address::Key;
use crate::cancel::forget_withdrawn;
use crate::failure::WaitEnd;
use crate::shard::{NO_SLOT, Shard, disown, give_up_outpost, is_outpost, wake};
use crate::sync::{Mutant, is_mutated};

/// Vacates the slot of an actor or a task of which nothing is left, and says so. If it was its parent's last
/// child, has the parent check what comes next.
pub(super) fn remove(shard: &Shard, key: Key, say_so: impl FnOnce(&Shard)) {
    let slot = shard.slot(key.slot());
    let parent = slot.parent.get();
    disown(shard, slot);
    shard.fibers.release(slot.attention.stack());
    forget_withdrawn(shard, slot, key.slot());
    let failed = slot.ending() == WaitEnd::Failed;
    let is_stand_in = slot.attention.is_stand_in();
    if slot.vacate(shard.slabs()) && !(is_mutated(Mutant::SlotLeaked) && failed) {
        shard.slots().vacate(key.slot());
    }
    if let Some(tracer) = shard.observation.tracer().filter(|_| !is_stand_in) {
        tracer.stopped(shard.id_of(key));
    }
    say_so(shard);
    let parent_slot = shard.slot(parent);
    if parent_slot.first_child.get() != NO_SLOT {
        return;
    }
    if is_outpost(shard, parent) {
        give_up_outpost(shard);
    } else if parent_slot.attention.get() {
        // It stops, or starts again, when the last of its children has stopped.
        wake(shard, parent);
    }
}
