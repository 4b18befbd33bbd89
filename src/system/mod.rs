//! The current-thread driver: a system of one worker, driven by the thread that waits, with its public
//! builder and handle. Users call it on the thread that made it; it starts no thread of its own for the
//! worker, and does nothing while no call drives it.

mod builder;
mod engine;
mod handle;

pub use self::builder::ActorSystemBuilder;
pub use self::handle::ActorSystem;
