//! Supervision, as far as it is arithmetic: what to do about a failure, for which children, and
//! when.
//!
//! Nothing here knows an actor, a clock or a generator of random numbers. The layer above hands in
//! the failure, the time and a random number, and carries out the [`Decision`]; a decider that
//! panics is its business too. So every case can be tested without a pool.

mod backoff;
mod decision;
mod directive;
mod scope;
mod strategy;
mod window;

pub use backoff::{Backoff, BackoffError};
pub(crate) use decision::{Decision, History};
pub use directive::Directive;
pub(crate) use scope::{Reach, Scope};
pub use strategy::Strategy;

use std::time::Duration;

/// In nanoseconds, as times are counted here: what is longer than 584 years is for ever.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
