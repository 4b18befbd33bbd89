//! Deadlocks: cycles of waits, found when the last of them begins.
//!
//! Most actors wait for one thing at a time, so from each wait one edge leads on: to the actor
//! that was asked, in whose full mailbox there is to be room, or that starts. Whoever begins a wait for an actor
//! that itself waits follows the edges; where they lead to another worker, a *probe* goes on there
//! (Chandy, Misra and Haas, "Distributed deadlock detection", 1983). A wait for an actor of another
//! worker sends its probe when its own worker has nothing better to do. The last wait of a cycle begins
//! when all the others have, and its probe travels behind the questions, so that it finds the cycle. A wait
//! that comes to lead to somebody else, as its question is handed on or its actor begins to start, is
//! followed once more.
//!
//! Some actors wait for several at once: a handler for all of several answers, and, without a fiber, an
//! actor that starts again, passivates, or did not start for all below it to end. From these there are as
//! many edges. A way that leads to such an actor ends there, unless it began below it; instead a *search*
//! begins from the actor itself, as soon as its worker has nothing better to do, however many ways have led
//! to it. Where a search comes to another one of these it goes on by each edge, but from the same actor
//! only once (as in the algorithm of that paper for the AND model).
//!
//! **No false alarm.** An edge counts only where nobody but the next actor can end the wait:
//!
//! - the question still lies in that actor's mailbox, and the reply in it, or
//! - the next actor waits *on behalf of* that reply: it has lent it to its own wait, or
//! - the next actor's mailbox is full of messages that it has not come to, and none of them is a
//!   question, which might be taken back and make room, or
//! - the next actor is at its setup, which is what is waited for, or is a task that is waited for, or
//!   is below one that waits until all below it have ended, or is the parent of one whose failure it is to
//!   decide about.
//!
//! A reply that was sent on, or put aside, or that may have been, is none of these; then the cycle is
//! only suspected. Word of a question that was handed on comes to whoever asked by way of the worker that
//! has the question then, so that no probe is there before it.
//!
//! While a probe travels, waits may end by their time-outs. On one worker nothing happens in between.
//! Across workers the cycle is walked twice: where each wait is found a second time, of the same
//! generation, all of them held together at the moment when the first round came to its end.
//!
//! Two probes may find one cycle. Both name the same wait as the one that ends: the youngest of those for
//! an answer or for room, and one for a task only where there is none of these. A start goes on to its end.

mod walk;
mod ways;

use std::cell::{Cell, RefCell};

use self::walk::Walk;
use self::ways::{about, leads_on, may_lead_on, waits_for_several};
use super::id::{ActorId, Key};
use super::lifecycle::held_up;
use super::shard::Shard;
use super::slot::Slot;

/// Waits for actors of other workers for which no probe was sent, each with who waits; and, without a wait,
/// actors from which a search is to begin.
#[derive(Default)]
pub(crate) struct Unprobed {
    waits: RefCell<Vec<(Key, Key)>>,
    /// How many of them were there when the long ones were looked for.
    seen: Cell<usize>,
    /// How many searches have begun.
    searches: Cell<u64>,
}

impl Shard {
    /// An actor of this worker begins to wait for another one: looks whether that closes a cycle.
    #[inline(always)]
    pub(crate) fn look_for_cycle(&self, actor: Key, wait: Key, target: ActorId) {
        if target.home == self.home {
            if self.slots().get(target.key.slot).is_some_and(may_lead_on) {
                self.follow_wait(actor);
            }
        } else if target.home.pool() == self.home.pool() {
            self.unprobed.waits.borrow_mut().push((actor, wait));
        }
    }

    /// A wait that has begun leads to somebody else than before: looks soon whether that closes a cycle,
    /// as the wait that was to find it may have been followed already.
    pub(crate) fn look_again_for_cycle(&self, wait: Key) {
        if let Some(slot) = self.waits.waiter(wait) {
            let generation = self.slot(slot).generation();
            let actor = Key { slot, generation };
            self.unprobed.waits.borrow_mut().push((actor, wait));
        }
    }

    #[cold]
    #[inline(never)]
    fn follow_wait(&self, actor: Key) {
        let id = self.id_of(actor);
        if waits_for_several(self, id) {
            self.search_from(actor);
        } else if leads_on(self, id) {
            Walk::default().go_on(self, id);
        }
    }

    /// An actor of this worker begins to wait for several answers: looks whether one closes a cycle.
    pub(crate) fn look_for_cycles(&self, actor: Key, wait: Key) {
        let all = self.several.of(wait).unwrap_or_default();
        let targets = all.into_iter().filter_map(|one| about(self, one));
        let targets: Vec<_> = targets.map(|(_, target)| target).collect();
        let leads_on = |target: &ActorId| {
            target.home == self.home && self.slots().get(target.key.slot).is_some_and(may_lead_on)
        };
        if targets.iter().any(leads_on) {
            self.follow_wait(actor);
        } else if targets.iter().any(|target| target.home != self.home) {
            self.unprobed.waits.borrow_mut().push((actor, wait));
        }
    }

    /// An actor is held up: looks soon whether that closes a cycle.
    pub(crate) fn is_held_up(&self, slot: &Slot, actor: Key) {
        if held_up(self, slot).is_some() {
            self.search_soon(slot, actor);
        }
    }

    /// Has a search begin at an actor, unless it is to already.
    fn search_soon(&self, slot: &Slot, actor: Key) {
        if slot.wants_search() {
            self.unprobed.waits.borrow_mut().push((actor, Key::NONE));
        }
    }

    fn search_from(&self, actor: Key) {
        let Some(slot) = self.tenant(actor) else {
            return;
        };
        if slot.has_system() {
            slot.begins_search();
        }
        let number = self.unprobed.searches.get();
        self.unprobed.searches.set(number + 1);
        Walk::search(number).go_on(self, self.id_of(actor));
    }

    /// Whether somebody waits for an actor of another worker, and no probe has been sent.
    pub(crate) fn has_unprobed_waits(&self) -> bool {
        !self.unprobed.waits.borrow().is_empty()
    }

    /// Sends the probes of those who still wait for actors of other workers.
    pub(crate) fn send_probes(&self) {
        self.unprobed.seen.set(0);
        self.probe(self.unprobed.waits.take());
    }

    /// As [`send_probes`](Self::send_probes), but for those who began since it was last called, and may
    /// be done in a moment.
    pub(crate) fn send_probes_of_long_waits(&self) {
        let Unprobed { waits, seen, .. } = &self.unprobed;
        let long = waits.borrow_mut().drain(..seen.get()).collect();
        waits
            .borrow_mut()
            .retain(|&(_, wait)| wait == Key::NONE || self.waits.is_pending(wait));
        seen.set(waits.borrow().len());
        self.probe(long);
    }

    fn probe(&self, waits: Vec<(Key, Key)>) {
        for (actor, wait) in waits {
            if wait == Key::NONE {
                self.search_from(actor);
            } else if self.waits.is_pending(wait) {
                self.follow_wait(actor);
            }
        }
    }
}
