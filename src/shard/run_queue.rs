//! What a worker has to do, in the order in which it became due.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use crate::fiber::FiberId;

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runnable {
    /// A turn of the actor in that slot.
    Turn(u32),
    /// A handler that waited continues, on that fiber.
    Fiber(FiberId),
    /// The oldest task.
    Task,
}

/// The capacity of the ring, a power of two.
const RING: u32 = 1024;

/// A queue of [`Runnable`], four bytes each: in a ring, and in a growing queue once the ring is full.
///
/// Each turn pushes and pops one entry, which in the ring is a handful of instructions.
pub(crate) struct RunQueue {
    ring: [Cell<u32>; RING as usize],
    /// How many were ever popped from the ring, and pushed into it, modulo 2^32.
    head: Cell<u32>,
    tail: Cell<u32>,
    /// The ring takes another entry below this length: 0 if there are entries behind it.
    most: Cell<u32>,
    /// What is due after all that is in the ring.
    behind: RefCell<VecDeque<u32>>,
}

const FIBER_MARK: u32 = 1 << 31;
const TASK: u32 = u32::MAX;

impl RunQueue {
    pub(super) fn new() -> Self {
        Self {
            ring: [const { Cell::new(0) }; RING as usize],
            head: Cell::new(0),
            tail: Cell::new(0),
            most: Cell::new(RING),
            behind: RefCell::default(),
        }
    }

    #[inline(always)]
    fn place(&self, number: u32) -> &Cell<u32> {
        &self.ring[(number % RING) as usize]
    }

    #[inline(always)]
    fn in_ring(&self) -> u32 {
        self.tail.get().wrapping_sub(self.head.get())
    }

    #[inline(always)]
    pub(crate) fn push(&self, due: Runnable) {
        let code = Self::code(due);
        if self.in_ring() >= self.most.get() {
            return self.push_behind(code);
        }
        self.push_in_ring(code);
    }

    #[inline(always)]
    fn push_in_ring(&self, code: u32) {
        let tail = self.tail.get();
        self.place(tail).set(code);
        self.tail.set(tail.wrapping_add(1));
    }

    #[cold]
    fn push_behind(&self, code: u32) {
        self.most.set(0);
        self.behind.borrow_mut().push_back(code);
    }

    /// The ring is empty: moves into it what is behind it.
    #[cold]
    fn fill_ring(&self) {
        let mut behind = self.behind.borrow_mut();
        let fitting = behind.len().min(RING as usize);
        behind
            .drain(..fitting)
            .for_each(|code| self.push_in_ring(code));
        if behind.is_empty() {
            self.most.set(RING);
        }
    }

    #[inline(always)]
    fn code(due: Runnable) -> u32 {
        match due {
            Runnable::Turn(slot) => slot,
            Runnable::Fiber(fiber) => fiber.index() | FIBER_MARK,
            Runnable::Task => TASK,
        }
    }

    /// Returns the first code, without removing it.
    #[inline(always)]
    fn first(&self) -> Option<u32> {
        if self.in_ring() == 0 {
            if self.most.get() == RING {
                return None;
            }
            self.fill_ring();
        }
        Some(self.place(self.head.get()).get())
    }

    #[inline(always)]
    fn drop_first(&self) {
        self.head.set(self.head.get().wrapping_add(1));
    }

    /// Removes the next entry and returns its slot, if it is an actor's turn, and in the ring.
    #[inline(always)]
    pub(crate) fn pop_turn(&self) -> Option<u32> {
        if self.in_ring() == 0 {
            return None;
        }
        let code = self.place(self.head.get()).get();
        if code & FIBER_MARK != 0 {
            return None;
        }
        self.drop_first();
        Some(code)
    }

    #[inline(always)]
    pub(crate) fn pop(&self) -> Option<Runnable> {
        let code = self.first()?;
        self.drop_first();
        Some(if code & FIBER_MARK == 0 {
            Runnable::Turn(code)
        } else if code == TASK {
            Runnable::Task
        } else {
            Runnable::Fiber(FiberId::from_index(code & !FIBER_MARK))
        })
    }

    /// Returns the slot whose turn comes after this many other entries, if it is in the ring.
    #[inline(always)]
    pub(crate) fn turn_after(&self, others: u32) -> Option<u32> {
        let code = self.place(self.head.get().wrapping_add(others)).get();
        (others < self.in_ring() && code & FIBER_MARK == 0).then_some(code)
    }

