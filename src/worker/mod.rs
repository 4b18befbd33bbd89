//! TODO

mod ending;
mod pace;
mod scheduler;
mod tick;
pub(crate) use self::ending::ShutdownProgress;
pub(crate) use self::tick::{Tick, Worker, WorkerParts};
