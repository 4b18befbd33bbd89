//! Seeing inside: observers, contexts of messages, snapshots and watches.

#[path = "../common/mod.rs"]
mod common;

mod contexts;
mod events;
mod observed;
mod sampling;
mod sends;
mod snapshots;
mod troubles;
mod waiting_times;
