//! The memory of one worker for small, short-lived objects: blocks of mailboxes, and actors.
//!
//! Memory comes from the system in *regions* of 2 MiB, which lie at multiples of their size. A region is
//! cut into *spans* of 64 KiB, and each span into cells of one size. The head of a region describes its
//! spans, so that the address of a cell leads to its span without a search. (D. Leijen, B. Zorn, L. de
//! Moura: *Mimalloc: Free List Sharding in Action*, 2019. Here one thread owns everything, so there is no
//! list for cells that other threads free.)
//!
//! A span without a live cell serves any size. [`Slabs::trim`] returns the pages of such spans to the
//! system, and whole regions if all their spans are free.
//!
//! **Invariant.** A live cell belongs to the caller. All other cells of a span are in its free list, or lie
//! at or behind `fresh`, where no cell was handed out since the span got its size.

#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::mem;
use std::ptr::{self, NonNull};

use super::pages::{self, HUGE_PAGE};

/// The size and the alignment of a region.
const REGION: usize = HUGE_PAGE;
const SPAN: usize = 64 << 10;
const SPANS: usize = REGION / SPAN;
/// The head of a region, behind which its first span begins.
const HEAD: usize = 4096;
/// Free spans that keep their pages when those of the others are returned to the system: one mebibyte.
const KEPT_SPANS: usize = 16;

/// The alignment of every cell.
pub(crate) const CELL_ALIGN: usize = 16;
/// The largest cell.
pub(crate) const LARGEST_CELL: usize = 16 << 10;
/// Multiples of 16 up to 256 bytes, then four sizes for each doubling.
const CLASSES: usize = 16 + 4 * 6;

/// A size of cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SizeClass(u8);

impl SizeClass {
    /// Returns the smallest class for this many bytes, at most [`LARGEST_CELL`].
    #[allow(clippy::cast_possible_truncation)] // there are 40
    pub(crate) const fn of(bytes: usize) -> Self {
        assert!(bytes <= LARGEST_CELL, "larger than the largest cell");
        if bytes <= 256 {
            let units = bytes.div_ceil(16);
            return Self(if units == 0 { 0 } else { units as u8 - 1 });
        }
        // Between 2^(8+n) and twice that there are four steps of 2^(6+n).
        let doubling = (bytes - 1).ilog2() - 8;
        let steps = (bytes - (256 << doubling)).div_ceil(64 << doubling);
        Self((16 + 4 * doubling) as u8 + steps as u8 - 1)
    }

    /// The size of its cells in bytes.
    pub(crate) const fn bytes(self) -> usize {
        let number = self.0 as usize;
        if number < 16 {
            return (number + 1) * 16;
        }
        let (doubling, step) = ((number - 16) / 4, (number - 16) % 4);
        (256 << doubling) + (step + 1) * (64 << doubling)
    }
}

/// A free cell.
struct FreeBlock {
    next: *mut FreeBlock,
}

/// The description of one span.
struct Span {
    /// The list of cells that were handed out and are free again.
    free: Cell<*mut FreeBlock>,
    /// The number of live cells.
    used: Cell<u32>,
    /// The offset of the first cell that was never handed out, from the beginning of the region.
    fresh: Cell<u32>,
    class: Cell<SizeClass>,
    /// Whether it is in the list of its class, or of the free spans; `false` while all its cells are live.
    listed: Cell<bool>,
    /// Whether its pages may be backed: it was used since they were last returned to the system.
    backed: Cell<bool>,
    next: Cell<*const Span>,
    previous: Cell<*const Span>,
}

impl Span {
    const fn new() -> Self {
        Self {
            free: Cell::new(ptr::null_mut()),
            used: Cell::new(0),
            fresh: Cell::new(0),
            class: Cell::new(SizeClass(0)),
            listed: Cell::new(false),
            backed: Cell::new(false),
            next: Cell::new(ptr::null()),
            previous: Cell::new(ptr::null()),
        }
    }
}

