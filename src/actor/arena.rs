//! An arena of cells that never move, so that a reference to one stays good while others are made.
//!
//! Cells lie in chunks, each twice as large as the one before; a vacant cell is used again before
//! a new one is made, the last one left first, while it is warm.

use std::cell::{Cell, OnceCell, RefCell};

const FIRST_CHUNK: u32 = 256;
/// Enough for 2^31 cells.
const CHUNKS: usize = 24;

/// Cells of one type, by index.
pub(crate) struct Arena<T> {
    chunks: [OnceCell<Box<[T]>>; CHUNKS],
    vacant: RefCell<Vec<u32>>,
    made: Cell<u32>,
}

impl<T: Default> Arena<T> {
    pub(crate) fn new() -> Self {
        Self {
            chunks: [const { OnceCell::new() }; CHUNKS],
            vacant: RefCell::default(),
            made: Cell::new(0),
        }
    }

    /// The cell of that index, if it was ever occupied.
    #[inline]
    pub(crate) fn get(&self, index: u32) -> Option<&T> {
        let (chunk, offset) = split(index);
        self.chunks.get(chunk)?.get()?.get(offset)
    }

    /// The cell of an index that this arena handed out.
    ///
    /// # Panics
    ///
    /// When it did not.
    #[inline]
    pub(crate) fn at(&self, index: u32) -> &T {
        self.get(index).expect("an index comes from its own arena")
    }

    /// A vacant cell, as the last tenant left it, or a new one.
    ///
    /// # Panics
    ///
    /// When 2^31 cells are occupied.
    pub(crate) fn occupy(&self) -> u32 {
        if let Some(index) = self.vacant.borrow_mut().pop() {
            return index;
        }
        let index = self.made.get();
        assert!(index < 1 << 31, "an arena holds at most 2^31 cells");
        let (chunk, offset) = split(index);
        if offset == 0 {
            let size = (FIRST_CHUNK as usize) << chunk;
            self.chunks[chunk].get_or_init(|| (0..size).map(|_| T::default()).collect());
        }
        self.made.set(index + 1);
        index
    }

    /// Hands a cell back.
    pub(crate) fn vacate(&self, index: u32) {
        self.vacant.borrow_mut().push(index);
    }

    /// Every cell that was ever occupied, with its index.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        (0..self.made.get()).map(|index| (index, self.at(index)))
    }
}

/// Chunk `k` holds the indices whose distance from `-FIRST_CHUNK` has its highest bit at `k` more
/// than that of the first chunk.
#[inline]
fn split(index: u32) -> (usize, usize) {
    let distance = index + FIRST_CHUNK;
    let chunk = distance.ilog2() - FIRST_CHUNK.ilog2();
    (chunk as usize, (distance - (FIRST_CHUNK << chunk)) as usize)
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
    fn vacant_cells_are_used_again_first() {
        let arena: Arena<Cell<u32>> = Arena::new();
        let (a, b) = (arena.occupy(), arena.occupy());
        arena.vacate(a);
        arena.vacate(b);
        assert_eq!((arena.occupy(), arena.occupy(), arena.occupy()), (b, a, 2));
    }

    #[test]
    fn splitting_covers_the_whole_range() {
        assert_eq!(split(0), (0, 0));
        assert_eq!(split(255), (0, 255));
        assert_eq!(split(256), (1, 0));
        assert_eq!(split(767), (1, 511));
        assert_eq!(split(768), (2, 0));
        assert_eq!(split((1 << 31) - 1).0, CHUNKS - 1);
    }
}
