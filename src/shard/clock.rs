//! The time of a worker: read once a tick, or more often if ticks are long; and the deadlines of its waits.

use super::alarms::{Alarm, TickBudget};
use super::state::Shard;
use crate::address::{ActorId, Key};
use crate::time::Clock;

/// A tick that takes longer than this, in nanoseconds, ends as soon as that is noticed.
pub(super) const LONG_TICK: u64 = 1_000_000;

impl Shard {
    /// Begins a tick at that time.
    pub(crate) fn tick_begins(&self, now: u64) {
        // The clock may have been read since the driver of this worker read it.
        let now = now.max(self.now.get());
        self.now.set(now);
        self.alarms.tick_began.set(now);
        self.births.set_time(now);
        self.observe_in_time(now);
    }

    /// Ends a tick. The driver may then do something else for an hour, so the clock is read for each
    /// question that it asks.
    pub(crate) fn tick_ends(&self) {
        self.budget.set(TickBudget {
            is_slow: true,
            ..self.budget.get()
        });
    }

    /// Runs `code`; the clock is read for each question that is asked meanwhile.
    pub(crate) fn with_exact_clock<R>(&self, code: impl FnOnce() -> R) -> R {
        let budget = self.budget.get();
        self.budget.set(TickBudget {
            is_slow: true,
            ..budget
        });
        let done = code();
        self.budget.set(budget);
        done
    }

    /// Sets how much the ticks from now on do.
    pub(crate) fn set_budget(&self, budget: TickBudget) {
        // A manual clock may be advanced by an hour within a short tick.
        let is_manual = matches!(self.clock, Some(Clock::Manual(_)));
        let is_slow = budget.is_slow || is_manual || self.observation.is_of_asks();
        self.budget.set(TickBudget { is_slow, ..budget });
    }

    /// Reads the clock, rather than using its last reading. In a simulation no time passes within a tick.
    pub(crate) fn read_clock(&self) -> u64 {
        let Some(clock) = &self.clock else {
            return self.now.get();
        };
        let now = clock.now().max(self.now.get());
        self.now.set(now);
        if now - self.alarms.tick_began.get() > LONG_TICK {
            self.end_tick_soon();
        }
        now
    }

    /// Ends a long tick early, so that what is due and what has arrived need not wait for the rest of it.
    #[cold]
    fn end_tick_soon(&self) {
        self.turns_left.set(0);
        self.end_turn_soon();
    }

    /// Begins a wait that ends by itself after that many nanoseconds.
    pub(crate) fn begin_timed_wait(&self, after: u64) -> Key {
        let now = self.read_clock();
        let wait = self.waits.begin(None, ActorId::NOBODY, now);
        self.end_wait_by(wait, now.saturating_add(after));
        wait
    }

    /// Makes a wait end at that time, unless it ends before.
    pub(crate) fn end_wait_by(&self, wait: Key, at: u64) {
        self.waits
            .arm(wait, self.alarms.set(at, Alarm::Wait(wait)), at);
    }
}
