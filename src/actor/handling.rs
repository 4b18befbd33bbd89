//! The body of a handler: the loop over the mailbox, compiled together with the handler that it calls.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr;

use super::behavior::{Behavior, Form, HandlerResult, IntoNext, Next};
use super::context::Context;
use crate::address::Key;
use crate::failure::{BoxError, DeadLetterReason};
use crate::self_queue;
use crate::shard::{Body, NewBody, Shard, Slot, TurnEnd, TurnOf};
use crate::supervision::Signal;

/// A typed handler, to which the behaviours of the public interface are reduced.
pub(super) trait Receive<M>: 'static {
    /// Handles a message.
    fn receive(&mut self, ctx: &mut Context<'_, M>, message: M) -> HandlerResult<M>;

    /// Whether a signal has any effect.
    const HEARS_SIGNALS: bool;

    /// Handles a signal.
    fn signal(&mut self, ctx: &mut Context<'_, M>, signal: &Signal) -> HandlerResult<M>;
}

/// A handler of `M` as a body.
pub(super) struct HandlerBody<M, R> {
    receive: R,
    messages: PhantomData<fn(M)>,
}

impl<M: Send + 'static, R: Receive<M>> HandlerBody<M, R> {
    pub(super) fn body(receive: R) -> NewBody {
        NewBody::new(Self {
            receive,
            messages: PhantomData,
        })
    }
}

impl<M: Send + 'static, R: Receive<M>> Body for HandlerBody<M, R> {
    // The handler is called only from here, so that the compiler inlines it.
    fn turn(&mut self, shard: &Shard, slot: &Slot, actor: Key, of: TurnOf) -> TurnEnd {
        let mut ctx = Context::handling(shard, actor);
        let mut place = MaybeUninit::<M>::uninit();
        let mut next = match of {
            TurnOf::Mail => next_of_mail(shard, slot),
            of => take_special(shard, slot, actor, of, &mut place),
        };
        while let Some(message) = next {
            // SAFETY: the message lies in `place`, or where `next_of_mail` says; either way it is read
            // once, with nothing in between.
            let handled = unsafe { self.receive.receive(&mut ctx, message.read()) };
            match handled {
                Ok(Next::Same) => shard.dropped_replies.settle(),
                Ok(Next::Unhandled) => {
                    unhandled::<M>(shard, actor);
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

/// Takes over a message that is not just the next one of the mail, and moves it to `place`: user code may run
/// before it is handled, and free the mailbox.
///
/// Called as [`next_of_mail`] is.
#[cold]
#[inline(never)]
fn take_special<M: Send + 'static>(
    shard: &Shard,
    slot: &Slot,
    actor: Key,
    of: TurnOf,
    place: &mut MaybeUninit<M>,
) -> Option<*const M> {
    let message = match of {
        // SAFETY: it is read once, and at once.
        TurnOf::Mail | TurnOf::ObservedMail => unsafe {
            next_of_mail::<M>(shard, slot).map(|message| message.read())
        },
        TurnOf::Own(kept) => {
            shard.leave_messages(0);
            self_queue::take::<M>(shard, actor, kept)
        }
    };
    let message = place.write(message?);
    shard.tell_of_begin(actor, message);
    Some(ptr::from_ref(message))
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
pub(super) fn resolve<M: Send + 'static>(
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
pub(super) struct Signalled<M, F, R> {
    pub(super) inner: NewBody,
    pub(super) on_signal: F,
    pub(super) messages: PhantomData<fn(M) -> R>,
}

impl<M, F, R> Body for Signalled<M, F, R>
where
    M: Send + 'static,
    F: FnMut(&mut Context<'_, M>, &Signal) -> R + 'static,
    R: IntoNext<M> + 'static,
{
    fn turn(&mut self, shard: &Shard, slot: &Slot, actor: Key, of: TurnOf) -> TurnEnd {
        self.inner.turn(shard, slot, actor, of)
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

/// Counts a message that its handler did not handle.
#[cold]
fn unhandled<M: Send + 'static>(shard: &Shard, actor: Key) {
    if self_queue::has_taken::<M>(shard, actor) {
        return; // it is handled later
    }
    shard.current.record().left_unhandled.set(true);
    shard.is_not_handled();
    shard.counts.buried.add(1);
    let id = shard.id_of(actor);
    shard
        .core
        .bury::<M>(id, shard.envelope(), DeadLetterReason::Unhandled);
}
