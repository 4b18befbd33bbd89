//! TODO

mod edges;
mod held_up;
mod probes;
mod searches;
mod snapshot;
mod walk;

pub(crate) use self::probes::{
    has_unprobed_waits, look_again_for_cycle, look_for_cycle, look_for_cycle_by_each,
    look_for_cycle_by_these, look_if_held_up, send_probes, send_probes_of_long_waits,
};
pub use self::snapshot::{Waiting, WaitsFor};
pub(crate) use self::snapshot::{name_targets, waiting_on};
