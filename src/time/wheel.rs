//! The timer store of one worker: a hierarchical timing wheel (Varghese and
//! Lauck, "Hashed and Hierarchical Timing Wheels", SOSP 1987).
//!
//! Insert and cancel are O(1), except for timers that are due within four
//! milliseconds: an entry lives in a slab and is linked by index into the
//! doubly linked list of its slot. A cancelled entry's memory is reused at
//! once; the library `hierarchical_hash_wheel_timer` keeps it until the entry's
//! slot comes round, so a program that arms and cancels a long timeout for
//! every message would grow without bound. The slab is as large as the largest
//! number of timers that were pending together, until it is
//! [trimmed](TimerWheel::trim).
//!
//! Time is `u64` nanoseconds since an origin the caller picks, and deadlines
//! are kept to the nanosecond; the tick that contains one only says where its
//! entry waits. A level has 64 slots; an entry sits on the level of the highest
//! base-64 digit in which its tick differs from the current tick, in the slot
//! of that digit. So every entry of a lower level is due before every entry of
//! a higher one, and all entries of one tick are always in one slot, in
//! insertion order. The current tick's slot holds what is due later within that
//! tick, and what was overdue when it was inserted.
//!
//! On the lowest level, where the next deadline is looked for, a slot is a heap
//! instead of a list: inserting and cancelling there is O(log n) in the timers
//! of one tick, and so is firing the next.

use super::heap::{Heap, HeapItem};

/// Bits of a nanosecond count below the tick: a tick is 2^16 ns (65.536 us).
const TICK_BITS: u32 = 16;
/// Bits of a tick number that select a slot within a level.
const SLOT_BITS: u32 = 6;
/// Slots of a level: one for each bit of the level's occupancy word.
const SLOTS: usize = 1 << SLOT_BITS;
/// Eight levels cover the 48 bits of a tick number.
const LEVELS: usize = 8;
/// Cells allocated from the beginning: for the asks of a tick, which then allocate nothing.
pub(crate) const AT_FIRST: usize = 64;
/// The index that ends a list.
const NIL: u32 = u32::MAX;

/// Names one inserted timer. An id outlives its timer harmlessly: it never
/// matches a later timer that took over the same memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TimerId {
    index: u32,
    generation: u32,
}

/// A slab cell: a pending timer, or, when `value` is `None`, a free cell.
#[derive(Debug)]
struct WheelEntry<T> {
    value: Option<T>,
    deadline: u64,
    /// How often the cell has been freed.
    generation: u32,
    /// The entry before it in the slot's list, or its position in the slot's heap.
    prev: u32,
    /// The next entry of the slot, or of the free list.
    next: u32,
    /// Which list of `TimerWheel::slots`, or heap, holds the entry.
    slot: u16,
}

impl<T> WheelEntry<T> {
    /// Whether the cell may be reused. A free cell of the last generation looks the same as a retired one.
    fn is_free(&self) -> bool {
        self.value.is_none() && self.generation < u32::MAX
    }
}

/// First and last entry of a slot's list.
#[derive(Clone, Copy, Debug)]
struct WheelList {
    head: u32,
    tail: u32,
}

impl WheelList {
    const EMPTY: Self = Self {
        head: NIL,
        tail: NIL,
    };
}

/// Pending timers, each with a value that is returned when it is due.
#[derive(Debug)]
pub(crate) struct TimerWheel<T> {
    /// The latest time seen.
    now: u64,
    /// The tick up to which the wheel has been turned. Outside `advance` it is
    /// the tick of `now`.
    current: u64,
    /// Before this time no entry has to fire or to move to a lower level. It
    /// may be too early, as cancelling leaves it alone, but never too late.
    idle_until: u64,
    /// For each level, which of its slots have entries.
    occupied: [u64; LEVELS],
    /// The heaps of the lowest level.
    soon: Box<[Heap]>,
    /// How many entries were ever put into a heap.
    order: u64,
    /// The lists of all levels, `SLOTS` to a level; those of the lowest are empty.
    slots: Box<[WheelList]>,
    entries: Vec<WheelEntry<T>>,
    /// The generation of a new cell: no id of a cell that was freed by a trim has it.
    anew: u32,
    free: u32,
    /// How many entries are in a slot.
    pending: usize,
}

impl<T> TimerWheel<T> {
    /// An empty wheel whose time is `now`.
    pub(crate) fn new(now: u64) -> Self {
        Self {
            now,
            current: now >> TICK_BITS,
            idle_until: u64::MAX,
            occupied: [0; LEVELS],
            soon: std::iter::repeat_with(Heap::default).take(SLOTS).collect(),
            order: 0,
            slots: vec![WheelList::EMPTY; LEVELS * SLOTS].into_boxed_slice(),
            entries: Vec::with_capacity(AT_FIRST),
            anew: 0,
            free: NIL,
            pending: 0,
        }
    }

