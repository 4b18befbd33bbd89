//! Deadlocks: cycles of waits, found when the last of them begins.
//!
//! Most actors wait for one thing at a time, so from each wait one edge leads on: to the actor that was
//! asked, in whose full mailbox there is to be room, or that starts. Whoever begins a wait for an actor that
//! itself waits follows the edges; where they lead to another worker, a *probe* goes on there
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
//! to it. It costs as much as there are edges. A handler that goes on with an answer of several, and then waits
//! for the rest and for some more, is followed by those it has begun to wait for alone. Where a search comes to another one of these it goes on by
//! each edge, but from the same actor only once (as in the algorithm of that paper for the AND model), so
//! that one way may hide another. Hence a search begins again when a wait that it has found has ended, or
//! somebody has gone on meanwhile; and where all that it has found is uncertain, once more by links only
//! that are certain.
//!
//! **No false alarm.** An edge counts only where nobody but the next actor can end the wait well:
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
//! an answer or for room, and one for a task, or for the name of an actor that somebody else has started,
//! only where there is none of these. A start goes on to its end.

mod searches;
mod walk;
mod ways;

use std::cell::{Cell, RefCell};

use self::searches::Searches;
use self::walk::{Search, Walk};
use self::ways::{Lead, leads_on, may_close_a_cycle, may_lead_on};
use super::id::{ActorId, Key};
use super::lifecycle::held_up;
use super::shard::Shard;
use super::slot::Slot;

/// What is to be looked at when the worker has nothing better to do, or in time.
#[derive(Default)]
pub(crate) struct Unprobed {
    due: RefCell<Vec<Look>>,
    /// How many of them were there when the long ones were looked for.
    seen: Cell<usize>,
    searches: Searches,
}

/// Where a look for cycles begins.
enum Look {
    /// At an actor, as long as it waits by that wait.
    Wait { actor: Key, wait: Key },
    /// At an actor that waits for several at once, by each of its ways.
    Search(Key),
    /// At an actor that waits for several at once, by these: the others were followed before.
    Ways { actor: Key, waits: Vec<Key> },
}

impl Shard {
    /// An actor of this worker begins to wait for another one: looks whether that closes a cycle.
    #[inline(always)]
    pub(crate) fn look_for_cycle(&self, actor: Key, wait: Key, target: ActorId) {
        if target.home == self.home {
            if self.slots().get(target.key.slot()).is_some_and(may_lead_on) {
                self.follow_wait(actor);
            }
        } else if target.home.pool() == self.home.pool() {
            self.look_soon(Look::Wait { actor, wait });
        }
    }

    /// As [`look_for_cycle`](Self::look_for_cycle), but soon, for one that waits for all of these at once.
    pub(crate) fn look_for_cycle_by_each(&self, actor: Key, waits: &[Key]) {
        if waits.iter().any(|&wait| may_close_a_cycle(self, wait)) {
            self.search_soon(actor);
        }
    }

    /// As [`look_for_cycle_by_each`](Self::look_for_cycle_by_each), where that one waits for others as well, and
    /// was followed by these.
    pub(crate) fn look_for_cycle_by_these(&self, actor: Key, waits: &[Key]) {
        let may_close = |wait: &Key| may_close_a_cycle(self, *wait);
        let waits: Vec<Key> = waits.iter().copied().filter(may_close).collect();
        if !waits.is_empty() {
            self.look_soon(Look::Ways { actor, waits });
        }
    }

    /// A wait that has begun leads to somebody else than before: looks soon whether that closes a cycle,
    /// as the wait that was to find it may have been followed already.
    pub(crate) fn look_again_for_cycle(&self, wait: Key) {
        let Some(slot) = self.waits.waiter(wait) else {
            return;
        };
        // A subscriber to dead letters has none.
        let Some(generation) = self.slots().get(slot).map(Slot::generation) else {
            return;
        };
        let actor = Key::new(slot, generation);
        match Lead::of(self, self.id_of(actor)) {
            Lead::Several(own) if self.several.includes(own, wait) => self.search_soon(actor),
            Lead::WokenFromSeveral => self.search_soon(actor),
            Lead::Wait(own, _) if own == wait => self.look_soon(Look::Wait { actor, wait }),
            _ => {}
        }
    }

    /// An actor has ended its turn: where it is held up, looks soon whether that closes a cycle.
    pub(crate) fn look_if_held_up(&self, slot: &Slot, actor: Key) {
        if held_up(self, slot).is_some() {
            self.search_soon(actor);
        }
    }

    #[cold]
    #[inline(never)]
    fn follow_wait(&self, actor: Key) {
        let actor = self.id_of(actor);
        if leads_on(self, actor) {
            Walk::default().go_on(self, actor);
        }
    }

    #[inline(always)]
    fn look_soon(&self, look: Look) {
        self.unprobed.due.borrow_mut().push(look);
    }

    /// Has a search begin at an actor of this worker, unless one is to already.
    fn search_soon(&self, actor: Key) {
        if self.unprobed.searches.ask_for(self, actor) {
            self.look_soon(Look::Search(actor));
        }
    }

    /// Whether a search that comes by an actor of this worker is to go on there.
    fn is_new_search(&self, actor: Key, lead: Lead, first: ActorId, search: Search) -> bool {
        let by = match lead {
            Lead::Several(own) => own,
            _ => Key::NONE,
        };
        let searches = &self.unprobed.searches;
        searches.comes_by(self, (actor, by), first, search)
    }

    /// Whether there is anything that was not looked at.
    pub(crate) fn has_unprobed_waits(&self) -> bool {
        !self.unprobed.due.borrow().is_empty()
    }

    /// Sends the probes of those who still wait for actors of other workers.
    pub(crate) fn send_probes(&self) {
        self.unprobed.seen.set(0);
        self.look(self.unprobed.due.take());
    }

    /// As [`send_probes`](Self::send_probes), but for those who began since it was last called, and may
    /// be done in a moment.
    pub(crate) fn send_probes_of_long_waits(&self) {
        let Unprobed { due, seen, .. } = &self.unprobed;
        let long = due.borrow_mut().drain(..seen.get()).collect();
        due.borrow_mut().retain(|look| match look {
            Look::Wait { wait, .. } => self.waits.is_pending(*wait),
            Look::Search(_) | Look::Ways { .. } => true,
        });
        seen.set(due.borrow().len());
        self.look(long);
    }

    fn look_by(&self, actor: Key, waits: Vec<Key>) {
        let first = self.id_of(actor);
        let lead = Lead::of(self, first);
        if let Lead::WokenFromSeveral = lead {
            // It may wait for these again in a moment, as for what was followed.
            return self.look_soon(Look::Ways { actor, waits });
        }
        let search = self.unprobed.searches.begin_beside();
        Walk::of(search).begin_by(self, lead.by(self, first, &waits));
    }

    fn look(&self, looks: Vec<Look>) {
        for look in looks {
            match look {
                Look::Wait { actor, wait } if self.waits.is_pending(wait) => {
                    self.follow_wait(actor);
                }
                Look::Wait { .. } => {}
                Look::Search(actor) => {
                    let search = self.unprobed.searches.begin(self, actor);
                    Walk::of(search).go_on(self, self.id_of(actor));
                }
                Look::Ways { actor, waits } => self.look_by(actor, waits),
            }
        }
    }
}
