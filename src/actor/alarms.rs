//! When something of a worker is due: its timers, and the ends of its waits.

use std::cell::{Cell, RefCell};

use super::id::{ActorId, Key};
use super::shard::Shard;
use crate::time::{Clock, TimerId, TimerWheel};

/// What is due.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Alarm {
    /// The end of a wait.
    Wait(Key),
    /// A timer of the actor in that slot, or its receive time-out.
    Timer { slot: u32, timer: u32 },
}

/// No timer of an actor's: its receive time-out.
pub(crate) const RECEIVE_TIMEOUT: u32 = u32::MAX;

/// How much a worker does in one tick.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measure {
    pub(crate) turns: u32,
    /// Messages that it takes in, and that it handles.
    pub(crate) messages: u32,
    /// Messages that an actor handles in one turn, so that others have theirs.
    pub(crate) messages_per_turn: usize,
    /// Whether messages take so long that the clock is read for each question.
    pub(crate) is_slow: bool,
}

impl Measure {
    /// The most of each. In a simulation, where no time passes in a tick, it is always that.
    pub(crate) const MOST: Self = Self {
        turns: 128,
        messages: 1024,
        messages_per_turn: 256,
        is_slow: false,
    };
}

/// A tick that has taken longer, in nanoseconds, ends when that is seen.
const LONG_TICK: u64 = 1_000_000;

/// The alarms of one worker. No code of the user's runs while the wheel is borrowed.
pub(crate) struct Alarms {
    wheel: RefCell<TimerWheel<Alarm>>,
    /// When the present tick began.
    tick_began: Cell<u64>,
}

impl Alarms {
    pub(super) fn new(now: u64) -> Self {
        Self {
            wheel: RefCell::new(TimerWheel::new(now)),
            tick_began: Cell::new(now),
        }
    }

    pub(crate) fn set(&self, at: u64, alarm: Alarm) -> TimerId {
        self.wheel.borrow_mut().insert(at, alarm)
    }

    pub(crate) fn cancel(&self, id: TimerId) {
        self.wheel.borrow_mut().cancel(id);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.wheel.borrow().is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.wheel.borrow().len()
    }

    /// When to look at them next.
    pub(crate) fn next(&self) -> Option<u64> {
        self.wheel.borrow().next_deadline()
    }

    /// Takes what is due.
    pub(crate) fn advance(&self, now: u64, due: &mut Vec<Alarm>) {
        self.wheel.borrow_mut().advance(now, due);
    }

    /// Gives memory back that nobody needs.
    pub(crate) fn trim(&self) {
        self.wheel.borrow_mut().trim();
    }

    pub(crate) fn clear(&self) {
        self.wheel.replace(TimerWheel::new(0));
    }
}

impl Shard {
    /// A tick begins, at that time.
    pub(crate) fn tick_begins(&self, now: u64) {
        // The clock may have been read since whoever drives this worker did.
        let now = now.max(self.now.get());
        self.now.set(now);
        self.alarms.tick_began.set(now);
    }

    /// A tick has ended, and whoever drives this worker may do something else for an hour: so the clock is read
    /// for each of his questions.
    pub(crate) fn tick_ends(&self) {
        self.measure.set(Measure {
            is_slow: true,
            ..self.measure.get()
        });
    }

    /// Does something, and has the clock read for each question that is asked meanwhile.
    pub(crate) fn with_exact_clock<R>(&self, code: impl FnOnce() -> R) -> R {
        let measure = self.measure.get();
        self.measure.set(Measure {
            is_slow: true,
            ..measure
        });
        let done = code();
        self.measure.set(measure);
        done
    }

    /// How much the ticks from now on are to do.
    pub(crate) fn set_measure(&self, measure: Measure) {
        // A clock that is advanced by hand may be advanced by an hour in a short tick.
        let is_slow = measure.is_slow || matches!(self.clock, Some(Clock::Manual(_)));
        self.measure.set(Measure { is_slow, ..measure });
    }

    /// The time now, and not as of the last look at the clock. In a simulation no time passes in a tick.
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

    /// What is due, and what has come, is not to wait for the rest of a long tick.
    #[cold]
    fn end_tick_soon(&self) {
        self.turns_left.set(0);
        self.end_turn_soon();
    }

    /// Begins a wait that ends by itself after that many nanoseconds.
    pub(crate) fn begin_timed_wait(&self, after: u64) -> Key {
        let wait = self.waits.begin(None, ActorId::NOBODY);
        self.end_wait_by(wait, self.read_clock().saturating_add(after));
        wait
    }

    /// A wait ends at that time, unless it ends before.
    pub(crate) fn end_wait_by(&self, wait: Key, at: u64) {
        self.waits
            .arm(wait, self.alarms.set(at, Alarm::Wait(wait)), at);
    }
}
