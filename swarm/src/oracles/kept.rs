//! What an actor keeps for itself: timers ring in time and not after their end, and what was put
//! aside comes back in order.

use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};

use super::{Check, ensure};

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

#[derive(Clone, Copy, Debug)]
struct Armed {
    start: u32,
    due: u64,
    repeats: Repeats,
    left: u32,
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
        let armed = Armed {
            start: self.started,
            due,
            repeats,
            left: most,
        };
        self.armed.insert(key, armed);
        let start = self.started;
        Ring { key, start }
    }

    /// Whether a timer of that key is there.
    pub fn is_active(&self, key: u64) -> bool {
        self.armed.contains_key(&key)
    }

    /// A timer is cancelled.
    pub fn is_cancelled(&mut self, key: u64) {
        self.armed.remove(&key);
    }

    /// The message of a timer is handled. Answers whether it is to be cancelled, having rung often
    /// enough.
    ///
    /// # Errors
    ///
    /// When it was cancelled or replaced, or belongs to an instance before; when it comes too early.
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
            }
            Repeats::AfterHandling(every) => armed.due = now + every,
            // Which beats were missed is not known: it began in a round of its worker, and nobody
            // is told when in that.
            Repeats::InBeat(every) => armed.due = due + every,
        }
        ensure(!early, || format!("{ring:?} rang at {now}, due at {due}"))?;
        let armed = self.armed.get(&ring.key);
        Ok(armed.is_some_and(|armed| armed.left == 0))
    }
}

/// What an actor has ever put aside, by the ids of the messages, and what it has lost of that: questions
/// that were taken back.
#[derive(Debug, Default)]
pub struct PutAside(Mutex<BTreeMap<u64, Aside>>);

#[derive(Clone, Copy, Debug)]
struct Aside {
    is_question: bool,
    is_lost: bool,
}

impl PutAside {
    /// A message is put aside.
    pub fn takes(&self, message: u64, is_question: bool) {
        let aside = Aside {
            is_question,
            is_lost: false,
        };
        self.0.lock().insert(message, aside);
    }

    /// A message was taken back. Answers whether it was here.
    pub fn loses(&self, message: u64) -> bool {
        let mut messages = self.0.lock();
        let aside = messages.get_mut(&message);
        aside.is_some_and(|aside| !std::mem::replace(&mut aside.is_lost, true))
    }

    /// Whether a message does not come back: it was lost, or may have been where not all is heard of such
    /// losses.
    pub fn is_gone(&self, message: u64, hears_all: bool) -> bool {
        let messages = self.0.lock();
        let aside = messages.get(&message);
        aside.is_some_and(|aside| aside.is_lost || !hears_all && aside.is_question)
    }
}

/// What one instance of an actor has put aside, by the ids of the messages.
#[derive(Debug, Default)]
pub struct StashBook {
    aside: VecDeque<u64>,
    replayed: VecDeque<u64>,
}

impl StashBook {
    /// A message is put aside.
    pub fn takes(&mut self, message: u64) {
        self.aside.push_back(message);
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

    /// A message is handled that was put aside; some that were to come before may be gone.
    ///
    /// # Errors
    ///
    /// When another one was to come, or none.
    pub fn comes_back(&mut self, message: u64, is_gone: impl Fn(u64) -> bool) -> Check {
        while let Some(next) = self.replayed.front()
            && *next != message
            && is_gone(*next)
        {
            self.replayed.pop_front();
        }
        let expected = self.replayed.pop_front();
        ensure(expected == Some(message), || {
            format!("message {message:x} came back, where {expected:x?} was to come")
        })
    }

    /// A message of the mail is handled.
    ///
    /// # Errors
    ///
    /// When some that were taken out, and are not gone, were to come before it.
    pub fn comes_before_mail(&mut self, is_gone: impl Fn(u64) -> bool) -> Check {
        self.replayed.retain(|message| !is_gone(*message));
        ensure(self.replayed.is_empty(), || {
            let left = self.replayed.len();
            format!("mail was handled before {left} messages that were put aside")
        })
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
