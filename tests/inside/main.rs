//! Seeing inside: observers, contexts of messages, snapshots and watches.

#[path = "../common/mod.rs"]
mod common;

mod contexts;
mod observers;
mod sends;
mod snapshots;
