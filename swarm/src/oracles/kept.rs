//! What an actor keeps for itself: timers ring in time and not after their end, and what was put
//! aside comes back in order.

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

/// What a timer does after it has rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeats {
    /// Nothing.
    Never,
    /// It rings again that long after the handling.
    AfterHandling(u64),
    /// It rings again in the same beat.
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

/// The times at which a timer with a fixed rate may be due. When it began, in a round of its worker, is
/// told to nobody, but between two rings one of its times has come, whatever was missed.
#[derive(Clone, Debug)]
struct Beats {
    every: u64,
    /// The earliest time of the first beat.
    earliest: u64,
    last: Option<u64>,
    /// By how much the beats may be later than that, up to a period: from, and up to before.
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

    /// It rings. Answers whether there are beats that fit.
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
        // One is later than the last ring, and not later than this one.
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

/// The timers of one instance of an actor, by their keys. Times are nanoseconds.
#[derive(Debug, Default)]
pub struct TimerBook {
    armed: BTreeMap<u64, Armed>,
    started: u32,
}

/// More timers than one instance starts.
const TIMERS: u32 = 1 << 16;

impl TimerBook {
    /// Of the instance of that number: its timers are others than those of an instance before.
    pub fn of(incarnation: u32) -> Self {
        Self {
            started: incarnation * TIMERS,
            ..Self::default()
        }
    }

    /// A timer starts, in the place of another one of its key, and is to ring so often at the most.
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

    /// Which beat a ring is for is not known to the last nanosecond: the clock goes on between the look by
    /// which the next beat is found and that of the handler. On threads, and not in a simulation.
    pub fn beats_are_blurred(&mut self, key: u64) {
        if let Some(armed) = self.armed.get_mut(&key) {
            armed.beats = None;
        }
    }

    /// Whether a timer of that key is there.
    pub fn is_active(&self, key: u64) -> bool {
        self.armed.contains_key(&key)
    }

    /// A timer is cancelled.
    pub fn is_cancelled(&mut self, key: u64) {
        self.armed.remove(&key);
    }

    /// All of them end.
    pub fn end(&mut self) {
        self.armed.clear();
    }

    /// Nothing is left to do: all have rung as often as they were to.
    ///
    /// # Errors
    ///
    /// When one has not.
    pub fn have_rung(&self) -> Check {
        ensure(self.armed.is_empty(), || {
            format!("timers never rang: {:?}", self.armed)
        })
    }

    /// The message of a timer is handled. Answers whether it is to be cancelled, having rung often
    /// enough.
    ///
    /// # Errors
    ///
    /// When it was cancelled or replaced, or belongs to an instance before; when it comes too early, or
    /// makes up for beats that were missed.
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

/// A message that was put aside.
#[derive(Clone, Copy, Debug)]
struct Aside {
    message: u64,
    /// The ask whose question it is.
    ask: Option<usize>,
}

/// What one instance of an actor has put aside.
#[derive(Debug, Default)]
pub struct StashBook {
    aside: VecDeque<Aside>,
    replayed: VecDeque<Aside>,
}

impl StashBook {
    /// A message is put aside, which may be the question of an ask.
    pub fn takes(&mut self, message: u64, ask: Option<usize>) {
        self.aside.push_back(Aside { message, ask });
    }

    /// How many messages are aside, waiting to be taken out.
    pub fn aside(&self) -> usize {
        self.aside.len()
    }

    /// How many messages are in it in all.
    pub fn len(&self) -> usize {
        self.aside.len() + self.replayed.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All that is aside is taken out.
    pub fn is_replayed(&mut self) {
        self.replayed.append(&mut self.aside);
    }

    /// A message is handled that was put aside.
    ///
    /// # Errors
    ///
    /// When another one was to come, or none.
    pub fn comes_back(&mut self, message: u64, asks: &Asks) -> Check {
        self.forget_taken_back(asks);
        let expected = self.replayed.pop_front().map(|aside| aside.message);
        ensure(expected == Some(message), || {
            format!("message {message:x} came back, where {expected:x?} was to come")
        })
    }

    /// A message of the mail is handled.
    ///
    /// # Errors
    ///
    /// When some that were taken out were to come before it.
    pub fn comes_before_mail(&mut self, asks: &Asks) -> Check {
        self.forget_taken_back(asks);
        ensure(self.replayed.is_empty(), || {
            let left = self.replayed.len();
            format!("mail was handled before {left} messages that were put aside")
        })
    }

    /// Questions that were taken back do not come.
    fn forget_taken_back(&mut self, asks: &Asks) {
        let taken_back = |aside: &Aside| aside.ask.is_some_and(|ask| asks.is_taken_back(ask));
        self.replayed.retain(|aside| !taken_back(aside));
    }

    /// A message was given back, as a stash of that capacity was full.
    ///
    /// # Errors
    ///
    /// When it was not.
    pub fn is_full(&self, capacity: usize) -> Check {
        let len = self.len();
        ensure(len >= capacity, || {
            format!("a stash of {capacity} was full with {len} messages")
        })
    }
}
