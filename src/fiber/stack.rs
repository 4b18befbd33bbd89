//! Stacks for fibers: cut from a few large mappings, each with a guard page, and reused.
//!
//! A mapping is reserved, not backed: a page costs memory when a handler first touches it. The
//! guard at the low end of each stack is installed with `MADV_GUARD_INSTALL` (Linux 6.13), which
//! keeps the mapping in one piece. If the kernel does not support it, `mprotect` does the same at
//! the price of two memory areas per stack, of which Linux grants a process 65,530 by default.

#![allow(unsafe_code)]

use corosensei::stack::{MIN_STACK_SIZE, Stack, StackPointer};
use std::cell::{Cell, RefCell};
use std::num::{NonZeroU8, NonZeroUsize};
use std::ops::RangeInclusive;
use std::ptr::{self, NonNull};
use std::rc::Rc;

/// `MADV_GUARD_INSTALL` of `linux/mman.h`, which the `libc` crate does not name yet.
#[cfg(target_os = "linux")]
const MADV_GUARD_INSTALL: libc::c_int = 102;

/// Stacks in a pool's first mapping; each further mapping doubles, up to [`LARGEST_REGION`].
const FIRST_REGION: usize = 16;
const LARGEST_REGION: usize = 1024;
/// Bytes of a mapping of larger stacks, of which few are needed; a single larger stack may exceed
/// it.
const LARGEST_REGION_BYTES: usize = 1 << 28;
/// The most pages that are checked in one call.
const PAGES_AT_ONCE: usize = 512;

/// The permitted sizes of stacks. The smallest has space for a handler, and for a panic in it with
/// its backtrace.
pub(crate) const STACK_SIZES: RangeInclusive<usize> = LEAST_STACK_SIZE..=1 << 30;
const LEAST_STACK_SIZE: usize = 64 * 1024;

/// A stack size for a few actors of a worker, larger than that of all the others: 64 KiB, or twice
/// that, and so on up to 1 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StackClass(NonZeroU8);

impl StackClass {
    pub(super) const COUNT: usize = 15;

    /// Returns the class with space for this many bytes, which must be one of the [`STACK_SIZES`].
    #[allow(clippy::cast_possible_truncation)] // it is a logarithm
    pub(super) fn of(bytes: usize) -> Self {
        let least = LEAST_STACK_SIZE.ilog2();
        let steps = bytes.next_power_of_two().ilog2() - least;
        Self(NonZeroU8::MIN.saturating_add(steps as u8))
    }

    /// Returns the class as a number from 1 to [`COUNT`](Self::COUNT).
    pub(crate) const fn code(self) -> u8 {
        self.0.get()
    }

    /// Returns the class with that [`code`](Self::code); `None` for 0.
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        NonZeroU8::new(code).map(Self)
    }

    /// The number of bytes that it has space for.
    pub(crate) const fn bytes(self) -> usize {
        LEAST_STACK_SIZE << (self.code() - 1)
    }

    fn config(self) -> StackConfig {
        StackConfig { size: self.bytes() }
    }
}

/// How the stacks of a pool are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StackConfig {
    /// Usable bytes of each stack, rounded up to whole pages.
    pub(crate) size: usize,
}

/// No stack could be allocated.
#[derive(Debug, thiserror::Error)]
#[error("the operating system granted no memory for a fiber stack: {0}")]
pub(crate) struct StackError(std::io::Error);

/// The system's error is part of this error's text, and is not its source.
impl From<std::io::Error> for StackError {
    fn from(error: std::io::Error) -> Self {
        Self(error)
    }
}

/// One anonymous mapping, cut into stacks of equal size.
struct StackRegion {
    start: NonNull<u8>,
    bytes: usize,
}

impl Drop for StackRegion {
    fn drop(&mut self) {
        // SAFETY: `start` and `bytes` are those of the mapping made in `StackRegion::map`; every stack
        // cut from it holds an `Rc` of this region, so none is in use.
        let unmapped = unsafe { libc::munmap(self.start.as_ptr().cast(), self.bytes) };
        debug_assert_eq!(unmapped, 0);
    }
}

impl StackRegion {
    fn map(bytes: usize) -> Result<Self, StackError> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new anonymous mapping at an address of the kernel's choice touches nothing that
        // exists.
        let start = unsafe { libc::mmap(ptr::null_mut(), bytes, protection, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(std::io::Error::last_os_error().into());
        }
        // A huge page would back two megabytes for the first byte that a handler touches.
        #[cfg(target_os = "linux")]
        // SAFETY: the range is the mapping made above; this advice changes no contents. A kernel
        // without huge pages refuses it, which does no harm.
        unsafe {
            libc::madvise(start, bytes, libc::MADV_NOHUGEPAGE);
        }
        let start = NonNull::new(start.cast()).expect("mmap returned address 0");
        Ok(Self { start, bytes })
    }
}

/// A stack on loan from its [`StackPool`].
pub(super) struct FiberStack {
    base: NonZeroUsize,
    limit: NonZeroUsize,
    /// Keeps the mapping alive.
    _region: Rc<StackRegion>,
}

