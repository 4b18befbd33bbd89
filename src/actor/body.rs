//! A body: a behaviour at work, with the types of its messages, state and handlers erased.
//!
//! Erasing the whole turn, rather than the handling of one message, leaves one indirect call a
//! turn: the loop over the mailbox is compiled together with the handler that it calls.

#![allow(unsafe_code)]

use std::marker::PhantomData;

use super::behavior::{Behavior, Form, HandlerResult, Next, Signal};
use super::context::Context;
use super::dead_letter::DeadLetterReason;
use super::failure::BoxError;
use super::id::Key;
use super::shard::Shard;

/// How a turn ended.
pub(crate) enum TurnEnd {
    /// With the mailbox empty, or the turn's measure full.
    Done,
    /// With the wish to stop.
    Stop,
    /// With another behaviour, to go on with.
    Become(Box<dyn Body>),
    /// With an error that the handler returned.
    Failed(BoxError),
}

/// The handler side of an actor, whatever its types.
pub(crate) trait Body {
    /// Handles up to `most` messages of the actor's mailbox.
    fn turn(&mut self, shard: &Shard, actor: Key, most: usize) -> TurnEnd;

    /// Handles a signal.
    fn signal(&mut self, shard: &Shard, actor: Key, signal: &Signal) -> Result<(), BoxError>;
}

/// A typed handler: what the behaviours of the public interface come down to.
pub(crate) trait Receive<M>: 'static {
    /// Handles a message.
    fn receive(&mut self, ctx: &mut Context<'_, M>, message: M) -> HandlerResult<M>;

    /// Handles a signal.
    fn signal(&mut self, _ctx: &mut Context<'_, M>, _signal: &Signal) -> Result<(), BoxError> {
        Ok(())
    }
}

/// A handler of `M` as a body.
pub(crate) struct Handling<M, R> {
    receive: R,
    messages: PhantomData<fn(M)>,
}

impl<M: Send + 'static, R: Receive<M>> Handling<M, R> {
    pub(crate) fn boxed(receive: R) -> Box<dyn Body> {
        Box::new(Self {
            receive,
            messages: PhantomData,
        })
    }
}

impl<M: Send + 'static, R: Receive<M>> Body for Handling<M, R> {
    fn turn(&mut self, shard: &Shard, actor: Key, most: usize) -> TurnEnd {
        let slot = shard.slot(actor.slot);
        let mut ctx = Context::new(shard, actor);
        for _ in 0..most {
            // SAFETY: this body was built from a `Behavior<M>`, which only `start::<M>` and the
            // handlers of an actor of `M` accept, for a slot occupied for `M`; the actor has its
            // turn, so that tenancy lasts. The item is read here: its envelope now, its message
            // on the way into the handler, with nothing in between.
            let handled = unsafe {
                let Some(item) = slot.next_message::<M>(shard.blocks()) else {
                    break;
                };
                shard.begin_handling(&raw const (*item).envelope);
                self.receive
                    .receive(&mut ctx, (&raw const (*item).message).read())
            };
            match handled {
                Ok(Next::Same) => shard.verdicts.settle(),
                Ok(Next::Unhandled) => {
                    shard.unhandled::<M>(actor);
                }
                Ok(Next::Stop) => return TurnEnd::Stop,
                Ok(Next::Become(behavior)) => return become_this(behavior, &mut ctx),
                Err(error) => return TurnEnd::Failed(error),
            }
        }
        TurnEnd::Done
    }

    fn signal(&mut self, shard: &Shard, actor: Key, signal: &Signal) -> Result<(), BoxError> {
        self.receive.signal(&mut Context::new(shard, actor), signal)
    }
}

#[cold]
fn become_this<M: Send + 'static>(behavior: Behavior<M>, ctx: &mut Context<'_, M>) -> TurnEnd {
    match resolve(behavior, ctx) {
        Ok(Some(body)) => TurnEnd::Become(body),
        Ok(None) => TurnEnd::Stop,
        Err(error) => TurnEnd::Failed(error),
    }
}

/// Runs the setups of a behaviour until a body is there; `None` where it is to stop.
pub(crate) fn resolve<M: Send + 'static>(
    mut behavior: Behavior<M>,
    ctx: &mut Context<'_, M>,
) -> Result<Option<Box<dyn Body>>, BoxError> {
    loop {
        behavior = match behavior.form {
            Form::Ready(body) => return Ok(Some(body)),
            Form::Stopped => return Ok(None),
            Form::Setup(setup) => setup(ctx)?,
        };
    }
}

/// A body with a handler of signals around it.
pub(crate) struct Signalled<M, F> {
    pub(crate) inner: Box<dyn Body>,
    pub(crate) on_signal: F,
    pub(crate) messages: PhantomData<fn(M)>,
}

impl<M, F> Body for Signalled<M, F>
where
    M: Send + 'static,
    F: FnMut(&mut Context<'_, M>, &Signal) -> Result<(), BoxError> + 'static,
{
    fn turn(&mut self, shard: &Shard, actor: Key, most: usize) -> TurnEnd {
        self.inner.turn(shard, actor, most)
    }

    fn signal(&mut self, shard: &Shard, actor: Key, signal: &Signal) -> Result<(), BoxError> {
        self.inner.signal(shard, actor, signal)?;
        (self.on_signal)(&mut Context::new(shard, actor), signal)
    }
}

impl Shard {
    /// Counts a message that its handler did not handle.
    #[cold]
    fn unhandled<M>(&self, actor: Key) {
        self.counts.handled.take_away(1);
        self.counts.buried.add(1);
        let id = self.id_of(actor);
        self.core
            .bury::<M>(id, self.envelope(), DeadLetterReason::Unhandled);
    }
}
