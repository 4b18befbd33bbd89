//! How long a worker polls for work before it sleeps, learned from recent outcomes.
//!
//! Polling pays off if work arrives within a few microseconds: a sleep costs the sender that wakes
//! the worker more than that. It does harm if other threads want the core: they may be the ones
//! that would send the work. Both are observed as they happen. A worker that finds work polls for
//! longer the next time; one that polled in vain, for half as long, down to nothing. One that slept
//! only for a moment should have polled. And one that yields the core while it polls, and does not
//! get it back at once, has met a thread that wants it: it then sleeps after no more than a moment,
//! for a number of times that doubles while this lasts.

use std::time::Duration;

/// The longest time to poll.
const MOST: Duration = Duration::from_micros(50);
/// The time to poll at first.
const FIRST: Duration = Duration::from_micros(20);
/// Polling for less than this is not worthwhile.
const LEAST: Duration = Duration::from_micros(2);
/// A yield takes less than a microsecond if no other thread wants the core.
pub(super) const UNDISTURBED: Duration = Duration::from_micros(5);
/// How many times a worker sleeps at once after it was disturbed: at first, and at most.
const FEWEST_SLEEPS: u32 = 8;
const MOST_SLEEPS: u32 = 1024;

/// The outcome of polling for work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PollOutcome {
    Found,
    InVain,
    /// Another thread wants the core.
    Disturbed,
}

/// What a worker has learned.
#[derive(Debug)]
pub(super) struct SpinPolicy {
    looks_for: Duration,
    /// The number of coming rests in which it sleeps at once.
    sleeps: u32,
    /// The number of such rests after the next disturbance.
    sleeps_next: u32,
}

impl SpinPolicy {
    pub(super) fn new() -> Self {
        Self {
            looks_for: FIRST,
            sleeps: 0,
            sleeps_next: FEWEST_SLEEPS,
        }
    }

    /// How long to poll in this rest, beyond a first moment.
    pub(super) fn looks_for(&mut self) -> Duration {
        if self.sleeps > 0 {
            self.sleeps -= 1;
            return Duration::ZERO;
        }
        self.looks_for
    }

    pub(super) fn has_looked(&mut self, looked: PollOutcome) {
        match looked {
            PollOutcome::Found => {
                self.looks_for = (self.looks_for * 2).clamp(FIRST, MOST);
                self.sleeps_next = (self.sleeps_next / 2).max(FEWEST_SLEEPS);
            }
            PollOutcome::InVain => {
                let half = self.looks_for / 2;
                self.looks_for = if half < LEAST { Duration::ZERO } else { half };
            }
            PollOutcome::Disturbed => {
                self.sleeps = self.sleeps_next;
                self.sleeps_next = (self.sleeps_next * 2).min(MOST_SLEEPS);
            }
        }
    }

    pub(super) fn has_slept(&mut self, slept: Duration) {
        if slept < MOST {
            self.looks_for = self.looks_for.max(FIRST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_looks_for_longer_while_that_pays_and_stops_when_it_does_not() {
        let mut patience = SpinPolicy::new();
        assert_eq!(patience.looks_for(), FIRST);
        for _ in 0..3 {
            patience.has_looked(PollOutcome::Found);
        }
        assert_eq!(patience.looks_for(), MOST);
        let mut before = MOST;
        while !before.is_zero() {
            patience.has_looked(PollOutcome::InVain);
            let now = patience.looks_for();
            assert!(now <= before / 2, "{now:?} after {before:?}");
            before = now;
        }
        patience.has_slept(Duration::from_secs(1));
        assert!(patience.looks_for().is_zero(), "nothing would have come");
        patience.has_slept(Duration::from_micros(10));
        assert_eq!(patience.looks_for(), FIRST);
    }

    #[test]
    fn it_leaves_the_core_to_others_more_and_more_often() {
        let mut patience = SpinPolicy::new();
        for sleeps in [8, 16, 32] {
            patience.has_looked(PollOutcome::Disturbed);
            for _ in 0..sleeps {
                patience.has_slept(Duration::ZERO);
                assert!(patience.looks_for().is_zero());
            }
            assert!(!patience.looks_for().is_zero());
        }
    }
}
