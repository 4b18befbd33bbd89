//! When the actors of a worker started: four bytes for each slot, beside the slots, as no message needs them.

use std::cell::{Cell, RefCell};
use std::time::Duration;

/// The unit, in nanoseconds. A worker may run for thirteen years.
const UNIT: u64 = 100_000_000;
/// Entries that are added at a time.
const ADDED: usize = 1_024;

/// When the actor in each slot started.
#[derive(Default)]
pub(crate) struct Births {
    all: RefCell<Vec<u32>>,
    now: Cell<u32>,
}

impl Births {
    /// Sets the time of the births to come.
    pub(super) fn set_time(&self, nanos: u64) {
        self.now.set(units(nanos));
    }

    /// Notes that an actor starts in that slot.
    #[inline(always)]
    pub(crate) fn note(&self, slot: u32) {
        let mut all = self.all.borrow_mut();
        match all.get_mut(slot as usize) {
            Some(birth) => *birth = self.now.get(),
            None => grow(&mut all, slot as usize, self.now.get()),
        }
    }

    /// Returns how long ago, at that time, the actor in that slot started.
    pub(crate) fn age_of(&self, slot: u32, nanos: u64) -> Duration {
        let birth = self.all.borrow().get(slot as usize).copied();
        let age = birth.map_or(0, |birth| units(nanos).saturating_sub(birth));
        Duration::from_nanos(u64::from(age) * UNIT)
    }
}

#[cold]
#[inline(never)]
fn grow(all: &mut Vec<u32>, slot: usize, birth: u32) {
    all.resize(slot + ADDED, 0);
    all[slot] = birth;
}

fn units(nanos: u64) -> u32 {
    u32::try_from(nanos / UNIT).unwrap_or(u32::MAX)
}