    /// Whether no timer is pending.
    pub(crate) fn is_empty(&self) -> bool {
        self.pending == 0
    }

    /// How many timers are pending.
    pub(crate) fn len(&self) -> usize {
        self.pending
    }

    /// Adds a timer that fires at the first `advance` to `deadline` or later. A
    /// deadline that is not after the wheel's time fires at the next `advance`,
    /// whatever time that one is given.
    ///
    /// # Panics
    ///
    /// If 2^32 - 1 timers are pending already.
    pub(crate) fn insert(&mut self, deadline: u64, value: T) -> TimerId {
        let index = self.allocate(deadline, value);
        self.pending += 1;
        self.link(index);
        let entry = &self.entries[index as usize];
        let attention = match u32::from(entry.slot) / SLOTS as u32 {
            0 => deadline,
            // When the wheel comes to the first tick of the slot.
            level => deadline & (u64::MAX << (TICK_BITS + SLOT_BITS * level)),
        };
        self.idle_until = self.idle_until.min(attention);
        let generation = entry.generation;
        TimerId { index, generation }
    }

    /// Removes a pending timer and returns its value; `None` if it has fired
    /// or been cancelled before.
    pub(crate) fn cancel(&mut self, id: TimerId) -> Option<T> {
        let entry = self.entries.get(id.index as usize)?;
        if entry.generation != id.generation || entry.value.is_none() {
            return None;
        }
        self.unlink(id.index);
        self.release(id.index)
    }

    /// Appends the values of all timers whose deadline is `now` or earlier to
    /// `fired`, ordered by deadline and then by insertion. A `now` before the
    /// wheel's time counts as the wheel's time.
    pub(crate) fn advance(&mut self, now: u64, fired: &mut Vec<T>) {
        self.now = self.now.max(now);
        if self.now >= self.idle_until {
            self.turn(fired);
        }
        // No occupied slot begins between the two.
        self.current = self.now >> TICK_BITS;
    }

    /// Frees the memory that a peak has left: that of the free cells behind the last one in use, if they are
    /// most of all cells.
    pub(crate) fn trim(&mut self) {
        self.trim_to(AT_FIRST);
    }

    /// As [`trim`](Self::trim), but keeps at least `least` cells.
    fn trim_to(&mut self, least: usize) {
        let used = self.entries.iter().rposition(|cell| cell.value.is_some());
        let used = used.map_or(0, |last| last + 1);
        if self.entries.len() < 2 * used.max(least) {
            return;
        }
        let left = self.entries[used..].iter().map(|cell| cell.generation);
        let highest = left.max().unwrap_or(0).max(self.anew);
        if highest == u32::MAX {
            return; // no generation is left that none of them had
        }
        self.anew = highest;
        self.entries.truncate(used);
        self.entries.shrink_to(least);
        self.free = NIL;
        for index in (0..used as u32).rev() {
            let cell = &mut self.entries[index as usize];
            if cell.is_free() {
                cell.next = self.free;
                self.free = index;
            }
        }
    }

