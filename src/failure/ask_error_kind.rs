//! The kinds of errors of asks, for rooms that count or report them.

/// The kind of an [`AskError`](crate::AskError), to count or to compare errors by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AskErrorKind {
    /// See [`AskError::Timeout`](crate::AskError::Timeout).
    Timeout,
    /// See [`AskError::NoReply`](crate::AskError::NoReply).
    NoReply,
    /// See [`AskError::TargetStopped`](crate::AskError::TargetStopped).
    TargetStopped,
    /// See [`AskError::TargetFailed`](crate::AskError::TargetFailed).
    TargetFailed,
    /// See [`AskError::MailboxFull`](crate::AskError::MailboxFull).
    MailboxFull,
    /// See [`AskError::Deadlock`](crate::AskError::Deadlock).
    Deadlock,
    /// See [`AskError::Cancelled`](crate::AskError::Cancelled).
    Cancelled,
    /// See [`AskError::PoolClosed`](crate::AskError::PoolClosed).
    PoolClosed,
    /// See [`AskError::CannotWait`](crate::AskError::CannotWait).
    CannotWait,
}
