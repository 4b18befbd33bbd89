//! The words of the entries in a segment.

use super::AtomicPtr;
use crate::memory::{REGION_BYTES, Region, discard};
use std::alloc::{Layout, handle_alloc_error};
use std::ptr::NonNull;

/// Words in a segment: 64 KiB.
pub const CAPACITY: usize = 8192;
const BYTES: usize = CAPACITY * size_of::<u64>();
/// The number of segments that are made at once.
pub(super) const SEGMENTS: usize = REGION_BYTES / BYTES;

/// The memory that the words of some segments are cut from.
pub(super) struct SegmentSource(Region);

/// The words of one segment.
pub(super) struct Words(NonNull<u64>);

impl SegmentSource {
    pub(super) fn new() -> Self {
        let layout = Layout::from_size_align(REGION_BYTES, REGION_BYTES);
        match Region::map(false) {
            Some(region) => Self(region),
            None => handle_alloc_error(layout.expect("it is a power of two")),
        }
    }

    pub(super) fn words(&self, segment: usize) -> Words {
        Words(self.0.at(segment * BYTES).cast())
    }
}

impl Words {
    /// # Safety
    ///
    /// `at` is below the capacity, and an entry of a claim, or the mark at the end, begins there.
    #[inline(always)]
    pub(super) unsafe fn first(&self, at: usize) -> &AtomicPtr<()> {
        // SAFETY: the word lies in the segment, whose memory lives as long as its header. It is zero or
        // holds such a pointer, as first words are written by atomic stores, and zeroed by the reader
        // when no other thread may read them.
        unsafe { &*self.place(at).cast::<AtomicPtr<()>>() }
    }

    /// The address of a word.
    ///
    /// # Safety
    ///
    /// `at` is below the capacity.
    #[inline(always)]
    pub(super) unsafe fn place(&self, at: usize) -> *mut u64 {
        // SAFETY: the caller's promise.
        unsafe { self.0.as_ptr().add(at) }
    }

    /// # Safety
    ///
    /// The words lie in the segment, and no other thread reads or writes them.
    #[inline(always)]
    pub(super) unsafe fn zero(&self, at: usize, words: usize) {
        for word in at..at + words {
            // SAFETY: the caller's promise.
            unsafe { self.place(word).write(0) };
        }
    }

    /// # Safety
    ///
    /// The segment is in no use.
    pub(super) unsafe fn give_back(&self) {
        // SAFETY: the words are whole pages of a region, and in no use.
        unsafe { discard(self.0.cast(), BYTES) };
    }
}
