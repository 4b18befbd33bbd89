//! The queue of waiters at a gate, and the [`Room`] that the first of them is given.
//!
//! The queue belongs to the owner of the gate. A waiter asks the owner to join it, and receives a [`Room`]
//! when capacity is free: a permit that was taken for it, and that is returned unless it is used. The thread
//! that returns a permit learns from the gate whether a sender waits, and tells the owner, which then serves
//! the queue.
//!
//! **No sender waits for a free permit.** A waiter is in the queue, and the gate is marked, before the owner
//! tries to enter for the first waiter. So either the owner finds the permit, or the thread that returns it
//! finds the mark. The mark stands exactly as long as the queue is not empty: it keeps newcomers out.
//!
//! What the owner is told hands nothing over. It arrives by the owner's inbox, which has its own orderings.
//! Checked by `loom-tests/tests/line.rs`.

use super::gate::Gate;
use crate::memory::OrderedMap;
use crate::sync::{Arc, Mutant, is_mutated};

/// The waiters, first come, first served, each with what is to be done when it is admitted.
pub struct Line<G> {
    /// By ticket, in the order of arrival.
    waiting: OrderedMap<u64, G>,
    /// Whether the queue is being served. Permits that become free meanwhile are seen by that loop.
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
    /// Adds a waiter at the end, under a ticket that no other waiter has. The queue is to be
    /// [served](Self::begin_to_serve) next.
    pub fn join(&mut self, gate: &Gate, ticket: u64, grant: G) {
        self.waiting.insert(ticket, grant);
        if !is_mutated(Mutant::LineMarkedLate) {
            gate.mark_waiting(true);
        }
    }

    /// Whether there is no waiter.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Removes a waiter. The queue is to be served next, as it may be empty now.
    pub fn give_up(&mut self, ticket: u64) -> Option<G> {
        self.waiting.remove(&ticket)
    }

    /// Begins to serve the queue. Returns `false` if it is being served already.
    #[must_use]
    pub fn begin_to_serve(&mut self) -> bool {
        !std::mem::replace(&mut self.serving, true)
    }

    /// Takes a permit for the first waiter and returns that waiter; `None` if there is no waiter or no
    /// permit.
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

    /// Ends serving, after all free permits were given out.
    pub fn has_served(&mut self) {
        self.serving = false;
    }

    /// Closes the gate. Returns the waiters.
    pub fn close(&mut self, gate: &Gate) -> Vec<G> {
        gate.close();
        let mut waiting = std::mem::take(&mut self.waiting);
        std::iter::from_fn(|| waiting.pop_first())
            .map(|(_, grant)| grant)
            .collect()
    }
}

/// Something with a gate and an owner.
pub trait Doorway {
    /// Its gate.
    fn gate(&self) -> &Gate;

    /// Tells the owner, from any thread, that a permit is free and a sender waits for it.
    fn tell_of_room(&self);
}

/// A permit, held for a sender that has waited for it.
pub struct Room<D: Doorway>(Option<Arc<D>>);

impl<D: Doorway> Room<D> {
    /// Wraps a permit, which must have been taken.
    pub fn of(door: Arc<D>) -> Self {
        Self(Some(door))
    }

    /// Uses the permit for the message that enters now. Returns `false` if that is pointless, because the
    /// gate is closed.
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
