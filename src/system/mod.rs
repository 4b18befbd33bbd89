//! The current-thread driver: a system of one worker, driven by the thread that waits.

mod builder;
mod engine;
mod handle;

pub use self::builder::ActorSystemBuilder;
pub use self::handle::ActorSystem;
