//! How a wait ends if it does not end with a value.

/// How a wait ends if it does not end with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WaitEnd {
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
