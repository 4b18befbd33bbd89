//! The drivers of actors: pools of threads, systems on one thread, simulations; and the control protocol.

#[path = "../common/mod.rs"]
mod common;

mod awaited;
mod control;
mod ended_pools;
mod handles;
mod liveness;
mod pool;
mod scopes;
mod simulation;
mod system;
mod watchdog;
