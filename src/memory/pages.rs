//! Memory from the system, in whole pages.

#![allow(unsafe_code)]

use std::alloc::{self, Layout};
use std::ptr::{self, NonNull};

/// A divisor of every page size, and the alignment of allocations that may be returned in part.
pub(super) const PAGE: usize = 4096;
/// The size of a huge page, if the system has them.
pub(super) const HUGE_PAGE: usize = 2 << 20;

/// Makes a new mapping, at a multiple of `align`. Its pages are backed, with zeros, when they are first
/// touched. Returns `None` if the system refuses.
pub(super) fn try_map(bytes: usize, align: usize) -> Option<NonNull<u8>> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a new anonymous mapping at an address of the kernel's choice touches nothing that exists.
    let start = unsafe { libc::mmap(ptr::null_mut(), bytes + align, protection, flags, -1, 0) };
    if start == libc::MAP_FAILED {
        return None;
    }
    let start = start.cast::<u8>();
    let before = start.align_offset(align);
    // SAFETY: the mapping is larger by `align`, so it contains a multiple of `align` with the wanted bytes
    // behind it; the rest of it was never used, and is unmapped.
    unsafe {
        let aligned = start.add(before);
        if before > 0 {
            libc::munmap(start.cast(), before);
        }
        if before < align {
            libc::munmap(aligned.add(bytes).cast(), align - before);
        }
        NonNull::new(aligned)
    }
}

/// As [`try_map`]; the process ends if the system refuses, as for any allocation.
pub(super) fn map(bytes: usize, align: usize) -> NonNull<u8> {
    try_map(bytes, align).unwrap_or_else(|| {
        alloc::handle_alloc_error(Layout::from_size_align(bytes, align).expect("a power of two"))
    })
}

/// Asks for huge pages in a range that was mapped: a large queue is written in a third of the time.
pub(super) fn prefer_huge(start: NonNull<u8>, bytes: usize) {
    #[cfg(target_os = "linux")]
    // SAFETY: this advice changes no contents. A kernel without huge pages refuses it, which does no harm.
    unsafe {
        libc::madvise(start.as_ptr().cast(), bytes, libc::MADV_HUGEPAGE);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (start, bytes);
}

/// # Safety
///
/// `start` came from [`try_map`] for this many bytes, and nothing in them is used any more.
pub(super) unsafe fn unmap(start: NonNull<u8>, bytes: usize) {
    // SAFETY: the caller's promise.
    let unmapped = unsafe { libc::munmap(start.as_ptr().cast(), bytes) };
    debug_assert_eq!(unmapped, 0);
}

/// Returns the pages within a range to the system. They stay mapped, and hold zeros, or what they held.
///
/// # Safety
///
/// The range was mapped by [`try_map`], and its contents may become zeros.
pub(super) unsafe fn give_back(start: NonNull<u8>, bytes: usize) {
    let before = start.as_ptr().align_offset(PAGE);
    let within = bytes.saturating_sub(before) / PAGE * PAGE;
    if within > 0 {
        // SAFETY: the caller's promise. If it fails, the pages stay, which does no harm.
        unsafe {
            libc::madvise(
                start.as_ptr().add(before).cast(),
                within,
                libc::MADV_DONTNEED,
            )
        };
    }
}