/// The head of a region.
#[repr(C)]
struct SlabRegion {
    /// Null once the slabs are dropped.
    slabs: Cell<*const Slabs>,
    used_spans: Cell<u32>,
    spans: [Span; SPANS],
}

const _: () = assert!(size_of::<SlabRegion>() <= HEAD);

/// A list of spans, last in, first out.
struct BlockList(Cell<*const Span>);

impl BlockList {
    const fn new() -> Self {
        Self(Cell::new(ptr::null()))
    }

    fn first(&self) -> Option<&Span> {
        // SAFETY: a span in a list lies in the head of a region, which stays as long as one of its spans is
        // in a list; there are no more than shared references to it.
        unsafe { self.0.get().as_ref() }
    }

    fn put(&self, span: &Span) {
        debug_assert!(!span.listed.replace(true));
        span.listed.set(true);
        span.next.set(self.0.get());
        span.previous.set(ptr::null());
        if let Some(next) = self.first() {
            next.previous.set(span);
        }
        self.0.set(span);
    }

    fn take_out(&self, span: &Span) {
        debug_assert!(span.listed.get());
        span.listed.set(false);
        // SAFETY: as in `first`; the neighbours are in the list too.
        let (previous, next) = unsafe { (span.previous.get().as_ref(), span.next.get().as_ref()) };
        match previous {
            Some(previous) => previous.next.set(span.next.get()),
            None => self.0.set(span.next.get()),
        }
        if let Some(next) = next {
            next.previous.set(span.previous.get());
        }
    }
}

/// The slabs of one worker.
pub(crate) struct Slabs {
    /// For each size, the spans that have a free cell. The first one serves.
    lists: [BlockList; CLASSES],
    /// For each size, a cell that was [kept at hand](Self::free_at_hand); it counts as live.
    at_hand: [Cell<*mut u8>; CLASSES],
    /// Spans without a size.
    free_spans: BlockList,
    regions: RefCell<Vec<NonNull<SlabRegion>>>,
    backed_spans: Cell<usize>,
}

impl Slabs {
    /// Boxed, as regions hold the address of their slabs.
    pub(crate) fn new() -> Box<Self> {
        Box::new(Self {
            lists: [const { BlockList::new() }; CLASSES],
            at_hand: [const { Cell::new(ptr::null_mut()) }; CLASSES],
            free_spans: BlockList::new(),
            regions: RefCell::default(),
            backed_spans: Cell::new(0),
        })
    }

    /// Allocates a cell, which belongs to the caller until [`free`](Self::free).
    #[inline(always)]
    pub(crate) fn allocate(&self, class: SizeClass) -> NonNull<u8> {
        let at_hand = &self.at_hand[class.0 as usize];
        if let Some(cell) = NonNull::new(at_hand.get()) {
            at_hand.set(ptr::null_mut());
            return cell;
        }
        if let Some(span) = self.lists[class.0 as usize].first() {
            let cell = span.free.get();
            if !cell.is_null() {
                // SAFETY: a cell in the free list has no owner, and holds its link.
                span.free.set(unsafe { (*cell).next });
                span.used.set(span.used.get() + 1);
                // SAFETY: it was just found not to be null.
                return unsafe { NonNull::new_unchecked(cell.cast()) };
            }
        }
        self.allocate_fresh(class)
    }

    #[inline(never)]
    fn allocate_fresh(&self, class: SizeClass) -> NonNull<u8> {
        let list = &self.lists[class.0 as usize];
        loop {
            let Some(span) = list.first() else {
                self.begin_span(class);
                continue;
            };
            let cell = span.free.get();
            if !cell.is_null() {
                return self.allocate(class);
            }
            let (region, number) = place_of(span);
            let (at, bytes) = (span.fresh.get() as usize, class.bytes());
            if at + bytes > (number + 1) * SPAN {
                list.take_out(span); // all of its cells are live
                continue;
            }
            #[allow(clippy::cast_possible_truncation)] // within a region
            span.fresh.set((at + bytes) as u32);
            span.used.set(span.used.get() + 1);
            // SAFETY: the offset lies in the region, behind its head.
            return unsafe { region.cast::<u8>().add(at) };
        }
    }

