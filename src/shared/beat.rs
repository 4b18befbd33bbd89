//! What a worker is at: written by the worker at every turn, read by whoever watches over it.
//!
//! It is a sequence lock (Lameter, "Effective synchronization on Linux/NUMA systems", 2005, has the
//! name): the number of the turn is odd while the fields are those of a handler that runs, and a
//! reader takes them for good only if the number is the same before and after.
//!
//! | step            | by whom    | number                 | fields                    |
//! |-----------------|------------|------------------------|---------------------------|
//! | [`Beat::begin`] | the worker | even → odd, afterwards | written, while it is even |
//! | [`Beat::end`]   | the worker | odd → even             | left as they are          |
//! | [`Beat::look`]  | any thread | read, before and after | read in between           |
//!
//! **Orderings.** The release of the odd number pairs with the acquire of [`Beat::look`]: whoever has read
//! it finds the fields of that turn, or later ones. The release of a field pairs with the acquire by which a
//! look reads it: whoever has read that of a later turn finds, at the second look at the number, what was
//! before it: the even number, or what came then. All else is relaxed: the worker reads what it has written
//! itself. All of that is written at every turn: on x86 they are plain stores. Checked by
//! `loom-tests/tests/beat.rs`.

use crate::sync::{AtomicPtr, AtomicU64, Mutant, is_mutated, ordering};
use std::ptr;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// How many of those who wait are noted: others take their places.
#[cfg(not(nexus_loom))]
const NOTED: usize = 64;
#[cfg(nexus_loom)]
const NOTED: usize = 2;

/// The present turn of one worker, which handles a `T`.
pub struct Beat<T> {
    /// The number of the turn, one more each time a handler begins, goes on or ends; even while none
    /// runs.
    turn: AtomicU64,
    key: AtomicU64,
    what: AtomicPtr<T>,
    /// Goes up while the worker gets on with what is no handler's: losing mail, say.
    progress: AtomicU64,
    /// Whose handlers wait in the middle, each by the number of its fiber; zero for nobody.
    waiting: [AtomicU64; NOTED],
}

/// Whose handler runs, and what it handles.
pub struct Running<T> {
    pub(crate) key: u64,
    /// Null if nobody's runs.
    pub(crate) what: *mut T,
}

impl<T> Clone for Running<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Running<T> {}

impl<T> Running<T> {
    /// That of the actor with that key.
    #[inline(always)]
    pub const fn new(key: u64, what: *mut T) -> Self {
        Self { key, what }
    }

    /// Its parts.
    #[inline(always)]
    pub const fn parts(self) -> (u64, *mut T) {
        (self.key, self.what)
    }
}

impl<T> Default for Beat<T> {
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

impl<T> Beat<T> {
    /// A handler begins, or goes on. None runs at the time.
    #[inline(always)]
    pub fn begin(&self, running: Running<T>) {
        let release = ordering(Release, Mutant::BeatFieldsUnreleased);
        self.key.store(running.key, release);
        self.what.store(running.what, release);
        let turn = self.turn.load(Relaxed);
        let release = ordering(Release, Mutant::BeatTurnUnreleased);
        self.turn.store(turn | 1, release);
    }

    /// It ends, or waits.
    #[inline(always)]
    pub fn end(&self) {
        let turn = self.turn.load(Relaxed);
        self.turn.store((turn | 1) + 1, Relaxed);
    }

    /// Another handler runs in the middle of this one, as when it starts an actor.
    #[inline]
    pub fn begin_within(&self, running: Running<T>) {
        if !is_mutated(Mutant::BeatNeverEven) {
            self.end();
        }
        self.begin(running);
    }

    /// Goes back to what ran before, if anything did.
    #[inline(always)]
    pub fn go_on(&self, running: Running<T>) {
        if Self::is_running(self.turn.load(Relaxed)) {
            self.end();
        }
        if !running.what.is_null() {
            self.begin(running);
        }
    }

    /// Whose handler runs. The worker's.
    #[inline(always)]
    pub fn running(&self) -> Running<T> {
        if Self::is_running(self.turn.load(Relaxed)) {
            self.last()
        } else {
            Running::new(0, ptr::null_mut())
        }
    }

    /// Whose handler ran last. The worker's.
    #[inline(always)]
    pub fn last(&self) -> Running<T> {
        Running::new(self.key.load(Relaxed), self.what.load(Relaxed))
    }

    /// The number of the present turn.
    #[inline(always)]
    pub fn turn(&self) -> u64 {
        self.turn.load(Relaxed)
    }

    /// The worker gets on, in the middle of a turn or without one.
    ///
    /// Relaxed: who looks whether it has changed looks again and again, and reads nothing else by it.
    #[inline]
    pub fn note_progress(&self) {
        let progress = self.progress.load(Relaxed);
        self.progress.store(progress.wrapping_add(1), Relaxed);
    }

    /// The handler of the actor with that key waits, on the fiber of that number.
    ///
    /// Relaxed: a key says all by itself, and is true of some moment.
    #[inline(always)]
    pub fn note_wait(&self, fiber: u32, key: u64) {
        self.waiting[fiber as usize % NOTED].store(key, Relaxed);
    }

    /// It goes on.
    #[inline(always)]
    pub fn note_no_wait(&self, fiber: u32) {
        self.note_wait(fiber, 0);
    }

    /// Those whose handlers wait in the middle, by their keys, as far as they are noted.
    pub fn waiting(&self) -> impl Iterator<Item = u64> {
        let keys = self.waiting.iter().map(|key| key.load(Relaxed));
        keys.filter(|&key| key != 0)
    }

    /// The present turn, and a number that changes while the worker gets on with it or without one.
    pub fn turn_and_progress(&self) -> (u64, u64) {
        (self.turn(), self.progress.load(Relaxed))
    }

    /// The handler that runs, with the number of its turn, for another thread to see; `None` where none does,
    /// or where it has just ended.
    pub fn look(&self) -> Option<(u64, Running<T>)> {
        let turn = self
            .turn
            .load(ordering(Acquire, Mutant::BeatTurnUnacquired));
        if !Self::is_running(turn) {
            return None;
        }
        let acquire = ordering(Acquire, Mutant::BeatFieldsUnacquired);
        let running = Running::new(self.key.load(acquire), self.what.load(acquire));
        let same = self.turn.load(Relaxed) == turn || is_mutated(Mutant::BeatSeenOnce);
        same.then_some((turn, running))
    }

    /// Whether a handler runs in a turn of that number.
    #[inline(always)]
    pub const fn is_running(turn: u64) -> bool {
        turn & 1 == 1
    }
}
