//! An arena of cells that never move, so a reference to one stays valid while others are made.
//!
//! Cells lie in groups of a thousand, and a table holds the address of each group: finding a cell is one
//! comparison and two loads, as it is done for every message. A vacant cell is reused before a new one is
//! made, the most recently vacated first, while it is warm in the cache.
//!
//! The memory of a peak is returned to the system: [`Arena::trim`] looks for groups whose cells are all
//! vacant, and returns their pages. Such a group is *cold*. Its cells are made again when they are needed,
//! with what a cell must remember of its earlier tenants ([`Tenant`]).

#![allow(unsafe_code)]

use std::cell::{Cell, UnsafeCell};
use std::ops::Range;
use std::ptr::NonNull;
use std::{hint, mem, ptr};

use super::pages::{self, HUGE_PAGE, PAGE};

/// Cells per group. A group takes whole pages.
pub(crate) const CELLS_PER_GROUP: u32 = 1024;
const GROUP: u32 = CELLS_PER_GROUP;
/// The most groups that are mapped at a time. The first mapping has one group; each further one doubles the
/// number of groups.
const MOST_GROUPS: u32 = 256;

/// A cell whose memory may be returned to the system while it is vacant.
///
/// # Safety
///
/// A vacant cell owns nothing. A cell of zero bytes is valid, and looks vacant to a caller that has its index
/// from earlier.
pub(crate) unsafe trait Tenant: Default {
    /// The number by which the cell's tenants are told apart. It must never decrease.
    fn generation(&self) -> u32;

    /// Makes a vacant cell with that number.
    fn vacant(generation: u32) -> Self;
}

/// Cells of one type, by index.
pub(crate) struct Arena<T> {
    /// The address of each group, for all groups that `made` reaches into; `reserve` owns the table.
    table: Cell<*const *const T>,
    made: Cell<u32>,
    reserve: UnsafeCell<Reserve<T>>,
}

/// The vacant cells, and the memory of all cells.
struct Reserve<T> {
    /// The address of each group, including those that are mapped in advance.
    groups: Vec<*const T>,
    /// The mappings, each with its number of groups.
    mappings: Vec<(NonNull<u8>, u32)>,
    vacant: Vec<u32>,
    /// Groups whose memory was returned, each with the number that its cells must not fall below.
    cold: Vec<(u32, u32)>,
    /// The cells of the group that was cold last that are not made again yet, and that group's number.
    thawing: (Range<u32>, u32),
    /// Makes a cell whose number must not fall below the argument.
    anew: fn(u32) -> T,
    /// The number of vacant cells after the last trim. Until there are more, another trim finds nothing.
    trimmed: usize,
}

impl<T> Arena<T> {
    const GROUP_BYTES: usize = {
        let bytes = mem::size_of::<T>() * GROUP as usize;
        assert!(bytes > 0 && bytes.is_multiple_of(PAGE) && mem::align_of::<T>() <= PAGE);
        bytes
    };

    /// Returns the cell at that index, if it was ever occupied.
    #[inline(always)]
    pub(crate) fn get(&self, index: u32) -> Option<&T> {
        if index >= self.made.get() {
            return None;
        }
        // SAFETY: an index below `made` has a cell, in a group that is in the table: `make` wrote the cell
        // before it raised `made` above the index. If its pages were returned since, the cell is zero, which
        // is valid too, or as it was. Groups live, and stay in place, as long as the arena. The assertion
        // spares a check that the compiler would otherwise emit.
        unsafe {
            let group = *self.table.get().add((index / GROUP) as usize);
            let cell = group.add((index % GROUP) as usize);
            hint::assert_unchecked(!cell.is_null());
            Some(&*cell)
        }
    }

    /// Whether there are so many cells that most of them are outside the processor's caches.
    #[inline(always)]
    pub(crate) fn is_large(&self) -> bool {
        self.made.get() > 4 * GROUP
    }

    /// Returns the cell at an index that this arena handed out.
    ///
    /// # Panics
    ///
    /// If the index is not one of them.
    #[inline(always)]
    pub(crate) fn at(&self, index: u32) -> &T {
        self.get(index).expect("an index comes from its own arena")
    }

    #[inline(always)]
    #[allow(clippy::mut_from_ref)] // see below
    fn reserve(&self) -> &mut Reserve<T> {
        // SAFETY: the arena is used by one thread (its cells are), and a caller of this function calls no
        // other function that borrows the reserve while it holds the borrow.
        unsafe { &mut *self.reserve.get() }
    }

    /// The address of a cell in a group that was mapped.
    fn place(&self, index: u32) -> *mut T {
        let group = self.reserve().groups[(index / GROUP) as usize];
        group.wrapping_add((index % GROUP) as usize).cast_mut()
    }

