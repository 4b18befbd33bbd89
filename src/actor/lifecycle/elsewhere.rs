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

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::family::{Name, adopt, interrupt, key_of, wake};
use super::start::{SpawnError, start_as};
use super::stop::{CutShort, cut_short_because, remove, stop_because};
use super::supervise::{
    answer, carry_out, decide, decide_and_do, is_supervising, resume_escalated, tell_parent,
};
use super::system::Decided;
use super::tasks::TaskRecord;
use super::watch::TerminationReason;
use crate::actor::core::PoolCore;
use crate::actor::dead_letter::DeadLetterReason;
use crate::actor::envelope::Envelope;
use crate::actor::failure::Failure;
use crate::actor::fate::{End, drop_with_fate};
use crate::actor::gates::dispatch;
use crate::actor::id::{ActorId, Home, Key};
use crate::actor::mail_kind::MailKind;
use crate::actor::parcel::Parcel;
use crate::actor::path::ActorPath;
use crate::actor::props::Seed;
use crate::actor::reference::ActorRef;
use crate::actor::shard::Shard;
use crate::actor::slot::{NO_SLOT, Slot, State};
use crate::actor::unwind::drop_quietly;

/// What a worker knows of families that it shares with other workers.
#[derive(Default)]
pub(crate) struct Elsewhere {
    /// The slot that is the local parent of actors whose parent is elsewhere, if there are any.
    outpost: Cell<Option<u32>>,
    /// The stand-ins of this worker, by the actors for which they stand.
    stand_ins: RefCell<HashMap<ActorId, Key>>,
}

/// The role of a slot that is not just an actor with its parent on its own worker.
pub(crate) enum Role {
    /// A task, which is no actor.
    Task(TaskRecord),
    /// No actor either: a stand-in for a child on another worker.
    StandIn(StandIn),
    /// An actor whose parent is on another worker.
    Supervised(Supervised),
}

/// The record of a stand-in.
#[derive(Default)]
pub(crate) struct StandIn {
    /// The child for which it stands, once that begins to start.
    actor: Option<ActorId>,
    /// Failures of the child that are not decided yet.
    failures: VecDeque<Arc<Failure>>,
    /// How the child is to end, if that was ordered before the child was known.
    ends: Option<ToChild>,
    /// Whether nothing is left of the child.
    ended: bool,
}

/// The record of an actor whose parent is elsewhere.
#[derive(Clone, Copy)]
pub(crate) struct Supervised {
    /// Its stand-in among the parent's children.
    stand_in: ActorId,
    /// The kind of the parent's messages.
    parent_mail: &'static MailKind,
}

impl Supervised {
    /// Its stand-in among the parent's children.
    pub(crate) fn stand_in(self) -> ActorId {
        self.stand_in
    }

    /// The kind of the parent's messages.
    pub(crate) fn parent_mail(self) -> &'static MailKind {
        self.parent_mail
    }
}

// ---- the parent's worker --------------------------------------------------------------------------

/// Makes a stand-in for a child that is to start on another worker.
pub(crate) fn stand_in_for<M: Send + 'static>(
    shard: &Shard,
    parent: u32,
    path: &ActorPath,
) -> Supervised {
    let index = shard.slots().occupy();
    let slot = shard.slot(index);
    slot.occupy::<M>(parent);
    slot.shut();
    slot.special.mark_stand_in();
    slot.queued.set(false);
    slot.with_extra(|extra| {
        extra.path = Some(path.clone());
        extra.role = Some(Box::new(Role::StandIn(StandIn::default())));
    });
    adopt(shard, parent, index);
    Supervised {
        stand_in: shard.id_of(key_of(shard, index)),
        parent_mail: shard.slot(parent).mail_kind(),
    }
}

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

/// Returns the actor that a child is. For a stand-in, that is the actor for which it stands, if that has
/// begun to start and not ended.
pub(crate) fn actor_of(shard: &Shard, child: Key) -> Option<ActorId> {
    let slot = shard.slot(child.slot());
    if !slot.special.is_stand_in() {
        return Some(shard.id_of(child));
    }
    let actor = |record: &mut StandIn| record.actor.filter(|_| !record.ended);
    with_stand_in(slot, actor).flatten()
}

/// Returns the slot of an actor on this worker: that of its stand-in, if the actor is elsewhere.
pub(super) fn slot_of(shard: &Shard, actor: ActorId) -> Option<Key> {
    if actor.home == shard.home {
        return shard.tenant(actor.key).map(|_| actor.key);
    }
    shard.elsewhere.stand_ins.borrow().get(&actor).copied()
}

