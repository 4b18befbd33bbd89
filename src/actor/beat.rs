//! What a worker is at: written by the worker at every turn, read by whoever watches over it.
//!
//! It is a sequence lock (Lameter, "Effective synchronization on Linux/NUMA systems", 2005, has the
//! name): the number of the turn is odd while the fields are those of a handler that runs, and a
//! reader takes them for good only if the number is the same before and after.

#![allow(unsafe_code)]

use std::ptr;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, fence};

use super::id::Key;
use super::slot::MailKind;

/// The present turn of one worker.
#[derive(Default)]
pub(crate) struct Beat {
    /// The number of the turn, one more each time a handler begins, goes on or ends; even while none
    /// runs.
    turn: AtomicU64,
    slot: AtomicU32,
    generation: AtomicU32,
    mail: AtomicPtr<MailKind>,
}

/// Whose handler runs, for a worker that leaves it and comes back.
#[derive(Clone, Copy)]
pub(crate) struct Running {
    key: Key,
    mail: *mut MailKind,
}

/// A handler that runs, as seen from another thread.
pub(crate) struct Seen {
    pub(crate) turn: u64,
    pub(crate) key: Key,
    pub(crate) message_type: &'static str,
}

impl Running {
    const NOBODY: Self = Self {
        key: Key {
            slot: 0,
            generation: 0,
        },
        mail: ptr::null_mut(),
    };

    #[inline(always)]
    pub(crate) fn of(key: Key, mail: &'static MailKind) -> Self {
        Self {
            key,
            mail: ptr::from_ref(mail).cast_mut(),
        }
    }
}

impl Beat {
    /// A handler begins, or goes on.
    #[inline(always)]
    pub(crate) fn begin(&self, running: Running) {
        let turn = self.turn.load(Relaxed) | 1;
        self.turn.store(turn + 1, Relaxed);
        // Pairs with the fence in `look`: whoever sees a field of this turn no longer sees the turn
        // before.
        fence(Release);
        self.slot.store(running.key.slot, Relaxed);
        self.generation.store(running.key.generation, Relaxed);
        self.mail.store(running.mail, Relaxed);
        // Pairs with the acquire in `turn`: whoever sees the turn sees whose it is.
        self.turn.store(turn + 2, Release);
    }

    /// It ends, or waits. Answers whose it was.
    #[inline(always)]
    pub(crate) fn end(&self) {
        let turn = self.turn.load(Relaxed);
        self.turn.store((turn | 1) + 1, Relaxed);
    }

    /// Whose handler runs.
    #[inline(always)]
    pub(crate) fn running(&self) -> Running {
        if !Self::is_running(self.turn.load(Relaxed)) {
            return Running::NOBODY;
        }
        Running {
            key: Key {
                slot: self.slot.load(Relaxed),
                generation: self.generation.load(Relaxed),
            },
            mail: self.mail.load(Relaxed),
        }
    }

    /// Goes back to what ran before, if anything did.
    #[inline(always)]
    pub(crate) fn go_on(&self, running: Running) {
        if running.mail.is_null() {
            self.end();
        } else {
            self.begin(running);
        }
    }

    /// Whose handler ran last, and whether it still runs: for the worker's own thread.
    pub(crate) fn last(&self) -> Option<(Key, bool)> {
        let key = Key {
            slot: self.slot.load(Relaxed),
            generation: self.generation.load(Relaxed),
        };
        let any = !self.mail.load(Relaxed).is_null();
        any.then_some((key, Self::is_running(self.turn.load(Relaxed))))
    }

    /// The number of the present turn.
    pub(crate) fn turn(&self) -> u64 {
        self.turn.load(Acquire)
    }

    /// Whether a handler runs in a turn of that number.
    #[inline(always)]
    pub(crate) const fn is_running(turn: u64) -> bool {
        turn & 1 == 1
    }

    /// The handler that runs, for another thread to see.
    pub(crate) fn look(&self) -> Option<Seen> {
        let turn = self.turn();
        if !Self::is_running(turn) {
            return None;
        }
        let Running { key, mail } = self.running();
        // Pairs with the fence in `begin`.
        fence(Acquire);
        if self.turn.load(Relaxed) != turn {
            return None;
        }
        // SAFETY: only `Running::of` makes a pointer that is not null, from a reference that is
        // valid for ever, and nothing is ever written through it.
        let mail = unsafe { mail.as_ref() }?;
        Some(Seen {
            turn,
            key,
            message_type: mail.message_type(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s9_3_a_handler_is_seen_while_it_runs_and_each_time_has_a_number_of_its_own() {
        let (beat, key) = (
            Beat::default(),
            Key {
                slot: 3,
                generation: 2,
            },
        );
        assert!(beat.look().is_none());
        beat.begin(Running::of(key, MailKind::of::<u8>()));
        let first = beat.look().unwrap();
        assert_eq!((first.key, first.message_type), (key, "u8"));
        let outer = beat.running();
        beat.begin(Running::of(key, MailKind::of::<u16>()));
        assert_eq!(beat.look().unwrap().message_type, "u16");
        beat.go_on(outer);
        let again = beat.look().unwrap();
        assert_eq!(again.message_type, "u8");
        assert_ne!(first.turn, again.turn);
        beat.end();
        assert!(beat.look().is_none() && !Beat::is_running(beat.turn()));
        beat.go_on(beat.running());
        assert!(beat.look().is_none());
    }
}
