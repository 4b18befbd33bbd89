//! State that threads share besides their queues: orders to a worker, its activity, the sleep of the watchdog,
//! a count of arrivals, jobs for side threads, tables. The rooms above decide what it is used for; nothing here
//! knows an actor or a pool.
//!
//! The rules are those of [`queue`](crate::queue): a small type with a narrow interface, which takes its
//! primitives from [`sync`](crate::sync), names the partner of every ordering, and is checked by a model in
//! `loom-tests/` together with variants that the model must reject.

// What is `pub` here leaves the crate only under `--cfg nexus_loom`, through `crate::model`.
#![cfg_attr(not(nexus_loom), allow(unreachable_pub))]

mod activity;
mod cancellations;
mod control_queue;
mod jobs;
mod quorum;
mod retained_map;
mod table;
mod woken;
mod work_flags;

pub use activity::{Activity, ActivityMark};
pub use cancellations::Cancellations;
pub use control_queue::ControlQueue;
pub use jobs::Jobs;
pub use quorum::Quorum;
pub use retained_map::RetainedMap;
pub use table::{Numbered, Table, TableGuard};
pub use woken::Woken;
pub use work_flags::{Watcher, WorkFlags, watcher_of};
