//! How a task ends without a result.

use super::cycle::Cycle;
use super::panic::PanicPayload;
use super::wait_error::WaitError;

/// Why a task has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// It panicked, with this payload.
    #[error("the task panicked: {0}")]
    Panicked(PanicPayload),
    /// It was cancelled, or its actor stopped, passivated or was restarted.
    #[error("the task was cancelled")]
    Cancelled,
    /// Its actor has a stack of its own size, and the operating system granted no memory for another one.
    /// The task has not begun.
    #[error("{0}; raise the limit on memory or mappings, or let fewer tasks run at a time")]
    NoStack(String),
    /// It waits, itself or by way of other tasks, for the task that waits here. It is left running.
    #[error("a deadlock: one actor of the cycle must not wait: {0}")]
    Deadlock(Cycle),
    /// The caller cannot wait at this point. The task is left running.
    #[error(transparent)]
    CannotWait(#[from] WaitError),
}
