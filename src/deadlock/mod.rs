//! TODO

mod edges;
mod held_up;
mod probes;
mod searches;
mod snapshot;
mod walk;
pub(crate) use self::probes::Unprobed;
pub(crate) use self::probes::has_unprobed_waits;
pub(crate) use self::probes::look_again_for_cycle;
pub(crate) use self::probes::look_for_cycle;
pub(crate) use self::probes::look_for_cycle_by_each;
pub(crate) use self::probes::look_for_cycle_by_these;
pub(crate) use self::probes::look_if_held_up;
pub(crate) use self::probes::send_probes;
pub(crate) use self::probes::send_probes_of_long_waits;
pub use self::snapshot::{Waiting, WaitsFor};
pub(crate) use self::snapshot::{name_targets, path_of_asked, waiting_on};
