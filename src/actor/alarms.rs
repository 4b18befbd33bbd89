//! The alarms of a worker: its timers, and the deadlines of its waits.

use std::cell::{Cell, RefCell};

use super::id::{ActorId, Key};
use super::shard::Shard;
use crate::time::{Clock, TimerId, TimerWheel};

/// What becomes due.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Alarm {
    /// The deadline of a wait.
    Wait(Key),
    /// A timer of the actor in that slot, or its receive time-out.
    Timer { slot: u32, timer: u32 },
}

/// Stands for the receive time-out of an actor in place of a timer's number.
pub(crate) const RECEIVE_TIMEOUT: u32 = u32::MAX;

/// How much a worker does in one tick.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measure {
    pub(crate) turns: u32,
    /// The most messages that it takes in, and that it handles.
    pub(crate) messages: u32,
    /// The most messages that an actor handles in one turn, so that other actors get theirs.
    pub(crate) messages_per_turn: usize,
    /// Whether messages take so long that the clock is read for each question.
    pub(crate) is_slow: bool,
}

impl Measure {
    /// The largest measure. A simulation always uses it, as no time passes within a tick there.
    pub(crate) const MOST: Self = Self {
        turns: 128,
        messages: 1024,
        messages_per_turn: 256,
        is_slow: false,
    };
}

/// A tick that takes longer than this, in nanoseconds, ends as soon as that is noticed.
const LONG_TICK: u64 = 1_000_000;

/// The alarms of one worker. No user code runs while the wheel is borrowed.
pub(crate) struct Alarms {
    wheel: RefCell<TimerWheel<Alarm>>,
    /// When the current tick began.
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

    /// Returns when to advance next.
    pub(crate) fn next(&self) -> Option<u64> {
        self.wheel.borrow().next_deadline()
    }

    /// Takes the alarms that are due.
    pub(crate) fn advance(&self, now: u64, due: &mut Vec<Alarm>) {
        self.wheel.borrow_mut().advance(now, due);
    }

    /// Frees memory that is no longer needed.
    pub(crate) fn trim(&self) {
        self.wheel.borrow_mut().trim();
    }

    pub(crate) fn clear(&self) {
        self.wheel.replace(TimerWheel::new(0));
    }
}

impl Shard {
    /// Begins a tick at that time.
    pub(crate) fn tick_begins(&self, now: u64) {
        // The clock may have been read since the driver of this worker read it.
        let now = now.max(self.now.get());
        self.now.set(now);
        self.alarms.tick_began.set(now);
    }

    /// Ends a tick. The driver may then do something else for an hour, so the clock is read for each
    /// question that it asks.
    pub(crate) fn tick_ends(&self) {
        self.measure.set(Measure {
            is_slow: true,
            ..self.measure.get()
        });
    }

    /// Runs `code`; the clock is read for each question that is asked meanwhile.
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

    /// Sets how much the ticks from now on do.
    pub(crate) fn set_measure(&self, measure: Measure) {
        // A manual clock may be advanced by an hour within a short tick.
        let is_slow = measure.is_slow || matches!(self.clock, Some(Clock::Manual(_)));
        self.measure.set(Measure { is_slow, ..measure });
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
        let wait = self.waits.begin(None, ActorId::NOBODY);
        self.end_wait_by(wait, self.read_clock().saturating_add(after));
        wait
    }

    /// Makes a wait end at that time, unless it ends before.
    pub(crate) fn end_wait_by(&self, wait: Key, at: u64) {
        self.waits
            .arm(wait, self.alarms.set(at, Alarm::Wait(wait)), at);
    }
}
