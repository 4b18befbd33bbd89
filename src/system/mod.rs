//! The current-thread driver: a system of one worker that the thread which waits drives itself.

mod builder;
mod engine;
mod handle;

pub use self::builder::ActorSystemBuilder;
pub use self::handle::ActorSystem;
