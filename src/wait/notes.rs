//! What the error of a wait is to say: the cycle of waits that it was part of, and the failure that ended it.

use std::sync::Arc;

use super::table::{WaitOutcome, Waits};
use crate::address::Key;
use crate::failure::{Cycle, Failure, WaitEnd, drop_with_fate};

impl<C> Waits<C> {
    /// Takes the cycle that a wait is part of, as far as is known.
    pub(crate) fn take_cycle(&self, key: Key) -> Option<Cycle> {
        let wait = self.arena.get(key.slot())?;
        if wait.generation.get() != key.generation() {
            return None;
        }
        wait.with_noted(key, |noted| noted.cycle.take()).flatten()
    }

    /// Takes the failure that has ended a wait, if it is known.
    pub(crate) fn take_failure(&self, key: Key) -> Option<Arc<Failure>> {
        let wait = self.arena.get(key.slot())?;
        if wait.generation.get() != key.generation() {
            return None;
        }
        wait.with_noted(key, |noted| noted.failure.take()).flatten()
    }

    /// Ends a wait because of a failure, which is noted.
    pub(crate) fn fail(&self, key: Key, failure: Arc<Failure>) -> WaitOutcome<C> {
        if let Some(wait) = self.pending(key) {
            wait.note(key, |noted| noted.failure = Some(failure));
        } else {
            let _ = drop_with_fate(failure, WaitEnd::Failed);
        }
        self.end(key, WaitEnd::Failed)
    }

    /// Notes the cycle that a wait is part of. Returns whether that was not known.
    pub(crate) fn note_cycle(&self, key: Key, cycle: &Cycle) -> bool {
        let Some(wait) = self.pending(key) else {
            return false;
        };
        let mut known = None;
        wait.note(key, |noted| known = noted.cycle.replace(cycle.clone()));
        known.as_ref() != Some(cycle)
    }
}
