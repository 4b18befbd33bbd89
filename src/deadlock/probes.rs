//! Deadlocks: cycles of waits, found when the last wait of the cycle begins.
//!
//! Most actors wait for one thing at a time, so one edge leads from each wait: to the actor that was
//! asked, in whose full mailbox room is needed, or that starts. When an actor begins to wait for another
//! one that waits itself, it follows the edges; if they lead to another worker, a *probe* continues there
//! (Chandy, Misra and Haas, "Distributed deadlock detection", 1983). A wait for an actor of another
//! worker sends its probe when its own worker has nothing better to do. The last wait of a cycle begins
//! after all the others, and its probe travels behind the questions, so that it finds the cycle. If a
//! wait comes to depend on another actor, because its question is handed on or its actor begins to start,
//! it is followed once more.
//!
//! Some actors wait for several others at once: a handler that waits for all of several answers; and,
//! without a fiber, an actor that restarts, passivates or did not start, and waits for all actors below
//! it to end. Such an actor has as many edges. A walk that leads to it ends there, unless the walk began
//! below it. Instead a *search* begins from the actor itself, as soon as its worker has nothing better to
//! do, however many walks have led to it. Its cost is proportional to the number of edges. If a handler
//! continues with one of several answers, and then waits for the rest and for some more, only the waits
//! that it has begun since are followed. When a search reaches another actor that waits for several, it
//! continues along each edge, but it passes each actor only once (as in the algorithm of that paper for
//! the AND model), so that one path may hide another. Hence a search begins again if a wait that it found
//! has ended, or if an actor has resumed meanwhile; and if everything that it found is uncertain, once
//! more along certain links only.
//!
//! **No false alarm.** An edge counts only if nothing but the next actor can end the wait successfully:
//!
//! - the question is still in that actor's mailbox, and the reply in the question, or
//! - the next actor waits *on behalf of* that reply: it has lent the reply to its own wait, or
//! - the next actor's mailbox is full of messages that it has not reached, and none of them is a
//!   question, which might be withdrawn and make room, or
//! - the next actor is in its setup, and the setup is what is waited for; or is a task that is waited
//!   for; or is below an actor that waits until all actors below it have ended; or is the parent of an
//!   actor whose failure it has to decide about.
//!
//! A reply that was sent on or stored, or that may have been, is none of these; the cycle is then only
//! suspected. The notice that a question was handed on reaches the asker by way of the worker that has
//! the question then, so that no probe arrives there before the question.
//!
//! While a probe travels, waits may end by their time-outs. On one worker nothing happens in between.
//! Across workers the cycle is walked twice: if each wait is found a second time, with the same
//! generation, all of them existed together at the moment when the first round ended.
//!
//! Two probes may find the same cycle. Both select the same wait as the one that ends: the youngest of
//! those for an answer or for room; only if there is none of these, one for a task, or for the name of an
//! actor that another caller has started. A start runs to its end.

use super::edges::{Lead, leads_on, may_close_a_cycle, may_lead_on};
use super::held_up::held_up;
use super::walk::Walk;
use crate::address::{ActorId, Key};
use crate::shard::{PendingCheck, PendingChecks, Search, Shard, Slot};

/// An actor of this worker begins to wait for another one: checks whether that closes a cycle.
#[inline(always)]
pub(crate) fn look_for_cycle(shard: &Shard, actor: Key, wait: Key, target: ActorId) {
    if target.home == shard.home {
        if shard
            .slots()
            .get(target.key.slot())
            .is_some_and(may_lead_on)
        {
            follow_wait(shard, actor);
        }
    } else if target.home.pool() == shard.home.pool() {
        look_soon(shard, PendingCheck::Wait { actor, wait });
    }
}

/// As [`look_for_cycle`], but deferred, for an actor that waits for all of
/// these at once.
pub(crate) fn look_for_cycle_by_each(shard: &Shard, actor: Key, waits: &[Key]) {
    if waits.iter().any(|&wait| may_close_a_cycle(shard, wait)) {
        search_soon(shard, actor);
    }
}

/// As [`look_for_cycle_by_each`], for an actor that also waits for
/// others, which were followed before.
pub(crate) fn look_for_cycle_by_these(shard: &Shard, actor: Key, waits: &[Key]) {
    let may_close = |wait: &Key| may_close_a_cycle(shard, *wait);
    let waits: Vec<Key> = waits.iter().copied().filter(may_close).collect();
    if !waits.is_empty() {
        look_soon(shard, PendingCheck::Ways { actor, waits });
    }
}

