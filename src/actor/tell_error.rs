//! Why a message could not be sent.

use std::fmt;

use crate::failure::DeadLetterReason;
use crate::mailbox::Overflow;

/// Why a message could not be sent. Holds the message.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TellError<M> {
    /// The actor has stopped, or takes no more messages.
    #[error("the actor has stopped; look it up again, or drop the reference")]
    Stopped(M),
    /// The actor's mailbox is full, or other senders wait for capacity in it.
    #[error("the actor's mailbox is full; use `send` to wait for room, or try again later")]
    Full(M),
    /// The actor's mailbox is full, and drops what comes then: the message counts as sent and is a dead
    /// letter. It is returned all the same.
    #[error(
        "the actor's mailbox is full, and dropped the message; send less often, or make it larger"
    )]
    Dropped(M),
    /// The actor's pool has ended.
    #[error("the actor's pool has ended; drop the reference, or start another pool")]
    PoolClosed(M),
}

impl<M> TellError<M> {
    /// Returns the message that was not sent.
    pub fn into_message(self) -> M {
        match self {
            Self::Stopped(message)
            | Self::Full(message)
            | Self::Dropped(message)
            | Self::PoolClosed(message) => message,
        }
    }

    /// The error for a message for which a bounded mailbox has no permit.
    pub(super) fn full(overflow: Overflow, message: M) -> Self {
        if overflow.drops_newest() {
            Self::Dropped(message)
        } else {
            Self::Full(message)
        }
    }

    /// Returns why the message is a dead letter, if it is not returned to the sender.
    pub(super) fn reason(&self) -> DeadLetterReason {
        match self {
            Self::Stopped(_) => DeadLetterReason::Stopped,
            Self::Full(_) => DeadLetterReason::Full,
            Self::Dropped(_) => DeadLetterReason::DroppedNewest,
            Self::PoolClosed(_) => DeadLetterReason::PoolClosed,
        }
    }
}

impl<M> fmt::Debug for TellError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stopped(_) => "Stopped(..)",
            Self::Full(_) => "Full(..)",
            Self::Dropped(_) => "Dropped(..)",
            Self::PoolClosed(_) => "PoolClosed(..)",
        })
    }
}
