//! The queue of waiters at a gate, and the [`Permit`] that the first of them is given.
//!
//! The queue belongs to the owner of the gate. A waiter asks the owner to join it, and receives a [`Permit`]
//! when capacity is free: a permit that was taken for it, and that is returned unless it is used. The thread
//! that returns a permit learns from the gate whether a sender waits, and tells the owner, which then serves
//! the queue.
//!
//! **No sender waits for a free permit.** A waiter is in the queue, and the gate is marked, before the owner
//! tries to enter for the first waiter. So either the owner finds the permit, or the thread that returns it
//! finds the mark. The mark stands exactly as long as the queue is not empty: it keeps newcomers out.
//!
//! What the owner is told hands nothing over. It arrives by the owner's inbox, which has its own orderings.
//! Checked by `loom-tests/tests/wait_queue.rs`.

use super::gate::Gate;
use crate::memory::OrderedMap;
use crate::sync::{Arc, Mutant, is_mutated};

/// The waiters, first come, first served, each with what is to be done when it is admitted.
pub struct WaitQueue<G> {
    /// By ticket, in the order of arrival.
    waiting: OrderedMap<u64, G>,
    /// Whether the queue is being served. Permits that become free meanwhile are seen by that loop.
    serving: bool,
}

impl<G> Default for WaitQueue<G> {
    fn default() -> Self {
        Self {
            waiting: OrderedMap::new(),
            serving: false,
        }
    }
}

impl<G> WaitQueue<G> {
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
pub trait GateOwner {
    /// Its gate.
    fn gate(&self) -> &Gate;

    /// Tells the owner, from any thread, that a permit is free and a sender waits for it.
    fn notify_owner(&self);
}

/// A permit, held for a sender that has waited for it.
pub struct Permit<D: GateOwner>(Option<Arc<D>>);

impl<D: GateOwner> Permit<D> {
    /// Wraps a permit, which must have been taken.
    pub fn of(bounded: Arc<D>) -> Self {
        Self(Some(bounded))
    }

    /// Uses the permit for the message that enters now. Returns `false` if that is pointless, because the
    /// gate is closed.
    pub fn spend(mut self) -> bool {
        let bounded = self.0.take();
        bounded.is_some_and(|bounded| !bounded.gate().is_closed())
    }
}

impl<D: GateOwner> Drop for Permit<D> {
    fn drop(&mut self) {
        if let Some(bounded) = self.0.take()
            && bounded.gate().leave()
            && !is_mutated(Mutant::RoomUntold)
        {
            bounded.notify_owner();
        }
    }
}
