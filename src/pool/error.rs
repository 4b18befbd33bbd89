//! Why a pool, a system or a simulation did not start.

use crate::actor::BoxError;

/// Why a pool did not start. No thread of it is left.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The number of workers is not between 1 and 1024.
    #[error("a pool has between 1 and 1024 workers, not {0}")]
    InvalidWorkers(usize),
    /// The stacks would be too small for any handler, or too large for any machine.
    #[error("a stack has between 64 KiB and 1 GiB, not {0} bytes")]
    InvalidStackSize(usize),
    /// The kernel keeps a shadow stack for this process (Intel's CET, AMD's shadow stacks). The processor would
    /// end it at the first switch from one stack to another.
    #[error(
        "this process has a shadow stack, with which no handler can wait; start it without, as by \
         GLIBC_TUNABLES=glibc.cpu.x86_shstk=off"
    )]
    ShadowStack,
    /// Work that is handed over would never be done.
    #[error("work that is handed over needs at least 1 thread, not 0")]
    NoBlockingThreads,
    /// The pool's name cannot be that of a thread.
    #[error("the name {0:?} has a NUL in it; threads cannot be called so")]
    InvalidName(String),
    /// 1024 pools are alive in this process.
    #[error("1024 pools are alive already; shut one down and drop its handles first")]
    TooManyPools,
    /// The caller is a handler, which could not drive an actor system.
    #[error("a handler cannot drive an actor system; start it outside, or start a pool of threads")]
    OnWorker,
    /// The operating system gave no thread.
    #[error("worker {worker} got no thread: {error}")]
    NoThread {
        /// The worker's index.
        worker: usize,
        /// What the system said.
        error: std::io::Error,
    },
    /// The operating system gave no thread for the watchdog.
    #[error("the watchdog got no thread: {0}")]
    NoWatchdog(std::io::Error),
    /// The operating system gave no memory for a stack.
    #[error("worker {worker}: {error}")]
    NoStack {
        /// The worker's index.
        worker: usize,
        /// What the system said.
        error: BoxError,
    },
    /// A worker could not be bound to its core.
    #[error("worker {worker} could not be bound to a core; start the pool without pinning")]
    NotPinned {
        /// The worker's index.
        worker: usize,
    },
    /// A worker's `configure` returned an error, or panicked.
    #[error("configuring worker {worker} failed: {error}")]
    Configure {
        /// The worker's index.
        worker: usize,
        /// What it said.
        #[source]
        error: BoxError,
    },
}
