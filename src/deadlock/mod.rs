//! The search for cycles of waits, on one worker and across workers, and the snapshot of the waiting
//! handlers. A handler that begins to wait calls it, and the worker before it rests; it ends a wait only if
//! the cycle is certain and that wait is the one to end, reports a cycle that is not, and never suspends the
//! caller.
//!
//! What is stored for it lies in the shard (`shard/probe_records.rs`). The algorithm, and why it misses no
//! cycle and reports none that did not hold, are at the head of `probes.rs`.

mod edges;
mod held_up;
mod probes;
mod searches;
mod snapshot;
mod walk;

pub use self::snapshot::{Waiting, WaitsFor};

pub(crate) use self::probes::{
    has_unprobed_waits, look_again_for_cycle, look_for_cycle, look_for_cycle_by_each,
    look_for_cycle_by_these, look_if_held_up, send_probes, send_probes_of_long_waits,
};
pub(crate) use self::snapshot::{name_targets, waiting_on, what_ends};
