//! A body: a running behaviour, with the types of its messages, state and handlers erased.
//!
//! Erasing the whole turn, rather than the handling of one message, leaves one indirect call per turn:
//! the loop over the mailbox is compiled together with the handler that it calls.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};
use std::ptr;

use super::behavior::{Behavior, Form, HandlerResult, IntoNext, Next, Signal};
use super::context::Context;
use super::current::Here;
use super::dead_letter::DeadLetterReason;
use super::failure::BoxError;
use super::id::Key;
use super::kept::{self, Kept};
use super::shard::Shard;
use super::slot::Slot;
use super::stash;
use crate::memory::{SlabBox, Slabs};

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
    fn become_that(next: NewBody) -> Self {
        Self::Become(Box::new(next))
    }

    fn failed(error: BoxError) -> Self {
        Self::Failed(Box::new(error))
    }

    /// Whether it is the usual end.
    #[inline(always)]
    pub(crate) fn is_done(&self) -> bool {
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

/// Runs the turn of a body that wraps another one: message by message. `before` is called ahead of each
/// message, and returns whether the turn continues.
pub(crate) fn one_by_one(
    inner: &mut dyn Body,
    shard: &Shard,
    slot: &Slot,
    actor: Key,
    mut before: impl FnMut() -> bool,
) -> TurnEnd {
    loop {
        let left = shard.messages_left();
        if left == 0 || slot.mailbox_len() == 0 || !before() {
            return TurnEnd::Done;
        }
        shard.leave_messages(1);
        let end = inner.turn(shard, slot, actor, None);
        // Whatever cut the turn short has set a flag in the slot.
        if !end.is_done() || slot.special.get() {
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
    pub(crate) fn new<B: Body + 'static>(body: B) -> Self {
        match Here::now().shard() {
            Some(shard) => Self::AtHome(at_home(body, shard.slabs())),
            None => Self::OnHeap(Box::new(body)),
        }
    }

    /// Moves it into the slabs of its worker, if it is not there yet.
    #[inline(always)]
    pub(crate) fn into_slab(self, slabs: &Slabs) -> BodyBox {
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
fn at_home<B: Body + 'static>(body: B, slabs: &Slabs) -> BodyBox {
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
    /// this turn; or, if `kept` is given, that one of the actor's own messages instead. Releases the
    /// memory of a mailbox that is empty at the end.
    fn turn(&mut self, shard: &Shard, slot: &Slot, actor: Key, kept: Option<Kept>) -> TurnEnd;

    /// Handles a signal.
    fn signal(&mut self, shard: &Shard, actor: Key, signal: &Signal) -> TurnEnd;

    /// Whether it handles signals. Most bodies do not, which makes each start and each end cheaper.
    fn hears_signals(&self) -> bool;
}

/// A typed handler, to which the behaviours of the public interface are reduced.
pub(crate) trait Receive<M>: 'static {
    /// Handles a message.
    fn receive(&mut self, ctx: &mut Context<'_, M>, message: M) -> HandlerResult<M>;

    /// Whether a signal has any effect.
    const HEARS_SIGNALS: bool;

    /// Handles a signal.
    fn signal(&mut self, ctx: &mut Context<'_, M>, signal: &Signal) -> HandlerResult<M>;
}

/// A handler of `M` as a body.
pub(crate) struct Handling<M, R> {
    receive: R,
    messages: PhantomData<fn(M)>,
}

impl<M: Send + 'static, R: Receive<M>> Handling<M, R> {
    pub(crate) fn body(receive: R) -> NewBody {
        NewBody::new(Self {
            receive,
            messages: PhantomData,
        })
    }
}

impl<M: Send + 'static, R: Receive<M>> Body for Handling<M, R> {
    // The handler is called only from here, so that the compiler inlines it.
    fn turn(&mut self, shard: &Shard, slot: &Slot, actor: Key, kept: Option<Kept>) -> TurnEnd {
        let mut ctx = Context::handling(shard, actor);
        let mut place = MaybeUninit::<M>::uninit();
        let mut next = match kept {
            None => next_of_mail(shard, slot),
            Some(kept) => {
                shard.leave_messages(0);
                let taken = kept::take::<M>(shard, actor, kept);
                taken.map(|message| ptr::from_ref(place.write(message)))
            }
        };
        while let Some(message) = next {
            // SAFETY: the message lies in `place`, or where `next_of_mail` says; either way it is read
            // once, with nothing in between.
            let handled = unsafe { self.receive.receive(&mut ctx, message.read()) };
            match handled {
                Ok(Next::Same) => shard.verdicts.settle(),
                Ok(Next::Unhandled) => {
                    shard.unhandled::<M>(actor);
                }
                Ok(Next::Stop) => return TurnEnd::Stop,
                Ok(Next::Passivate) => return TurnEnd::Passivate,
                Ok(Next::Become(behavior)) => return become_this(behavior, &mut ctx),
                Err(error) => return TurnEnd::failed(error),
            }
            next = next_of_mail(shard, slot);
        }
        // SAFETY: as in `next_of_mail`.
        unsafe { slot.release_empty_mailbox::<M>(shard.slabs()) };
        TurnEnd::Done
    }

    fn signal(&mut self, shard: &Shard, actor: Key, signal: &Signal) -> TurnEnd {
        let mut ctx = Context::new(shard, actor);
        let decided = self.receive.signal(&mut ctx, signal);
        end_of_signal(decided, &mut ctx)
    }

    fn hears_signals(&self) -> bool {
        R::HEARS_SIGNALS
    }
}

/// Takes over the next message of the mail, if the turn continues, and returns where it lies. The message
/// belongs to the caller, which reads it before it does anything else.
///
/// Called by the body of an actor of `M` in its turn, with its slot.
#[inline(always)]
fn next_of_mail<M: Send + 'static>(shard: &Shard, slot: &Slot) -> Option<*const M> {
    if !shard.takes_another_message() {
        return None;
    }
    // SAFETY: the body was built from a `Behavior<M>`, which only `start::<M>` and the handlers of an
    // actor of `M` accept, for a slot occupied for `M`; the actor has its turn, so that tenancy lasts.
    // The envelope is read now.
    unsafe {
        let place = slot.next_message::<M>(shard.slabs())?;
        shard.begin_handling(place);
        Some(&raw const (*place.item).message)
    }
}

/// Converts a decision about a signal into the end of a turn. An unhandled signal is not reported.
fn end_of_signal<M: Send + 'static>(
    decided: HandlerResult<M>,
    ctx: &mut Context<'_, M>,
) -> TurnEnd {
    match decided {
        Ok(Next::Same | Next::Unhandled) => TurnEnd::Done,
        Ok(Next::Stop) => TurnEnd::Stop,
        Ok(Next::Passivate) => TurnEnd::Passivate,
        Ok(Next::Become(behavior)) => become_this(behavior, ctx),
        Err(error) => TurnEnd::failed(error),
    }
}