    /// Frees a cell.
    ///
    /// # Safety
    ///
    /// It came from [`allocate`](Self::allocate) of these slabs, and is used no more.
    #[inline(always)]
    pub(crate) unsafe fn free(&self, cell: NonNull<u8>) {
        let region = region_of(cell.addr().get());
        let number = (cell.addr().get() & (REGION - 1)) / SPAN;
        // SAFETY: a cell lies in a region, whose head is at the multiple of `REGION` below it, and the
        // region has a live cell, so it is mapped.
        let span = unsafe { &(*region).spans[number] };
        let link = cell.as_ptr().cast::<FreeBlock>();
        // SAFETY: the caller gives the cell up; it is at least 16 bytes long and aligned to that.
        unsafe { (*link).next = span.free.get() };
        span.free.set(link);
        let used = span.used.get() - 1;
        span.used.set(used);
        if used == 0 || !span.listed.get() {
            self.freed_first_or_last(span);
        }
    }

    /// Frees a cell of that size that is likely to be allocated again at once: the last such cell is kept
    /// where the next [`allocate`](Self::allocate) finds it first.
    ///
    /// # Safety
    ///
    /// As for [`free`](Self::free).
    #[inline(always)]
    pub(crate) unsafe fn free_at_hand(&self, class: SizeClass, cell: NonNull<u8>) {
        let at_hand = &self.at_hand[class.0 as usize];
        if at_hand.get().is_null() {
            at_hand.set(cell.as_ptr());
        } else {
            // SAFETY: the caller's promise.
            unsafe { self.free(cell) };
        }
    }

    /// Handles a span that has a free cell again, or no live cell any more.
    fn freed_first_or_last(&self, span: &Span) {
        let list = &self.lists[span.class.get().0 as usize];
        if !span.listed.get() {
            self.give_up_idle(list);
            list.put(span);
        }
        // The serving span stays until another one serves: it would be taken again for the next cell.
        if span.used.get() == 0 && !ptr::eq(list.0.get(), span) {
            list.take_out(span);
            self.give_up_span(span);
        }
    }

    /// Gives up the serving span if it has no live cell.
    fn give_up_idle(&self, list: &BlockList) {
        if let Some(span) = list.first().filter(|span| span.used.get() == 0) {
            list.take_out(span);
            self.give_up_span(span);
        }
    }

    fn give_up_span(&self, span: &Span) {
        let (region, _) = place_of(span);
        span.free.set(ptr::null_mut());
        self.free_spans.put(span);
        // SAFETY: the span is part of that region's head.
        let region = unsafe { region.as_ref() };
        region.used_spans.set(region.used_spans.get() - 1);
    }

    #[cold]
    fn begin_span(&self, class: SizeClass) {
        if self.free_spans.first().is_none() {
            self.map_region();
        }
        let span = self.free_spans.first().expect("a region has spans");
        self.free_spans.take_out(span);
        let (region, number) = place_of(span);
        // SAFETY: the span is part of that region's head.
        let used = unsafe { &region.as_ref().used_spans };
        used.set(used.get() + 1);
        let begin = if number == 0 { HEAD } else { number * SPAN };
        #[allow(clippy::cast_possible_truncation)] // within a region
        span.fresh.set(begin as u32);
        span.class.set(class);
        if !span.backed.replace(true) {
            self.backed_spans.set(self.backed_spans.get() + 1);
        }
        self.lists[class.0 as usize].put(span);
    }

