//! State that threads share besides their queues.
//!
//! The rules are those of [`queue`](crate::queue): a small type with a narrow interface, which takes its
//! primitives from [`sync`](crate::sync), names the partner of every ordering, and is checked by a model in
//! `loom-tests/` together with variants that the model must reject. The layers above decide what it is used
//! for.

// What is `pub` here leaves the crate only under `--cfg nexus_loom`, through `crate::model`.
#![cfg_attr(not(nexus_loom), allow(unreachable_pub))]

mod beat;
mod cancellations;
mod jobs;
mod nap;
mod orders;
mod quorum;
mod remembered;
mod table;
mod woken;

pub use beat::{Beat, Running};
pub use cancellations::Cancellations;
pub use jobs::Jobs;
pub use nap::{Nap, Watcher, watcher_of};
pub use orders::Orders;
pub use quorum::Quorum;
pub use remembered::Remembered;
pub use table::{Found, Numbered, Table};
pub use woken::Woken;
