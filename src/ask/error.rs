//! How an ask can fail.

use std::time::Duration;

use crate::actor::{End, WaitError};

/// Why an ask has no answer. The first thing that makes an answer impossible ends the ask at
/// once; only [`AskError::Timeout`] comes with the time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// No answer came in time. One that comes later is dropped.
    #[error("no answer came within {0:?}")]
    Timeout(Duration),
    /// The reply was dropped unanswered, so no answer can come.
    #[error("the reply was dropped without an answer")]
    NoReply,
    /// The actor had stopped, or stopped with the question unanswered.
    #[error("the actor has stopped; look it up again, or do without")]
    TargetStopped,
    /// The actor failed with the question unanswered.
    #[error("the actor failed before it answered")]
    TargetFailed,
    /// The actor's mailbox was full: it did not take the question, or dropped it for a later one.
    #[error("the actor's mailbox had no room for the question; ask again later, or less often")]
    MailboxFull,
    /// The actor's pool has ended.
    #[error("the actor's pool has ended")]
    PoolClosed,
    /// The caller cannot wait where it stands. The question was sent.
    #[error(transparent)]
    CannotWait(#[from] WaitError),
}

impl AskError {
    pub(super) fn from_end(end: End, timeout: Option<Duration>) -> Self {
        match end {
            End::NoReply => Self::NoReply,
            End::Stopped => Self::TargetStopped,
            End::Failed => Self::TargetFailed,
            End::NoRoom => Self::MailboxFull,
            End::PoolClosed => Self::PoolClosed,
            End::TimedOut => Self::Timeout(timeout.unwrap_or_default()),
        }
    }
}
