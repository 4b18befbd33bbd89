//! The parts of one future that were woken: noted by the wakers of the parts on any thread, taken by the one
//! that polls them all.
//!
//! A part is polled again only if its waker was called since its last poll. A waker notes its part, and then
//! wakes the whole. The poller gives its own waker and takes the noted parts in one step, and clears the mark
//! of a part before it polls it. So a part that becomes ready
//!
//! - before it is polled is seen ready by that poll,
//! - during or after its poll is noted anew, and the latest waker of the whole is called.
//!
//! **Orderings.** All of it lies under one lock. Wakers of the whole are called, and dropped, outside of it,
//! as they are the user's. Checked by `loom-tests/tests/woken.rs`.

use crate::sync::{Mutant, Mutex, is_mutated};
use std::mem;

/// The woken parts of a future whose own waker is a `W`.
pub struct Woken<W>(Mutex<WakeNote<W>>);

struct WakeNote<W> {
    numbers: Vec<usize>,
    /// Whether a part is among these, or about to be polled because it was.
    is_noted: Vec<bool>,
    /// Wakes the poller of the whole, if there is one.
    whole: Option<W>,
}

impl<W: Clone> Woken<W> {
    /// With that many parts.
    pub fn new(parts: usize) -> Self {
        Self(Mutex::new(WakeNote {
            numbers: Vec::new(),
            is_noted: vec![false; parts],
            whole: None,
        }))
    }

    /// Notes that a part was woken. Returns the waker of the whole, which is to be called now.
    #[must_use = "the whole is to be woken"]
    pub fn note(&self, part: usize) -> Option<W> {
        let mut noted = self.0.lock();
        let WakeNote {
            numbers, is_noted, ..
        } = &mut *noted;
        if !mem::replace(&mut is_noted[part], true) {
            numbers.push(part);
        }
        noted.whole.clone()
    }

    /// Takes the parts that were noted. From now on parts wake the whole by this waker. Returns the previous
    /// one as well, to be dropped.
    pub fn take(&self, whole: W) -> (Vec<usize>, Option<W>) {
        if is_mutated(Mutant::PartsTakenFirst) {
            let numbers = mem::take(&mut self.0.lock().numbers);
            return (numbers, self.0.lock().whole.replace(whole));
        }
        let mut noted = self.0.lock();
        (mem::take(&mut noted.numbers), noted.whole.replace(whole))
    }

    /// Polls a part. If it is woken from now on, it is noted anew.
    pub fn poll<R>(&self, part: usize, poll: impl FnOnce() -> R) -> R {
        if is_mutated(Mutant::PartPolledFirst) {
            let polled = poll();
            self.0.lock().is_noted[part] = false;
            return polled;
        }
        self.0.lock().is_noted[part] = false;
        poll()
    }

    /// No part wakes the whole any more. Returns its waker, to be dropped.
    pub fn close(&self) -> Option<W> {
        self.0.lock().whole.take()
    }
}
