//! Simulation: a pool whose workers are stepped on one thread, by choices that follow from a seed, with a
//! clock, a network, a directory and faults of its own. Tests call it; it reads no clock, and nothing in a
//! run depends on anything but the seed and the program.

mod builder;
mod case;
mod check;
mod choices;
mod directory;
mod engine;
mod fault;
mod handle;
mod log;
mod network;
mod rng;
mod trace;
mod windows;
mod world;

pub use self::builder::SimBuilder;
pub use self::check::check;
pub use self::choices::{Choice, Choices};
pub use self::fault::{Fault, FaultError};
pub use self::handle::{Sim, SimCounts};
pub use self::trace::{Difference, Trace, TraceEvent, TraceKind};

#[cfg(test)]
mod tests;
