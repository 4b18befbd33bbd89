//! The segments of an ingress, and the lists of free ones.

use super::NOT_INSTALLED;
use super::words::{SEGMENTS, SegmentSource, Words};
use crate::sync::{AtomicPtr, AtomicUsize};
use crossbeam::utils::CachePadded;
use std::ptr;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

pub(super) struct IngressSegment {
    pub(super) tail: CachePadded<AtomicUsize>,
    /// The segment after this one, once this one is closed.
    pub(super) next: AtomicPtr<IngressSegment>,
    /// The segment below this one on a list of free segments.
    pub(super) below: AtomicPtr<IngressSegment>,
    pub(super) words: Words,
}

/// Segments that were made together. They live as long as the ingress.
pub(super) struct NewSegment {
    pub(super) segments: Box<[IngressSegment]>,
    pub(super) before: *mut NewSegment,
    _words: SegmentSource,
}

impl NewSegment {
    pub(super) fn new(before: *mut Self) -> Self {
        let source = SegmentSource::new();
        let segment = |index| IngressSegment {
            tail: CachePadded::new(AtomicUsize::new(NOT_INSTALLED)),
            next: AtomicPtr::new(ptr::null_mut()),
            below: AtomicPtr::new(ptr::null_mut()),
            words: source.words(index),
        };
        Self {
            segments: (0..SEGMENTS).map(segment).collect(),
            before,
            _words: source,
        }
    }
}

/// A list of free segments. One thread at a time pops; any thread may push.
pub(super) struct FreeSegments(AtomicPtr<IngressSegment>);

impl FreeSegments {
    pub(super) fn new() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    pub(super) fn push(&self, segment: &IngressSegment) {
        let mut head = self.0.load(Relaxed);
        loop {
            segment.below.store(head, Relaxed);
            let new = ptr::from_ref(segment).cast_mut();
            match self.0.compare_exchange(head, new, Release, Relaxed) {
                Ok(_) => return,
                Err(actual) => head = actual,
            }
        }
    }

    pub(super) fn take_all(&self) -> *mut IngressSegment {
        self.0.swap(ptr::null_mut(), Acquire)
    }

    /// Takes the segment that was pushed last. Meanwhile the list may appear empty to other threads.
    ///
    /// # Safety
    ///
    /// Every segment that was pushed still exists.
    pub(super) unsafe fn pop<'a>(&self) -> Option<&'a IngressSegment> {
        // SAFETY: the caller's promise; the list was taken and is this thread's alone.
        let first = unsafe { self.take_all().as_ref() }?;
        // SAFETY: as above.
        unsafe { self.put_back(first.below.load(Relaxed)) };
        Some(first)
    }

    /// Puts a list back below what was pushed since it was taken.
    ///
    /// # Safety
    ///
    /// The list was taken from here, and every segment that was pushed still exists.
    pub(super) unsafe fn put_back(&self, mut list: *mut IngressSegment) {
        while !list.is_null()
            && self
                .0
                .compare_exchange(ptr::null_mut(), list, Release, Relaxed)
                .is_err()
        {
            let newer = self.take_all();
            let mut last = newer;
            // SAFETY: the caller's promise; the list was taken and is this thread's alone.
            while let Some(segment) = unsafe { last.as_ref() } {
                let below = segment.below.load(Relaxed);
                if below.is_null() {
                    segment.below.store(list, Relaxed);
                    list = newer;
                }
                last = below;
            }
        }
    }
}
