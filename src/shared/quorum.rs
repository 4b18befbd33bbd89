//! A count of arrivals, of which the last one acts for all.
//!
//! The workers of a pool close when all of them are quiet. A worker without actors counts itself, and the
//! thread that starts the workers counts one that could not be started. The last arrival orders all of them
//! to close.
//!
//! **Exactly one is the last.** Each change of the count is one step.
//!
//! **Orderings.** Each step acquires and releases, and is the partner of all others: what any thread did
//! before it counted itself, such as a send, happens before what the last one does next. Checked by
//! `loom-tests/tests/shutdown.rs`.

use crate::sync::{AtomicUsize, Mutant, is_mutated, ordering};
use std::sync::atomic::Ordering::{AcqRel, Relaxed};

/// The number of arrivals.
#[derive(Debug)]
pub struct Quorum(AtomicUsize);

impl Default for Quorum {
    fn default() -> Self {
        Self(AtomicUsize::new(0))
    }
}

impl Quorum {
    /// Counts an arrival. Returns whether it is the last of `of`.
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
