//! What a worker is at: written by the worker at every turn, read by whoever watches over it.
//!
//! It is a sequence lock (Lameter, "Effective synchronization on Linux/NUMA systems", 2005, has the
//! name): the number of the turn is odd while the fields are those of a handler that runs, and a
//! reader takes them for good only if the number is the same before and after.
//!
//! **Orderings.** A field is stored with release after the number has become even, so whoever
//! acquires it and looks at the number again no longer finds the odd one of before. The odd number is
//! stored with release after the fields, so whoever acquires it finds them. All of that is written at
//! every turn: on x86 they are plain stores.

#![allow(unsafe_code)]

use std::ptr;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicPtr, AtomicU64};

use super::id::Key;
use super::mail_kind::MailKind;

/// The present turn of one worker.
#[derive(Default)]
pub(crate) struct Beat {
    /// The number of the turn, one more each time a handler begins, goes on or ends; even while none
    /// runs.
    turn: AtomicU64,
    /// The actor's slot, above its generation.
    key: AtomicU64,
    mail: AtomicPtr<MailKind>,
    /// Goes up while the worker gets on with what is no handler's: losing mail, say.
    progress: AtomicU64,
}

/// Whose handler runs, for a worker that leaves it and comes back.
#[derive(Clone, Copy)]
pub(crate) struct Running {
    key: Key,
    mail: *mut MailKind,
}

/// A handler that runs, as seen from another thread.
pub(crate) struct RunningHandler {
    pub(crate) turn: u64,
    pub(crate) key: Key,
    pub(crate) message_type: &'static str,
}

impl Running {
    pub(super) const NOBODY: Self = Self {
        key: Key::new(0, 0),
        mail: ptr::null_mut(),
    };

    /// A turn of the tenant of a slot, with the slot's kind of mail.
    #[inline(always)]
    pub(crate) fn of_turn(key: Key, mail: Option<&'static MailKind>) -> Self {
        let mail = mail.map_or(ptr::null_mut(), |mail| ptr::from_ref(mail).cast_mut());
        Self { key, mail }
    }

    #[inline(always)]
    pub(crate) fn of(key: Key, mail: &'static MailKind) -> Self {
        Self {
            key,
            mail: ptr::from_ref(mail).cast_mut(),
        }
    }
}

impl Beat {
    /// A handler begins, or goes on. None runs at the time.
    #[inline(always)]
    pub(crate) fn begin(&self, running: Running) {
        self.key.store(running.key.to_bits(), Release);
        self.mail.store(running.mail, Release);
        let turn = self.turn.load(Relaxed);
        self.turn.store(turn | 1, Release);
    }

    /// It ends, or waits.
    #[inline(always)]
    pub(crate) fn end(&self) {
        let turn = self.turn.load(Relaxed);
        self.turn.store((turn | 1) + 1, Relaxed);
    }

    /// Another handler runs in the middle of this one, as when it starts an actor.
    pub(crate) fn begin_within(&self, running: Running) {
        self.end();
        self.begin(running);
    }

    /// Whose handler runs.
    #[inline(always)]
    pub(crate) fn running(&self) -> Running {
        if !Self::is_running(self.turn.load(Relaxed)) {
            return Running::NOBODY;
        }
        Running {
            key: self.key(),
            mail: self.mail.load(Acquire),
        }
    }

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)] // the halves are slot and generation
    fn key(&self) -> Key {
        Key::from_bits(self.key.load(Acquire))
    }

    /// Goes back to what ran before, if anything did.
    #[inline(always)]
    pub(crate) fn go_on(&self, running: Running) {
        if Self::is_running(self.turn.load(Relaxed)) {
            self.end();
        }
        if !running.mail.is_null() {
            self.begin(running);
        }
    }

    /// Whose handler ran last, and whether it still runs: for the worker's own thread.
    pub(crate) fn last(&self) -> Option<(Key, bool)> {
        let any = !self.mail.load(Relaxed).is_null();
        any.then_some((self.key(), Self::is_running(self.turn.load(Relaxed))))
    }

    /// The worker gets on, in the middle of a turn or without one.
    ///
    /// Relaxed: who looks whether it has changed looks again and again, and reads nothing else by it.
    #[inline]
    pub(crate) fn note_progress(&self) {
        let progress = self.progress.load(Relaxed);
        self.progress.store(progress.wrapping_add(1), Relaxed);
    }

    /// The present turn, and a number that changes while the worker gets on with it or without one.
    pub(crate) fn turn_and_progress(&self) -> (u64, u64) {
        (self.turn(), self.progress.load(Relaxed))
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
    pub(crate) fn look(&self) -> Option<RunningHandler> {
        let turn = self.turn();
        if !Self::is_running(turn) {
            return None;
        }
        let Running { key, mail } = self.running();
        if self.turn.load(Acquire) != turn {
            return None;
        }
        // SAFETY: only `Running::of` makes a pointer that is not null, from a reference that is
        // valid for ever, and nothing is ever written through it.
        let mail = unsafe { mail.as_ref() }?;
        Some(RunningHandler {
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
        let (beat, key) = (Beat::default(), Key::new(3, 2));
        assert!(beat.look().is_none());
        beat.begin(Running::of(key, MailKind::of::<u8>()));
        let first = beat.look().unwrap();
        assert_eq!((first.key, first.message_type), (key, "u8"));
        let outer = beat.running();
        beat.begin_within(Running::of(key, MailKind::of::<u16>()));
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
