//! Why an actor could not be started.

use std::sync::Arc;

use super::cycle::Cycle;
use super::description::Failure;
use super::wait_error::WaitError;
use crate::address::{ActorPath, NameError};

/// Why an actor was not started.
///
/// Nothing of the actor is left behind, with one exception: if a shutdown's deadline cuts short a start that
/// failed, the actor's children may stop, and its name become free, a little later.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// A live actor has that name.
    #[error("the name {0} is taken; choose another, or stop the actor that has it first")]
    NameTaken(ActorPath),
    /// The name is not a valid one.
    #[error(transparent)]
    InvalidName(#[from] NameError),
    /// Its factory, its setup or its handling of [`PreStart`](crate::Signal::PreStart) failed.
    #[error(transparent)]
    Failed(Arc<Failure>),
    /// It ended in its start, without a failure, and has handled no message.
    ///
    /// Its first behaviour was [`stopped`], or it answered [`PreStart`] with [`Next::Stop`], or with
    /// [`Next::Passivate`] if it was made [once](crate::Once).
    ///
    /// [`stopped`]: crate::Behavior::stopped
    /// [`PreStart`]: crate::Signal::PreStart
    /// [`Next::Stop`]: crate::Next::Stop
    /// [`Next::Passivate`]: crate::Next::Passivate
    #[error(
        "{0} ended in its start: its behaviour stopped before any message; give it one that continues"
    )]
    EndedInStart(ActorPath),
    /// The pool shuts down.
    #[error("the pool shuts down and starts no more actors; start another pool")]
    ShuttingDown,
    /// The pool has ended.
    #[error("the pool has ended and starts no more actors; start another pool")]
    PoolClosed,
    /// There is no worker with that index.
    #[error("the pool has {workers} workers, numbered from 0, so there is no worker {worker}")]
    NoSuchWorker {
        /// The requested index.
        worker: usize,
        /// The number of workers.
        workers: usize,
    },
    /// The actor that the new one is to be near belongs to another pool.
    #[error("the actor to be near belongs to another pool; start this one there, or near another")]
    OtherPool,
    /// An actor of that name handles other messages: the new one was to be started only if there is none, or
    /// another worker spawned the existing one in `configure`.
    #[error("{path} handles {actual}, not {expected}; use it for those, or choose another name")]
    WrongType {
        /// The actor's path.
        path: ActorPath,
        /// The requested type of messages.
        expected: &'static str,
        /// The type of messages that the actor handles.
        actual: &'static str,
    },
    /// The stack that its props ask for would be too small for any handler, or too large for any machine.
    #[error("a stack has between 64 KiB and 1 GiB, not {0} bytes")]
    InvalidStackSize(usize),
    /// The operating system granted no memory for the stack that its props ask for.
    #[error("{0}; raise the limit on memory or mappings, or let the actor have a smaller stack")]
    NoStack(String),
    /// The actor of that name waits, in its start or its end, itself or through others, for the caller that
    /// wants it here: see [`get_or_spawn`](crate::WorkerPool::get_or_spawn).
    #[error("a deadlock: one actor of the cycle must not wait: {0}")]
    Deadlock(Cycle),
    /// The caller would have to wait for another worker, and cannot.
    #[error(transparent)]
    CannotWait(#[from] WaitError),
}
