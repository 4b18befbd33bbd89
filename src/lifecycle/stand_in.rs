//! What a child on another worker and its stand-in tell each other: the sending half.

use std::sync::Arc;

use crate::address::{ActorId, ActorPath, Key};
use crate::deadlock::look_if_held_up;
use crate::failure::Failure;
use crate::failure::TerminationReason;
use crate::failure::WaitEnd;
use crate::failure::drop_with_fate;
use crate::shard::ActorState;
use crate::shard::CutShort;
use crate::shard::Decided;
use crate::shard::MessageVtable;
use crate::shard::Role;
use crate::shard::Shard;
use crate::shard::Slot;
use crate::shard::StandIn;
use crate::shard::Supervised;
use crate::shard::ToChild;
use crate::shard::adopt;
use crate::shard::dispatch;
use crate::shard::key_of;
use crate::shard::wake;
use crate::shard::with_stand_in;

/// Makes a stand-in for a child that is to start on another worker.
pub(crate) fn stand_in_for<M: Send + 'static>(
    shard: &Shard,
    parent: u32,
    path: &ActorPath,
) -> Supervised {
    let index = shard.slots().occupy();
    let slot = shard.slot(index);
    slot.occupy(MessageVtable::of::<M>(), parent);
    slot.shut();
    slot.attention.mark_stand_in();
    slot.queued.set(false);
    slot.with_extra(|extra| {
        extra.path = Some(path.clone());
        extra.role = Some(Box::new(Role::StandIn(StandIn::default())));
    });
    adopt(shard, parent, index);
    Supervised {
        stand_in: shard.id_of(key_of(shard, index)),
        parent_mail: shard.slot(parent).message_kind(),
    }
}

/// Asks the child of a stand-in to stop, as its parent ends for that reason.
pub(super) fn stop_child(shard: &Shard, slot: &Slot, reason: TerminationReason) {
    if slot.state() == ActorState::Draining {
        return;
    }
    let because = (reason != TerminationReason::Stopped).then(|| shard.dropped_replies.failure());
    end_child(slot, ToChild::Stop(reason, because.flatten()));
}

/// Has the child of a stand-in end without handling anything more.
pub(super) fn cut_child_short(slot: &Slot, by: CutShort) {
    end_child(slot, ToChild::CutShort(by));
}

fn end_child(slot: &Slot, order: ToChild) {
    if slot.state() != ActorState::Draining {
        slot.enter(ActorState::Draining);
    }
    let actor = with_stand_in(slot, |record| record.actor);
    if let Some(actor) = actor.flatten() {
        return dispatch(actor, order);
    }
    let before = with_stand_in(slot, |record| record.ends.replace(order));
    let _ = drop_with_fate(before, WaitEnd::Failed);
}

/// Forwards a decision to the child of a stand-in.
pub(super) fn hand_on(slot: &Slot, decided: Decided, failure: &Arc<Failure>) {
    if let Some(actor) = with_stand_in(slot, |record| record.actor).flatten() {
        dispatch(actor, ToChild::Decided(decided, Arc::clone(failure)));
    }
}

/// Resumes the child of a stand-in whose parent had failed with that child and is resumed. Does nothing
/// unless the child rests for that, which is known here.
pub(super) fn resume_child(slot: &Slot, failure: &Arc<Failure>) {
    let rests =
        slot.has_system() && slot.with_system(|system| std::mem::take(&mut system.escalated));
    if rests {
        dispatch(failure.actor, ToChild::Resume(Arc::clone(failure)));
    }
}

/// Tells the stand-in that its actor begins to start, or that it could not.
pub(super) fn tell_of_beginning(supervised: Supervised, actor: Option<ActorId>) {
    dispatch(
        supervised.stand_in,
        actor.map_or(ToStandIn::NotBegun, ToStandIn::Begins),
    );
}

/// Tells the stand-in that nothing is left of its actor.
pub(super) fn tell_of_end(supervised: Supervised) {
    dispatch(supervised.stand_in, ToStandIn::Ended);
}

/// Tells the stand-in that its actor stops because of that failure of its own.
pub(super) fn tell_of_stop(supervised: Supervised, failure: &Arc<Failure>) {
    dispatch(supervised.stand_in, ToStandIn::Stops(Arc::clone(failure)));
}

/// Asks the parent of an actor, which is elsewhere, for a decision. The actor rests until the answer comes.
pub(super) fn ask_parent(shard: &Shard, key: Key, supervised: Supervised, failure: &Arc<Failure>) {
    let slot = shard.slot(key.slot());
    let ends = slot.with_system(|system| {
        system.escalated = true;
        system.cut_short.is_some()
    });
    slot.attention.set(true);
    slot.set_resting(true);
    dispatch(supervised.stand_in, ToStandIn::Failed(Arc::clone(failure)));
    if ends || slot.is_forced() {
        // It ends whatever the answer is, and even without one.
        wake(shard, key.slot());
    }
    look_if_held_up(shard, slot, key);
}

/// A message from a child to its stand-in.
pub(super) enum ToStandIn {
    /// That actor begins to start.
    Begins(ActorId),
    /// No actor will start.
    NotBegun,
    /// It has failed, and rests.
    Failed(Arc<Failure>),
    /// It stops because of that failure.
    Stops(Arc<Failure>),
    /// Nothing is left of it.
    Ended,
}