    #[cold]
    fn map_region(&self) {
        let mut regions = self.regions.borrow_mut();
        let memory = pages::map(REGION, REGION);
        let _ = memory.as_ptr().expose_provenance(); // for `region_of`
        // The first region is enough for most pools, and a huge page would back all of it at once.
        if !regions.is_empty() {
            pages::prefer_huge(memory, REGION);
        }
        let region = memory.cast::<SlabRegion>();
        // SAFETY: the mapping is new, large enough, and aligned.
        unsafe {
            region.write(SlabRegion {
                slabs: Cell::new(self),
                used_spans: Cell::new(0),
                spans: [const { Span::new() }; SPANS],
            });
            // The lowest one first.
            for span in region.as_ref().spans.iter().rev() {
                self.free_spans.put(span);
            }
        }
        regions.push(region);
    }

    /// Returns all memory that no cell needs to the system.
    pub(crate) fn trim(&self) {
        self.trim_to(KEPT_SPANS);
    }

    fn trim_to(&self, kept: usize) {
        for at_hand in &self.at_hand {
            if let Some(cell) = NonNull::new(at_hand.replace(ptr::null_mut())) {
                // SAFETY: its owner has freed it.
                unsafe { self.free(cell) };
            }
        }
        // Serving spans without a live cell.
        for list in &self.lists {
            self.give_up_idle(list);
        }
        let mut regions = self.regions.borrow_mut();
        let first = regions.first().copied();
        regions.retain(|&region| {
            // SAFETY: the region is mapped, and none of its cells is live if no span is used.
            unsafe {
                if region.as_ref().used_spans.get() > 0 || Some(region) == first && kept > 0 {
                    return true;
                }
                for span in &region.as_ref().spans {
                    self.free_spans.take_out(span);
                    self.no_longer_backed(span);
                }
                pages::unmap(region.cast(), REGION);
            }
            false
        });
        let mut left = kept;
        let mut next = self.free_spans.0.get();
        // SAFETY: as in `BlockList::first`.
        while let Some(span) = unsafe { next.as_ref() } {
            next = span.next.get();
            if !span.backed.get() {
                continue;
            }
            if left > 0 {
                left -= 1;
                continue;
            }
            let (region, number) = place_of(span);
            // The region's head stays backed.
            let begin = if number == 0 { HEAD } else { number * SPAN };
            // SAFETY: the pages belong to a span without a live cell, whose list of free cells was dropped
            // when it was given up.
            unsafe { pages::give_back(region.cast().add(begin), (number + 1) * SPAN - begin) };
            self.no_longer_backed(span);
        }
    }

    fn no_longer_backed(&self, span: &Span) {
        if span.backed.replace(false) {
            self.backed_spans.set(self.backed_spans.get() - 1);
        }
    }

    /// The number of bytes of system memory that they hold.
    pub(crate) fn backed(&self) -> u64 {
        (self.backed_spans.get() * SPAN) as u64
    }
}

impl Drop for Slabs {
    /// A region with a live cell stays for ever: the cell still has an owner.
    fn drop(&mut self) {
        self.trim_to(0);
        for region in self.regions.get_mut() {
            // SAFETY: it is still mapped.
            unsafe { region.as_ref() }.slabs.set(ptr::null());
        }
    }
}

/// The region that contains an address.
#[inline(always)]
fn region_of(address: usize) -> *mut SlabRegion {
    // `map_region` exposed the region: the argument is the address of a cell, or of a span.
    ptr::with_exposed_provenance_mut(address & !(REGION - 1))
}

/// The region of a span, and the span's number in it.
fn place_of(span: &Span) -> (NonNull<SlabRegion>, usize) {
    let address = ptr::from_ref(span).addr();
    let region = NonNull::new(region_of(address)).expect("address 0 is not mapped");
    let first = region.addr().get() + mem::offset_of!(SlabRegion, spans);
    (region, (address - first) / size_of::<Span>())
}

