//! Sending with certainty, awaited: the same as `send`, for tasks of any executor.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::deadline::Deadline;
use super::handle::Ask;
use super::send::{QueueEntry, SendError, may_wait, queue_for_permit};
use crate::actor::{ActorRef, TellError};
use crate::pool_core::MailPermit;
use crate::shard::with_current;

impl<M: Send + 'static> ActorRef<M> {
    /// Sends a message, and awaits the certainty that the actor's mailbox takes it: this is
    /// [`send`](Self::send) for `async` code, on any executor, and in a handler under
    /// [`Context::block_on`](crate::Context::block_on).
    ///
    /// Nothing is done before the future is polled. It can be dropped at any time: unless it was ready, the
    /// message is then not sent, and its place in the queue for room is given up.
    ///
    /// # Errors
    ///
    /// [`SendError`] says why, and holds the message.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use nexus_actors::SendError;
    /// use std::sync::{Arc, atomic::{AtomicU32, Ordering::Relaxed}};
    /// use std::time::Duration;
    ///
    /// let sum = Arc::new(AtomicU32::new(0));
    /// let adding = Arc::clone(&sum);
    /// let adder = Props::new(move || {
    ///     let sum = Arc::clone(&adding);
    ///     Behavior::receive(move |_ctx, number: u32| { sum.fetch_add(number, Relaxed); })
    /// });
    ///
    /// let pool = WorkerPool::builder().workers(1).start()?;
    /// let mailbox = Mailbox::bounded(2, Overflow::Backpressure)?;
    /// let adder = pool.spawn("adder", adder.mailbox(mailbox))?;
    ///
    /// let runtime = tokio::runtime::Builder::new_multi_thread().build()?;
    /// runtime.block_on(async {
    ///     for number in 1..=100 {
    ///         adder.send_async(number).await?; // while the mailbox is full, other tasks go on
    ///     }
    ///     Ok::<_, SendError<u32>>(())
    /// })?;
    /// pool.shutdown(Duration::from_secs(5))?;
    /// assert_eq!(sum.load(Relaxed), 5050);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_async(self, message: M) -> Sending<M> {
        self.sending(message, Deadline::NEVER)
    }

    /// As [`send_async`](Self::send_async), but gives up after a time, which counts from the first poll, or
    /// at an [`Instant`](std::time::Instant).
    ///
    /// # Errors
    ///
    /// [`SendError`] says why, and holds the message.
    pub fn send_async_timeout(self, message: M, within: impl Into<Deadline>) -> Sending<M> {
        self.sending(message, within.into())
    }

    fn sending(self, message: M, within: Deadline) -> Sending<M> {
        Sending {
            actor: self,
            message: Some(message),
            step: SendStep::Unsent(within),
        }
    }
}

/// A message that is about to be sent: see [`ActorRef::send_async`].
#[must_use = "nothing is sent before it is awaited"]
pub struct Sending<M> {
    actor: ActorRef<M>,
    /// `None` once the outcome is returned.
    message: Option<M>,
    step: SendStep,
}

/// What the future waits for. Dropping a step gives its wait up.
enum SendStep {
    /// Nothing: the message has not been tried.
    Unsent(Deadline),
    /// Room in a bounded mailbox.
    Room(Ask<MailPermit>, QueueEntry),
    /// The word of the actor's worker that the mailbox takes the message.
    Word(Ask<bool>),
    /// Nothing any more.
    Over,
}

impl<M: Send + 'static> Sending<M> {
    /// Sends the message if it is certain already that it can be sent, or cannot; otherwise begins to wait.
    fn begin(&mut self, message: M, within: Deadline) -> Option<Result<(), SendError<M>>> {
        let timeout = within.nanos_left().map(Duration::from_nanos);
        let Self { actor, .. } = *self;
        let home = actor.id().home;
        if !actor.is_bounded() && !with_current(|shard| shard.is_some_and(|own| own.home == home)) {
            self.step = SendStep::Word(actor.ask_for_admission(timeout));
            self.message = Some(message);
            return None;
        }
        let message = match actor.try_tell(message) {
            Err(TellError::Full(message)) => message,
            sent => return Some(sent.map_err(SendError::from)),
        };
        let Some(bounded) = actor.bounded().filter(|bounded| may_wait(bounded)) else {
            return Some(Err(SendError::Full(message)));
        };
        let (ask, in_line) = queue_for_permit(actor.id(), &bounded, timeout);
        self.step = SendStep::Room(ask, in_line);
        self.message = Some(message);
        None
    }

    fn take_message(&mut self) -> M {
        let message = self.message.take();
        message.expect("`Sending` polled after completion")
    }
}

// Its fields are never pinned.
impl<M> Unpin for Sending<M> {}

/// # Panics
///
/// When it is polled again after it was ready.
impl<M: Send + 'static> Future for Sending<M> {
    type Output = Result<(), SendError<M>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let SendStep::Unsent(within) = self.step {
            self.step = SendStep::Over;
            let message = self.take_message();
            if let Some(outcome) = self.begin(message, within) {
                return Poll::Ready(outcome);
            }
        }
        let actor = self.actor;
        Poll::Ready(match &mut self.step {
            SendStep::Room(ask, _) => {
                let waited = ready!(Pin::new(ask).poll(cx));
                let message = self.take_message();
                match std::mem::replace(&mut self.step, SendStep::Over) {
                    SendStep::Room(_, in_line) => actor.use_room(message, waited, in_line),
                    _ => unreachable!("it was looked at before"),
                }
            }
            SendStep::Word(ask) => {
                let waited = ready!(Pin::new(ask).poll(cx));
                self.step = SendStep::Over;
                actor.send_if_accepted(self.take_message(), waited)
            }
            SendStep::Unsent(_) | SendStep::Over => {
                panic!("`Sending` polled after completion")
            }
        })
    }
}

impl<M> fmt::Debug for Sending<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sending<{}>", std::any::type_name::<M>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use static_assertions::{assert_impl_all, assert_not_impl_any};

    assert_impl_all!(Sending<std::cell::Cell<u8>>: Send, Unpin);
    assert_impl_all!(Ask<std::cell::Cell<u8>>: Send, Unpin);
    // The message moves with the future.
    assert_not_impl_any!(Sending<std::rc::Rc<u8>>: Send);
}
