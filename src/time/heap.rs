//! A binary heap of the timers of one tick. Each timer knows its position, so it can be removed from
//! the middle.

/// A timer of a tick.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeapItem {
    pub(super) deadline: u64,
    /// Of two timers with the same deadline the one with the lower order comes first.
    pub(super) order: u64,
    /// The index of its entry in the wheel.
    pub(super) index: u32,
}

impl HeapItem {
    fn comes_before(&self, other: &Self) -> bool {
        (self.deadline, self.order) < (other.deadline, other.order)
    }
}

/// The number of items whose memory an empty heap keeps.
const KEPT: usize = 64;

/// Timers, the first one at hand. The owner of their entries is told each new position.
#[derive(Debug, Default)]
pub(super) struct Heap(Vec<HeapItem>);

impl Heap {
    /// Returns the timer that comes first.
    pub(super) fn first(&self) -> Option<&HeapItem> {
        self.0.first()
    }

    pub(super) fn push(&mut self, item: HeapItem, note: impl FnMut(u32, u32)) {
        self.0.push(item);
        self.rise(self.0.len() - 1, note);
    }

    /// Removes the timer at that position.
    pub(super) fn remove(&mut self, place: u32, mut note: impl FnMut(u32, u32)) -> HeapItem {
        let place = place as usize;
        let removed = self.0.swap_remove(place);
        if place < self.0.len() {
            let place = self.sink(place, &mut note);
            self.rise(place, note);
        } else if self.0.is_empty() && self.0.capacity() > KEPT {
            self.0 = Vec::new();
        }
        removed
    }

    #[allow(clippy::cast_possible_truncation)] // there are fewer than 2^32 timers
    fn rise(&mut self, mut place: usize, mut note: impl FnMut(u32, u32)) {
        let item = self.0[place];
        while place > 0 && item.comes_before(&self.0[(place - 1) / 2]) {
            let above = (place - 1) / 2;
            self.0[place] = self.0[above];
            note(self.0[place].index, place as u32);
            place = above;
        }
        self.0[place] = item;
        note(item.index, place as u32);
    }

    /// Lets the timer at that position sink as far as it has to, and returns its new position.
    #[allow(clippy::cast_possible_truncation)] // as above
    fn sink(&mut self, mut place: usize, note: &mut impl FnMut(u32, u32)) -> usize {
        let item = self.0[place];
        loop {
            let mut below = 2 * place + 1;
            if below + 1 < self.0.len() && self.0[below + 1].comes_before(&self.0[below]) {
                below += 1;
            }
            if below >= self.0.len() || !self.0[below].comes_before(&item) {
                self.0[place] = item;
                return place;
            }
            self.0[place] = self.0[below];
            note(self.0[place].index, place as u32);
            place = below;
        }
    }
}
