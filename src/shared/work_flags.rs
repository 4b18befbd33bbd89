//! The sleep of a watcher over threads that work and rest. When all of them rest, the watcher sleeps, and the
//! first one that works again wakes it.
//!
//! | step               | by                | its own flag | then, after a fence              |
//! |--------------------|-------------------|--------------|----------------------------------|
//! | [`WorkFlags::goes_on`]   | a watched thread  | awake        | wakes the watcher, if it sleeps  |
//! | [`WorkFlags::rests`]     | a watched thread  | at rest      | –                                |
//! | [`Watcher::sleep`] | the watcher       | asleep       | parks, if all the others rest    |
//! | [`WorkFlags::end`]       | any thread        | ended        | unparks the watcher              |
//!
//! **No work goes unwatched.** One of the two fences comes first. What its thread wrote before it is visible
//! after the other one. So either the thread that resumes work sees that the watcher sleeps, or the watcher
//! sees that a thread is awake. A late wake-up is a token in the parker, which ends a later sleep early.
//!
//! **The end is not missed**: its flag is written before the parker's token, which stays until the watcher
//! parks.
//!
//! **Orderings.** The two fences are each other's partners, and have to be sequentially consistent, as each
//! side writes one word and then reads the other. A thread pays for its fence only after a rest, which takes
//! longer than the fence. All else is relaxed: the flags hand nothing over. Checked by
//! `loom-tests/tests/work_flags.rs`.

use crate::sync::{Arc, AtomicBool, Mutant, Parker, Unparker, fence, is_mutated};
use crossbeam::utils::CachePadded;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::Duration;

/// What a watcher shares with the threads that it watches.
pub struct WorkFlags {
    asleep: AtomicBool,
    ended: AtomicBool,
    awake: Box<[CachePadded<AtomicBool>]>,
    unparker: Unparker,
}

/// The watcher's side.
pub struct Watcher {
    flags: Arc<WorkFlags>,
    parker: Parker,
}

/// Makes a watcher of this many threads, which rest at first.
pub fn watcher_of(watched: usize) -> Watcher {
    let parker = Parker::new();
    let at_rest = |_| CachePadded::new(AtomicBool::new(false));
    let flags = Arc::new(WorkFlags {
        asleep: AtomicBool::new(false),
        ended: AtomicBool::new(false),
        awake: (0..watched).map(at_rest).collect(),
        unparker: parker.unparker().clone(),
    });
    Watcher { flags, parker }
}

impl WorkFlags {
    /// Notes that a watched thread begins to work, or resumes after a rest.
    #[inline]
    pub fn goes_on(&self, who: usize) {
        if !is_mutated(Mutant::NapAwakeLate) {
            self.awake[who].store(true, Relaxed);
        }
        if !is_mutated(Mutant::NapUnfenced) {
            fence(SeqCst);
        }
        if self.asleep.load(Relaxed) {
            self.wake();
        }
        if is_mutated(Mutant::NapAwakeLate) {
            self.awake[who].store(true, Relaxed);
        }
    }

    #[cold]
    fn wake(&self) {
        // The other threads need not wake it too.
        self.asleep.store(false, Relaxed);
        if !is_mutated(Mutant::NapWakeForgotten) {
            self.unparker.unpark();
        }
    }

    /// Notes that a watched thread begins to rest.
    #[inline]
    pub fn rests(&self, who: usize) {
        self.awake[who].store(false, Relaxed);
    }

    /// Tells the watcher to end.
    pub fn end(&self) {
        if is_mutated(Mutant::NapEndLate) {
            self.unparker.unpark();
        }
        self.ended.store(true, Relaxed);
        if !is_mutated(Mutant::NapEndLate) {
            self.unparker.unpark();
        }
    }
}

impl Watcher {
    /// Returns the half that the watched threads share.
    pub fn flags(&self) -> Arc<WorkFlags> {
        Arc::clone(&self.flags)
    }

    /// Whether the watcher is to end.
    pub fn has_ended(&self) -> bool {
        self.flags.ended.load(Relaxed)
    }

    /// Whether any of the watched threads works: a value that may be old when it is read.
    pub fn sees_work(&self) -> bool {
        self.flags.awake.iter().any(|awake| awake.load(Relaxed))
    }

    /// Pauses for that long, or less.
    pub fn pause(&self, time: Duration) {
        self.parker.park_timeout(time);
    }

    /// Sleeps until a thread works, or the watcher is to end. May return early.
    pub fn sleep(&self) {
        self.flags.asleep.store(true, Relaxed);
        if !is_mutated(Mutant::NapSleepUnfenced) {
            fence(SeqCst);
        }
        if is_mutated(Mutant::NapSleepUnseen) || !self.sees_work() {
            self.parker.park();
        }
        self.flags.asleep.store(false, Relaxed);
    }
}
