//! Why a pool, a system or a simulation did not start.

use std::error::Error;
use std::{fmt, io};

use crate::failure::{BoxError, PanicPayload};

/// Why a pool did not start. None of its threads is left.
///
/// Its text includes that of the system's or `configure`'s error, so its source is the source of
/// that error.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The number of workers is not between 1 and 1024.
    InvalidWorkers(usize),
    /// The stacks would be too small for any handler, or too large for any machine.
    InvalidStackSize(usize),
    /// The kernel maintains a shadow stack for this process (Intel's CET, AMD's shadow stacks). The
    /// processor would end the process at the first switch from one stack to another.
    ShadowStack,
    /// Offloaded work would never be done.
    NoBlockingThreads,
    /// The pool's name cannot be the name of a thread.
    InvalidName(String),
    /// 1024 pools are alive in this process.
    TooManyPools,
    /// The caller is a handler, which could not drive an actor system.
    OnWorker,
    /// The operating system provided no thread.
    NoThread {
        /// The worker's index.
        worker: usize,
        /// The system's error.
        error: io::Error,
    },
    /// The operating system provided no thread for the watchdog.
    NoWatchdog(io::Error),
    /// The operating system provided no memory for a stack.
    NoStack {
        /// The worker's index.
        worker: usize,
        /// The system's error.
        error: BoxError,
    },
    /// A worker could not be pinned to its core.
    NotPinned {
        /// The worker's index.
        worker: usize,
    },
    /// A worker's `configure` returned an error, or panicked.
    Configure {
        /// The worker's index.
        worker: usize,
        /// Its error; a [`PanicPayload`] if it panicked.
        error: BoxError,
    },
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidWorkers(workers) => {
                write!(f, "a pool has between 1 and 1024 workers, not {workers}")
            }
            Self::InvalidStackSize(bytes) => {
                write!(f, "a stack has between 64 KiB and 1 GiB, not {bytes} bytes")
            }
            Self::ShadowStack => f.write_str(
                "this process has a shadow stack, with which no handler can wait; start it without, as by \
                 GLIBC_TUNABLES=glibc.cpu.x86_shstk=off",
            ),
            Self::NoBlockingThreads => {
                f.write_str("work that is handed over needs at least 1 thread, not 0")
            }
            Self::InvalidName(name) => {
                write!(f, "the name {name:?} has a NUL in it, as no name of a thread may; leave it out")
            }
            Self::TooManyPools => f.write_str(
                "1024 pools are alive already; shut one down and drop its handles first",
            ),
            Self::OnWorker => f.write_str(
                "a handler cannot drive an actor system; start it outside, or start a pool of threads",
            ),
            Self::NoThread { worker, error } => {
                write!(f, "worker {worker} got no thread: {error}; start fewer workers")
            }
            Self::NoWatchdog(error) => write!(
                f,
                "no thread for the watchdog: {error}; raise the limit on threads"
            ),
            Self::NoStack { worker, error } => write!(
                f,
                "worker {worker}: {error}; raise the limit on memory or mappings, or have smaller stacks"
            ),
            Self::NotPinned { worker } => write!(
                f,
                "worker {worker} could not be pinned to a core; start the pool without pinning"
            ),
            Self::Configure { worker, error } => {
                let panic = if error.is::<PanicPayload>() { "panic: " } else { "" };
                write!(f, "configuring worker {worker} failed: {panic}{error}")
            }
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NoThread { error, .. } | Self::NoWatchdog(error) => error.source(),
            Self::NoStack { error, .. } | Self::Configure { error, .. } => error.source(),
            _ => None,
        }
    }
}
