//! Actors: references, behaviours, mailboxes, and the life of an actor on its worker.
//!
//! Everything here runs on one thread at a time, the owning worker's, except a few values that are shared
//! or move between threads: references, batches, and the shared [`core`] of a pool.

mod behavior;
mod bounded;
mod context;
mod fiber_local;
mod handling;
mod no_wait;
mod props;
mod recipient;
mod reference;
mod spawn;
mod task;
mod timers;

pub use self::behavior::{Actor, Behavior, HandlerResult, IntoNext, Next};
pub use self::context::Context;
pub use self::fiber_local::FiberLocal;
pub use self::no_wait::no_wait;
pub(crate) use self::props::Seed;
pub(crate) use self::spawn::{get_or_start, start, start_for, typed, typed_or};

pub use self::props::{Once, Props, Spawnable};
pub use self::recipient::Recipient;
pub use self::reference::{ActorRef, TellError};
pub use self::task::{Task, TaskContext};
pub use self::timers::Timers;
