//! What a worker has to do, in the order in which it became due.

use std::cell::RefCell;
use std::collections::VecDeque;

use crate::fiber::FiberId;

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// A turn of the actor in that slot.
    Turn(u32),
    /// A handler that waited goes on, on that fiber.
    Fiber(FiberId),
    /// The oldest task.
    Task,
}

/// A queue of [`Due`], four bytes each.
pub(crate) struct RunQueue(RefCell<VecDeque<u32>>);

const FIBER_MARK: u32 = 1 << 31;
const TASK: u32 = u32::MAX;

impl RunQueue {
    pub(crate) fn new() -> Self {
        Self(RefCell::default())
    }

    #[inline]
    pub(crate) fn push(&self, due: Due) {
        self.0.borrow_mut().push_back(Self::code(due));
    }

    #[inline]
    fn code(due: Due) -> u32 {
        match due {
            Due::Turn(slot) => slot,
            Due::Fiber(fiber) => fiber.index() | FIBER_MARK,
            Due::Task => TASK,
        }
    }

    #[inline]
    pub(crate) fn pop(&self) -> Option<Due> {
        let code = self.0.borrow_mut().pop_front()?;
        Some(if code & FIBER_MARK == 0 {
            Due::Turn(code)
        } else if code == TASK {
            Due::Task
        } else {
            Due::Fiber(FiberId::from_index(code & !FIBER_MARK))
        })
    }

    /// Takes the next thing to do, where it is a fiber's.
    #[inline]
    pub(crate) fn pop_fiber(&self) -> Option<FiberId> {
        let mut queue = self.0.borrow_mut();
        let code = *queue.front()?;
        if code & FIBER_MARK == 0 || code == TASK {
            return None;
        }
        queue.pop_front();
        Some(FiberId::from_index(code & !FIBER_MARK))
    }

    /// Forgets all that is due.
    pub(crate) fn clear(&self) {
        self.0.borrow_mut().clear();
    }

    /// Whether something is due.
    pub(crate) fn contains(&self, due: Due) -> bool {
        self.0.borrow().contains(&Self::code(due))
    }

    /// How much there is to do.
    pub(crate) fn len(&self) -> usize {
        self.0.borrow().len()
    }

    /// Changes the places of two things to do: what is due has no order that anybody may rely on.
    pub(crate) fn swap(&self, one: usize, other: usize) {
        self.0.borrow_mut().swap(one, other);
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_in_order() {
        let queue = RunQueue::new();
        let all = [
            Due::Turn(0),
            Due::Task,
            Due::Fiber(FiberId::from_index(5)),
            Due::Turn(9),
        ];
        all.into_iter().for_each(|due| queue.push(due));
        assert!(queue.contains(Due::Turn(9)) && !queue.contains(Due::Turn(5)));
        assert_eq!(std::array::from_fn(|_| queue.pop().unwrap()), all);
        assert!(queue.is_empty());
    }

    #[test]
    fn only_a_fiber_is_taken_as_one() {
        let queue = RunQueue::new();
        assert_eq!(queue.pop_fiber(), None);
        for due in [Due::Turn(3), Due::Task] {
            queue.push(due);
            assert_eq!(queue.pop_fiber(), None);
            assert_eq!(queue.pop(), Some(due));
        }
        queue.push(Due::Fiber(FiberId::from_index(7)));
        queue.push(Due::Turn(1));
        assert_eq!(queue.pop_fiber(), Some(FiberId::from_index(7)));
        assert_eq!(queue.pop(), Some(Due::Turn(1)));
    }
}
