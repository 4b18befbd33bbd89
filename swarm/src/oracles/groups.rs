//! Groups: actors that have joined are found, and no others.

use parking_lot::Mutex;
use std::collections::BTreeSet;

use super::{Check, ensure};

/// One group, from the time it was opened until it stops: the actors that have joined, by their own
/// account.
#[derive(Debug, Default)]
pub struct Groups(Mutex<BTreeSet<u32>>);

impl Groups {
    /// Records that an actor is about to join.
    pub fn joins(&self, member: u32) {
        self.0.lock().insert(member);
    }

    /// Records that an actor is about to leave.
    pub fn leaves(&self, member: u32) {
        self.0.lock().remove(&member);
    }

    /// Whether an actor has joined, by its own account.
    pub fn has(&self, member: u32) -> bool {
        self.0.lock().contains(&member)
    }

    /// Checks the members as reported to an asker.
    ///
    /// # Errors
    ///
    /// If a member is listed twice, or the asker is listed wrongly.
    pub fn lists(&self, members: &[u32], asker: u32) -> Check {
        let set: BTreeSet<u32> = members.iter().copied().collect();
        ensure(set.len() == members.len(), || {
            format!("a group has a member twice: {members:?}")
        })?;
        let (has, told) = (self.has(asker), set.contains(&asker));
        ensure(has == told, || {
            format!("{asker} has joined: {has}, and a group has {members:?}")
        })
    }

    /// Checks the members when nothing is left to do. `is_there` says whether an actor has not
    /// stopped, if that is known.
    ///
    /// # Errors
    ///
    /// If a member is missing, or has left or stopped.
    pub fn are(&self, members: &[u32], is_there: impl Fn(u32) -> Option<bool>) -> Check {
        let joined = self.0.lock();
        let missing = |one: &&u32| is_there(**one) == Some(true) && !members.contains(one);
        let wrong = |one: &&u32| !joined.contains(one) || is_there(**one) == Some(false);
        let missing = joined.iter().find(missing);
        let wrong = members.iter().find(wrong);
        ensure(missing.is_none() && wrong.is_none(), || {
            format!("{missing:?} is missing in a group, and {wrong:?} is in it: {members:?}")
        })
    }
}
