//! An arena of cells that never move, so that a reference to one stays good while others are made.
//!
//! Cells lie in chunks, each twice as large as the one before; a vacant cell is used again before
//! a new one is made, the last one left first, while it is warm. Finding a cell is one comparison
//! and one load: it is done for every message.

#![allow(unsafe_code)]

use std::cell::{Cell, UnsafeCell};
use std::mem::MaybeUninit;
use std::{hint, ptr};

const FIRST_CHUNK: u32 = 256;
/// Enough for 2^31 cells.
const CHUNKS: usize = 24;

/// Cells of one type, by index.
pub(crate) struct Arena<T> {
    /// For each chunk, where a cell of index 0 would lie if the chunk reached down to it.
    origins: [Cell<*const T>; CHUNKS],
    made: Cell<u32>,
    vacant: UnsafeCell<Vec<u32>>,
}

impl<T: Default> Arena<T> {
    pub(crate) fn new() -> Self {
        Self {
            origins: [const { Cell::new(ptr::null()) }; CHUNKS],
            made: Cell::new(0),
            vacant: UnsafeCell::default(),
        }
    }

    /// The cell of that index, if it was ever occupied.
    #[inline(always)]
    pub(crate) fn get(&self, index: u32) -> Option<&T> {
        if index >= self.made.get() {
            return None;
        }
        // SAFETY: an index below `made`, which stays below 2^31, has a cell, which `occupy` wrote, in a
        // chunk that it had made, before it raised `made` to it; `origin` is that chunk's address less the indices below
        // it, so this is the cell's own address, and not null. Chunks live, and stay in place, as long as
        // the arena. What is asserted saves the compiler from looking.
        unsafe {
            hint::assert_unchecked(index < 1 << 31);
            let origin = self.origins.get_unchecked(chunk_of(index)).get();
            let cell = origin.wrapping_add(index as usize);
            hint::assert_unchecked(!cell.is_null());
            Some(&*cell)
        }
    }

    /// The cell of an index that this arena handed out.
    ///
    /// # Panics
    ///
    /// When it did not.
    #[inline(always)]
    pub(crate) fn at(&self, index: u32) -> &T {
        self.get(index).expect("an index comes from its own arena")
    }

    /// A vacant cell, as the last tenant left it, or a new one.
    ///
    /// # Panics
    ///
    /// When 2^31 cells are occupied.
    #[inline]
    pub(crate) fn occupy(&self) -> u32 {
        // SAFETY: the arena is used by one thread (its cells are), and this borrow ends before
        // anything else is called.
        if let Some(index) = unsafe { &mut *self.vacant.get() }.pop() {
            return index;
        }
        let index = self.made.get();
        assert!(index < 1 << 31, "an arena holds at most 2^31 cells");
        let chunk = chunk_of(index);
        if index == first_of(chunk) {
            self.make_chunk(chunk);
        }
        let origin = self.origins[chunk].get();
        // SAFETY: the chunk was made, with room for this cell, of which there is no reference before `made`
        // is raised.
        unsafe {
            origin
                .wrapping_add(index as usize)
                .cast_mut()
                .write(T::default());
        }
        self.made.set(index + 1);
        index
    }

    /// Takes memory for a chunk, whose cells are made one by one, when they are needed: one that makes the
    /// arena grow does not wait for half a million cells.
    #[cold]
    fn make_chunk(&self, chunk: usize) {
        let cells: Box<[MaybeUninit<T>]> = Box::new_uninit_slice((FIRST_CHUNK as usize) << chunk);
        // Held as a pointer from here on: moving the box would end what was borrowed from it.
        let first = Box::into_raw(cells).cast::<T>().cast_const();
        self.origins[chunk].set(first.wrapping_sub(first_of(chunk) as usize));
    }

    /// Hands a cell back.
    #[inline]
    pub(crate) fn vacate(&self, index: u32) {
        // SAFETY: as in `occupy`.
        unsafe { &mut *self.vacant.get() }.push(index);
    }

    /// How many cells are occupied.
    pub(crate) fn occupied(&self) -> usize {
        // SAFETY: as in `occupy`.
        self.made.get() as usize - unsafe { &*self.vacant.get() }.len()
    }

    /// Every cell that was ever occupied, with its index.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        (0..self.made.get()).map(|index| (index, self.at(index)))
    }
}

impl<T> Drop for Arena<T> {
    fn drop(&mut self) {
        for (chunk, origin) in self.origins.iter().enumerate() {
            if origin.get().is_null() {
                return;
            }
            let first = origin
                .get()
                .wrapping_add(first_of(chunk) as usize)
                .cast_mut();
            let length = (FIRST_CHUNK as usize) << chunk;
            let made = (self.made.get() - first_of(chunk)) as usize;
            let cells = ptr::slice_from_raw_parts_mut(first, made.min(length));
            let chunk = ptr::slice_from_raw_parts_mut(first.cast::<MaybeUninit<T>>(), length);
            // SAFETY: `make_chunk` made a box of that length, and keeps only this pointer to it; the cells
            // below `made` were written, and are dropped once.
            unsafe {
                ptr::drop_in_place(cells);
                drop(Box::from_raw(chunk));
            }
        }
    }
}

/// Chunk `k` holds `FIRST_CHUNK << k` cells, and the chunks before it one `FIRST_CHUNK` less.
#[inline(always)]
fn chunk_of(index: u32) -> usize {
    ((index + FIRST_CHUNK).ilog2() - FIRST_CHUNK.ilog2()) as usize
}

fn first_of(chunk: usize) -> u32 {
    (FIRST_CHUNK << chunk) - FIRST_CHUNK
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

    #[test]
    fn chunks_follow_each_other_over_the_whole_range() {
        assert_eq!(
            (chunk_of(0), chunk_of(255), chunk_of(256), chunk_of(767)),
            (0, 0, 1, 1)
        );
        for chunk in 1..CHUNKS {
            let first = first_of(chunk);
            assert_eq!((chunk_of(first - 1), chunk_of(first)), (chunk - 1, chunk));
        }
        assert_eq!(chunk_of((1 << 31) - 1), CHUNKS - 1);
    }
}
