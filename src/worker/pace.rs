//! How much work a worker does in one tick, so that timers and mail from outside are served in time: how many
//! messages it takes in, and how many it handles.
//!
//! The clock is read once per tick, not after each message, which would cost more than a message does. So
//! each tick is sized by the one before: it is smaller if that took long, and larger, up to a limit, if it
//! did not. After a rest, when nothing is known, it is small.

use crate::shard::TickBudget;

/// The longest that a tick should take, in nanoseconds.
const LONG: u64 = 500_000;
/// A tick that takes less than this could have been longer.
const SHORT: u64 = LONG / 4;

/// The most messages in one tick.
const MOST: u32 = TickBudget::MOST.messages;
/// Messages in the first tick after a rest.
const AFTER_REST: u32 = 32;

pub(super) struct TickPacer {
    messages: u32,
    /// When the last tick began, and how many messages had been begun then; `None` after a rest.
    last: Option<(u64, u64)>,
}

impl TickPacer {
    pub(super) fn new() -> Self {
        Self {
            messages: AFTER_REST,
            last: None,
        }
    }

    /// Begins a tick and returns how much it is to do. `begun` counts the messages so far, including those
    /// whose handlers wait or have left them unhandled.
    #[allow(clippy::cast_possible_truncation)] // the numbers are small
    pub(super) fn begin(&mut self, now: u64, begun: u64) -> TickBudget {
        if let Some((since, before)) = self.last.replace((now, begun)) {
            let took = now.saturating_sub(since);
            if took > LONG {
                let done = (begun - before).clamp(1, self.messages.into());
                self.messages = (done * LONG / took).max(1) as u32;
            } else if took < SHORT {
                self.messages = (self.messages * 2).min(MOST);
            }
        }
        TickBudget {
            turns: self.messages.min(TickBudget::MOST.turns),
            messages: self.messages,
            messages_per_turn: TickBudget::MOST
                .messages_per_turn
                .min(self.messages as usize),
            is_slow: self.messages < AFTER_REST,
        }
    }

    /// Notes that the worker has nothing to do.
    pub(super) fn rest(&mut self) {
        self.last = None;
        self.messages = self.messages.min(AFTER_REST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_is_as_long_as_the_one_before_lets_expect() {
        let mut pace = TickPacer::new();
        let (mut now, mut handled) = (0, 0);
        // Messages of a millisecond each: after the first tick, one at a time.
        assert_eq!(pace.begin(now, handled).messages, AFTER_REST);
        (now, handled) = (now + 32_000_000, handled + 32);
        let measure = pace.begin(now, handled);
        assert_eq!((measure.messages, measure.turns), (1, 1));
        assert!(measure.is_slow);
        // Messages of ten nanoseconds each: as many as are permitted.
        for _ in 0..12 {
            (now, handled) = (now + 10, handled + 1);
            pace.begin(now, handled);
        }
        let measure = pace.begin(now, handled);
        assert_eq!((measure.messages, measure.turns), (1024, 128));
        assert_eq!(measure.messages_per_turn, 256);
        assert!(!measure.is_slow);
        // Turns in which nothing is handled, of a millisecond each.
        now += 128_000_000;
        assert_eq!(pace.begin(now, handled).turns, 1);
        // After a rest nothing is known.
        pace.rest();
        now += 1_000_000_000;
        assert_eq!(pace.begin(now, handled).messages, 1);
    }
}