/// A wait that has begun depends on another actor than before: checks soon whether that closes a
/// cycle, as the wait that was to find it may have been followed already.
pub(crate) fn look_again_for_cycle(shard: &Shard, wait: Key) {
    let Some(slot) = shard.waits.waiter(wait) else {
        return;
    };
    // A subscriber to dead letters has no slot.
    let Some(generation) = shard.slots().get(slot).map(Slot::generation) else {
        return;
    };
    let actor = Key::new(slot, generation);
    match Lead::of(shard, shard.id_of(actor)) {
        Lead::Several(own) if shard.join_waits.includes(own, wait) => search_soon(shard, actor),
        Lead::WokenFromSeveral => search_soon(shard, actor),
        Lead::Wait(own, _) if own == wait => look_soon(shard, PendingCheck::Wait { actor, wait }),
        _ => {}
    }
}

/// An actor has ended its turn: if it is held up, checks soon whether that closes a cycle.
pub(crate) fn look_if_held_up(shard: &Shard, slot: &Slot, actor: Key) {
    if held_up(shard, slot).is_some() {
        search_soon(shard, actor);
    }
}

#[cold]
#[inline(never)]
fn follow_wait(shard: &Shard, actor: Key) {
    let actor = shard.id_of(actor);
    if leads_on(shard, actor) {
        Walk::default().go_on(shard, actor);
    }
}

#[inline(always)]
fn look_soon(shard: &Shard, look: PendingCheck) {
    shard.unprobed.due.borrow_mut().push(look);
}

/// Schedules a search from an actor of this worker, unless one is scheduled already.
pub(super) fn search_soon(shard: &Shard, actor: Key) {
    if shard.unprobed.searches.ask_for(shard, actor) {
        look_soon(shard, PendingCheck::Search(actor));
    }
}

/// Whether a search that reaches an actor of this worker continues there.
pub(super) fn is_new_search(
    shard: &Shard,
    actor: Key,
    lead: Lead,
    first: ActorId,
    search: Search,
) -> bool {
    let by = match lead {
        Lead::Several(own) => own,
        _ => Key::NONE,
    };
    let searches = &shard.unprobed.searches;
    searches.comes_by(shard, (actor, by), first, search)
}

/// Whether there is anything that was not examined yet.
pub(crate) fn has_unprobed_waits(shard: &Shard) -> bool {
    !shard.unprobed.due.borrow().is_empty()
}

/// Sends the probes of waits for actors of other workers that still last.
pub(crate) fn send_probes(shard: &Shard) {
    shard.unprobed.seen.set(0);
    look(shard, shard.unprobed.due.take());
}

/// As [`send_probes`], but leaves out waits that began since it was last called,
/// as they may end in a moment.
pub(crate) fn send_probes_of_long_waits(shard: &Shard) {
    let PendingChecks { due, seen, .. } = &shard.unprobed;
    let long = due.borrow_mut().drain(..seen.get()).collect();
    due.borrow_mut().retain(|look| match look {
        PendingCheck::Wait { wait, .. } => shard.waits.is_pending(*wait),
        PendingCheck::Search(_) | PendingCheck::Ways { .. } => true,
    });
    seen.set(due.borrow().len());
    look(shard, long);
}

fn look_by(shard: &Shard, actor: Key, waits: Vec<Key>) {
    let first = shard.id_of(actor);
    let lead = Lead::of(shard, first);
    if let Lead::WokenFromSeveral = lead {
        // It may wait for these again in a moment, as for those that were followed.
        return look_soon(shard, PendingCheck::Ways { actor, waits });
    }
    let search = shard.unprobed.searches.begin_beside();
    Walk::of(search).begin_by(shard, lead.by(shard, first, &waits));
}

pub(super) fn look(shard: &Shard, looks: Vec<PendingCheck>) {
    for look in looks {
        match look {
            PendingCheck::Wait { actor, wait } if shard.waits.is_pending(wait) => {
                follow_wait(shard, actor);
            }
            PendingCheck::Wait { .. } => {}
            PendingCheck::Search(actor) => {
                let search = shard.unprobed.searches.begin(shard, actor);
                Walk::of(search).go_on(shard, shard.id_of(actor));
            }
            PendingCheck::Ways { actor, waits } => look_by(shard, actor, waits),
        }
    }
}