#[cold]
fn become_this<M: Send + 'static>(behavior: Behavior<M>, ctx: &mut Context<'_, M>) -> TurnEnd {
    match resolve(behavior, ctx) {
        Ok(Some(body)) => TurnEnd::become_that(body),
        Ok(None) => TurnEnd::Stop,
        Err(error) => TurnEnd::failed(error),
    }
}

/// Runs the setups of a behaviour until there is a body; `None` if the actor is to stop.
#[inline]
pub(crate) fn resolve<M: Send + 'static>(
    behavior: Behavior<M>,
    ctx: &mut Context<'_, M>,
) -> Result<Option<NewBody>, BoxError> {
    match behavior.form {
        Form::Ready(body) => Ok(Some(body)),
        _ => resolve_nested(behavior, ctx),
    }
}

fn resolve_nested<M: Send + 'static>(
    mut behavior: Behavior<M>,
    ctx: &mut Context<'_, M>,
) -> Result<Option<NewBody>, BoxError> {
    let mut own = Vec::new();
    loop {
        behavior = match behavior.form {
            Form::Ready(body) => {
                ctx.supervise_itself(own);
                return Ok(Some(body));
            }
            Form::Stopped => return Ok(None),
            Form::Setup(setup) => setup(ctx)?,
            Form::Supervised(inner, strategy) => {
                own.push(*strategy);
                *inner
            }
        };
    }
}

/// A body wrapped with a handler for signals.
pub(crate) struct Signalled<M, F, R> {
    pub(crate) inner: NewBody,
    pub(crate) on_signal: F,
    pub(crate) messages: PhantomData<fn(M) -> R>,
}

impl<M, F, R> Body for Signalled<M, F, R>
where
    M: Send + 'static,
    F: FnMut(&mut Context<'_, M>, &Signal) -> R + 'static,
    R: IntoNext<M> + 'static,
{
    fn turn(&mut self, shard: &Shard, slot: &Slot, actor: Key, kept: Option<Kept>) -> TurnEnd {
        self.inner.turn(shard, slot, actor, kept)
    }

    fn signal(&mut self, shard: &Shard, actor: Key, signal: &Signal) -> TurnEnd {
        match self.inner.signal(shard, actor, signal) {
            TurnEnd::Done => {}
            decided => return decided,
        }
        let mut ctx = Context::new(shard, actor);
        let decided = (self.on_signal)(&mut ctx, signal).into_next();
        end_of_signal(decided, &mut ctx)
    }

    fn hears_signals(&self) -> bool {
        true
    }
}

impl Shard {
    /// Counts a message as not handled after all. It was counted as handled in this round or in an
    /// earlier one.
    pub(super) fn is_not_handled(&self) {
        self.counts.handled.take_away(1);
        self.counts.not_handled.add(1);
        // The round is as long as if the message had been handled, and the end of a turn has only one
        // number to check.
        self.messages_until.update(|until| until.saturating_sub(1));
    }

    /// Counts a message that its handler did not handle.
    #[cold]
    fn unhandled<M: Send + 'static>(&self, actor: Key) {
        if stash::has_taken::<M>(self, actor) {
            return; // it is handled later
        }
        self.is_not_handled();
        self.counts.buried.add(1);
        let id = self.id_of(actor);
        self.core
            .bury::<M>(id, self.envelope(), DeadLetterReason::Unhandled);
    }
}
