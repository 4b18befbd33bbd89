//! A count of those who have come so far, of whom the last one goes on for all.
//!
//! The workers of a pool close when all of them are quiet: one that has no actors left counts itself, and
//! whoever starts them counts one that could not be started. The last one orders all of them to close.
//!
//! **One is the last.** The count is changed in one step each time.
//!
//! **Orderings.** Each step acquires and releases, and is the partner of all others: what anybody did before it
//! counted itself, as to send something, comes before what the last one does then. Checked by
//! `loom-tests/tests/shutdown.rs`.

use crate::sync::{AtomicUsize, Mutant, is_mutated, ordering};
use std::sync::atomic::Ordering::{AcqRel, Relaxed};

/// How many have come so far.
#[derive(Debug)]
pub struct Quorum(AtomicUsize);

impl Default for Quorum {
    fn default() -> Self {
        Self(AtomicUsize::new(0))
    }
}

impl Quorum {
    /// One more has come so far. Returns whether it is the last of so many.
    #[must_use]
    pub fn one_more(&self, of: usize) -> bool {
        if is_mutated(Mutant::QuorumCountedByStore) {
            let before = self.0.load(Relaxed);
            self.0.store(before + 1, Relaxed);
            return before + 1 == of;
        }
        let before = self.0.fetch_add(1, ordering(AcqRel, Mutant::QuorumRelaxed));
        before + 1 == of
    }
}