/// The slabs of a live cell, unless they were dropped.
///
/// # Safety
///
/// The cell came from [`Slabs::allocate`] of slabs of this thread, which are not dropped while the result
/// is used.
#[inline(always)]
pub(super) unsafe fn slabs_of<'a>(cell: NonNull<u8>) -> Option<&'a Slabs> {
    // SAFETY: as in `Slabs::free`. Slabs stay in their box, and clear the pointer in their regions when
    // dropped.
    unsafe { (*region_of(cell.addr().get())).slabs.get().as_ref() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    #[test]
    fn sizes_follow_each_other_and_each_fits() {
        for bytes in 0..=LARGEST_CELL {
            let class = SizeClass::of(bytes);
            assert!(class.bytes() >= bytes && class.bytes().is_multiple_of(CELL_ALIGN));
            assert!((class.0 as usize) < CLASSES);
            assert!(class.0 == 0 || SizeClass(class.0 - 1).bytes() < bytes);
            assert_eq!(SizeClass::of(class.bytes()), class);
        }
    }

    #[test]
    fn s9_5_what_a_peak_took_goes_back() {
        let slabs = Slabs::new();
        let class = SizeClass::of(48);
        let cells: Vec<_> = (0..500_000).map(|_| slabs.allocate(class)).collect();
        let kept = slabs.allocate(SizeClass::of(1024));
        assert!(slabs.backed() >= 500_000 * 48);
        for cell in cells {
            // SAFETY: allocated above, and freed once.
            unsafe { slabs.free(cell) };
        }
        slabs.trim();
        assert!(slabs.backed() <= (KEPT_SPANS as u64 + 1) * SPAN as u64);
        // SAFETY: as above.
        unsafe { slabs.free(kept) };
        slabs.trim_to(0);
        assert_eq!((slabs.backed(), slabs.regions.borrow().len()), (0, 0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        /// Allocates cells of any size and frees them in any order, with trims in between: no two live
        /// cells overlap, and each keeps what was written to it.
        #[test]
        fn cells_are_their_owners_alone(
            steps in prop::collection::vec((1_usize..LARGEST_CELL, any::<prop::sample::Index>(), 0_u8..10), 1..600),
        ) {
            let slabs = Slabs::new();
            let mut live: HashMap<NonNull<u8>, (usize, u8)> = HashMap::new();
            let check = |cell: NonNull<u8>, bytes: usize, mark: u8| {
                // SAFETY: it is live, and was filled below.
                let content = unsafe { std::slice::from_raw_parts(cell.as_ptr(), bytes) };
                assert!(content.iter().all(|&byte| byte == mark));
            };
            for (number, (bytes, which, what)) in steps.into_iter().enumerate() {
                let bytes = if what < 6 { bytes % 300 + 1 } else { bytes };
                let mark = u8::try_from(number % 251).unwrap();
                match what {
                    0..8 => {
                        let class = SizeClass::of(bytes);
                        let cell = slabs.allocate(class);
                        prop_assert!(cell.addr().get().is_multiple_of(CELL_ALIGN));
                        // SAFETY: the cell is ours, and at least this long.
                        unsafe { cell.as_ptr().write_bytes(mark, class.bytes()) };
                        prop_assert!(live.insert(cell, (class.bytes(), mark)).is_none());
                    }
                    8 if !live.is_empty() => {
                        let cell = *live.keys().nth(which.index(live.len())).unwrap();
                        let (bytes, mark) = live.remove(&cell).unwrap();
                        check(cell, bytes, mark);
                        // SAFETY: it is live, and freed once.
                        unsafe { slabs.free(cell) };
                    }
                    _ => slabs.trim_to(0),
                }
            }
            for (cell, (bytes, mark)) in live {
                check(cell, bytes, mark);
                // SAFETY: as above.
                unsafe { slabs.free(cell) };
            }
            slabs.trim_to(0);
            prop_assert_eq!((slabs.backed(), slabs.regions.borrow().len()), (0, 0));
        }
    }
}
