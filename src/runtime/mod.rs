//! The parts that drive a worker: its fibers, its timers, and the tick that drivers call.
//!
//! Nothing here starts a thread or reads a clock. The driver does: it calls `Worker::tick` with
//! the time, and sleeps as long as the result allows.

mod ending;
mod pace;
mod scheduler;
mod worker;

pub(crate) use self::ending::Ending;
pub(crate) use self::worker::{Tick, Worker, WorkerParts};
