//! A sink that feeds an actor.

use futures_sink::Sink;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::actor::{ActorRef, TellError};
use crate::ask::Ask;
use crate::ask::QueueEntry;
use crate::ask::SendError;
use crate::ask::may_wait;
use crate::ask::queue_for_permit;
use crate::pool_core::MailPermit;

impl<M: Send + 'static> ActorRef<M> {
    /// Returns a [`Sink`] that feeds this actor.
    ///
    /// If the mailbox is bounded with [`Overflow::Backpressure`](crate::Overflow::Backpressure), the
    /// sink is ready when it has a permit for a place in the mailbox. It waits for the permit as
    /// [`send_async`](Self::send_async) does, and holds it until something is sent, or until the
    /// sink is closed or dropped. Any other mailbox takes no part in backpressure: the sink is
    /// always ready, and sends as [`try_tell`](Self::try_tell) does.
    ///
    /// Its errors contain the message if one was being sent. Closing the sink does not stop the
    /// actor.
    ///
    /// ```
    /// use futures_util::{SinkExt, StreamExt, stream};
    /// use nexus_actors::prelude::*;
    /// use std::sync::{Arc, atomic::{AtomicU32, Ordering::Relaxed}};
    /// use std::time::Duration;
    ///
    /// let sum = Arc::new(AtomicU32::new(0));
    /// let adding = Arc::clone(&sum);
    /// let adder = Props::new(move || {
    ///     let sum = Arc::clone(&adding);
    ///     Behavior::receive(move |_ctx, number: u32| { sum.fetch_add(number, Relaxed); })
    /// });
    /// let pool = WorkerPool::builder().workers(1).start()?;
    /// let mailbox = Mailbox::bounded(4, Overflow::Backpressure)?;
    /// let adder = pool.spawn("adder", adder.mailbox(mailbox))?;
    ///
    /// let runtime = tokio::runtime::Builder::new_multi_thread().build()?;
    /// runtime.block_on(stream::iter(1..=100).map(Ok).forward(adder.sink()))?;
    /// pool.shutdown(Duration::from_secs(5))?;
    /// assert_eq!(sum.load(Relaxed), 5050);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sink(self) -> ActorSink<M> {
        let bounded = self.bounded();
        ActorSink {
            actor: self,
            waits: bounded.is_some_and(|bounded| bounded.overflow.lets_senders_wait()),
            place: PermitState::None,
        }
    }
}

/// A [`Sink`] that feeds an actor: see [`ActorRef::sink`].
#[must_use = "a sink does nothing unless something is sent into it"]
pub struct ActorSink<M> {
    actor: ActorRef<M>,
    /// Whether the sink has to wait for capacity.
    waits: bool,
    place: PermitState,
}

/// A permit for a place in the mailbox.
enum PermitState {
    None,
    /// Being waited for.
    Wanted(Ask<MailPermit>, QueueEntry),
    /// Held for the next message.
    Held(MailPermit),
}

type Error<M> = SendError<Option<M>>;

impl<M: Send + 'static> ActorSink<M> {
    /// Acquires a permit, or joins the end of the queue.
    fn begin(&mut self) -> Result<(), Error<M>> {
        self.place = match self.actor.reserve() {
            Ok(room) => PermitState::Held(room),
            Err(TellError::Full(())) => {
                let bounded = self.actor.bounded().filter(|bounded| may_wait(bounded));
                let bounded = bounded.ok_or(SendError::Full(None))?;
                let (ask, in_line) = queue_for_permit(self.actor.id(), &bounded, None);
                PermitState::Wanted(ask, in_line)
            }
            Err(error) => return Err(SendError::from(error).map(|()| None)),
        };
        Ok(())
    }
}

// Its contents are never pinned.
impl<M> Unpin for ActorSink<M> {}

impl<M: Send + 'static> Sink<M> for ActorSink<M> {
    type Error = SendError<Option<M>>;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error<M>>> {
        if !self.waits {
            return Poll::Ready(Ok(()));
        }
        if let PermitState::None = self.place {
            self.begin()?;
        }
        let PermitState::Wanted(ask, _) = &mut self.place else {
            return Poll::Ready(Ok(()));
        };
        let waited = ready!(Pin::new(ask).poll(cx));
        let PermitState::Wanted(_, in_line) = std::mem::replace(&mut self.place, PermitState::None)
        else {
            unreachable!("it was looked at before");
        };
        let (room, _) = in_line.leave(waited, None)?;
        self.place = PermitState::Held(room);
        Poll::Ready(Ok(()))
    }

    fn start_send(mut self: Pin<&mut Self>, message: M) -> Result<(), Error<M>> {
        let sent = match std::mem::replace(&mut self.place, PermitState::None) {
            PermitState::Held(room) => self.actor.tell_into(room, message),
            PermitState::None | PermitState::Wanted(..) => self.actor.try_tell(message),
        };
        sent.map_err(|error| SendError::from(error).map(Some))
    }

    /// Messages that were sent are already in the mailbox, or on their way to it.
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Result<(), Error<M>>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Result<(), Error<M>>> {
        self.place = PermitState::None;
        Poll::Ready(Ok(()))
    }
}

impl<M: Send + 'static> Clone for ActorSink<M> {
    /// Returns another sink into the same actor, without the permit that this one may hold.
    fn clone(&self) -> Self {
        self.actor.sink()
    }
}

impl<M> fmt::Debug for ActorSink<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActorSink<{}>", std::any::type_name::<M>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use static_assertions::assert_impl_all;

    assert_impl_all!(ActorSink<std::cell::Cell<u8>>: Clone, Send, Unpin);
}
