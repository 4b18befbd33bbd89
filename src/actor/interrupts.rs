//! Handlers that may not wait any more: all of them at a shutdown's deadline, and tasks that were
//! cancelled.
//!
//! Whoever is about to wait looks at one flag. Only where that is set does it matter which fiber
//! it stands on.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use super::fate::End;
use super::id::Key;
use crate::fiber::FiberId;

/// What is to be interrupted on one worker.
#[derive(Default)]
pub(crate) struct Interrupts {
    /// Whether there is anything to look at.
    any: Cell<bool>,
    forcing: Cell<bool>,
    /// The fibers of cancelled tasks that have not ended, and the end of the replies on them.
    cancelled: RefCell<HashMap<u32, End>>,
    /// Those of them that are yet to be ended where they wait, and by which wait that is last, one for each
    /// entry in the run queue.
    to_end: RefCell<VecDeque<(FiberId, Rc<Cell<Key>>)>>,
}

impl Interrupts {
    /// Whether it matters who is about to wait.
    #[inline(always)]
    pub(crate) fn any(&self) -> bool {
        self.any.get()
    }

    /// A shutdown's deadline has come: nobody waits any more.
    pub(crate) fn force(&self) {
        self.forcing.set(true);
        self.any.set(true);
    }

    pub(crate) fn is_forcing(&self) -> bool {
        self.forcing.get()
    }

    /// Whether what stands on a fiber is to end instead of waiting.
    #[cold]
    pub(crate) fn ends(&self, fiber: FiberId) -> bool {
        self.forcing.get() || self.end_on(fiber).is_some()
    }

    /// How replies end that are dropped where a cancelled task unwinds, if one does on that fiber.
    pub(crate) fn end_on(&self, fiber: FiberId) -> Option<End> {
        self.cancelled.borrow().get(&fiber.index()).copied()
    }

    /// The task on that fiber is cancelled, of which it is known by which wait it waits last.
    pub(crate) fn cancel(&self, fiber: FiberId, wait: Rc<Cell<Key>>, end: End) {
        self.cancelled.borrow_mut().insert(fiber.index(), end);
        self.to_end.borrow_mut().push_back((fiber, wait));
        self.any.set(true);
    }

    /// The task on that fiber has ended.
    pub(crate) fn ended(&self, fiber: FiberId) {
        if self.any.get() {
            let mut cancelled = self.cancelled.borrow_mut();
            cancelled.remove(&fiber.index());
            self.any.set(self.forcing.get() || !cancelled.is_empty());
        }
    }

    /// The next one to be ended where it waits, and the wait by which it has waited last; it may have ended
    /// by now.
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
        interrupts.cancel(one, Rc::clone(&wait), End::Failed);
        wait.set(Key::new(3, 1));
        assert!(interrupts.any() && interrupts.ends(one) && !interrupts.ends(other));
        assert_eq!(interrupts.end_on(one), Some(End::Failed));
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
