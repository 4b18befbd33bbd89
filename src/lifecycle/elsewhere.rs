//! Children on other workers.
//!
//! A child that its parent starts on another worker has a *stand-in* among the parent's children: a slot
//! without a mailbox, a recipe or a body. Everything that a worker does with a child, it does with that slot.
//! So the strategies, the order of the siblings and the wait for the last child are those of any family. The
//! stand-in forwards the outcome as parcels, which arrive in the order sent.
//!
//! ```text
//!    the parent's worker                          the child's worker
//!  parent ── stand-in   ◀── Begins, Failed, Stops, Ended, NotBegun ──   child ── outpost
//!                        ── Decided, Resume, Stop, CutShort ──▶
//! ```
//!
//! When the child fails, it rests, as an actor does whose failure was escalated, and asks its stand-in. The
//! stand-in has a turn, in which the parent's strategy decides about it as about any child, and the decision
//! travels back. A decision because of a sibling's failure travels the same way, and waits for an answer that
//! is under way. The stand-in is removed when the child reports that nothing is left of it, and the
//! stand-in may be the parent's last child: so the child has been told `PostStop` before its parent is.
//!
//! On its own worker the child has a slot for a parent too, the *outpost*, which is no actor. A shutdown does
//! not begin with the children of the outpost, as their parents, wherever these are, end first. References
//! name the child, not the stand-in, so a message takes the same way as to any actor.

// ---- the parent's worker --------------------------------------------------------------------------

use std::sync::Arc;

use super::remove::remove;
use super::stand_in::{ToStandIn, stop_child};
use super::start::{Blueprint, start_as};
use super::stop::{cut_short_because, stop_because};
use super::supervise::{
    answer, carry_out, decide, decide_and_do, is_supervising, resume_escalated, tell_parent,
};
use crate::address::{ActorId, ActorPath, Envelope, Home, Key};
use crate::failure::DeadLetterReason;
use crate::failure::Failure;
use crate::failure::SpawnError;
use crate::failure::TerminationReason;
use crate::failure::WaitEnd;
use crate::failure::drop_quietly;
use crate::failure::drop_with_fate;
use crate::pool_core::PoolCore;
use crate::shard::ActorState;
use crate::shard::Decided;
use crate::shard::MessageVtable;
use crate::shard::NO_SLOT;
use crate::shard::Name;
use crate::shard::Parcel;
use crate::shard::Role;
use crate::shard::Shard;
use crate::shard::Slot;
use crate::shard::StandIn;
use crate::shard::Supervised;
use crate::shard::ToChild;
use crate::shard::dispatch;
use crate::shard::give_up_outpost;
use crate::shard::interrupt;
use crate::shard::is_outpost;
use crate::shard::stand_in_at;
use crate::shard::wake;
use crate::shard::with_stand_in;

/// Gives a child up, as the outcome of its start is not known: it is to stop, if it starts. If its worker
/// `has_closed`, there is no child.
pub(crate) fn give_up_child(shard: &Shard, stand_in: ActorId, has_closed: bool) {
    let Some(slot) = stand_in_at(shard, stand_in.key) else {
        return;
    };
    if has_closed {
        end_stand_in(shard, stand_in.key);
    } else {
        stop_child(shard, slot, TerminationReason::Stopped);
    }
}

/// The next step of a stand-in.
enum StandInStep {
    Nothing,
    /// Have the parent's strategy decide about a failure.
    Failure(Arc<Failure>),
    /// Forward a decision because of a sibling's failure.
    Decision(Decided, Arc<Failure>),
    End,
}

fn next(slot: &Slot) -> StandInStep {
    let (failure, is_known, ended) = with_stand_in(slot, |record| {
        let failure = record.failures.pop_front();
        (failure, record.actor.is_some(), record.ended)
    })
    .unwrap_or((None, false, true));
    if let Some(failure) = failure {
        return StandInStep::Failure(failure);
    }
    if ended {
        return StandInStep::End;
    }
    // A decision about a child that is not known yet waits until it is.
    let decided = is_known && slot.has_system();
    let decided = decided.then(|| slot.with_system(|system| system.decided.take()));
    match decided.flatten() {
        Some((decided, failure)) => StandInStep::Decision(decided, failure),
        None => StandInStep::Nothing,
    }
}

/// Gives a stand-in its turn. While it counts as queued, it gets no other turn and is not removed.
pub(super) fn take_stand_in_turn(shard: &Shard, key: Key) {
    let slot = shard.slot(key.slot());
    loop {
        match next(slot) {
            StandInStep::Nothing => return slot.queued.set(false),
            StandInStep::Failure(failure) => {
                decide_and_do(shard, key, &failure);
                let _ = drop_with_fate(failure, WaitEnd::Failed);
            }
            StandInStep::Decision(decided, failure) => {
                carry_out(shard, key, decided, &failure);
                let _ = drop_with_fate(failure, WaitEnd::Failed);
            }
            StandInStep::End => return remove_stand_in(shard, key),
        }
    }
}

/// Ends the stand-in of a child of which nothing is left.
fn end_stand_in(shard: &Shard, key: Key) {
    let slot = shard.slot(key.slot());
    with_stand_in(slot, |record| record.ended = true);
    // The parent is told of the end next, and must no longer have the child by then.
    if slot.queued.get() {
        return;
    }
    remove_stand_in(shard, key);
}

