//! How a wait ends if it does not end with a value.

use super::dead_letter::DeadLetterReason;

/// How a wait ends if it does not end with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The reply was dropped by code that could have answered.
    NoReply,
    /// The actor that held the reply had stopped.
    Stopped,
    /// The actor that held the reply failed.
    Failed,
    /// The mailbox of the actor had no room for the reply's message.
    NoRoom,
    /// The pool ended.
    PoolClosed,
    /// The time was over.
    TimedOut,
    /// It waited on behalf of another ask, which was given up.
    Cancelled,
    /// It could never have ended, as what would end it waits for the waiter.
    Deadlock,
}

impl From<DeadLetterReason> for End {
    fn from(reason: DeadLetterReason) -> Self {
        match reason {
            DeadLetterReason::Unhandled => Self::NoReply,
            DeadLetterReason::Cancelled | DeadLetterReason::Expired => Self::NoReply,
            DeadLetterReason::Stopped | DeadLetterReason::Forced => Self::Stopped,
            DeadLetterReason::Failed | DeadLetterReason::Restarted => Self::Failed,
            DeadLetterReason::PoolClosed => Self::PoolClosed,
            DeadLetterReason::Full
            | DeadLetterReason::DroppedNewest
            | DeadLetterReason::DroppedOldest => Self::NoRoom,
        }
    }
}
