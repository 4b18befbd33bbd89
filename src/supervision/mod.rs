//! Supervision, as far as it is arithmetic: what to do about a failure, for which children, and when; and the
//! signals that an actor is told. `lifecycle` passes in the failure, the time and a random number, carries
//! out the [`Decision`], and handles a decider that panics; nothing here knows an actor, a clock or a
//! generator of random numbers, so every case can be tested without a pool.

mod backoff;
mod decision;
mod directive;
mod scope;
mod signal;
mod strategy;
mod window;

pub use self::backoff::{Backoff, BackoffError};
pub use self::directive::Directive;
pub use self::signal::{Signal, StopReason};
pub use self::strategy::{Strategy, SupervisorStrategy};

pub(crate) use self::decision::{Decision, History};
pub(crate) use self::scope::{Reach, Scope};
pub(crate) use self::strategy::default_strategy;

use std::time::Duration;

/// Returns nanoseconds, the unit of times here; more than 584 years is for ever.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
