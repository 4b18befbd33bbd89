//! Actors that are held up by their families: what comes next for them waits for others, and no fiber does.

use super::family::key_of;
use super::passivate::Passive;
use crate::actor::id::{ActorId, Key};
use crate::actor::shard::Shard;
use crate::actor::slot::{NO_SLOT, Slot, State};

/// For whom an actor waits without a fiber.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum HeldUp {
    /// For all below it, which are to end: it starts again, passivates, or did not start.
    ByThoseBelow,
    /// For its parent, which is to decide about its failure.
    ByParent(Key),
}

/// The searches for cycles that an actor which is held up has had a part in.
#[derive(Default)]
pub(crate) struct Searches {
    /// Whether one from here is to begin.
    is_due: bool,
    /// The last ones that have come by, each by where it began and its number there.
    seen: Vec<(ActorId, u64)>,
}

impl Searches {
    /// As many searches as are told apart from those that come for the first time.
    const REMEMBERED: usize = 16;
}

/// Who holds an actor up, where anybody does.
pub(crate) fn held_up(shard: &Shard, slot: &Slot) -> Option<HeldUp> {
    if !slot.special.get() || !slot.has_system() {
        return None;
    }
    slot.with_system(|system| {
        let ends = slot.state() == State::Stopping;
        let is_left = match ends {
            true => system.start_failed,
            false => match system.passive {
                None => system.restarting.is_some(),
                // While `PostStop` runs, what comes next is up to that.
                Some(Passive::Leaving) => !slot.is_at_work(),
                Some(Passive::Told) => true,
                Some(Passive::Asleep) => false,
            },
        };
        if is_left {
            return (slot.first_child.get() != NO_SLOT).then_some(HeldUp::ByThoseBelow);
        }
        let parent = || HeldUp::ByParent(key_of(shard, slot.parent.get()));
        (system.escalated && !ends).then(parent)
    })
}

impl Slot {
    /// A search is to begin at an actor that is held up. Answers whether that is new.
    pub(crate) fn wants_search(&self) -> bool {
        self.with_system(|system| !std::mem::replace(&mut system.searches.is_due, true))
    }

    /// The search that is to begin here does so.
    pub(crate) fn begins_search(&self) {
        self.with_system(|system| system.searches.is_due = false);
    }

    /// A search comes by an actor that is held up. Answers whether it does so for the first time, as far
    /// as is remembered.
    pub(crate) fn is_new_search(&self, search: (ActorId, u64)) -> bool {
        self.with_system(|system| {
            let seen = &mut system.searches.seen;
            if seen.contains(&search) {
                return false;
            }
            if seen.len() == Searches::REMEMBERED {
                seen.remove(0);
            }
            seen.push(search);
            true
        })
    }
}
