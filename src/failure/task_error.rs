//! How a task ends without a result.

use std::error::Error;
use std::fmt;

use super::cycle::Cycle;
use super::panic::PanicPayload;
use super::wait_error::WaitError;

/// Why a task has no result.
///
/// The text includes that of the payload of a panic, so the source is what lies below the payload.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskError {
    /// It panicked, with this payload.
    Panicked(PanicPayload),
    /// It was cancelled, or its actor stopped, passivated or was restarted.
    Cancelled,
    /// Its actor has a stack of its own size, and the operating system granted no memory for another one.
    /// The task has not begun.
    NoStack(String),
    /// It waits, itself or by way of other tasks, for the task that waits here. It is left running.
    Deadlock(Cycle),
    /// The caller cannot wait at this point. The task is left running.
    CannotWait(WaitError),
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(payload) => write!(f, "the task panicked: {payload}"),
            Self::Cancelled => f.write_str("the task was cancelled; start another one"),
            Self::NoStack(error) => write!(
                f,
                "{error}; raise the limit on memory or mappings, or let fewer tasks run at a time"
            ),
            Self::Deadlock(cycle) => {
                write!(
                    f,
                    "a deadlock: one actor of the cycle must not wait: {cycle}"
                )
            }
            Self::CannotWait(error) => error.fmt(f),
        }
    }
}

impl Error for TaskError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Panicked(payload) => payload.source(),
            Self::CannotWait(error) => error.source(),
            Self::Cancelled | Self::NoStack(_) | Self::Deadlock(_) => None,
        }
    }
}

impl From<WaitError> for TaskError {
    fn from(error: WaitError) -> Self {
        Self::CannotWait(error)
    }
}
