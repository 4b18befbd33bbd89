//! Those who wait at a gate, in line, and the room that the first of them is given.
//!
//! The line is the owner's. Whoever waits sends it there, and is given a [`Room`] when there is one: a place
//! that was taken for it, and that is given back unless it is used. Whoever gives one back, or leaves,
//! learns from the gate whether somebody waits, and tells the owner, which serves the line then.
//!
//! **Nobody waits for a place that is free.** Whoever joins the line is there, and the gate is marked, before
//! the owner tries to enter for the first of the line; so either it finds the place, or whoever leaves it
//! finds the mark. The mark stays for as long as anybody is in the line, and no longer: it keeps newcomers out.
//!
//! What the owner is told hands nothing over, and comes by its inbox, which has orderings of its own. Checked by
//! `loom-tests/tests/line.rs`.

use super::gate::Gate;
use crate::memory::OrderedMap;
use crate::sync::{Arc, Mutant, is_mutated};

/// Those who wait, first come first served, each with what is to be done for it when there is room.
pub struct Line<G> {
    /// By their tickets, in the order in which they came.
    waiting: OrderedMap<u64, G>,
    /// Whether it is being served: what comes free meanwhile is seen.
    serving: bool,
}

impl<G> Default for Line<G> {
    fn default() -> Self {
        Self {
            waiting: OrderedMap::new(),
            serving: false,
        }
    }
}

impl<G> Line<G> {
    /// Somebody waits, behind those who do already, with a ticket that nobody else has. To be
    /// [served](Self::begin_to_serve) now.
    pub fn join(&mut self, gate: &Gate, ticket: u64, grant: G) {
        self.waiting.insert(ticket, grant);
        if !is_mutated(Mutant::LineMarkedLate) {
            gate.mark_waiting(true);
        }
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Somebody waits no more. To be served now: nobody may be left.
    pub fn give_up(&mut self, ticket: u64) -> Option<G> {
        self.waiting.remove(&ticket)
    }

    /// Whoever serves the line begins. Returns `false` where somebody does so already.
    #[must_use]
    pub fn begin_to_serve(&mut self) -> bool {
        !std::mem::replace(&mut self.serving, true)
    }

    /// The first of those who wait, for whom a place was taken, if there is one.
    pub fn next(&mut self, gate: &Gate) -> Option<G> {
        if self.waiting.is_empty() {
            if !is_mutated(Mutant::LineMarkKept) {
                gate.mark_waiting(false);
            }
            return None;
        }
        if gate.enter_as_first().is_err() {
            if is_mutated(Mutant::LineMarkedLate) {
                gate.mark_waiting(true);
            }
            return None;
        }
        let first = if is_mutated(Mutant::LineTurnedRound) {
            self.waiting.pop_last()
        } else {
            self.waiting.pop_first()
        };
        if is_mutated(Mutant::LineUnmarkedEarly) {
            gate.mark_waiting(false);
        }
        first.map(|(_, grant)| grant)
    }

    /// Whoever serves the line has given out what there was.
    pub fn has_served(&mut self) {
        self.serving = false;
    }

    /// Lets nobody in any more. Returns those who wait.
    pub fn close(&mut self, gate: &Gate) -> Vec<G> {
        gate.close();
        let mut waiting = std::mem::take(&mut self.waiting);
        std::iter::from_fn(|| waiting.pop_first())
            .map(|(_, grant)| grant)
            .collect()
    }
}

/// What has a gate, and an owner.
pub trait Doorway {
    /// Its gate.
    fn gate(&self) -> &Gate;

    /// Tells the owner, from whichever thread, that there is room, and somebody waits for it.
    fn tell_of_room(&self);
}

/// A place, in the hands of somebody who has waited for it.
pub struct Room<D: Doorway>(Option<Arc<D>>);

impl<D: Doorway> Room<D> {
    /// The place must have been taken.
    pub fn of(door: Arc<D>) -> Self {
        Self(Some(door))
    }

    /// Uses the place for what enters now. Returns whether that makes sense: not where nobody is let in any
    /// more.
    pub fn spend(mut self) -> bool {
        let door = self.0.take();
        door.is_some_and(|door| !door.gate().is_closed())
    }
}

impl<D: Doorway> Drop for Room<D> {
    fn drop(&mut self) {
        if let Some(door) = self.0.take()
            && door.gate().leave()
            && !is_mutated(Mutant::RoomUntold)
        {
            door.tell_of_room();
        }
    }
}