// SAFETY: `limit..limit + page` is a guard (installed in `StackPool::carve` before the stack is
// handed out), `with_regions` rounds the usable size up to at least `MIN_STACK_SIZE`, and both
// addresses are page-aligned, hence aligned for a stack. The `Rc` keeps the mapping alive.
unsafe impl Stack for FiberStack {
    fn base(&self) -> StackPointer {
        self.base
    }

    fn limit(&self) -> StackPointer {
        self.limit
    }
}

/// The stacks of one worker.
pub(super) struct StackPool {
    page: usize,
    stride: usize,
    free: RefCell<Vec<FiberStack>>,
    /// The number of stacks, free and on loan.
    made: Cell<usize>,
    next_region: Cell<usize>,
    largest_region: usize,
}

impl StackPool {
    pub(super) fn new(config: StackConfig) -> Self {
        Self::with_regions(config, FIRST_REGION, |_stride| LARGEST_REGION)
    }

    /// Makes a pool of larger stacks, which are mapped as they are needed.
    pub(super) fn of_class(class: StackClass) -> Self {
        let largest = |stride: usize| (LARGEST_REGION_BYTES / stride).max(1);
        Self::with_regions(class.config(), 1, largest)
    }

    fn with_regions(
        config: StackConfig,
        first: usize,
        largest: impl FnOnce(usize) -> usize,
    ) -> Self {
        let page = page_size();
        let usable = config.size.max(MIN_STACK_SIZE).next_multiple_of(page);
        let stride = usable + page;
        Self {
            page,
            stride,
            free: RefCell::new(Vec::new()),
            made: Cell::new(0),
            next_region: Cell::new(first),
            largest_region: largest(stride),
        }
    }

    /// Ensures that the next [`take`](Self::take) succeeds.
    pub(super) fn reserve(&self) -> Result<(), StackError> {
        if self.free.borrow().is_empty() {
            self.carve()?;
        }
        Ok(())
    }

    /// Ensures that there are at least this many stacks, free and on loan.
    pub(super) fn reserve_all(&self, count: usize) -> Result<(), StackError> {
        while self.made.get() < count {
            self.carve()?;
        }
        Ok(())
    }

    /// The number of stacks, free and on loan.
    pub(super) fn made(&self) -> usize {
        self.made.get()
    }

    /// Unmaps all stacks, if none is on loan.
    pub(super) fn release_all(&self) {
        let mut free = self.free.borrow_mut();
        if free.len() == self.made.get() {
            *free = Vec::new();
            self.made.set(0);
        }
    }

    /// Takes a stack: a used one if there is one, which is warm in the cache.
    pub(super) fn take(&self) -> Result<FiberStack, StackError> {
        self.reserve()?;
        Ok(self
            .free
            .borrow_mut()
            .pop()
            .expect("a stack was just reserved"))
    }

    /// The usable bytes of a stack.
    pub(super) fn usable(&self) -> usize {
        self.stride - self.page
    }

    /// Whether an address lies in the guard below a stack that begins at `limit`.
    pub(super) fn is_guard(&self, limit: usize, address: usize) -> bool {
        (limit..limit + self.page).contains(&address)
    }

    /// Returns how many bytes of a stack were touched since it was new or last returned, counted
    /// from its base, in whole pages; but at least `known`.
    ///
    /// Compiled code touches every page on its way down, so the search ends after a good many pages
    /// in a row that were not touched.
    pub(super) fn depth(&self, limit: usize, known: usize) -> usize {
        let (low, base) = (limit + self.page, limit + self.stride);
        let mut depth = known;
        let mut end = base - known.min(self.usable());
        while end > low {
            let start = low.max(end.saturating_sub(PAGES_AT_ONCE * self.page));
            let Some(touched) = first_touched(start, end, self.page) else {
                break;
            };
            depth = base - touched;
            end = start;
        }
        depth
    }

    /// Takes a stack back, and returns the pages that it touched to the system.
    pub(super) fn give_back(&self, stack: FiberStack) {
        let low = stack.limit.get() + self.page;
        let touched = stack.base.get() - low;
        // SAFETY: the range lies within the stack's own mapping, above its guard, and the fiber
        // that used it has ended: nothing on it is alive.
        unsafe {
            libc::madvise(low as *mut libc::c_void, touched, libc::MADV_DONTNEED);
        }
        self.free.borrow_mut().push(stack);
    }

    #[cold]
    fn carve(&self) -> Result<(), StackError> {
        let count = self.next_region.get();
        let region = Rc::new(StackRegion::map(count * self.stride)?);
        let start = region.start.as_ptr() as usize;
        let mut free = self.free.borrow_mut();
        for index in 0..count {
            let limit = start + index * self.stride;
            if let Err(error) = install_guard(limit, self.page) {
                if index == 0 {
                    return Err(error);
                }
                break; // the stacks carved so far suffice; the next call tries again
            }
            let base = limit + self.stride;
            let (Some(base), Some(limit)) = (NonZeroUsize::new(base), NonZeroUsize::new(limit))
            else {
                unreachable!("a mapping does not start at address 0");
            };
            self.made.set(self.made.get() + 1);
            free.push(FiberStack {
                base,
                limit,
                _region: region.clone(),
            });
        }
        self.next_region.set((count * 2).min(self.largest_region));
        Ok(())
    }
}

