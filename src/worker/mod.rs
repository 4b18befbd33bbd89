//! One worker as a state machine: what a tick does and in which order, the loop over what is due, and the
//! phases of the end. The drivers call it, each worker from one thread; it starts no thread, reads no clock
//! for itself, and never blocks except in [`Worker::park`], which a driver calls.

mod ending;
mod pace;
mod scheduler;
mod tick;

pub(crate) use self::ending::ShutdownProgress;
pub(crate) use self::tick::{Tick, Worker, WorkerParts};
