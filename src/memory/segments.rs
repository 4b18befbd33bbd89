//! A store of segments: equal blocks of memory that the threads of a pool share.
//!
//! What travels from one worker to another in bulk lies in segments. They are cut from regions of two
//! megabytes, and not taken from `malloc`, which outside of its main arena grows a page at a time, by a
//! system call each. A worker that takes a segment gets the one that was used last, or a part of a new
//! region; the worker that has emptied it gives it back, on its own thread. Nobody locks anything.
//!
//! A segment holds a share in its region. [`Segments::trim`] drops the segments that nobody uses: the
//! last one of a region unmaps it, and until then the pages of each are given back by
//! themselves. So nothing is held where nothing is under way.

#![allow(unsafe_code)]

use crossbeam_queue::SegQueue;
use std::ptr::NonNull;
use std::sync::Arc;

use super::region::{REGION_BYTES, Region, discard};

/// Segments that one call of [`Segments::trim`] gives back at the most.
const TRIMMED_AT_ONCE: usize = 64;

/// Segments of one size that nobody uses.
pub(crate) struct Segments {
    bytes: usize,
    /// Those that were used before, which are taken first: their memory is there, and so few take turns.
    used: SegQueue<Segment>,
    unused: SegQueue<Segment>,
}

/// A segment, owned: a share in its region, of which these bytes are its own.
pub(crate) struct Segment {
    region: Arc<Region>,
    start: NonNull<u8>,
}

// SAFETY: a segment owns its bytes.
unsafe impl Send for Segment {}

impl Segments {
    /// A store of segments of so many bytes, a power of two that makes up whole pages.
    pub(crate) const fn new(bytes: usize) -> Self {
        assert!(bytes.is_power_of_two() && bytes <= REGION_BYTES);
        Self {
            bytes,
            used: SegQueue::new(),
            unused: SegQueue::new(),
        }
    }

    /// A segment, with anything in it. `None` if the system has no memory for one.
    pub(crate) fn take(&self) -> Option<Segment> {
        let free = self.used.pop().or_else(|| self.unused.pop());
        free.or_else(|| self.map())
    }

    #[cold]
    fn map(&self) -> Option<Segment> {
        let region = Arc::new(Region::map(true)?);
        let segment = |index| Segment {
            start: region.at(index * self.bytes),
            region: Arc::clone(&region),
        };
        for index in 1..REGION_BYTES / self.bytes {
            self.unused.push(segment(index));
        }
        Some(segment(0))
    }

    /// Takes a segment of this store back.
    pub(crate) fn give_back(&self, segment: Segment) {
        self.used.push(segment);
    }

    /// Gives the memory of segments that nobody uses back to the system, as many as can be done in a
    /// moment. Returns whether there were any.
    pub(crate) fn trim(&self) -> bool {
        let mut free: Vec<Segment> = std::iter::from_fn(|| self.used.pop())
            .chain(std::iter::from_fn(|| self.unused.pop()))
            .take(TRIMMED_AT_ONCE)
            .collect();
        let any = !free.is_empty();
        free.sort_unstable_by_key(|segment| segment.start);
        let same = |a: &Segment, b: &Segment| Arc::ptr_eq(&a.region, &b.region);
        for of_region in free.chunk_by(same) {
            // If nobody has another share, the region goes as a whole. A share that is dropped meanwhile,
            // by somebody who trims as well, costs a call too many.
            if Arc::strong_count(&of_region[0].region) != of_region.len() {
                for segment in of_region {
                    // SAFETY: the segment is in no use, and its bytes are pages of its region.
                    unsafe { discard(segment.start, self.bytes) };
                }
            }
        }
        any
    }
}

impl Segment {
    /// Where its bytes begin.
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// Gives the segment up for the address of its region, to be kept with its own.
    pub(crate) fn into_raw(self) -> *const Region {
        Arc::into_raw(self.region)
    }

    /// The segment again.
    ///
    /// # Safety
    ///
    /// `region` is what [`into_raw`](Self::into_raw) returned for the segment that begins at `start`, and
    /// is used for this once.
    pub(crate) unsafe fn from_raw(start: NonNull<u8>, region: *const Region) -> Self {
        Self {
            // SAFETY: the caller's promise.
            region: unsafe { Arc::from_raw(region) },
            start,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: usize = 64 << 10;

    #[test]
    fn s9_5_segments_do_not_overlap_and_are_used_again() {
        let store = Segments::new(BYTES);
        let taken: Vec<Segment> = (0..40).map(|_| store.take().expect("memory")).collect();
        for (number, segment) in (0_u8..).zip(&taken) {
            // SAFETY: the segment is ours, and has so many bytes.
            unsafe { segment.start().as_ptr().write_bytes(number, BYTES) };
        }
        for (number, segment) in (0_u8..).zip(&taken) {
            // SAFETY: as above.
            let bytes = unsafe { std::slice::from_raw_parts(segment.start().as_ptr(), BYTES) };
            assert!(bytes.iter().all(|byte| *byte == number));
        }
        taken
            .into_iter()
            .for_each(|segment| store.give_back(segment));
        assert_eq!(
            store.used.len() + store.unused.len(),
            2 * REGION_BYTES / BYTES
        );
        let again: Vec<Segment> = (0..64).map(|_| store.take().expect("memory")).collect();
        assert!(
            store.used.is_empty() && store.unused.is_empty(),
            "no further region was mapped"
        );
        drop(again);
    }

    #[test]
    fn s9_5_what_nobody_uses_is_given_back_and_the_last_share_unmaps_the_region() {
        let store = Segments::new(BYTES);
        let held = store.take().expect("memory");
        let region = Arc::downgrade(&held.region);
        assert!(store.trim(), "31 segments were free");
        assert!(!store.trim(), "and are not any more");
        assert_eq!(region.strong_count(), 1, "that of the one in use");
        let (start, raw) = (held.start(), held.into_raw());
        // SAFETY: both come from the same segment, once.
        store.give_back(unsafe { Segment::from_raw(start, raw) });
        assert!(store.trim());
        assert_eq!(region.strong_count(), 0, "nobody has a share in the region");
    }
}
