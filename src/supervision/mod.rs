//! Supervision, as far as it is arithmetic: what to do about a failure, for which children, and
//! when.
//!
//! Nothing here knows an actor, a clock or a generator of random numbers. The layer above passes
//! in the failure, the time and a random number, and carries out the [`Decision`]. It also handles
//! a decider that panics. So every case can be tested without a pool.

mod backoff;
mod decision;
mod directive;
mod scope;
mod signal;
mod strategy;
mod window;

pub use backoff::{Backoff, BackoffError};
pub(crate) use decision::{Decision, History};
pub use directive::Directive;
pub(crate) use scope::{Reach, Scope};
pub use strategy::Strategy;

use std::time::Duration;

/// Returns nanoseconds, the unit of times here; more than 584 years is for ever.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
pub use self::signal::{Signal, StopReason};
pub use self::strategy::SupervisorStrategy;
pub(crate) use self::strategy::default_strategy;