    /// Marks a cell as vacant.
    #[inline]
    pub(crate) fn vacate(&self, index: u32) {
        self.reserve().vacant.push(index);
    }

    /// The number of occupied cells.
    pub(crate) fn occupied(&self) -> usize {
        let reserve = self.reserve();
        let cold = reserve.cold.len() * GROUP as usize + reserve.thawing.0.len();
        self.made.get() as usize - reserve.vacant.len() - cold
    }

    /// The number of bytes of memory behind its cells.
    pub(crate) fn backed(&self) -> u64 {
        let cold = self.reserve().cold.len() as u64 * u64::from(GROUP);
        (u64::from(self.made.get()) - cold) * mem::size_of::<T>() as u64
    }

    /// Returns the numbers of the groups whose memory was returned.
    pub(crate) fn cold_groups(&self) -> impl Iterator<Item = u32> {
        self.reserve().cold.iter().map(|&(group, _)| group)
    }

    /// Returns every cell that was ever occupied, with its index, except for those whose memory was returned
    /// since.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let mut cold: Vec<u32> = self
            .reserve()
            .cold
            .iter()
            .map(|&(group, _)| group)
            .collect();
        cold.sort_unstable();
        let thawing = self.reserve().thawing.0.clone();
        (0..self.made.get())
            .filter(move |index| {
                !thawing.contains(index) && cold.binary_search(&(index / GROUP)).is_err()
            })
            .map(|index| (index, self.at(index)))
    }
}

impl<T: Default> Arena<T> {
    pub(crate) fn new() -> Self {
        Self {
            table: Cell::new(ptr::null()),
            made: Cell::new(0),
            reserve: UnsafeCell::new(Reserve {
                groups: Vec::new(),
                mappings: Vec::new(),
                vacant: Vec::new(),
                cold: Vec::new(),
                thawing: (0..0, 0),
                anew: |_| T::default(),
                trimmed: 0,
            }),
        }
    }

    /// Returns a vacant cell, as the last tenant left it, or a new one.
    ///
    /// # Panics
    ///
    /// If 2^31 cells are occupied.
    #[inline]
    pub(crate) fn occupy(&self) -> u32 {
        if let Some(index) = self.reserve().vacant.pop() {
            return index;
        }
        self.make()
    }

    fn make(&self) -> u32 {
        let reserve = self.reserve();
        if reserve.thawing.0.is_empty()
            && let Some((group, generation)) = reserve.cold.pop()
        {
            reserve.thawing = (cells_of(group), generation);
        }
        if let Some(index) = reserve.thawing.0.next() {
            // SAFETY: the cell is vacant, so it owns nothing, and it is not read now.
            unsafe { self.place(index).write((reserve.anew)(reserve.thawing.1)) };
            return index;
        }
        let index = self.made.get();
        assert!(index < 1 << 31, "an arena holds at most 2^31 cells");
        if (index / GROUP) as usize == reserve.groups.len() {
            self.map_groups();
        }
        // SAFETY: the group was mapped, with space for this cell, and there is no reference to the cell
        // before `made` is raised.
        unsafe { self.place(index).write(T::default()) };
        self.made.set(index + 1);
        index
    }

    /// Maps memory for more groups. Their cells are made one by one, when they are needed: the call that
    /// grows the arena does not wait for thousands of cells.
    #[cold]
    fn map_groups(&self) {
        let reserve = self.reserve();
        #[allow(clippy::cast_possible_truncation)] // an arena has at most 2^21 groups
        let more = (reserve.groups.len() as u32).clamp(1, MOST_GROUPS);
        let bytes = Self::GROUP_BYTES * more as usize;
        let huge = bytes >= HUGE_PAGE;
        let memory = pages::map(bytes, if huge { HUGE_PAGE } else { PAGE });
        if huge {
            pages::prefer_huge(memory, bytes);
        }
        let first = memory.as_ptr().cast::<T>().cast_const();
        let groups = (0..more).map(|group| first.wrapping_add((group * GROUP) as usize));
        reserve.groups.extend(groups);
        reserve.mappings.push((memory, more));
        self.table.set(reserve.groups.as_ptr());
    }
}

impl<T: Tenant> Arena<T> {
    /// Returns the memory of groups whose cells are all vacant to the system.
    pub(crate) fn trim(&self) {
        let reserve = self.reserve();
        reserve.anew = T::vacant;
        if reserve.vacant.len() < GROUP as usize + reserve.trimmed {
            reserve.trimmed = reserve.trimmed.min(reserve.vacant.len());
            return;
        }
        let mut vacant = vec![0_u32; reserve.groups.len()];
        for &index in &reserve.vacant {
            vacant[(index / GROUP) as usize] += 1;
        }
        let mut freed = false;
        for (group, &vacant) in (0_u32..).zip(&vacant) {
            if vacant == GROUP {
                reserve.cold.push((group, self.give_back(group)));
                freed = true;
            }
        }
        if freed {
            let in_use = |&index: &u32| vacant[(index / GROUP) as usize] < GROUP;
            reserve.vacant.retain(in_use);
            reserve.vacant.shrink_to_fit();
            // The lowest group is reused first.
            reserve.cold.sort_unstable_by(|one, other| other.cmp(one));
        }
        reserve.trimmed = reserve.vacant.len();
    }

