//! A binary heap of the timers of one tick, each of which knows its place, so that it can be taken out.

/// A timer of a tick.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub(super) deadline: u64,
    /// Of two with the same deadline the lower one comes first.
    pub(super) order: u64,
    /// Where the rest of it is kept.
    pub(super) index: u32,
}

impl Item {
    fn comes_before(&self, other: &Self) -> bool {
        (self.deadline, self.order) < (other.deadline, other.order)
    }
}

/// Memory for so many is kept for the next ones.
const KEPT: usize = 64;

/// Timers, of which the first is at hand. Whoever keeps the rest of them is told each place.
#[derive(Debug, Default)]
pub(super) struct Heap(Vec<Item>);

impl Heap {
    /// The one that comes first.
    pub(super) fn first(&self) -> Option<&Item> {
        self.0.first()
    }

    pub(super) fn push(&mut self, item: Item, note: impl FnMut(u32, u32)) {
        self.0.push(item);
        self.rise(self.0.len() - 1, note);
    }

    /// Removes the one at that place.
    pub(super) fn remove(&mut self, place: u32, mut note: impl FnMut(u32, u32)) -> Item {
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

    /// Lets the one at that place sink as far as it has to, and returns where it is then.
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
