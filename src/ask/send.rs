//! Sending with certainty: the sender waits until the actor's worker has said that there is room.
//!
//! The message stays in the sender's hands until then, so that it can be given back whatever
//! happens first: the actor has stopped, the time is over, the pool has ended.

use std::fmt;
use std::time::Duration;

use super::error::AskError;
use super::handle::Ask;
use super::reply::Reply;
use crate::actor::core::{self, PoolCore};
use crate::actor::{
    ActorId, ActorRef, DeadLetterReason, End, Envelope, Key, Parcel, Shard, TellError, WaitError,
    drop_with_fate, with_current,
};

impl<M: Send + 'static> ActorRef<M> {
    /// Sends a message, and waits until it is certain that the actor's mailbox takes it: in a
    /// handler only that actor waits, on a thread outside the thread does. To an actor of the
    /// same worker that is certain at once.
    ///
    /// Should the actor stop after it has promised room and before the message is there, the
    /// message becomes a dead letter.
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
    pub fn send(self, message: M) -> Result<(), SendError<M>> {
        self.send_within(message, None)
    }

    /// As [`send`](Self::send), but gives up after a time.
    ///
    /// # Errors
    ///
    /// [`SendError`] says why, and holds the message.
    pub fn send_timeout(self, message: M, timeout: Duration) -> Result<(), SendError<M>> {
        self.send_within(message, Some(timeout))
    }

    fn send_within(self, message: M, timeout: Option<Duration>) -> Result<(), SendError<M>> {
        let here = with_current(|shard| shard.is_some_and(|shard| shard.home == self.id().home));
        if here {
            return self.try_tell(message).map_err(|error| match error {
                TellError::Stopped(message) => SendError::Stopped(message),
                TellError::PoolClosed(message) => SendError::PoolClosed(message),
            });
        }
        match self.ask_for_room(timeout) {
            Ok(true) => {
                self.tell(message);
                Ok(())
            }
            Ok(false) | Err(AskError::TargetStopped) => Err(SendError::Stopped(message)),
            Err(AskError::Timeout(_)) => Err(SendError::Timeout(message)),
            Err(AskError::CannotWait(why)) => Err(SendError::CannotWait(message, why)),
            Err(_) => Err(SendError::PoolClosed(message)),
        }
    }

    /// Asks the actor's worker whether its mailbox takes a message.
    fn ask_for_room(self, timeout: Option<Duration>) -> Result<bool, AskError> {
        let ActorId { home, key } = self.id();
        let (ask, reply) = Ask::begin(timeout, self.id());
        let request = RoomRequest(reply);
        with_current(|shard| match shard {
            Some(shard) if shard.home.pool() == home.pool() => {
                shard
                    .outboxes
                    .send(home.worker(), key, Envelope::NONE, request);
            }
            _ => match core::find(home) {
                Some(core) => core.post(home.worker(), key, Envelope::NONE, request),
                None => drop(drop_with_fate(request, End::PoolClosed)),
            },
        });
        ask.wait()
    }
}

/// The question for room, on its way.
struct RoomRequest(Reply<bool>);

impl Parcel for RoomRequest {
    fn deliver(self, shard: &Shard, to: Key, _envelope: &Envelope) {
        self.0.send(shard.takes_mail(to));
    }

    fn bounce(self, _: &PoolCore, _: ActorId, _: Envelope, reason: DeadLetterReason) {
        let _ = drop_with_fate(self, End::from(reason));
    }
}

/// Why a message was not sent. Holds the message.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError<M> {
    /// The actor has stopped, or takes no more messages.
    #[error("the actor has stopped; look it up again, or drop the reference")]
    Stopped(M),
    /// The actor's worker did not answer in time.
    #[error("the actor's worker did not answer in time; it may be busy in a long handler")]
    Timeout(M),
    /// The actor's pool has ended.
    #[error("the actor's pool has ended")]
    PoolClosed(M),
    /// The caller cannot wait where it stands.
    #[error("{1}")]
    CannotWait(M, WaitError),
}

impl<M> SendError<M> {
    /// The message that was not sent.
    pub fn into_message(self) -> M {
        match self {
            Self::Stopped(message)
            | Self::Timeout(message)
            | Self::PoolClosed(message)
            | Self::CannotWait(message, _) => message,
        }
    }
}

impl<M> fmt::Debug for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stopped(_) => "Stopped(..)",
            Self::Timeout(_) => "Timeout(..)",
            Self::PoolClosed(_) => "PoolClosed(..)",
            Self::CannotWait(..) => "CannotWait(..)",
        })
    }
}
