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
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// Length of a tick in nanoseconds.
    const TICK: u64 = 1 << TICK_BITS;
    const DAY: u64 = 86_400_000_000_000;
    const YEAR: u64 = 365 * DAY;

    fn count<T>(wheel: &TimerWheel<T>) -> usize {
        let cells = wheel.entries.iter();
        cells.filter(|cell| cell.value.is_some()).count()
    }

    fn advance<T>(wheel: &mut TimerWheel<T>, now: u64) -> Vec<T> {
        let mut fired = Vec::new();
        wheel.advance(now, &mut fired);
        fired
    }

    #[test]
    fn a_timer_fires_at_its_deadline_to_the_nanosecond() {
        for deadline in [1, TICK - 1, TICK, TICK + 1, 64 * TICK + 7, YEAR + 1] {
            let mut wheel = TimerWheel::new(0);
            wheel.insert(deadline, ());
            assert!(advance(&mut wheel, deadline - 1).is_empty());
            assert_eq!(wheel.next_deadline(), Some(deadline));
            assert_eq!(advance(&mut wheel, deadline).len(), 1);
            assert!(wheel.is_empty());
        }
    }

    #[test]
    fn the_current_tick_is_fired_piece_by_piece() {
        let start = 9 * TICK + 100;
        let mut wheel = TimerWheel::new(start);
        for offset in [30, 10, 20, 40] {
            wheel.insert(start + offset, offset);
        }
        assert_eq!(advance(&mut wheel, start + 10), [10]);
        wheel.insert(start + 15, 15);
        assert_eq!(wheel.next_deadline(), Some(start + 15));
        assert_eq!(advance(&mut wheel, start + 30), [15, 20, 30]);
        assert!(advance(&mut wheel, start + 39).is_empty());
        assert_eq!(advance(&mut wheel, start + 5 * TICK), [40]);
    }

    #[test]
    fn one_call_fires_by_deadline_and_then_by_insertion() {
        let mut wheel = TimerWheel::new(20 * TICK);
        let deadlines = [21 * TICK + 1, 21 * TICK, 3, 20 * TICK, 3, 21 * TICK, 2];
        for (seq, deadline) in deadlines.into_iter().enumerate() {
            wheel.insert(deadline, seq);
        }
        let mut fired = vec![99];
        wheel.advance(22 * TICK, &mut fired);
        assert_eq!(fired, [99, 6, 2, 4, 3, 1, 5, 0]);
    }

    #[test]
    fn a_past_deadline_fires_at_the_next_advance_whatever_its_time() {
        let mut wheel = TimerWheel::new(10 * TICK + 5);
        wheel.insert(10 * TICK + 6, 'c');
        wheel.insert(10 * TICK + 5, 'b');
        wheel.insert(0, 'a');
        assert_eq!(wheel.next_deadline(), Some(0));
        assert_eq!(advance(&mut wheel, 3), ['a', 'b']);
        assert!(advance(&mut wheel, 3).is_empty());
        assert_eq!(advance(&mut wheel, 10 * TICK + 6), ['c']);
    }

    #[test]
    fn an_advance_with_nothing_due_does_not_turn_the_wheel() {
        let mut wheel = TimerWheel::new(0);
        let first = wheel.insert(5 * TICK + 1, 'a');
        wheel.insert(7 * TICK + 2, 'b');
        assert_eq!(wheel.idle_until, 5 * TICK + 1);
        wheel.cancel(first);
        // The cancelled deadline costs one turn.
        assert!(advance(&mut wheel, 5 * TICK + 1).is_empty());
        assert_eq!(wheel.idle_until, 7 * TICK + 2);
        assert_eq!(advance(&mut wheel, 7 * TICK + 2), ['b']);
        assert_eq!(wheel.idle_until, u64::MAX);
    }

    #[test]
    fn time_going_backwards_is_ignored() {
        let mut wheel = TimerWheel::new(0);
        wheel.insert(5 * TICK, ());
        assert!(advance(&mut wheel, 4 * TICK).is_empty());
        assert!(advance(&mut wheel, TICK).is_empty());
        assert_eq!(wheel.now, 4 * TICK);
        assert_eq!(advance(&mut wheel, 5 * TICK).len(), 1);
    }

    #[test]
    fn insertion_order_survives_cascading() {
        let deadline = 64 * 64 * TICK + 70 * TICK;
        let mut wheel = TimerWheel::new(0);
        wheel.insert(deadline, 1);
        advance(&mut wheel, 64 * 64 * TICK);
        wheel.insert(deadline, 2);
        advance(&mut wheel, deadline - TICK);
        wheel.insert(deadline, 3);
        advance(&mut wheel, deadline - 1);
        wheel.insert(deadline, 4);
        assert_eq!(advance(&mut wheel, deadline), [1, 2, 3, 4]);
    }

    #[test]
    fn cancel_takes_out_exactly_its_own_timer() {
        let mut wheel = TimerWheel::new(0);
        let ids = [0, 1, 2, 3].map(|value| wheel.insert(TICK, value));
        assert_eq!(wheel.cancel(ids[1]), Some(1));
        assert_eq!(wheel.cancel(ids[0]), Some(0));
        assert_eq!(wheel.cancel(ids[3]), Some(3));
        assert_eq!(wheel.cancel(ids[3]), None);
        assert_eq!(count(&wheel), 1);
        assert_eq!(advance(&mut wheel, TICK), [2]);
        assert_eq!(wheel.cancel(ids[2]), None);
        assert_eq!(wheel.next_deadline(), None);
    }

    #[test]
    fn a_stale_id_does_not_cancel_the_timer_that_took_its_cell() {
        let mut wheel = TimerWheel::new(0);
        let old = wheel.insert(TICK, 'a');
        wheel.cancel(old);
        let new = wheel.insert(TICK, 'b');
        assert_eq!(new.index, old.index);
        assert_eq!(wheel.cancel(old), None);
        assert_eq!(wheel.cancel(new), Some('b'));
    }

    #[test]
    fn a_cell_with_no_generations_left_is_retired() {
        let mut wheel = TimerWheel::new(0);
        let first = wheel.insert(TICK, ());
        wheel.cancel(first);
        wheel.entries[0].generation = u32::MAX;
        let last = wheel.insert(TICK, ());
        assert_eq!((last.index, last.generation), (0, u32::MAX));
        assert_eq!(wheel.cancel(last), Some(()));
        assert_eq!(wheel.cancel(last), None);
        assert_eq!(wheel.insert(TICK, ()).index, 1);
        assert_eq!(count(&wheel), 1);
    }

    #[test]
    fn s9_5_what_a_peak_of_timers_took_goes_back_and_old_ids_match_no_later_timer() {
        let mut wheel = TimerWheel::new(0);
        let mut old: Vec<_> = (0..3).map(|value| wheel.insert(YEAR, value)).collect();
        // Two in use, around a free cell; all cells behind them are used twice.
        wheel.cancel(old[1]);
        for _ in 0..2 {
            let more: Vec<_> = (0..100_000).map(|i| wheel.insert(TICK + i, i)).collect();
            assert!(more.iter().all(|id| wheel.cancel(*id).is_some()));
            old.extend(more);
        }
        assert!(wheel.entries.capacity() >= 100_000);
        wheel.trim();
        assert!(wheel.entries.capacity() <= AT_FIRST);
        let pending: Vec<_> = (0..1000).map(|value| wheel.insert(DAY, value)).collect();
        assert!(old[3..].iter().all(|id| wheel.cancel(*id).is_none()));
        assert_eq!((wheel.len(), count(&wheel)), (1002, 1002));
        assert!(pending.iter().all(|id| wheel.cancel(*id).is_some()));
        assert_eq!(
            [old[0], old[2]].map(|id| wheel.cancel(id)),
            [Some(0), Some(2)]
        );
        wheel.trim();
        assert!(wheel.is_empty() && wheel.entries.is_empty());
        assert!(
            old.iter()
                .chain(&pending)
                .all(|id| wheel.cancel(*id).is_none())
        );
        wheel.insert(2 * YEAR, 7);
        assert!(
            old.iter()
                .chain(&pending)
                .all(|id| wheel.cancel(*id).is_none())
        );
        assert_eq!(advance(&mut wheel, 2 * YEAR), [7]);
    }

    #[test]
    fn a_cell_with_no_generations_left_is_not_given_back() {
        let mut wheel = TimerWheel::new(0);
        let ids: Vec<_> = (0..4 * AT_FIRST).map(|_| wheel.insert(TICK, ())).collect();
        assert!(ids.iter().all(|id| wheel.cancel(*id).is_some()));
        wheel.entries[AT_FIRST].generation = u32::MAX;
        wheel.trim();
        assert_eq!(wheel.entries.len(), 4 * AT_FIRST);
    }

    #[test]
    fn a_million_inserts_and_cancels_reuse_the_same_cells() {
        let mut wheel = TimerWheel::new(0);
        let mut pending = std::collections::VecDeque::new();
        for i in 0..1_000_000_u64 {
            pending.push_back(wheel.insert(i + YEAR, i));
            if pending.len() > 100 {
                assert_eq!(wheel.cancel(pending.pop_front().unwrap()), Some(i - 100));
            }
        }
        assert_eq!(count(&wheel), 100);
        assert!(wheel.entries.capacity() <= 128);
    }

    #[test]
    fn empty_spans_are_jumped_over() {
        let mut wheel = TimerWheel::new(0);
        // Ten thousand jumps of weeks would not end if one looped per tick.
        for year in 1..500 {
            let deadline = year * YEAR;
            wheel.insert(deadline, year);
            for hop in 1..20 {
                assert!(advance(&mut wheel, deadline - YEAR + hop * YEAR / 20).is_empty());
            }
            assert_eq!(advance(&mut wheel, deadline), [year]);
        }
    }

    #[test]
    fn sleeping_until_next_deadline_reaches_a_far_timer_in_few_steps() {
        let mut wheel = TimerWheel::new(12_345);
        let deadline = 300 * YEAR + 987_654_321;
        wheel.insert(deadline, ());
        let mut steps = 0;
        while let Some(until) = wheel.next_deadline() {
            assert!(until > wheel.now && until <= deadline);
            advance(&mut wheel, until);
            steps += 1;
        }
        assert!(wheel.now == deadline && steps <= LEVELS, "{steps} steps");
    }

    #[test]
    fn a_near_timer_is_exact_after_a_long_silence() {
        let mut wheel = TimerWheel::new(0);
        let now = 64 * 64 * 64 * TICK;
        advance(&mut wheel, now);
        wheel.insert(now + 3 * TICK + 1, ());
        assert_eq!(wheel.next_deadline(), Some(now + 3 * TICK + 1));
    }

    #[test]
    fn the_end_of_time_is_neither_early_nor_an_overflow() {
        let mut wheel = TimerWheel::new(u64::MAX - 3 * TICK);
        let last = wheel.insert(u64::MAX, 'z');
        wheel.insert(u64::MAX - TICK, 'y');
        assert!(advance(&mut wheel, u64::MAX - 2 * TICK).is_empty());
        assert_eq!(advance(&mut wheel, u64::MAX - 1), ['y']);
        assert_eq!(wheel.next_deadline(), Some(u64::MAX));
        assert_eq!(wheel.cancel(last), Some('z'));
        wheel.insert(u64::MAX, 'z');
        assert_eq!(advance(&mut wheel, u64::MAX), ['z']);
    }

    #[derive(Clone, Debug)]
    enum Op {
        /// Insert at this distance from the current time, before or after it.
        Insert(i64),
        /// Cancel the id issued at this position, if there is one yet.
        Cancel(prop::sample::Index),
        /// Let this much time pass.
        Advance(u64),
        /// Call with a time in the past.
        Rewind(u64),
        /// Go exactly to `next_deadline`.
        Sleep,
        /// Free memory.
        Trim,
    }

    fn span() -> impl Strategy<Value = u64> {
        prop_oneof![
            0..4_u64,
            0..3 * TICK,
            (0..200_u64).prop_map(|ticks| ticks * TICK),
            0..10_000 * TICK,
            0..3 * DAY,
            0..5 * YEAR,
        ]
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            4 => span().prop_map(|s| Op::Insert(s as i64)),
            1 => span().prop_map(|s| Op::Insert(-(s as i64))),
            2 => any::<prop::sample::Index>().prop_map(Op::Cancel),
            2 => span().prop_map(Op::Advance),
            1 => span().prop_map(Op::Rewind),
            2 => Just(Op::Sleep),
            1 => Just(Op::Trim),
        ]
    }

    /// The contract, kept in a sorted map and nothing else.
    #[derive(Default)]
    struct Oracle {
        now: u64,
        /// Deadline and sequence number.
        pending: BTreeMap<(u64, usize), ()>,
    }

    impl Oracle {
        fn cancel(&mut self, seq: usize) -> Option<usize> {
            let key = *self.pending.keys().find(|key| key.1 == seq)?;
            self.pending.remove(&key).map(|()| seq)
        }

        fn advance(&mut self, now: u64) -> Vec<usize> {
            self.now = self.now.max(now);
            let later = self.pending.split_off(&(self.now, usize::MAX));
            let due = std::mem::replace(&mut self.pending, later);
            due.into_keys().map(|(_, seq)| seq).collect()
        }

        fn first(&self) -> Option<u64> {
            self.pending.keys().next().map(|key| key.0)
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]
        #[test]
        fn behaves_as_a_sorted_map(
            start in 0..100 * YEAR,
            ops in prop::collection::vec(op(), 1..120),
        ) {
            let mut wheel = TimerWheel::new(start);
            let mut oracle = Oracle { now: start, ..Oracle::default() };
            let mut ids = Vec::new();
            for op in ops {
                let now = oracle.now;
                let to = match op {
                    Op::Insert(distance) => {
                        let deadline = now.saturating_add_signed(distance);
                        oracle.pending.insert((deadline, ids.len()), ());
                        ids.push(wheel.insert(deadline, ids.len()));
                        None
                    }
                    Op::Cancel(which) if !ids.is_empty() => {
                        let seq = which.index(ids.len());
                        prop_assert_eq!(wheel.cancel(ids[seq]), oracle.cancel(seq));
                        None
                    }
                    Op::Cancel(_) => None,
                    Op::Advance(span) => Some(now.saturating_add(span)),
                    Op::Rewind(span) => Some(now.saturating_sub(span)),
                    Op::Sleep => wheel.next_deadline(),
                    Op::Trim => {
                        wheel.trim_to(1);
                        None
                    }
                };
                if let Some(to) = to {
                    prop_assert_eq!(advance(&mut wheel, to), oracle.advance(to));
                    // Or the next call would turn the wheel for nothing.
                    prop_assert!(wheel.idle_until > wheel.now);
                }
                prop_assert_eq!(count(&wheel), oracle.pending.len());
                prop_assert_eq!(wheel.is_empty(), oracle.pending.is_empty());
                let (next, first) = (wheel.next_deadline(), oracle.first());
                prop_assert_eq!(next.is_some(), first.is_some());
                prop_assert!(next <= first);
                prop_assert!(next.is_none_or(|next| wheel.idle_until <= next));
                // Within the block of the current tick nothing is inexact.
                let block = |time: u64| time >> (TICK_BITS + SLOT_BITS);
                if first.is_some_and(|first| block(first) <= block(wheel.now)) {
                    prop_assert_eq!(next, first);
                }
            }
        }

        #[test]
        fn sleeping_until_next_deadline_is_never_late(
            start in 0..100 * YEAR,
            spans in prop::collection::vec(span(), 1..60),
        ) {
            let mut wheel = TimerWheel::new(start);
            let mut waiting = BTreeMap::<u64, usize>::new();
            for span in spans {
                wheel.insert(start + 1 + span, start + 1 + span);
                *waiting.entry(start + 1 + span).or_default() += 1;
            }
            while let Some(until) = wheel.next_deadline() {
                prop_assert!(until > wheel.now);
                let due = waiting.remove(&until).unwrap_or(0);
                prop_assert_eq!(advance(&mut wheel, until), vec![until; due]);
            }
            prop_assert!(waiting.is_empty());
        }
    }
}
