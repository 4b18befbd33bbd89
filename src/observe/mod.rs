//! Seeing inside: what an [`Observer`] is told of the actors of a pool, a system or a simulation.
//!
//! An observer is given to the builder, and is called on the thread where the event happens: before and after
//! the handling of a message, at each start and end, decision of a supervisor, passivation, failure, dead
//! letter and ask, and for slow handlers and deadlocks. A pool without an observer pays one comparison for
//! each turn of an actor.
//!
//! ```
//! use nexus_actors::observe::{Handled, Observer, Outcome, Sampling};
//! use nexus_actors::prelude::*;
//! use std::sync::Arc;
//! use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
//!
//! #[derive(Default)]
//! struct Failures(AtomicU64);
//!
//! impl Observer for Failures {
//!     fn sampling(&self) -> Sampling {
//!         Sampling::All
//!     }
//!
//!     fn handled(&self, event: &Handled<'_>) {
//!         if event.outcome == Outcome::Failed {
//!             assert_eq!(event.actor.path().as_str(), "/user/divider");
//!             self.0.fetch_add(1, Relaxed);
//!         }
//!     }
//! }
//!
//! let failures = Arc::new(Failures::default());
//! let pool = WorkerPool::builder()
//!     .workers(1)
//!     .on_failure(|_| {})
//!     .observer(Arc::clone(&failures))
//!     .start()?;
//! let divider = pool.spawn("divider", Props::new(|| {
//!     Behavior::receive(|_ctx, by: i32| {
//!         12_i32.checked_div(by).map(drop).ok_or_else(|| BoxError::from("by zero"))
//!     })
//! }))?;
//! divider.tell(4);
//! divider.tell(0);
//! pool.shutdown(Duration::from_secs(5))?;
//! assert_eq!(failures.0.load(Relaxed), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! This room owns the trait and its events. Any room above may call observers through [`Observers`]; nothing
//! here knows a shard, a clock or a thread.

#[cfg(feature = "tracing")]
mod carried;
mod event;
mod observer;
mod observers;
mod options;
mod sampling;
mod slow_handler;
#[cfg(feature = "tracing")]
mod tracing;

pub use self::event::{
    ActorStarted, ActorStopped, ActorSupervised, AskBegun, AskEnded, Handled, Handling,
    MessageSource, ObservedActor, Outcome, SendBegun, StartKind, Waited,
};
pub use self::observer::{Observer, Sampling};
pub use self::slow_handler::SlowHandler;
#[cfg(feature = "tracing")]
pub use self::tracing::RequestSpan;

pub(crate) use self::observers::{Numbers, Observers};
pub(crate) use self::options::observe_options;
pub(crate) use self::sampling::SamplingState;
#[cfg(feature = "tracing")]
pub(crate) use self::tracing::HandlingSpan;