    /// Returns the pages of a group to the system. Returns the number that its cells must not fall below.
    fn give_back(&self, group: u32) -> u32 {
        let cells = cells_of(group);
        let generations = cells.clone().map(|index| self.at(index).generation());
        let most = generations.max().unwrap_or(0);
        let first = NonNull::new(self.place(cells.start)).expect("a made cell has an address");
        // SAFETY: the group was mapped. Its cells are vacant: they own nothing, and may become zero.
        unsafe { pages::give_back(first.cast(), Self::GROUP_BYTES) };
        most
    }
}

impl<T> Drop for Arena<T> {
    fn drop(&mut self) {
        // A cell of a cold group owned nothing, whatever else it held.
        let made: Vec<u32> = self.iter().map(|(index, _)| index).collect();
        for index in made {
            // SAFETY: `occupy` wrote the cell, and it is dropped once.
            unsafe { ptr::drop_in_place(self.place(index)) };
        }
        for (memory, groups) in self.reserve().mappings.drain(..) {
            // SAFETY: `map_groups` mapped this range, and no reference to a cell is left.
            unsafe { pages::unmap(memory, Self::GROUP_BYTES * groups as usize) };
        }
    }
}

fn cells_of(group: u32) -> Range<u32> {
    group * GROUP..(group + 1) * GROUP
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_index_has_a_cell_of_its_own_that_stays_in_place() {
        let arena: Arena<Cell<u32>> = Arena::new();
        assert!(arena.get(0).is_none());
        let first = arena.occupy();
        let place: *const Cell<u32> = arena.at(first);
        for expected in 1..5000 {
            let index = arena.occupy();
            assert_eq!(index, expected);
            arena.at(index).set(index);
        }
        assert!(std::ptr::eq(place, arena.at(first)));
        assert!(arena.iter().all(|(index, cell)| cell.get() == index));
    }

    #[test]
    fn every_cell_is_dropped_with_its_arena() {
        let counted = std::rc::Rc::new(());
        let arena: Arena<Cell<Option<std::rc::Rc<()>>>> = Arena::new();
        for _ in 0..1000 {
            arena.at(arena.occupy()).set(Some(counted.clone()));
        }
        drop(arena);
        assert_eq!(std::rc::Rc::strong_count(&counted), 1);
    }

    #[test]
    fn vacant_cells_are_used_again_first() {
        let arena: Arena<Cell<u32>> = Arena::new();
        let (a, b) = (arena.occupy(), arena.occupy());
        arena.vacate(a);
        arena.vacate(b);
        assert_eq!((arena.occupy(), arena.occupy(), arena.occupy()), (b, a, 2));
    }

    #[derive(Default)]
    struct Numbered(Cell<u32>, #[allow(dead_code)] [u64; 8]);

    // SAFETY: it consists of a few numbers, all of which may be zero.
    unsafe impl Tenant for Numbered {
        fn generation(&self) -> u32 {
            self.0.get()
        }

        fn vacant(generation: u32) -> Self {
            Self(Cell::new(generation), [0; 8])
        }
    }

    #[test]
    fn s9_5_vacant_cells_go_back_in_groups_and_none_falls_behind() {
        let arena: Arena<Numbered> = Arena::new();
        let mut last: Vec<u32> = vec![0; 100_000];
        let occupy = |last: &mut Vec<u32>| {
            let index = arena.occupy();
            let (cell, before) = (arena.at(index), &mut last[index as usize]);
            assert!(cell.0.get() >= *before, "cell {index} fell behind");
            cell.0.set(cell.0.get() + 1);
            *before = cell.0.get();
            index
        };
        for round in 1..4 {
            let all: Vec<u32> = (0..100_000).map(|_| occupy(&mut last)).collect();
            let mut each = all.clone();
            each.sort_unstable();
            assert!(each.iter().copied().eq(0..100_000), "each cell once");
            let stays = all[50_000];
            for index in all.into_iter().filter(|&index| index != stays) {
                arena.vacate(index);
            }
            arena.trim();
            assert!(arena.reserve().cold.len() >= 95);
            assert_eq!(arena.occupied(), 1);
            assert!(
                arena
                    .iter()
                    .any(|(index, cell)| index == stays && cell.0.get() == round)
            );
            assert!(arena.iter().count() < 3 * GROUP as usize);
            arena.vacate(stays);
        }
    }
}
