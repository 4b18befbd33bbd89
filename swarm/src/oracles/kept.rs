//! What an actor stores for itself: timers fire on time and not after their end, and stashed
//! messages come back in order.

use std::collections::{BTreeMap, VecDeque};

use super::{Asks, Check, ensure};

/// The timer of a message: its key, and the number of its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ring {
    /// Its key.
    pub key: u64,
    /// The number of its start.
    pub start: u32,
}

/// What a timer does after it has fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeats {
    /// Nothing.
    Never,
    /// It fires again that long after the handling.
    AfterHandling(u64),
    /// It fires again at a fixed rate.
    InBeat(u64),
}

#[derive(Clone, Debug)]
struct Armed {
    start: u32,
    due: u64,
    repeats: Repeats,
    left: u32,
    beats: Option<Beats>,
}

/// The times at which a timer with a fixed rate may be due. The time at which it began, in a round
/// of its worker, is reported to no one, but between two firings one of its times has passed,
/// whatever was missed.
#[derive(Clone, Debug)]
struct Beats {
    every: u64,
    /// The earliest time of the first tick.
    earliest: u64,
    last: Option<u64>,
    /// The possible delays of the ticks against that, up to a period, as half-open ranges.
    offsets: Vec<(u64, u64)>,
}

impl Beats {
    fn new(every: u64, earliest: u64) -> Self {
        Self {
            every,
            earliest,
            last: None,
            offsets: vec![(0, every)],
        }
    }

    /// Records that it fires. Returns whether any possible ticks fit.
    fn rings(&mut self, now: u64) -> bool {
        let Some(last) = self.last.replace(now) else {
            let most = now.saturating_sub(self.earliest) + 1;
            self.keep(&[(0, most.min(self.every))]);
            return true;
        };
        let took = now.saturating_sub(last);
        if took >= self.every {
            return true;
        }
        // One tick is later than the last firing, and not later than this one.
        let from = (last + 1).saturating_sub(self.earliest) % self.every;
        let to = from + took;
        match to <= self.every {
            true => self.keep(&[(from, to)]),
            false => self.keep(&[(from, self.every), (0, to - self.every)]),
        }
        !self.offsets.is_empty()
    }

    fn keep(&mut self, among: &[(u64, u64)]) {
        let known = std::mem::take(&mut self.offsets);
        let both = |(from, to): (u64, u64)| {
            let meet = among
                .iter()
                .map(move |one| (from.max(one.0), to.min(one.1)));
            meet.filter(|(from, to)| from < to)
        };
        self.offsets = known.into_iter().flat_map(both).collect();
    }
}

/// The timers of one instance of an actor, by key. Times are nanoseconds.
#[derive(Debug, Default)]
pub struct TimerBook {
    armed: BTreeMap<u64, Armed>,
    started: u32,
}

/// More timers than one instance starts.
const TIMERS: u32 = 1 << 16;

impl TimerBook {
    /// The timers of the instance with that number; they differ from those of earlier instances.
    pub fn of(incarnation: u32) -> Self {
        Self {
            started: incarnation * TIMERS,
            ..Self::default()
        }
    }

    /// Records that a timer starts, replacing one with the same key, and is to fire at most `most`
    /// times.
    pub fn starts(&mut self, key: u64, due: u64, repeats: Repeats, most: u32) -> Ring {
        self.started += 1;
        let beats = match repeats {
            Repeats::InBeat(every) => Some(Beats::new(every, due)),
            _ => None,
        };
        let armed = Armed {
            start: self.started,
            due,
            repeats,
            left: most,
            beats,
        };
        self.armed.insert(key, armed);
        let start = self.started;
        Ring { key, start }
    }

    /// Notes that it is not known to the nanosecond which tick a firing belongs to: on threads,
    /// unlike in a simulation, the clock advances between the reading that determines the next tick
    /// and that of the handler.
    pub fn beats_are_blurred(&mut self, key: u64) {
        if let Some(armed) = self.armed.get_mut(&key) {
            armed.beats = None;
        }
    }

    /// Whether there is a timer with that key.
    pub fn is_active(&self, key: u64) -> bool {
        self.armed.contains_key(&key)
    }

    /// Records that a timer is cancelled.
    pub fn is_cancelled(&mut self, key: u64) {
        self.armed.remove(&key);
    }

