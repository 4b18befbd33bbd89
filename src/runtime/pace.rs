//! How much a worker does in one tick, so that timers and mail from outside are looked after in time: how many
//! messages it takes in, and how many it handles.
//!
//! The clock is read once a tick, not after each message, which would cost more than a message does. So
//! the next tick is measured by the one before: it is shorter where that took long, and longer, up to a
//! limit, where it did not. After a rest, where nothing is known, it is short.

use crate::actor::Measure;

/// A tick is to take no longer, in nanoseconds.
const LONG: u64 = 500_000;
/// One that takes less may have been longer.
const SHORT: u64 = LONG / 4;

/// Messages in one tick at the most.
const MOST: u32 = Measure::MOST.messages;
/// Messages in the first tick after a rest.
const AFTER_REST: u32 = 32;

pub(super) struct Pace {
    messages: u32,
    /// When the last tick began, and how many messages had been begun then; none after a rest.
    last: Option<(u64, u64)>,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            messages: AFTER_REST,
            last: None,
        }
    }

    /// A tick begins: how much it is to do. `begun` counts the messages so far, also those whose handlers wait
    /// or have left them.
    #[allow(clippy::cast_possible_truncation)] // they are few
    pub(super) fn begin(&mut self, now: u64, begun: u64) -> Measure {
        if let Some((since, before)) = self.last.replace((now, begun)) {
            let took = now.saturating_sub(since);
            if took > LONG {
                let done = (begun - before).clamp(1, self.messages.into());
                self.messages = (done * LONG / took).max(1) as u32;
            } else if took < SHORT {
                self.messages = (self.messages * 2).min(MOST);
            }
        }
        Measure {
            turns: self.messages.min(Measure::MOST.turns),
            messages: self.messages,
            messages_per_turn: Measure::MOST.messages_per_turn.min(self.messages as usize),
            is_slow: self.messages < AFTER_REST,
        }
    }

    /// The worker has nothing to do.
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
        let mut pace = Pace::new();
        let (mut now, mut handled) = (0, 0);
        // Messages of a millisecond each: after the first tick, one at a time.
        assert_eq!(pace.begin(now, handled).messages, AFTER_REST);
        (now, handled) = (now + 32_000_000, handled + 32);
        let measure = pace.begin(now, handled);
        assert_eq!((measure.messages, measure.turns), (1, 1));
        assert!(measure.is_slow);
        // Messages of ten nanoseconds each: as many as there may be.
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