fn remove_stand_in(shard: &Shard, key: Key) {
    let slot = shard.slot(key.slot());
    let extra = slot.take_extra();
    if let Some(Role::StandIn(StandIn {
        actor: Some(actor), ..
    })) = extra.as_ref().and_then(|extra| extra.role.as_deref())
    {
        shard.elsewhere.stand_ins.borrow_mut().remove(actor);
    }
    remove(shard, key, |_| {});
    let _ = drop_with_fate(extra, WaitEnd::Failed);
}

/// Whether actors of this worker have children on others.
pub(crate) fn has_children_elsewhere(shard: &Shard) -> bool {
    let mut slots = shard.slots().iter();
    slots.any(|(_, slot)| is_stand_in(slot))
}

/// Stops waiting for the children on other workers: the pool closes, and a worker may never get so far.
#[cold]
pub(crate) fn leave_children_elsewhere(shard: &Shard) {
    let slots = shard.slots().iter().filter(|(_, slot)| is_stand_in(slot));
    for key in slots.map(|(index, slot)| Key::new(index, slot.generation())) {
        with_stand_in(shard.slot(key.slot()), |record| record.ended = true);
        wake(shard, key.slot());
    }
}

pub(super) fn is_stand_in(slot: &Slot) -> bool {
    slot.state() != ActorState::Vacant && slot.attention.is_stand_in()
}

// ---- the child's worker ---------------------------------------------------------------------------

/// Starts a child of an actor of another worker.
pub(crate) fn start_for<B: Blueprint>(
    shard: &Shard,
    supervised: Supervised,
    path: &ActorPath,
    blueprint: B,
    starter: Option<(Home, Key)>,
) -> Result<ActorId, SpawnError> {
    if shard.closing.get() {
        let _ = drop_quietly(blueprint);
        dispatch(supervised.stand_in, ToStandIn::NotBegun);
        return Err(SpawnError::ShuttingDown);
    }
    let outpost = outpost(shard);
    let (name, by) = (Name::At(path), Some(supervised));
    start_as(shard, outpost, name, blueprint, starter, by).inspect_err(|_| {
        if is_outpost(shard, outpost) && shard.slot(outpost).first_child.get() == NO_SLOT {
            give_up_outpost(shard);
        }
    })
}

/// Returns the local parent of actors whose parent is elsewhere, and makes it if there is none.
pub(super) fn outpost(shard: &Shard) -> u32 {
    let outpost = &shard.elsewhere.outpost;
    outpost.get().unwrap_or_else(|| {
        let index = shard.slots().occupy();
        let slot = shard.slot(index);
        slot.occupy(MessageVtable::of::<()>(), NO_SLOT);
        slot.shut();
        outpost.set(Some(index));
        index
    })
}

// ---- what travels between them --------------------------------------------------------------------

impl Parcel for ToStandIn {
    fn deliver(self, shard: &Shard, to: Key, _envelope: &Envelope) {
        let Some(slot) = stand_in_at(shard, to) else {
            // Nothing waits for it any more.
            if let Self::Begins(actor) = self {
                dispatch(actor, ToChild::Stop(TerminationReason::Stopped, None));
            }
            return drop(drop_with_fate(self, WaitEnd::Failed));
        };
        match self {
            Self::Begins(actor) => {
                shard.elsewhere.stand_ins.borrow_mut().insert(actor, to);
                if slot.state() == ActorState::Starting {
                    slot.enter(ActorState::Running);
                }
                let ends = with_stand_in(slot, |record| {
                    record.actor = Some(actor);
                    record.ends.take()
                });
                if let Some(order) = ends.flatten() {
                    dispatch(actor, order);
                }
                interrupt(shard, to);
            }
            Self::Failed(failure) => {
                with_stand_in(slot, |record| record.failures.push_back(failure));
                interrupt(shard, to);
            }
            Self::Stops(failure) => {
                let parent = slot.parent.get();
                if is_supervising(shard.slot(parent)) {
                    tell_parent(shard, parent, &failure);
                }
                let _ = drop_with_fate(failure, WaitEnd::Failed);
            }
            Self::NotBegun | Self::Ended => end_stand_in(shard, to),
        }
    }

    fn bounce(self, _: &PoolCore, _: ActorId, _: Envelope, _: DeadLetterReason) {
        let _ = drop_with_fate(self, WaitEnd::Failed);
    }
}

impl Parcel for ToChild {
    fn deliver(self, shard: &Shard, to: Key, _envelope: &Envelope) {
        if shard.tenant(to).is_none() {
            return drop(drop_with_fate(self, WaitEnd::Failed));
        }
        match self {
            Self::Decided(decided, failure) if failure.actor == shard.id_of(to) => {
                answer(shard, to, decided, &failure);
                let _ = drop_with_fate(failure, WaitEnd::Failed);
            }
            Self::Decided(decided, failure) => {
                decide(shard, to, decided, &failure);
                let _ = drop_with_fate(failure, WaitEnd::Failed);
            }
            Self::Resume(failure) => {
                resume_escalated(shard, to, &failure);
                let _ = drop_with_fate(failure, WaitEnd::Failed);
            }
            Self::Stop(reason, failure) => stop_because(shard, to, reason, failure),
            Self::CutShort(by) => cut_short_because(shard, to, by),
        }
    }

    fn bounce(self, _: &PoolCore, _: ActorId, _: Envelope, _: DeadLetterReason) {
        let _ = drop_with_fate(self, WaitEnd::Failed);
    }
}