/// Returns the lowest page of a range that is backed by memory.
fn first_touched(start: usize, end: usize, page: usize) -> Option<usize> {
    let mut pages = [0_u8; PAGES_AT_ONCE];
    debug_assert!(end - start <= PAGES_AT_ONCE * page);
    // SAFETY: `mincore` only reads, and writes one byte per page, for which there is space.
    let looked = unsafe {
        libc::mincore(
            start as *mut libc::c_void,
            end - start,
            pages.as_mut_ptr().cast(),
        )
    };
    if looked != 0 {
        return None;
    }
    let first = pages.iter().position(|page| page & 1 == 1)?;
    Some(start + first * page)
}

/// Makes the page at `address` fault on any access.
fn install_guard(address: usize, page: usize) -> Result<(), StackError> {
    let start = address as *mut libc::c_void;
    #[cfg(target_os = "linux")]
    {
        // SAFETY: the page lies within the caller's mapping, on a stack that is not used yet.
        if unsafe { libc::madvise(start, page, MADV_GUARD_INSTALL) } == 0 {
            return Ok(());
        }
    }
    // SAFETY: as above.
    if unsafe { libc::mprotect(start, page, libc::PROT_NONE) } == 0 {
        return Ok(());
    }
    Err(std::io::Error::last_os_error().into())
}

/// The size of a page of memory.
pub(super) fn page_size() -> usize {
    // SAFETY: `sysconf` reads a constant of the system.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(page).unwrap_or(4096)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_are_writable_to_their_guard_and_used_again() {
        let pool = StackPool::new(StackConfig { size: 1 });
        let stack = pool.take().unwrap();
        let (low, base) = (stack.limit.get() + pool.page, stack.base.get());
        assert!(base - low >= MIN_STACK_SIZE);
        // SAFETY: the stack is ours and its lowest usable byte lies above the guard.
        unsafe { (low as *mut u8).write(7) };
        pool.give_back(stack);
        let again = pool.take().unwrap();
        assert_eq!(
            again.base.get(),
            base,
            "the stack used last is handed out first"
        );
        // SAFETY: as above.
        let first = unsafe { (low as *const u8).read() };
        assert_eq!(first, 0, "its pages were given back");
    }

    #[test]
    fn s4_10_the_depth_of_a_stack_is_that_of_the_lowest_page_that_was_touched() {
        let pool = StackPool::new(StackConfig { size: 8 << 20 });
        let stack = pool.take().unwrap();
        let (limit, base) = (stack.limit.get(), stack.base.get());
        let touch = |depth: usize| {
            // SAFETY: the stack is ours, and no deeper than that.
            unsafe { ((base - depth) as *mut u8).write(7) }
        };
        assert_eq!(pool.depth(limit, 0), 0);
        touch(1);
        assert_eq!(pool.depth(limit, 0), pool.page);
        for page in 1..1500 {
            touch(page * pool.page + 8);
        }
        assert_eq!(pool.depth(limit, 0), 1500 * pool.page);
        assert_eq!(pool.depth(limit, 2000 * pool.page), 2000 * pool.page);
        pool.give_back(stack);
        assert_eq!(pool.depth(limit, 0), 0);
    }

    #[test]
    fn a_class_of_stacks_has_room_for_what_was_asked() {
        for bytes in [
            64 << 10,
            (64 << 10) + 1,
            100_000,
            1 << 20,
            (1 << 30) - 1,
            1 << 30,
        ] {
            let class = StackClass::of(bytes);
            let size = class.config().size;
            assert!((bytes..2 * bytes).contains(&size), "{bytes}: {size}");
            assert!(usize::from(class.code()) <= StackClass::COUNT);
            assert_eq!(StackClass::from_code(class.code()), Some(class));
        }
        assert_eq!(StackClass::from_code(0), None);
    }

    #[test]
    fn stacks_that_are_all_back_can_be_unmapped_and_mapped_again() {
        let pool = StackPool::new(StackConfig { size: 1 << 20 });
        pool.reserve_all(20).unwrap();
        assert!(pool.made() >= 20);
        let stack = pool.take().unwrap();
        pool.release_all();
        assert!(pool.made() >= 20, "one is on loan");
        pool.give_back(stack);
        pool.release_all();
        assert_eq!(pool.made(), 0);
        drop(pool.take().unwrap());
    }

    #[test]
    fn mappings_outlive_their_pool_while_a_stack_is_on_loan() {
        let pool = StackPool::new(StackConfig { size: 8192 });
        let stack = pool.take().unwrap();
        let low = stack.limit.get() + pool.page;
        drop(pool);
        // SAFETY: the stack on loan keeps its mapping alive.
        unsafe { (low as *mut u8).write(7) };
        drop(stack);
    }
}