    /// Removes the next entry, if it is a fiber's.
    #[inline]
    pub(crate) fn pop_fiber(&self) -> Option<FiberId> {
        let code = self.first()?;
        if code & FIBER_MARK == 0 || code == TASK {
            return None;
        }
        self.drop_first();
        Some(FiberId::from_index(code & !FIBER_MARK))
    }

    /// Frees memory that the queue does not need now.
    pub(super) fn trim(&self) {
        let mut behind = self.behind.borrow_mut();
        if behind.capacity() > RING as usize {
            behind.shrink_to(RING as usize);
        }
    }

    /// Removes all entries.
    pub(crate) fn clear(&self) {
        self.head.set(self.tail.get());
        self.most.set(RING);
        self.behind.borrow_mut().clear();
    }

    /// Returns whether this entry is in the queue.
    #[cfg(test)]
    fn contains(&self, due: Runnable) -> bool {
        let (code, head) = (Self::code(due), self.head.get());
        (0..self.in_ring()).any(|at| self.place(head.wrapping_add(at)).get() == code)
            || self.behind.borrow().contains(&code)
    }

    /// Returns the number of entries.
    pub(crate) fn len(&self) -> usize {
        self.in_ring() as usize + self.behind.borrow().len()
    }

    /// Swaps two entries: no code may rely on the order of what is due.
    pub(crate) fn swap(&self, one: usize, other: usize) {
        if one != other {
            let code = self.replace(one, TASK);
            let code = self.replace(other, code);
            self.replace(one, code);
        }
    }

    /// Replaces a code and returns the old one.
    fn replace(&self, at: usize, code: u32) -> u32 {
        let in_ring = self.in_ring() as usize;
        if at >= in_ring {
            return std::mem::replace(&mut self.behind.borrow_mut()[at - in_ring], code);
        }
        #[allow(clippy::cast_possible_truncation)] // it is below the length of the ring
        self.place(self.head.get().wrapping_add(at as u32))
            .replace(code)
    }

    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.in_ring() == 0 && self.most.get() == RING
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_goes_in_comes_out_in_order() {
        let queue = RunQueue::new();
        let all = [
            Runnable::Turn(0),
            Runnable::Task,
            Runnable::Fiber(FiberId::from_index(5)),
            Runnable::Turn(9),
        ];
        all.into_iter().for_each(|due| queue.push(due));
        assert!(queue.contains(Runnable::Turn(9)) && !queue.contains(Runnable::Turn(5)));
        assert_eq!(std::array::from_fn(|_| queue.pop().unwrap()), all);
        assert!(queue.is_empty());
    }

    #[test]
    fn only_a_fiber_is_taken_as_one() {
        let queue = RunQueue::new();
        assert_eq!(queue.pop_fiber(), None);
        for due in [Runnable::Turn(3), Runnable::Task] {
            queue.push(due);
            assert_eq!(queue.pop_fiber(), None);
            assert_eq!(queue.pop(), Some(due));
        }
        queue.push(Runnable::Fiber(FiberId::from_index(7)));
        queue.push(Runnable::Turn(1));
        assert_eq!(queue.pop_fiber(), Some(FiberId::from_index(7)));
        assert_eq!(queue.pop(), Some(Runnable::Turn(1)));
    }

    proptest! {
        /// Against a plain queue: pushes, pops and swaps, about as much as fits into the ring, and more.
        #[test]
        fn it_is_a_queue_of_any_length(
            steps in prop::collection::vec((0_u32..700, 0_usize..700, any::<prop::sample::Index>()), 1..20),
        ) {
            let (queue, mut model) = (RunQueue::new(), VecDeque::new());
            let mut number = 0;
            for (pushed, popped, at) in steps {
                for _ in 0..pushed {
                    queue.push(Runnable::Turn(number));
                    model.push_back(number);
                    number += 1;
                }
                if !model.is_empty() {
                    let (one, other) = (at.index(model.len()), model.len() - 1);
                    queue.swap(one, other);
                    model.swap(one, other);
                    prop_assert!(queue.contains(Runnable::Turn(model[one])));
                }
                for _ in 0..popped {
                    prop_assert_eq!(queue.pop(), model.pop_front().map(Runnable::Turn));
                }
                prop_assert_eq!(queue.len(), model.len());
                prop_assert_eq!(queue.is_empty(), model.is_empty());
                prop_assert!(!queue.contains(Runnable::Turn(number)));
            }
        }
    }
}