    /// A time at which to call `advance` next, or `None` if nothing is pending.
    ///
    /// It is the earliest deadline, or an earlier time while that timer is still
    /// on a higher level; advancing to it then moves the timer down, so at most
    /// `LEVELS` such waits lead to the deadline.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.next_slot().map(|(_, time)| time)
    }

    /// Fires and moves everything that is due up to the wheel's time.
    fn turn(&mut self, fired: &mut Vec<T>) {
        self.idle_until = u64::MAX;
        while let Some((slot, time)) = self.next_slot() {
            if time > self.now {
                self.idle_until = time;
                break;
            }
            // All lower levels are empty, so the jump skips nothing. It would go backwards if the deadline
            // was overdue when inserted.
            self.current = self.current.max(time >> TICK_BITS);
            if slot < SLOTS {
                self.fire(slot, fired);
            } else {
                // The slot's digit is now the current tick's, so its entries go
                // to the levels below, in their order.
                while self.slots[slot].head != NIL {
                    let index = self.slots[slot].head;
                    self.unlink(index);
                    self.link(index);
                }
            }
        }
    }

    /// The occupied slot with the earliest entries, and the time at which there
    /// is something to do with it: to fire the first of them or to move them.
    fn next_slot(&self) -> Option<(usize, u64)> {
        let level = self.occupied.iter().position(|&word| word != 0)?;
        let digit = self.occupied[level].trailing_zeros();
        let slot = level * SLOTS + digit as usize;
        if level == 0 {
            let first = self.soon[slot].first();
            return first.map(|first| (slot, first.deadline));
        }
        let shift = SLOT_BITS * level as u32;
        // Digits above the level's are those of the current tick.
        let above = (self.current >> shift) & !(SLOTS as u64 - 1);
        Some((slot, (above | u64::from(digit)) << shift << TICK_BITS))
    }

    /// The slot for an entry with this deadline, as seen from the current tick.
    fn slot_of(&self, deadline: u64) -> usize {
        // An overdue entry goes where the next `advance` looks first.
        let tick = (deadline >> TICK_BITS).max(self.current);
        let differing = (tick ^ self.current) | 1;
        let level = differing.ilog2() / SLOT_BITS;
        let digit = (tick >> (SLOT_BITS * level)) as usize & (SLOTS - 1);
        level as usize * SLOTS + digit
    }

    /// Takes the due entries out of a slot of the lowest level. Going slot by slot keeps the order, as later
    /// slots have only later deadlines.
    fn fire(&mut self, slot: usize, fired: &mut Vec<T>) {
        while let Some(first) = self.soon[slot].first()
            && first.deadline <= self.now
        {
            let index = first.index;
            self.unlink(index);
            fired.extend(self.release(index));
        }
    }

    /// Puts an entry into the heap of its slot, behind those with its deadline.
    fn put_in_heap(&mut self, slot: usize, index: u32) {
        let entry = &mut self.entries[index as usize];
        entry.slot = slot as u16;
        let item = HeapItem {
            deadline: entry.deadline,
            order: self.order,
            index,
        };
        self.order += 1;
        let entries = &mut self.entries;
        self.soon[slot].push(item, |index, place| entries[index as usize].prev = place);
        self.occupied[0] |= 1 << slot;
    }

    /// Takes an entry out of the heap of its slot.
    fn take_from_heap(&mut self, slot: usize, index: u32) {
        let place = self.entries[index as usize].prev;
        let (heap, entries) = (&mut self.soon[slot], &mut self.entries);
        let removed = heap.remove(place, |index, place| entries[index as usize].prev = place);
        debug_assert_eq!(removed.index, index);
        if heap.first().is_none() {
            self.occupied[0] &= !(1 << slot);
        }
    }

    /// Puts an entry behind the others of its slot.
    fn link(&mut self, index: u32) {
        let slot = self.slot_of(self.entries[index as usize].deadline);
        if slot < SLOTS {
            return self.put_in_heap(slot, index);
        }
        let tail = std::mem::replace(&mut self.slots[slot].tail, index);
        let entry = &mut self.entries[index as usize];
        entry.slot = slot as u16;
        entry.prev = tail;
        entry.next = NIL;
        if tail == NIL {
            self.slots[slot].head = index;
            self.occupied[slot / SLOTS] |= 1 << (slot % SLOTS);
        } else {
            self.entries[tail as usize].next = index;
        }
    }

    /// Takes an entry out of its slot.
    fn unlink(&mut self, index: u32) {
        let entry = &self.entries[index as usize];
        let (prev, next, slot) = (entry.prev, entry.next, usize::from(entry.slot));
        if slot < SLOTS {
            return self.take_from_heap(slot, index);
        }
        let list = &mut self.slots[slot];
        match prev {
            NIL => list.head = next,
            _ => self.entries[prev as usize].next = next,
        }
        match next {
            NIL => list.tail = prev,
            _ => self.entries[next as usize].prev = prev,
        }
        if list.head == NIL {
            self.occupied[slot / SLOTS] &= !(1 << (slot % SLOTS));
        }
    }

    /// Fills a free cell, or a new one if there is none.
    fn allocate(&mut self, deadline: u64, value: T) -> u32 {
        if self.free == NIL {
            let index = self.entries.len();
            assert!(index < NIL as usize, "more than 2^32 - 1 timers pending");
            self.free = index as u32;
            self.entries.push(WheelEntry {
                value: None,
                deadline,
                generation: self.anew,
                prev: NIL,
                next: NIL,
                slot: 0,
            });
        }
        let index = self.free;
        let entry = &mut self.entries[index as usize];
        self.free = entry.next;
        entry.deadline = deadline;
        entry.value = Some(value);
        index
    }

    /// Frees the cell of an entry that is in no list and returns its value.
    fn release(&mut self, index: u32) -> Option<T> {
        let entry = &mut self.entries[index as usize];
        self.pending -= 1;
        // A cell whose generations are used up is retired: were they to start
        // again, an old id could match. That costs one cell in 2^32 reuses.
        if let Some(generation) = entry.generation.checked_add(1) {
            entry.generation = generation;
            entry.next = self.free;
            self.free = index;
        }
        entry.value.take()
    }
}

#[cfg(test)]
mod tests;
