//! The number of a run.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hasher};

/// The number of one run of a pool, drawn at random when it starts.
///
/// Ids of actors and of messages are unique within a pool. Together with this number they are unique across
/// pools, and across runs of the program. In a simulation the number is 0, so that its runs are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RunId(u64);

impl RunId {
    /// That of a simulation.
    pub(crate) const REPEATABLE: Self = Self(0);

    /// Draws the number of a new run.
    pub(crate) fn draw() -> Self {
        // The keys of a hasher are random for each process, and differ from hasher to hasher.
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u32(std::process::id());
        Self(hasher.finish().max(1))
    }

    /// Returns the number itself.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// Displays 16 hexadecimal digits.
impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
