//! The words of the entries, for the model checker, which has to see which thread writes which word.

use super::{AtomicPtr, Relaxed, ptr};
use crate::sync::UnsafeCell;

/// Words in a segment.
pub const CAPACITY: usize = 4;
pub(super) const SEGMENTS: usize = 1;

pub(super) struct SegmentSource;

/// Each word twice: as the first of an entry, and as a later one.
pub(super) struct Words(Box<[(AtomicPtr<()>, UnsafeCell<u64>)]>);

impl SegmentSource {
    pub(super) fn new() -> Self {
        Self
    }

    pub(super) fn words(&self, _segment: usize) -> Words {
        let word = |_| (AtomicPtr::new(ptr::null_mut()), UnsafeCell::new(0));
        Words((0..CAPACITY).map(word).collect())
    }
}

impl Words {
    pub(super) unsafe fn first(&self, at: usize) -> &AtomicPtr<()> {
        &self.0[at].0
    }

    pub(super) fn write(&self, at: usize, value: u64) {
        // SAFETY: loom runs one thread at a time, and a race here fails the model.
        self.0[at].1.with_mut(|word| unsafe { *word = value });
    }

    pub(super) fn read(&self, at: usize) -> u64 {
        // SAFETY: as above.
        self.0[at].1.with(|word| unsafe { *word })
    }

    pub(super) unsafe fn zero(&self, at: usize, words: usize) {
        for at in at..at + words {
            self.0[at].0.store(ptr::null_mut(), Relaxed);
            self.write(at, 0);
        }
    }

    pub(super) unsafe fn give_back(&self) {
        // SAFETY: the segment is in no use.
        unsafe { self.zero(0, CAPACITY) };
    }
}
