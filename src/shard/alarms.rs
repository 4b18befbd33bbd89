//! The alarms of a worker: its timers, and the deadlines of its waits. Also how much a worker does in one tick.

use std::cell::{Cell, RefCell};

use crate::address::Key;
use crate::time::{TimerId, TimerWheel};

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
pub(crate) struct TickBudget {
    pub(crate) turns: u32,
    /// The most messages that it takes in, and that it handles.
    pub(crate) messages: u32,
    /// The most messages that an actor handles in one turn, so that other actors get theirs.
    pub(crate) messages_per_turn: usize,
    /// Whether messages take so long that the clock is read for each question.
    pub(crate) is_slow: bool,
}

impl TickBudget {
    /// The largest measure. A simulation always uses it, as no time passes within a tick there.
    pub(crate) const MOST: Self = Self {
        turns: 128,
        messages: 1024,
        messages_per_turn: 256,
        is_slow: false,
    };
}

/// The alarms of one worker. No user code runs while the wheel is borrowed.
pub(crate) struct Alarms {
    wheel: RefCell<TimerWheel<Alarm>>,
    /// When the current tick began.
    pub(super) tick_began: Cell<u64>,
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
    pub(super) fn trim(&self) {
        self.wheel.borrow_mut().trim();
    }

    pub(crate) fn clear(&self) {
        self.wheel.replace(TimerWheel::new(0));
    }
}
