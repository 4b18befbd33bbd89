//! Time as the caller reports it: it may jump ahead, or seem to go back.

use std::time::Duration;

/// The latest time reported.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone, PartialEq, Eq, Hash))]
pub(super) struct ProtocolClock(Duration);

impl ProtocolClock {
    /// Takes the time as reported, and returns the time to use: one before an earlier report counts
    /// as that one, so nothing is due twice, or gets more time than it was given.
    pub(super) fn advance(&mut self, now: Duration) -> Duration {
        self.0 = self.0.max(now);
        self.0
    }
}
