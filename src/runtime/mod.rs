//! What makes a worker go: its fibers, its timers, and the tick that drivers call.
//!
//! Nothing here starts a thread or reads a clock. A driver does: it calls `Worker::tick` with the
//! time, and sleeps as long as the answer allows.

mod heap;
mod scheduler;
mod wheel;
mod worker;

pub(crate) use self::worker::{Ending, Tick, Worker, WorkerParts};
