//! Sending with certainty: the sender waits until the actor's worker has said that there is room.
//!
//! The sender keeps the message until then, so that it can be given back whatever happens first: the actor
//! has stopped, the time is over, the pool has ended.

use std::fmt;
use std::time::Duration;

use super::deadline::Deadline;
use super::error::{AskDetails, AskError};
use super::handle::Ask;
use super::reply::Reply;
use crate::actor::{ActorRef, TellError};
use crate::address::{ActorId, Envelope, Key};
use crate::failure::{DeadLetterReason, WaitEnd, WaitError, drop_with_fate};
use crate::pool_core::{BoundedMailbox, MailPermit, PoolCore};
use crate::shard::{Parcel, Route, Shard, dispatch, give_up, wait_for_capacity, with_current};

impl<M: Send + 'static> ActorRef<M> {
    /// Sends a message, and waits until it is certain that the actor's mailbox takes it. In a handler only
    /// that actor waits; outside, the thread does. For an actor of the same worker it is certain at once.
    ///
    /// If the mailbox is bounded and full, [`Overflow`] says what happens; with [`Overflow::Backpressure`]
    /// the sender waits for room, behind those that wait already.
    ///
    /// If the actor stops after it has promised room and before the message arrives, the message becomes a
    /// dead letter.
    ///
    /// # Errors
    ///
    /// [`SendError`] says why, and holds the message.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use std::time::Duration;
    ///
    /// let pool = WorkerPool::builder().workers(1).start()?;
    /// let once = pool.spawn("once", Props::new(|| Behavior::receive(|_ctx, _: u8| Next::Stop)))?;
    /// once.send(1)?;
    /// while pool.lookup::<u8>("/user/once").is_ok() {
    ///     std::thread::yield_now();
    /// }
    /// assert_eq!(once.send(2).unwrap_err().into_message(), 2);
    /// pool.shutdown(Duration::from_secs(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// [`Overflow`]: crate::Overflow
    /// [`Overflow::Backpressure`]: crate::Overflow::Backpressure
    pub fn send(self, message: M) -> Result<(), SendError<M>> {
        self.send_within(message, None)
    }

    /// As [`send`](Self::send), but gives up after a time.
    ///
    /// # Errors
    ///
    /// [`SendError`] says why, and holds the message.
    pub fn send_timeout(self, message: M, within: impl Into<Deadline>) -> Result<(), SendError<M>> {
        self.send_within(message, Some(within.into().left()))
    }

    fn send_within(self, message: M, timeout: Option<Duration>) -> Result<(), SendError<M>> {
        if self.is_bounded() {
            return self.send_into_bound(message, timeout);
        }
        let here = with_current(|shard| shard.is_some_and(|shard| shard.home == self.id().home));
        if here {
            return self.try_tell(message).map_err(SendError::from);
        }
        let waited = self.ask_for_admission(timeout).wait();
        self.send_if_accepted(message, waited)
    }

    /// Sends a message to a bounded mailbox at once if it has room. If it has none, waits for room,
    /// provided that this makes sense.
    fn send_into_bound(self, message: M, timeout: Option<Duration>) -> Result<(), SendError<M>> {
        match self.try_tell(message) {
            Ok(()) => Ok(()),
            Err(TellError::Full(message)) => {
                match self.bounded().filter(|bounded| may_wait(bounded)) {
                    Some(bounded) => self.send_into_room(message, timeout, &bounded),
                    None => Err(SendError::Full(message)),
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    fn send_into_room(
        self,
        message: M,
        timeout: Option<Duration>,
        bounded: &BoundedMailbox,
    ) -> Result<(), SendError<M>> {
        let (ask, in_line) = queue_for_permit(self.id(), bounded, timeout);
        let waited = ask.wait();
        self.use_room(message, waited, in_line)
    }

    /// Sends the message if there is room for it now; otherwise says why there is none.
    pub(super) fn use_room(
        self,
        message: M,
        waited: Result<MailPermit, AskError>,
        in_line: QueueEntry,
    ) -> Result<(), SendError<M>> {
        match in_line.leave(waited, message) {
            Ok((room, message)) => self.tell_into(room, message).map_err(SendError::from),
            Err(error) => Err(error),
        }
    }

    /// Sends the message if the actor's worker has said that its mailbox takes it.
    pub(super) fn send_if_accepted(
        self,
        message: M,
        waited: Result<bool, AskError>,
    ) -> Result<(), SendError<M>> {
        match waited {
            Ok(true) => {
                self.tell(message);
                Ok(())
            }
            Ok(false) => Err(SendError::Stopped(message)),
            Err(error) => Err(SendError::after_waiting(message, error)),
        }
    }

    /// Asks the actor's worker whether its mailbox takes a message.
    pub(super) fn ask_for_admission(self, timeout: Option<Duration>) -> Ask<bool> {
        let (ask, reply) = Ask::begin(timeout, self.id());
        with_current(|shard| {
            Route::new(shard, self.id().home).send_away(self.id(), AdmissionRequest(reply));
        });
        ask
    }
}

/// Queues for a permit of that mailbox, at the end.
pub(crate) fn queue_for_permit(
    actor: ActorId,
    bounded: &BoundedMailbox,
    timeout: Option<Duration>,
) -> (Ask<MailPermit>, QueueEntry) {
    let (ask, reply) = Ask::begin(timeout, actor);
    if let Some((home, wait)) = reply.wait_of_a_worker() {
        with_current(|shard| {
            if let Some(shard) = shard.filter(|shard| shard.home == home) {
                shard.waits.is_for_permit(wait);
            }
        });
    }
    let ticket = bounded.draw_ticket();
    let in_line = QueueEntry { actor, ticket };
    dispatch(actor, PermitWanted { ticket, reply });
    (ask, in_line)
}

/// Whether a sender on this thread may wait for a permit of that mailbox: not of its own, as it makes no room
/// while it waits.
pub(crate) fn may_wait(bounded: &BoundedMailbox) -> bool {
    let itself = with_current(|shard| shard.is_some_and(|shard| shard.acting() == bounded.actor));
    bounded.overflow.lets_senders_wait() && !itself
}

/// Takes its sender out of the queue for room, unless it has [left](Self::leave) the queue: the wait may
/// end with the time, with the stack that it runs on, or with the future that holds this.
pub(crate) struct QueueEntry {
    actor: ActorId,
    ticket: u64,
}

impl QueueEntry {
    /// The wait is over. Returns the room, with the message that it is for.
    pub(crate) fn leave<M>(
        self,
        waited: Result<MailPermit, AskError>,
        message: M,
    ) -> Result<(MailPermit, M), SendError<M>> {
        let gone = matches!(
            waited,
            Ok(_) | Err(AskError::TargetStopped(_) | AskError::TargetFailed(_))
        );
        if gone {
            std::mem::forget(self); // the queue has moved on past this entry, or is gone
        }
        match waited {
            Ok(room) => Ok((room, message)),
            Err(error) => Err(SendError::after_waiting(message, error)),
        }
    }
}

impl Drop for QueueEntry {
    fn drop(&mut self) {
        dispatch(self.actor, PermitUnwanted(self.ticket));
    }
}

/// A request for room in a bounded mailbox, on its way.
struct PermitWanted {
    ticket: u64,
    reply: Reply<MailPermit>,
}

impl Parcel for PermitWanted {
    fn deliver(self, shard: &Shard, to: Key, _envelope: &Envelope) {
        let Self { ticket, reply } = self;
        if reply
            .wait_of_a_worker()
            .is_none_or(|(home, _)| home != shard.home)
        {
            shard.make_known(to);
        }
        wait_for_capacity(shard, to, ticket, Box::new(|room| reply.send(room)));
    }

    fn bounce(self, _: &PoolCore, _: ActorId, _: Envelope, reason: DeadLetterReason) {
        let _ = drop_with_fate(self, WaitEnd::from(reason));
    }

    fn bounce_without_pool(self, _to: ActorId) {
        let _ = drop_with_fate(self, WaitEnd::PoolClosed);
    }
}

/// A sender no longer waits for room.
struct PermitUnwanted(u64);

impl Parcel for PermitUnwanted {
    fn deliver(self, shard: &Shard, to: Key, _envelope: &Envelope) {
        give_up(shard, to, self.0);
    }

    fn bounce(self, _: &PoolCore, _: ActorId, _: Envelope, _: DeadLetterReason) {}
}

/// The question whether a mailbox takes a message, on its way.
struct AdmissionRequest(Reply<bool>);

impl Parcel for AdmissionRequest {
    fn deliver(self, shard: &Shard, to: Key, _envelope: &Envelope) {
        self.0.send(shard.takes_mail(to));
    }

    fn bounce(self, _: &PoolCore, _: ActorId, _: Envelope, reason: DeadLetterReason) {
        let _ = drop_with_fate(self, WaitEnd::from(reason));
    }

    fn bounce_without_pool(self, _: ActorId) {
        let _ = drop_with_fate(self, WaitEnd::PoolClosed);
    }
}

/// Why a message was not sent. Holds the message.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError<M> {
    /// The actor has stopped, or takes no more messages.
    #[error("the actor has stopped; look it up again, or drop the reference")]
    Stopped(M),
    /// The actor's worker did not answer in time, or there was no room in time.
    #[error("there was no room in time; the actor, or its worker, may be busy in a long handler")]
    Timeout(M),
    /// The actor's mailbox is full, and the sender does not wait for room in it: the mailbox
    /// [refuses](crate::Overflow::Fail) what it has no room for, or it is the sender's own.
    #[error("the actor's mailbox is full, and waiting would not help; try again later")]
    Full(M),
    /// The actor's mailbox is full, and [drops](crate::Overflow::DropNewest) what comes then: the message
    /// counts as sent and is a dead letter. It is given back all the same.
    #[error(
        "the actor's mailbox is full, and dropped the message; send less often, or make it larger"
    )]
    Dropped(M),
    /// The actor waits, itself or by way of others, for the sender: it will never make room.
    #[error("a deadlock: one actor of the cycle must not wait: {1}")]
    Deadlock(M, AskDetails),
    /// The actor's pool has ended.
    #[error("the actor's pool has ended; drop the reference, or start another pool")]
    PoolClosed(M),
    /// The caller cannot wait at this point.
    #[error("{1}")]
    CannotWait(M, WaitError),
}