    /// Ends all timers.
    pub fn end(&mut self) {
        self.armed.clear();
    }

    /// Checks, when nothing is left to do, that all timers have fired as often as they were to.
    ///
    /// # Errors
    ///
    /// If one has not.
    pub fn have_rung(&self) -> Check {
        ensure(self.armed.is_empty(), || {
            format!("timers never rang: {:?}", self.armed)
        })
    }

    /// Records that a timer's message is handled. Returns whether the timer is to be cancelled
    /// because it has fired often enough.
    ///
    /// # Errors
    ///
    /// If it was cancelled or replaced, or belongs to an earlier instance; if it fires too early,
    /// or makes up for missed ticks.
    pub fn rings(&mut self, ring: Ring, now: u64) -> Result<bool, String> {
        let armed = self.armed.get_mut(&ring.key);
        let Some(armed) = armed.filter(|armed| armed.start == ring.start) else {
            return Err(format!("{ring:?} rang, and was over"));
        };
        let (due, early) = (armed.due, now < armed.due);
        armed.left = armed.left.saturating_sub(1);
        match armed.repeats {
            Repeats::Never => {
                self.armed.remove(&ring.key);
                return match early {
                    true => Err(format!("{ring:?} rang at {now}, due at {due}")),
                    false => Ok(false),
                };
            }
            Repeats::AfterHandling(every) => armed.due = now + every,
            Repeats::InBeat(every) => armed.due = due + every,
        }
        ensure(!early, || format!("{ring:?} rang at {now}, due at {due}"))?;
        if let Some(beats) = &mut armed.beats {
            let last = beats.last;
            let fits = beats.rings(now);
            ensure(fits, || {
                format!("{ring:?} rang at {last:?} and at {now}, and no beat lies between")
            })?;
        }
        Ok(armed.left == 0)
    }
}

/// A stashed message.
#[derive(Clone, Copy, Debug)]
struct Aside {
    message: u64,
    /// The ask that the message is the question of.
    ask: Option<usize>,
}

/// What one instance of an actor has stashed.
#[derive(Debug, Default)]
pub struct StashBook {
    aside: VecDeque<Aside>,
    replayed: VecDeque<Aside>,
}

impl StashBook {
    /// Records that a message is stashed; `ask` is set if it is a question.
    pub fn takes(&mut self, message: u64, ask: Option<usize>) {
        self.aside.push_back(Aside { message, ask });
    }

    /// The number of stashed messages that wait to be unstashed.
    pub fn aside(&self) -> usize {
        self.aside.len()
    }

    /// The total number of messages in it.
    pub fn len(&self) -> usize {
        self.aside.len() + self.replayed.len()
    }

    /// Whether it has no messages.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Records that all stashed messages are unstashed.
    pub fn is_replayed(&mut self) {
        self.replayed.append(&mut self.aside);
    }

    /// Records that a message from the stash is handled.
    ///
    /// # Errors
    ///
    /// If another one was due, or none.
    pub fn comes_back(&mut self, message: u64, asks: &Asks) -> Check {
        self.forget_taken_back(asks);
        let expected = self.replayed.pop_front().map(|aside| aside.message);
        ensure(expected == Some(message), || {
            format!("message {message:x} came back, where {expected:x?} was to come")
        })
    }

    /// Records that a message of the mail is handled.
    ///
    /// # Errors
    ///
    /// If unstashed messages were due before it.
    pub fn comes_before_mail(&mut self, asks: &Asks) -> Check {
        self.forget_taken_back(asks);
        ensure(self.replayed.is_empty(), || {
            let left = self.replayed.len();
            format!("mail was handled before {left} messages that were put aside")
        })
    }

    /// Drops questions that were taken back: they do not arrive.
    fn forget_taken_back(&mut self, asks: &Asks) {
        let taken_back = |aside: &Aside| aside.ask.is_some_and(|ask| asks.is_taken_back(ask));
        self.replayed.retain(|aside| !taken_back(aside));
    }

    /// Checks that a message was given back because a stash of that capacity was full.
    ///
    /// # Errors
    ///
    /// If the stash was not full.
    pub fn is_full(&self, capacity: usize) -> Check {
        let len = self.len();
        ensure(len >= capacity, || {
            format!("a stash of {capacity} was full with {len} messages")
        })
    }
}