/// If that is a stand-in, returns the parent for whose decision its child waits: `Some(None)` if the child
/// does not wait for one, or the parent has come to it.
pub(crate) fn undecided_parent(shard: &Shard, stand_in: Key) -> Option<Option<Key>> {
    let slot = stand_in_at(shard, stand_in)?;
    let waits = slot.state() != State::Draining
        && slot.has_system()
        && slot.with_system(|system| system.escalated);
    Some(waits.then(|| key_of(shard, slot.parent.get())))
}

fn with_stand_in<R>(slot: &Slot, look: impl FnOnce(&mut StandIn) -> R) -> Option<R> {
    slot.with_extra(|extra| match extra.role.as_deref_mut() {
        Some(Role::StandIn(record)) => Some(look(record)),
        _ => None,
    })
}

fn stand_in_at(shard: &Shard, key: Key) -> Option<&Slot> {
    shard.tenant(key).filter(|slot| slot.special.is_stand_in())
}

/// Asks the child of a stand-in to stop, as its parent ends for that reason.
pub(super) fn stop_child(shard: &Shard, slot: &Slot, reason: TerminationReason) {
    if slot.state() == State::Draining {
        return;
    }
    let because = (reason != TerminationReason::Stopped).then(|| shard.verdicts.failure());
    end_child(slot, ToChild::Stop(reason, because.flatten()));
}

/// Has the child of a stand-in end without handling anything more.
pub(super) fn cut_child_short(slot: &Slot, by: CutShort) {
    end_child(slot, ToChild::CutShort(by));
}