impl<M> SendError<M> {
    /// Returns the message that was not sent.
    pub fn into_message(self) -> M {
        match self {
            Self::Stopped(message)
            | Self::Timeout(message)
            | Self::Full(message)
            | Self::Dropped(message)
            | Self::PoolClosed(message)
            | Self::Deadlock(message, _)
            | Self::CannotWait(message, _) => message,
        }
    }
}

impl<M> SendError<M> {
    /// The same error with another message.
    #[cfg(feature = "async")]
    pub(crate) fn map<N>(self, with: impl FnOnce(M) -> N) -> SendError<N> {
        match self {
            Self::Stopped(message) => SendError::Stopped(with(message)),
            Self::Timeout(message) => SendError::Timeout(with(message)),
            Self::Full(message) => SendError::Full(with(message)),
            Self::Dropped(message) => SendError::Dropped(with(message)),
            Self::Deadlock(message, details) => SendError::Deadlock(with(message), details),
            Self::PoolClosed(message) => SendError::PoolClosed(with(message)),
            Self::CannotWait(message, why) => SendError::CannotWait(with(message), why),
        }
    }

    /// The error for a message whose wait for room has failed.
    fn after_waiting(message: M, error: AskError) -> Self {
        match error {
            AskError::TargetStopped(_) | AskError::TargetFailed(_) => Self::Stopped(message),
            AskError::Timeout(_) => Self::Timeout(message),
            AskError::Deadlock(details) => Self::Deadlock(message, details),
            AskError::PoolClosed(_) => Self::PoolClosed(message),
            AskError::CannotWait(why) => Self::CannotWait(message, why),
            // A wait for room ends with room, with its time, or with the actor or the pool; whatever else
            // has ended it, there was no room by then.
            AskError::NoReply(_) | AskError::MailboxFull(_) | AskError::Cancelled(_) => {
                Self::Timeout(message)
            }
        }
    }
}

impl<M> From<TellError<M>> for SendError<M> {
    fn from(error: TellError<M>) -> Self {
        match error {
            TellError::Stopped(message) => Self::Stopped(message),
            TellError::Full(message) => Self::Full(message),
            TellError::Dropped(message) => Self::Dropped(message),
            TellError::PoolClosed(message) => Self::PoolClosed(message),
        }
    }
}

impl<M> fmt::Debug for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stopped(_) => "Stopped(..)",
            Self::Timeout(_) => "Timeout(..)",
            Self::Full(_) => "Full(..)",
            Self::Dropped(_) => "Dropped(..)",
            Self::PoolClosed(_) => "PoolClosed(..)",
            Self::Deadlock(..) => "Deadlock(..)",
            Self::CannotWait(..) => "CannotWait(..)",
        })
    }
}
