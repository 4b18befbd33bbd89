//! Two megabytes of memory straight from the system, which can be returned in parts.

#![allow(unsafe_code)]

use std::ptr::NonNull;

use super::pages::{self, HUGE_PAGE};

/// The size of a region and its alignment: that of a huge page on most machines.
pub(crate) const REGION_BYTES: usize = HUGE_PAGE;

/// A private mapping of [`REGION_BYTES`] bytes, all of them zero at first. Dropping it unmaps it.
pub(crate) struct Region(NonNull<u8>);

// SAFETY: a region is an address and the right to unmap it; its user is responsible for what is
// written there.
unsafe impl Send for Region {}
// SAFETY: as above; `discard` is unsafe, and nothing else touches the memory.
unsafe impl Sync for Region {}

impl Region {
    /// Maps a region, and asks the kernel for huge pages if `huge`. Returns `None` if it refuses
    /// to map.
    pub(crate) fn map(huge: bool) -> Option<Self> {
        let start = pages::try_map(REGION_BYTES, REGION_BYTES)?;
        if huge {
            pages::prefer_huge(start, REGION_BYTES);
        }
        Some(Self(start))
    }

    /// Returns the address of a byte of the region.
    pub(crate) fn at(&self, offset: usize) -> NonNull<u8> {
        assert!(offset < REGION_BYTES, "it lies in the region");
        // SAFETY: the offset lies within the mapping.
        unsafe { self.0.add(offset) }
    }
}

/// Returns the memory of some pages to the system. If the kernel supplies new pages for it, they
/// are zero.
///
/// # Safety
///
/// The pages lie in a region, and their contents are not used any more.
pub(crate) unsafe fn discard(start: NonNull<u8>, bytes: usize) {
    #[cfg(target_os = "linux")]
    // SAFETY: the caller's promise.
    let discarded = unsafe { libc::madvise(start.as_ptr().cast(), bytes, libc::MADV_DONTNEED) };
    #[cfg(not(target_os = "linux"))]
    let discarded = -1;
    if discarded != 0 {
        // Elsewhere the pages may keep their contents; a caller that needs zeros gets zeros.
        // SAFETY: the caller's promise.
        unsafe { start.as_ptr().write_bytes(0, bytes) };
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: the mapping belongs to this region, and is not used any more.
        unsafe { pages::unmap(self.0, REGION_BYTES) };
    }
}
