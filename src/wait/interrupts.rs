//! Handlers that may no longer wait: all of them after a shutdown's deadline, and cancelled tasks.
//!
//! A handler that is about to wait checks one flag. Only if the flag is set does it matter on which fiber
//! the handler runs.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use crate::address::Key;
use crate::failure::WaitEnd;
use crate::fiber::FiberId;

/// What is to be interrupted on one worker.
#[derive(Default)]
pub(crate) struct Interrupts {
    /// Whether there is anything to check.
    any: Cell<bool>,
    forcing: Cell<bool>,
    /// The fibers of cancelled tasks that have not ended, and how the replies on them end.
    cancelled: RefCell<HashMap<u32, WaitEnd>>,
    /// Those of them that are still to be ended where they wait, each with its last wait; one for each
    /// entry in the run queue.
    to_end: RefCell<VecDeque<(FiberId, Rc<Cell<Key>>)>>,
}

impl Interrupts {
    /// Whether a handler must check its fiber before it waits.
    #[inline(always)]
    pub(crate) fn any(&self) -> bool {
        self.any.get()
    }

    /// Lets no handler wait any more, as a shutdown's deadline has passed.
    pub(crate) fn force(&self) {
        self.forcing.set(true);
        self.any.set(true);
    }

    pub(crate) fn is_forcing(&self) -> bool {
        self.forcing.get()
    }

    /// Whether the code on a fiber must end instead of waiting.
    #[cold]
    pub(crate) fn ends(&self, fiber: FiberId) -> bool {
        self.forcing.get() || self.end_on(fiber).is_some()
    }

    /// Returns how replies end that a cancelled task drops as it unwinds, if there is one on that fiber.
    pub(crate) fn end_on(&self, fiber: FiberId) -> Option<WaitEnd> {
        self.cancelled.borrow().get(&fiber.index()).copied()
    }

    /// Cancels the task on that fiber; `wait` holds its last wait.
    pub(crate) fn cancel(&self, fiber: FiberId, wait: Rc<Cell<Key>>, end: WaitEnd) {
        self.cancelled.borrow_mut().insert(fiber.index(), end);
        self.to_end.borrow_mut().push_back((fiber, wait));
        self.any.set(true);
    }

    /// Notes that the task on that fiber has ended.
    pub(crate) fn ended(&self, fiber: FiberId) {
        if self.any.get() {
            let mut cancelled = self.cancelled.borrow_mut();
            cancelled.remove(&fiber.index());
            self.any.set(self.forcing.get() || !cancelled.is_empty());
        }
    }

    /// Returns the next fiber to be ended where it waits, and its last wait, which may have ended by now.
    pub(crate) fn next_to_end(&self) -> Option<(FiberId, Key)> {
        let (fiber, wait) = self.to_end.borrow_mut().pop_front()?;
        Some((fiber, wait.get()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s6_4_only_the_fibers_of_cancelled_tasks_are_interrupted() {
        let interrupts = Interrupts::default();
        let (one, other) = (FiberId::from_index(1), FiberId::from_index(2));
        assert!(!interrupts.any());
        let wait = Rc::new(Cell::new(Key::NONE));
        interrupts.cancel(one, Rc::clone(&wait), WaitEnd::Failed);
        wait.set(Key::new(3, 1));
        assert!(interrupts.any() && interrupts.ends(one) && !interrupts.ends(other));
        assert_eq!(interrupts.end_on(one), Some(WaitEnd::Failed));
        assert_eq!(interrupts.next_to_end(), Some((one, Key::new(3, 1))));
        assert_eq!(interrupts.next_to_end(), None);
        interrupts.ended(other);
        assert!(interrupts.ends(one));
        interrupts.ended(one);
        assert!(!interrupts.any(), "whoever waits pays for no look any more");
        interrupts.force();
        interrupts.ended(one);
        assert!(interrupts.any() && interrupts.ends(other));
    }
}
