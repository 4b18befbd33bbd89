//! A store of segments: equal blocks of memory that the threads of a pool share.
//!
//! Data that moves from one worker to another in bulk lies in segments. They are cut from regions of two
//! megabytes, and not taken from `malloc`, which outside of its main arena grows a page at a time, by a
//! system call each. A worker that takes a segment gets the most recently used one, or a part of a new
//! region; the worker that has emptied it returns it, on its own thread. No lock is taken.
//!
//! A segment holds a share in its region. [`Segments::trim`] drops the segments in no use: the last one
//! of a region unmaps it, and until then the pages of each are returned to the system separately. So an
//! idle pool holds no such memory.

#![allow(unsafe_code)]

use crossbeam_queue::SegQueue;
use std::ptr::NonNull;
use std::sync::Arc;

use super::region::{REGION_BYTES, Region, discard};

/// The most segments that one call of [`Segments::trim`] returns to the system.
const TRIMMED_AT_ONCE: usize = 64;

/// The segments of one size that are in no use.
pub(crate) struct Segments {
    bytes: usize,
    /// Those that were used before, which are taken first: their memory is backed, and so only a few
    /// circulate.
    used: SegQueue<Segment>,
    unused: SegQueue<Segment>,
}

/// An owned segment: a share in its region, and exclusive use of these bytes of it.
pub(crate) struct Segment {
    region: Arc<Region>,
    start: NonNull<u8>,
}

// SAFETY: a segment owns its bytes.
unsafe impl Send for Segment {}

impl Segments {
    /// Makes a store of segments of this many bytes, a power of two that makes up whole pages.
    pub(crate) const fn new(bytes: usize) -> Self {
        assert!(bytes.is_power_of_two() && bytes <= REGION_BYTES);
        Self {
            bytes,
            used: SegQueue::new(),
            unused: SegQueue::new(),
        }
    }

    /// Takes a segment, with arbitrary contents. Returns `None` if the system has no memory for one.
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

    /// Puts a segment of this store back.
    pub(crate) fn give_back(&self, segment: Segment) {
        self.used.push(segment);
    }

    /// Returns the memory of unused segments to the system, as many as can be done in a moment. Returns
    /// whether there were any.
    pub(crate) fn trim(&self) -> bool {
        let mut free: Vec<Segment> = std::iter::from_fn(|| self.used.pop())
            .chain(std::iter::from_fn(|| self.unused.pop()))
            .take(TRIMMED_AT_ONCE)
            .collect();
        let any = !free.is_empty();
        free.sort_unstable_by_key(|segment| segment.start);
        let same = |a: &Segment, b: &Segment| Arc::ptr_eq(&a.region, &b.region);
        for of_region in free.chunk_by(same) {
            // If there is no other share, the region is unmapped as a whole. If another thread that trims
            // drops a share meanwhile, that costs one call too many.
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
    /// Returns the address of its first byte.
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// Consumes the segment and returns the address of its region. The caller stores it with the
    /// segment's own address.
    pub(crate) fn into_raw(self) -> *const Region {
        Arc::into_raw(self.region)
    }

    /// Rebuilds a segment from its parts.
    ///
    /// # Safety
    ///
    /// `region` is what [`into_raw`](Self::into_raw) returned for the segment that begins at `start`, and
    /// is passed to this function once.
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
            // SAFETY: the segment is ours, and has this many bytes.
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
