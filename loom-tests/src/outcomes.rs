//! The ways in which a model ended, over all its interleavings.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// The outcomes that were seen, by which a check proves that it has reached all outcomes it
/// names.
#[derive(Clone, Default)]
pub struct Outcomes(Arc<Mutex<BTreeSet<&'static str>>>);

impl Outcomes {
    /// Notes `outcome` if `came_about`.
    pub fn note(&self, outcome: &'static str, came_about: bool) {
        if came_about {
            self.0.lock().unwrap().insert(outcome);
        }
    }

    /// Returns all outcomes that came about, in alphabetical order.
    #[must_use]
    pub fn seen(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().iter().copied().collect()
    }
}
