//! The workloads in stakker, written as its users would write them: its actors cannot leave their thread,
//! and have methods instead of messages.

#![allow(clippy::unnecessary_wraps)] // stakker's constructors return an option

mod bursts;
mod many;
mod rounds;
mod timers;

pub(crate) use bursts::{bursts, fan_out, rest};
pub(crate) use many::{life, start, told};
pub(crate) use rounds::{ask, ring};
pub(crate) use timers::{ring_timers, set_timers};

use ::stakker::Stakker;
use std::time::Instant;

fn new() -> Stakker {
    Stakker::new(Instant::now())
}

/// Runs everything that is due, on this thread.
fn run(stakker: &mut Stakker) {
    stakker.run(Instant::now(), false);
}
