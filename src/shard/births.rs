//! When the actors of a worker started: four bytes for each slot, beside the slots, as no message needs them.

use std::time::Duration;

use super::state::Shard;

/// The unit, in nanoseconds. A worker may run for thirteen years.
const UNIT: u64 = 100_000_000;

impl Shard {
    /// Notes that an actor starts in that slot.
    #[inline]
    pub(crate) fn note_birth(&self, index: u32) {
        let now = self.units();
        let (mut births, index) = (self.births.borrow_mut(), index as usize);
        match births.get_mut(index) {
            Some(birth) => *birth = now,
            None => {
                births.resize(index, 0);
                births.push(now);
            }
        }
    }

    /// Returns how long ago the actor in that slot started.
    pub(crate) fn age_of(&self, index: u32) -> Duration {
        let birth = self.births.borrow().get(index as usize).copied();
        let age = birth.map_or(0, |birth| self.units().saturating_sub(birth));
        Duration::from_nanos(u64::from(age) * UNIT)
    }

    fn units(&self) -> u32 {
        u32::try_from(self.now.get() / UNIT).unwrap_or(u32::MAX)
    }
}