fn end_child(slot: &Slot, order: ToChild) {
    if slot.state() != State::Draining {
        slot.enter(State::Draining);
    }
    let actor = with_stand_in(slot, |record| record.actor);
    if let Some(actor) = actor.flatten() {
        return dispatch(actor, order);
    }
    let before = with_stand_in(slot, |record| record.ends.replace(order));
    let _ = drop_with_fate(before, End::Failed);
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

/// The next step of a stand-in.
enum Next {
    Nothing,
    /// Have the parent's strategy decide about a failure.
    Failure(Arc<Failure>),
    /// Forward a decision because of a sibling's failure.
    Decision(Decided, Arc<Failure>),
    End,
}

fn next(slot: &Slot) -> Next {
    let (failure, is_known, ended) = with_stand_in(slot, |record| {
        let failure = record.failures.pop_front();
        (failure, record.actor.is_some(), record.ended)
    })
    .unwrap_or((None, false, true));
    if let Some(failure) = failure {
        return Next::Failure(failure);
    }
    if ended {
        return Next::End;
    }
    // A decision about a child that is not known yet waits until it is.
    let decided = is_known && slot.has_system();
    let decided = decided.then(|| slot.with_system(|system| system.decided.take()));
    match decided.flatten() {
        Some((decided, failure)) => Next::Decision(decided, failure),
        None => Next::Nothing,
    }
}

/// Gives a stand-in its turn. While it counts as queued, it gets no other turn and is not removed.
pub(super) fn take_stand_in_turn(shard: &Shard, key: Key) {
    let slot = shard.slot(key.slot());
    loop {
        match next(slot) {
            Next::Nothing => return slot.queued.set(false),
            Next::Failure(failure) => {
                decide_and_do(shard, key, &failure);
                let _ = drop_with_fate(failure, End::Failed);
            }
            Next::Decision(decided, failure) => {
                carry_out(shard, key, decided, &failure);
                let _ = drop_with_fate(failure, End::Failed);
            }
            Next::End => return remove_stand_in(shard, key),
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
    let _ = drop_with_fate(extra, End::Failed);
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

fn is_stand_in(slot: &Slot) -> bool {
    slot.state() != State::Vacant && slot.special.is_stand_in()
}

// ---- the child's worker ---------------------------------------------------------------------------

/// Starts a child of an actor of another worker.
pub(crate) fn start_for<M: Send + 'static>(
    shard: &Shard,
    supervised: Supervised,
    path: &ActorPath,
    seed: Seed<M>,
    starter: Option<(Home, Key)>,
) -> Result<ActorRef<M>, SpawnError> {
    if shard.closing.get() {
        let _ = drop_quietly(seed);
        dispatch(supervised.stand_in, ToStandIn::NotBegun);
        return Err(SpawnError::ShuttingDown);
    }
    let outpost = outpost(shard);
    let (name, by) = (Name::At(path), Some(supervised));
    start_as(shard, outpost, name, seed, starter, by).inspect_err(|_| {
        if is_outpost(shard, outpost) && shard.slot(outpost).first_child.get() == NO_SLOT {
            give_up_outpost(shard);
        }
    })
}

/// Returns the local parent of actors whose parent is elsewhere, and makes it if there is none.
fn outpost(shard: &Shard) -> u32 {
    let outpost = &shard.elsewhere.outpost;
    outpost.get().unwrap_or_else(|| {
        let index = shard.slots().occupy();
        let slot = shard.slot(index);
        slot.occupy::<()>(NO_SLOT);
        slot.shut();
        outpost.set(Some(index));
        index
    })
}

/// Vacates the outpost: the last actor whose parent is elsewhere is gone.
pub(super) fn give_up_outpost(shard: &Shard) {
    if let Some(index) = shard.elsewhere.outpost.take()
        && shard.slot(index).vacate(shard.slabs())
    {
        shard.slots().vacate(index);
    }
}

/// Whether that slot is the outpost, and no actor's.
pub(super) fn is_outpost(shard: &Shard, index: u32) -> bool {
    shard.elsewhere.outpost.get() == Some(index)
}

/// Returns the record of an actor whose parent is elsewhere. `None` for any other slot.
pub(super) fn supervised_elsewhere(slot: &Slot) -> Option<Supervised> {
    slot.look_at_role(|role| match role {
        Role::Supervised(supervised) => Some(*supervised),
        _ => None,
    })
    .flatten()
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
    slot.special.set(true);
    slot.set_resting(true);
    dispatch(supervised.stand_in, ToStandIn::Failed(Arc::clone(failure)));
    if ends || slot.is_forced() {
        // It ends whatever the answer is, and even without one.
        wake(shard, key.slot());
    }
    shard.look_if_held_up(slot, key);
}

// ---- what travels between them --------------------------------------------------------------------

/// A message from a child to its stand-in.
enum ToStandIn {
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

impl Parcel for ToStandIn {
    fn deliver(self, shard: &Shard, to: Key, _envelope: &Envelope) {
        let Some(slot) = stand_in_at(shard, to) else {
            // Nothing waits for it any more.
            if let Self::Begins(actor) = self {
                dispatch(actor, ToChild::Stop(TerminationReason::Stopped, None));
            }
            return drop(drop_with_fate(self, End::Failed));
        };
        match self {
            Self::Begins(actor) => {
                shard.elsewhere.stand_ins.borrow_mut().insert(actor, to);
                if slot.state() == State::Starting {
                    slot.enter(State::Running);
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
                let _ = drop_with_fate(failure, End::Failed);
            }
            Self::NotBegun | Self::Ended => end_stand_in(shard, to),
        }
    }

    fn bounce(self, _: &PoolCore, _: ActorId, _: Envelope, _: DeadLetterReason) {
        let _ = drop_with_fate(self, End::Failed);
    }
}

/// A message from a stand-in to its child.
enum ToChild {
    /// A decision about it, because of that failure: its own or a sibling's.
    Decided(Decided, Arc<Failure>),
    /// Its parent, which had failed with it, is resumed.
    Resume(Arc<Failure>),
    /// Stop, as its parent ends for that reason, and because of that failure.
    Stop(TerminationReason, Option<Arc<Failure>>),
    /// End without handling anything more.
    CutShort(CutShort),
}

impl Parcel for ToChild {
    fn deliver(self, shard: &Shard, to: Key, _envelope: &Envelope) {
        if shard.tenant(to).is_none() {
            return drop(drop_with_fate(self, End::Failed));
        }
        match self {
            Self::Decided(decided, failure) if failure.actor == shard.id_of(to) => {
                answer(shard, to, decided, &failure);
                let _ = drop_with_fate(failure, End::Failed);
            }
            Self::Decided(decided, failure) => {
                decide(shard, to, decided, &failure);
                let _ = drop_with_fate(failure, End::Failed);
            }
            Self::Resume(failure) => {
                resume_escalated(shard, to, &failure);
                let _ = drop_with_fate(failure, End::Failed);
            }
            Self::Stop(reason, failure) => stop_because(shard, to, reason, failure),
            Self::CutShort(by) => cut_short_because(shard, to, by),
        }
    }

    fn bounce(self, _: &PoolCore, _: ActorId, _: Envelope, _: DeadLetterReason) {
        let _ = drop_with_fate(self, End::Failed);
    }
}
