//! A claim: words of a segment that a sender writes and commits.

use super::segments::IngressSegment;
use super::{ASLEEP, IngressState};
use crate::sync::{Mutant, ordering};
use std::ptr::NonNull;
use std::sync::atomic::Ordering::{Relaxed, Release};

/// Claimed words, which are to be written and committed without delay.
#[must_use = "later claims cannot be read until this one is committed"]
pub struct Claim<'a> {
    pub(super) shared: &'a IngressState,
    pub(super) segment: &'a IngressSegment,
    pub(super) at: usize,
    /// The segment in whose tail the reader sleeps, if it slept at the claim.
    pub(super) sleeps_at: Option<&'a IngressSegment>,
}

impl Claim<'_> {
    /// The address of one of the words.
    ///
    /// # Safety
    ///
    /// More than `word` words were claimed. The first word of an entry is not written.
    #[cfg(not(nexus_loom))]
    #[inline(always)]
    pub unsafe fn place(&self, word: usize) -> *mut u64 {
        // SAFETY: the caller's promise.
        unsafe { self.segment.words.place(self.at + word) }
    }

    /// Writes one of the words, not the first of an entry.
    #[cfg(nexus_loom)]
    pub fn write(&self, word: usize, value: u64) {
        self.segment.words.write(self.at + word, value);
    }

    /// Commits the entry that begins at that word of the claim.
    ///
    /// # Safety
    ///
    /// The word was claimed, the entry is written, and it is committed once.
    #[inline(always)]
    pub unsafe fn commit(&self, word: usize, first: NonNull<()>) {
        let release = ordering(Release, Mutant::IngressCommitRelaxed);
        // SAFETY: the caller's promise.
        unsafe { self.segment.words.first(self.at + word) }.store(first.as_ptr(), release);
    }

    /// Ends a claim in which all entries are committed. Wakes the reader if it slept at the claim and was not
    /// woken since. Returns `true` if it did.
    #[inline(always)]
    pub fn finish(self) -> bool {
        match self.sleeps_at {
            None => false,
            Some(segment) => self.wake(segment),
        }
    }

    #[cold]
    fn wake(&self, segment: &IngressSegment) -> bool {
        let wakes = segment.tail.fetch_and(!ASLEEP, Relaxed) & ASLEEP != 0;
        if wakes {
            self.shared.unparker.unpark();
        }
        wakes
    }
}
