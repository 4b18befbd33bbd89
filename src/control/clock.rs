//! Time as it is told: it may jump ahead, and seem to go back.

use std::time::Duration;

/// The largest time that was told.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone, PartialEq, Eq, Hash))]
pub(super) struct Clock(Duration);

impl Clock {
    /// Is told the time, and answers what it is taken for: one that is earlier than another one
    /// before counts as that one, so nothing is due twice, or gets more time than it was given.
    pub(super) fn advance(&mut self, now: Duration) -> Duration {
        self.0 = self.0.max(now);
        self.0
    }
}
