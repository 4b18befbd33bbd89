//! A body: a running behaviour, with the types of its messages, state and handlers erased.
//!
//! Erasing the whole turn, rather than the handling of one message, leaves one indirect call per turn: the
//! loop over the mailbox is compiled together with the handler that it calls. Here is the trait; the bodies
//! of handlers are made in the room of the public face, and those that wrap another one beside what they add.

use std::ops::{Deref, DerefMut};

use super::records::OwnMessage;
use super::slot::Slot;
use super::state::Shard;
use crate::address::Key;
use crate::failure::BoxError;
use crate::memory::{SlabBox, Slabs};
use crate::supervision::Signal;

/// The messages that a turn is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum TurnOf {
    /// Those of the mail.
    Mail,
    /// The next one of the mail, and observers are told that its handling begins.
    ObservedMail,
    /// One of the actor's own messages.
    Own(OwnMessage),
}

/// How a turn ended. The payload is in a thin box, so that the whole fits into two registers.
pub(crate) enum TurnEnd {
    /// The mailbox is empty, or the turn has reached its limit.
    Done,
    /// The actor wants to stop.
    Stop,
    /// The actor wants to give up its state until mail comes.
    Passivate,
    /// The actor continues with another behaviour.
    Become(Box<NewBody>),
    /// The handler returned an error.
    Failed(Box<BoxError>),
}

impl TurnEnd {
    pub(crate) fn become_that(next: NewBody) -> Self {
        Self::Become(Box::new(next))
    }

    pub(crate) fn failed(error: BoxError) -> Self {
        Self::Failed(Box::new(error))
    }

    /// Whether it is the usual end.
    #[inline(always)]
    pub(super) fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }

    /// Wraps the next body with `around`, if there is one; otherwise returns the same end.
    pub(crate) fn with_next(self, around: impl FnOnce(NewBody) -> NewBody) -> Self {
        match self {
            Self::Become(next) => Self::become_that(around(*next)),
            end => end,
        }
    }
}

/// Runs the turn of a body that wraps another one, for its mail: message by message. `before` is called ahead of each
/// message, and returns whether the turn continues.
pub(crate) fn one_by_one(
    inner: &mut dyn Body,
    shard: &Shard,
    slot: &Slot,
    actor: Key,
    of: TurnOf,
    mut before: impl FnMut() -> bool,
) -> TurnEnd {
    loop {
        let left = shard.messages_left();
        if left == 0 || slot.mailbox_len() == 0 || !before() {
            return TurnEnd::Done;
        }
        shard.leave_messages(1);
        let end = inner.turn(shard, slot, actor, of);
        // Whatever cut the turn short has set a flag in the slot.
        if !end.is_done() || slot.attention.get() {
            return end;
        }
        shard.leave_messages(left - 1);
    }
}

/// A body in the slabs of its worker.
pub(crate) type BodyBox = SlabBox<dyn Body>;

/// A body that was just made: already in the slabs if it was made on a worker.
pub(crate) enum NewBody {
    AtHome(BodyBox),
    OnHeap(Box<dyn Body>),
}

impl NewBody {
    /// Moves it into the slabs of its worker, if it is not there yet.
    #[inline(always)]
    pub(super) fn into_slab(self, slabs: &Slabs) -> BodyBox {
        match self {
            Self::AtHome(body) => body,
            Self::OnHeap(body) => body.into_slab(slabs),
        }
    }
}

impl Deref for NewBody {
    type Target = dyn Body;

    #[inline]
    fn deref(&self) -> &(dyn Body + 'static) {
        match self {
            Self::AtHome(body) => &**body,
            Self::OnHeap(body) => &**body,
        }
    }
}

impl DerefMut for NewBody {
    #[inline]
    fn deref_mut(&mut self) -> &mut (dyn Body + 'static) {
        match self {
            Self::AtHome(body) => &mut **body,
            Self::OnHeap(body) => &mut **body,
        }
    }
}

#[inline]
pub(super) fn at_home<B: Body + 'static>(body: B, slabs: &Slabs) -> BodyBox {
    SlabBox::new(body, slabs).coerce(|body| body as *mut dyn Body)
}

/// What every body can do.
pub(crate) trait IntoSlab {
    /// Moves it into the slabs of its worker.
    fn into_slab(self: Box<Self>, slabs: &Slabs) -> BodyBox;
}

impl<B: Body + 'static> IntoSlab for B {
    fn into_slab(self: Box<Self>, slabs: &Slabs) -> BodyBox {
        at_home(*self, slabs)
    }
}

/// The handlers of an actor, whatever its types.
pub(crate) trait Body: IntoSlab {
    /// Handles messages of the actor's mailbox, which is in that slot, while the shard has any left for
    /// this turn; or one of the actor's own messages instead. Releases the memory of a mailbox that is
    /// empty at the end.
    fn turn(&mut self, shard: &Shard, slot: &Slot, actor: Key, of: TurnOf) -> TurnEnd;

    /// Handles a signal.
    fn signal(&mut self, shard: &Shard, actor: Key, signal: &Signal) -> TurnEnd;

    /// Whether it handles signals. Most bodies do not, which makes each start and each end cheaper.
    fn hears_signals(&self) -> bool;
}
