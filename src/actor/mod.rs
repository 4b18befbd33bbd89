//! The public face of actors: references, behaviours, props, the context, timers and tasks, and the bodies in
//! which a behaviour is erased. Users call it, and so do `ask`, `pool` and the rooms above; it stores nothing
//! of an actor that is not in its behaviour, and leaves every step of an actor's life to
//! [`lifecycle`](crate::lifecycle).
//!
//! References and recipients may be used on any thread. A context and a body exist only on the owning
//! worker's.

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
mod tell_error;
mod timers;
mod with_context;

pub use self::behavior::{Actor, Behavior, HandlerResult, IntoNext, Next};
pub use self::context::Context;
pub use self::fiber_local::FiberLocal;
pub use self::no_wait::no_wait;
pub use self::props::{Once, Props, Spawnable};
pub use self::recipient::Recipient;
pub use self::reference::ActorRef;
pub use self::task::{Task, TaskContext};
pub use self::tell_error::TellError;
pub use self::timers::Timers;
pub use self::with_context::{with_context, with_correlation};
pub use crate::self_queue::{StashError, TimerKey};

pub(crate) use self::props::Seed;
pub(crate) use self::spawn::{get_or_start, start, start_for, typed, typed_or};
