//! Which ways a model ended, over all its interleavings.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// The outcomes that were seen, so that a check can be shown to have reached all it speaks of.
#[derive(Clone, Default)]
pub struct Outcomes(Arc<Mutex<BTreeSet<&'static str>>>);

impl Outcomes {
    /// Notes that `outcome` came about, where it did.
    pub fn note(&self, outcome: &'static str, came_about: bool) {
        if came_about {
            self.0.lock().unwrap().insert(outcome);
        }
    }

    /// All that came about, in the order of the alphabet.
    #[must_use]
    pub fn seen(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().iter().copied().collect()
    }
}
