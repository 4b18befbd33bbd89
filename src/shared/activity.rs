//! The current activity of a worker: written by the worker at every turn, read by any thread that watches it.
//!
//! It is a sequence lock (Lameter, "Effective synchronization on Linux/NUMA systems", 2005, has the name).
//! The number of the turn is odd while the fields are those of a running handler, and a reader accepts the
//! fields only if the number is the same before and after.
//!
//! | step            | by         | number                 | fields                    |
//! |-----------------|------------|------------------------|---------------------------|
//! | [`Activity::begin`] | the worker | even → odd, afterwards | written, while it is even |
//! | [`Activity::end`]   | the worker | odd → even             | left as they are          |
//! | [`Activity::look`]  | any thread | read, before and after | read in between           |
//!
//! **Orderings.** The release of the odd number pairs with the acquire of [`Activity::look`]: a reader that
//! has read it finds the fields of that turn, or later ones. The release of a field pairs with the acquire by
//! which `look` reads it: a reader that has read the field of a later turn finds, in the second read of the
//! number, what was written before that field: the even number, or a later one. All else is relaxed: the
//! worker reads only what it has written itself. All of this is written at every turn: on x86 they are plain
//! stores. Checked by `loom-tests/tests/activity.rs`.

use crate::sync::{AtomicPtr, AtomicU64, Mutant, is_mutated, ordering};
use std::ptr;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// How many waiting handlers are noted; further ones overwrite them.
const NOTED: usize = if cfg!(nexus_loom) { 2 } else { 64 };

/// The current turn of one worker, which handles a `T`.
pub struct Activity<T> {
    /// The number of the turn. It grows by one each time a handler begins, resumes or ends, and is even while
    /// none runs.
    turn: AtomicU64,
    key: AtomicU64,
    what: AtomicPtr<T>,
    /// Grows while the worker progresses outside of handlers, for example when it drops mail.
    progress: AtomicU64,
    /// The keys of actors whose handlers wait in the middle, by the number of the fiber; zero for none.
    waiting: [AtomicU64; NOTED],
}

/// The actor whose handler runs, and what it handles.
pub struct ActivityMark<T> {
    pub(super) key: u64,
    /// Null if no handler runs.
    pub(super) what: *mut T,
}

impl<T> Clone for ActivityMark<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for ActivityMark<T> {}

impl<T> ActivityMark<T> {
    /// A handler of the actor with that key.
    #[inline(always)]
    pub const fn new(key: u64, what: *mut T) -> Self {
        Self { key, what }
    }

    /// Returns the parts.
    #[inline(always)]
    pub const fn parts(self) -> (u64, *mut T) {
        (self.key, self.what)
    }
}

impl<T> Default for Activity<T> {
    fn default() -> Self {
        Self {
            turn: AtomicU64::new(0),
            key: AtomicU64::new(0),
            what: AtomicPtr::new(ptr::null_mut()),
            progress: AtomicU64::new(0),
            waiting: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }
}

impl<T> Activity<T> {
    /// Notes that a handler begins, or resumes. None runs at this time.
    #[inline(always)]
    pub fn begin(&self, running: ActivityMark<T>) {
        let release = ordering(Release, Mutant::BeatFieldsUnreleased);
        self.key.store(running.key, release);
        self.what.store(running.what, release);
        let turn = self.turn.load(Relaxed);
        let release = ordering(Release, Mutant::BeatTurnUnreleased);
        self.turn.store(turn | 1, release);
    }

    /// Notes that the handler ends, or waits.
    #[inline(always)]
    pub fn end(&self) {
        let turn = self.turn.load(Relaxed);
        self.turn.store((turn | 1) + 1, Relaxed);
    }

    /// Notes that another handler begins in the middle of this one, for example when the handler starts an
    /// actor.
    #[inline]
    pub fn begin_within(&self, running: ActivityMark<T>) {
        if !is_mutated(Mutant::BeatNeverEven) {
            self.end();
        }
        self.begin(running);
    }

    /// Returns to the handler that ran before, if any did.
    #[inline(always)]
    pub fn go_on(&self, running: ActivityMark<T>) {
        if Self::is_running(self.turn.load(Relaxed)) {
            self.end();
        }
        if !running.what.is_null() {
            self.begin(running);
        }
    }

    /// Returns the handler that runs. For the worker only.
    #[inline(always)]
    pub fn running(&self) -> ActivityMark<T> {
        if Self::is_running(self.turn.load(Relaxed)) {
            self.last()
        } else {
            ActivityMark::new(0, ptr::null_mut())
        }
    }

    /// Returns the handler that ran last. For the worker only.
    #[inline(always)]
    pub fn last(&self) -> ActivityMark<T> {
        ActivityMark::new(self.key.load(Relaxed), self.what.load(Relaxed))
    }

    /// The number of the current turn.
    #[inline(always)]
    pub fn turn(&self) -> u64 {
        self.turn.load(Relaxed)
    }

    /// Notes that the worker progresses, inside of a turn or outside.
    ///
    /// Relaxed: a reader that checks whether it has changed reads it again and again, and reads nothing else
    /// through it.
    #[inline]
    pub fn note_progress(&self) {
        let progress = self.progress.load(Relaxed);
        self.progress.store(progress.wrapping_add(1), Relaxed);
    }

    /// Notes that the handler of the actor with that key waits, on the fiber with that number.
    ///
    /// Relaxed: a key is complete in itself, and was true at some moment.
    #[inline(always)]
    pub fn note_wait(&self, fiber: u32, key: u64) {
        self.waiting[fiber as usize % NOTED].store(key, Relaxed);
    }

    /// Notes that the handler on that fiber resumes.
    #[inline(always)]
    pub fn note_no_wait(&self, fiber: u32) {
        self.note_wait(fiber, 0);
    }

    /// Returns the keys of the actors whose handlers wait in the middle, as far as they are noted.
    pub fn waiting(&self) -> impl Iterator<Item = u64> {
        let keys = self.waiting.iter().map(|key| key.load(Relaxed));
        keys.filter(|&key| key != 0)
    }

    /// Returns the current turn, and a number that changes while the worker progresses, inside of a turn or
    /// outside.
    pub fn turn_and_progress(&self) -> (u64, u64) {
        (self.turn(), self.progress.load(Relaxed))
    }

    /// Returns the handler that runs, with the number of its turn, for use by another thread. Returns `None`
    /// if none runs, or if it has just ended.
    pub fn look(&self) -> Option<(u64, ActivityMark<T>)> {
        let turn = self
            .turn
            .load(ordering(Acquire, Mutant::BeatTurnUnacquired));
        if !Self::is_running(turn) {
            return None;
        }
        let acquire = ordering(Acquire, Mutant::BeatFieldsUnacquired);
        let running = ActivityMark::new(self.key.load(acquire), self.what.load(acquire));
        let same = self.turn.load(Relaxed) == turn || is_mutated(Mutant::BeatSeenOnce);
        same.then_some((turn, running))
    }

    /// Whether a handler runs in a turn with that number.
    #[inline(always)]
    pub const fn is_running(turn: u64) -> bool {
        turn & 1 == 1
    }
}
