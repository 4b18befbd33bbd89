//! Asks: how they are awaited, answered, polled, given up and joined, what their errors say, and
//! cycles of waits.

#[path = "../common/mod.rs"]
mod common;

mod ask;
mod ask_paths;
mod asks_together;
mod blocking;
mod deadlock;
mod deadlock_work;
mod errors;
mod futures;
mod send_with;
mod wakers;
