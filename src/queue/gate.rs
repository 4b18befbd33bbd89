//! The gate of a bounded mailbox: a count of the messages that are in the mailbox or on their way to
//! it. Every thread reads from it directly, and exactly, whether there is capacity.
//!
//! The whole state is one word: two marks above the count of the permits taken.
//!
//! | step                     | by                  | open, room | open, full | with waiters    | closed |
//! |--------------------------|---------------------|------------|------------|-----------------|--------|
//! | [`Gate::enter`]          | any sender          | count + 1  | refused    | refused         | closed |
//! | [`Gate::enter_as_first`] | owner, for a waiter | count + 1  | refused    | as without them | closed |
//! | [`Gate::leave`]          | the permit's holder | count - 1  | count - 1  | count - 1, told | –      |
//! | [`Gate::mark_waiting`]   | the owner           | mark       | mark       | mark            | –      |
//! | [`Gate::close`]          | the owner           | mark       | mark       | mark            | –      |
//!
//! **No sender overtakes a waiter.** While the waiters' mark is set, only the owner admits a sender:
//! the first waiter.
//!
//! **No lost wake-up.** The owner first sets the mark and then tries to enter for the waiter. Both
//! steps, and leaving, are single modifications of the same word. If the leave comes first, the
//! owner finds the free permit; if the mark comes first, the leaver is told of it.
//!
//! **Orderings.** All are relaxed: the word hands over nothing but itself. Messages travel through
//! the inbox, which has its own orderings, and only the owner knows the waiters. Checked by
//! `loom-tests/tests/gate.rs`.

use crate::sync::{AtomicUsize, Mutant, is_mutated};
use std::sync::atomic::Ordering::Relaxed;

const CLOSED: usize = 1 << (usize::BITS - 1);
const WAITING: usize = 1 << (usize::BITS - 2);
const COUNT: usize = WAITING - 1;

/// Why a sender was not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcquireError {
    /// Every permit is taken, or others wait for one.
    Full,
    /// The gate is closed.
    Closed,
}

/// A bounded count, shared between threads.
#[derive(Debug)]
pub struct Gate {
    word: AtomicUsize,
    capacity: usize,
}

impl Gate {
    /// Makes an open gate with this many permits.
    pub fn new(capacity: usize) -> Self {
        Self {
            word: AtomicUsize::new(0),
            // There is no memory for more messages than that.
            capacity: capacity.min(COUNT),
        }
    }

    /// The number of permits.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Takes a permit.
    ///
    /// # Errors
    ///
    /// [`AcquireError`] says why there is none.
    pub fn enter(&self) -> Result<(), AcquireError> {
        self.enter_despite(0)
    }

    /// Takes a permit for the first waiter. For the owner only.
    ///
    /// # Errors
    ///
    /// As for [`enter`](Self::enter).
    pub fn enter_as_first(&self) -> Result<(), AcquireError> {
        self.enter_despite(WAITING)
    }

    fn enter_despite(&self, marks: usize) -> Result<(), AcquireError> {
        let mut word = self.word.load(Relaxed);
        let mut again = false;
        loop {
            if word & CLOSED != 0 && !(again && is_mutated(Mutant::GateClosedSeenOnce)) {
                return Err(AcquireError::Closed);
            }
            again = true;
            if word & WAITING & !marks != 0 || word & COUNT >= self.capacity {
                return Err(AcquireError::Full);
            }
            if is_mutated(Mutant::GateEnteredByStore) {
                self.word.store(word + 1, Relaxed);
                return Ok(());
            }
            match self
                .word
                .compare_exchange_weak(word, word + 1, Relaxed, Relaxed)
            {
                Ok(_) => return Ok(()),
                Err(actual) => word = actual,
            }
        }
    }

    /// Returns a permit that was taken. Returns `true` if a sender waits for it, which the owner
    /// then has to admit.
    #[must_use]
    pub fn leave(&self) -> bool {
        let before = self.word.fetch_sub(1, Relaxed);
        debug_assert_ne!(before & COUNT, 0, "a permit is released once");
        before & WAITING != 0 && !is_mutated(Mutant::GateLeftUnseen)
    }

    /// Sets or clears the waiters' mark. For the owner only.
    pub fn mark_waiting(&self, waiting: bool) {
        if is_mutated(Mutant::GateMarkedByStore) {
            let word = self.word.load(Relaxed) & !WAITING;
            let mark = if waiting { WAITING } else { 0 };
            return self.word.store(word | mark, Relaxed);
        }
        if waiting {
            self.word.fetch_or(WAITING, Relaxed);
        } else {
            self.word.fetch_and(!WAITING, Relaxed);
        }
    }

    /// Refuses all senders from now on. For the owner only.
    pub fn close(&self) {
        if is_mutated(Mutant::GateClosedByStore) {
            let word = self.word.load(Relaxed);
            return self.word.store(word | CLOSED, Relaxed);
        }
        self.word.fetch_or(CLOSED, Relaxed);
    }

    /// Whether the gate is closed: a value that may be old when it is read.
    pub fn is_closed(&self) -> bool {
        self.word.load(Relaxed) & CLOSED != 0
    }

    #[cfg(any(test, nexus_loom))]
    /// The number of permits taken: a value that may be old when it is read.
    pub fn taken(&self) -> usize {
        self.word.load(Relaxed) & COUNT
    }
}

#[cfg(all(test, not(nexus_loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Enter,
        EnterAsFirst,
        Leave,
        Mark(bool),
        Close,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            8 => Just(Step::Enter),
            4 => Just(Step::EnterAsFirst),
            8 => Just(Step::Leave),
            4 => any::<bool>().prop_map(Step::Mark),
            1 => Just(Step::Close),
        ]
    }

    /// What the gate should be: three plain values.
    struct Model {
        taken: usize,
        capacity: usize,
        waiting: bool,
        closed: bool,
    }

    impl Model {
        fn enter(&mut self, first: bool) -> Result<(), AcquireError> {
            if self.closed {
                return Err(AcquireError::Closed);
            }
            if self.taken == self.capacity || (self.waiting && !first) {
                return Err(AcquireError::Full);
            }
            self.taken += 1;
            Ok(())
        }
    }

    proptest! {
        #[test]
        fn s3_2_a_gate_is_a_count_with_a_bound(
            capacity in 1_usize..6,
            steps in proptest::collection::vec(step(), 0..200),
        ) {
            let gate = Gate::new(capacity);
            let mut model = Model { taken: 0, capacity, waiting: false, closed: false };
            for step in steps {
                match step {
                    Step::Enter => prop_assert_eq!(gate.enter(), model.enter(false)),
                    Step::EnterAsFirst => prop_assert_eq!(gate.enter_as_first(), model.enter(true)),
                    Step::Leave if model.taken > 0 => {
                        model.taken -= 1;
                        prop_assert_eq!(gate.leave(), model.waiting);
                    }
                    Step::Leave => {}
                    Step::Mark(waiting) => {
                        model.waiting = waiting;
                        gate.mark_waiting(waiting);
                    }
                    Step::Close => {
                        model.closed = true;
                        gate.close();
                    }
                }
                prop_assert_eq!(gate.taken(), model.taken);
                prop_assert_eq!(gate.is_closed(), model.closed);
                prop_assert!(gate.taken() <= gate.capacity());
            }
        }
    }

    #[test]
    fn s3_1_a_gate_of_any_capacity_is_no_larger_than_its_count() {
        assert_eq!(Gate::new(usize::MAX).capacity(), COUNT);
    }
}
