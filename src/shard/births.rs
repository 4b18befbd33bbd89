//! When the actors of a worker started: four bytes for each slot, beside the slots, as no message needs them.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use crate::memory::CELLS_PER_GROUP;

/// The unit, in nanoseconds. A worker may run for thirteen years.
const UNIT: u64 = 100_000_000;

const GROUP: usize = CELLS_PER_GROUP as usize;

/// When the actor in each slot started, in groups as the slots have.
#[derive(Default)]
pub(crate) struct Births {
    groups: RefCell<Vec<Option<Box<[u32; GROUP]>>>>,
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
        let (mut groups, slot) = (self.groups.borrow_mut(), slot as usize);
        let group = match groups.get_mut(slot / GROUP) {
            Some(Some(group)) => group,
            _ => add(&mut groups, slot / GROUP),
        };
        group[slot % GROUP] = self.now.get();
    }

    /// Returns how long ago, at that time, the actor in that slot started.
    pub(crate) fn age_of(&self, slot: u32, nanos: u64) -> Duration {
        let (groups, slot) = (self.groups.borrow(), slot as usize);
        let group = groups.get(slot / GROUP).and_then(Option::as_ref);
        let age = group.map_or(0, |group| units(nanos).saturating_sub(group[slot % GROUP]));
        Duration::from_nanos(u64::from(age) * UNIT)
    }

    /// Frees the memory of groups of slots that have none themselves.
    pub(super) fn trim(&self, cold: impl Iterator<Item = u32>) {
        let mut groups = self.groups.borrow_mut();
        for group in cold {
            if let Some(group) = groups.get_mut(group as usize) {
                *group = None;
            }
        }
    }
}

#[cold]
#[inline(never)]
fn add(groups: &mut Vec<Option<Box<[u32; GROUP]>>>, group: usize) -> &mut [u32; GROUP] {
    if groups.len() <= group {
        groups.resize(group + 1, None);
    }
    groups[group].get_or_insert_with(|| Box::new([0; GROUP]))
}

fn units(nanos: u64) -> u32 {
    u32::try_from(nanos / UNIT).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s9_5_the_times_of_births_are_kept_in_groups_and_given_back_with_the_slots() {
        let births = Births::default();
        births.set_time(3 * UNIT);
        births.note(5);
        births.note(CELLS_PER_GROUP * 2 + 7);
        let age = |slot| births.age_of(slot, 10 * UNIT);
        let seven = Duration::from_nanos(7 * UNIT);
        assert_eq!(age(5), seven);
        assert_eq!(age(CELLS_PER_GROUP * 2 + 7), seven);
        assert_eq!(births.groups.borrow().iter().flatten().count(), 2);
        births.trim([2, 9].into_iter());
        assert_eq!(births.groups.borrow().iter().flatten().count(), 1);
        assert_eq!(age(5), seven);
        assert_eq!(
            births.age_of(5, 0),
            Duration::ZERO,
            "a clock may be read earlier"
        );
    }
}
