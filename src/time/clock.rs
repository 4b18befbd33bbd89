//! Clocks: the system's, and one that is advanced by hand.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Acquire;
use std::time::Instant;

/// The clock of one pool.
#[derive(Clone)]
pub(crate) enum Clock {
    /// The operating system's monotonic clock, counted from that instant.
    Monotonic(Instant),
    /// A clock that shows the time that was stored last.
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// Nanoseconds since the clock began.
    pub(crate) fn now(&self) -> u64 {
        match self {
            Self::Monotonic(start) => u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX),
            // Acquire pairs with the release of `ManualTime::advance`: what was done before it is seen.
            Self::Manual(now) => now.load(Acquire),
        }
    }

    /// Returns the time shortly after it was `now`. A real clock is not read again for that. A clock
    /// that is advanced by hand may have been advanced by an hour.
    pub(crate) fn a_moment_after(&self, now: u64) -> u64 {
        match self {
            Self::Monotonic(_) => now,
            Self::Manual(_) => self.now(),
        }
    }

    /// Returns how long a worker with something to do at `until` may sleep. The code that advances a
    /// clock by hand wakes the workers.
    pub(crate) fn time_to(&self, until: Option<u64>) -> Option<u64> {
        self.time_between(self.now(), until)
    }

    /// As [`time_to`](Self::time_to), if the time is `now`.
    pub(crate) fn time_between(&self, now: u64, until: Option<u64>) -> Option<u64> {
        match self {
            Self::Monotonic(_) => until.map(|until| until.saturating_sub(now)),
            Self::Manual(_) => None,
        }
    }
}
