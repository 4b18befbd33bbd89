//! Names: each belongs to one actor at a time, and is released.

use parking_lot::Mutex;
use std::collections::BTreeMap;

use super::{Check, ensure};

#[derive(Debug, Default)]
struct Use {
    /// Whether an actor may retain it for a while after its state is gone.
    lingers: bool,
    alive: Vec<u32>,
    /// Actors that have no state and retain the name, unless they have stopped meanwhile.
    resting: Vec<u32>,
    claims: u32,
    claimed: u32,
}

impl Use {
    fn is_free(&self) -> bool {
        self.alive.is_empty() && self.resting.is_empty()
    }
}

/// Which actors have each name.
#[derive(Debug, Default)]
pub struct Names(Mutex<BTreeMap<String, Use>>);

/// An attempt to take a name.
#[derive(Debug)]
pub struct Claim {
    path: String,
    number: u32,
    free: bool,
}

impl Names {
    /// Records that an attempt to take a name begins.
    pub fn claim(&self, path: &str) -> Claim {
        let mut names = self.0.lock();
        let used = names.entry(path.to_owned()).or_default();
        used.claims += 1;
        used.claimed += 1;
        Claim {
            path: path.to_owned(),
            number: used.claimed,
            free: used.is_free() && used.claims == 1 && !used.lingers,
        }
    }

    /// Records that the attempt is over, and whether the name was taken already.
    ///
    /// # Errors
    ///
    /// If it was although no actor had it, or was not although an actor has it.
    pub fn claimed(&self, claim: &Claim, taken: bool) -> Check {
        let mut names = self.0.lock();
        let used = names.entry(claim.path.clone()).or_default();
        used.claims -= 1;
        let free = claim.free && used.claimed == claim.number && !used.lingers;
        ensure(!(taken && free), || {
            format!("{} was taken, though nobody had it", claim.path)
        })
    }

    /// Records that an actor with that name is built.
    ///
    /// # Errors
    ///
    /// If another one has the name.
    pub fn born(&self, path: &str, number: u32) -> Check {
        let mut names = self.0.lock();
        let used = names.entry(path.to_owned()).or_default();
        used.resting.retain(|resting| *resting != number);
        used.alive.push(number);
        ensure(used.alive.len() == 1, || {
            format!("{path} is given twice: {:?}", used.alive)
        })
    }

    /// Notes that from now on it is not certain when that name is released: an actor that has it
    /// starts children after its own end.
    pub fn linger(&self, path: &str) {
        self.0.lock().entry(path.to_owned()).or_default().lingers = true;
    }

    /// Records that an actor with that name passivates.
    pub fn rests(&self, path: &str, number: u32) {
        let mut names = self.0.lock();
        if let Some(used) = names.get_mut(path) {
            used.alive.retain(|alive| *alive != number);
            used.resting.push(number);
        }
    }

    /// Records that an actor with that name no longer exists.
    pub fn died(&self, path: &str, number: u32) {
        let mut names = self.0.lock();
        if let Some(used) = names.get_mut(path) {
            used.alive.retain(|alive| *alive != number);
        }
    }

    /// The number of names in use.
    pub fn in_use(&self) -> usize {
        let names = self.0.lock();
        names.values().filter(|used| !used.alive.is_empty()).count()
    }

    /// The names that have been released.
    pub fn free_again(&self) -> Vec<String> {
        let names = self.0.lock();
        let free = names
            .iter()
            .filter(|(_, used)| used.is_free() && used.claims == 0);
        free.map(|(path, _)| path.clone()).collect()
    }
}

/// What is known about an actor around a lookup of its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sight {
    /// It had started before.
    pub ran_before: bool,
    /// It no longer existed before.
    pub gone_before: bool,
    /// It still existed afterwards.
    pub there_after: bool,
    /// It was found.
    pub found: bool,
}

impl Sight {
    /// Checks that an existing actor is found, and one that is gone is not.
    ///
    /// # Errors
    ///
    /// If it is the other way round.
    pub fn check(self, path: &str) -> Check {
        ensure(!(self.gone_before && self.found), || {
            format!("{path} was found, and had stopped")
        })?;
        let certain = self.ran_before && !self.gone_before && self.there_after;
        ensure(!certain || self.found, || {
            format!("{path} was not found, and runs")
        })
    }
}
