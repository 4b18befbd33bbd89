//! Death watch: an actor is told, in its own turn, when another one has stopped.
//!
//! A watch is recorded at both ends. The watcher's record decides whether it is told, so that a notice
//! that is on its way when the watch ends is not delivered. The target's record says which watchers to
//! tell.

use std::sync::Arc;

use crate::address::{ActorId, Envelope, Key};
use crate::failure::{
    DeadLetterReason, Failure, TerminationReason, WaitEnd, drop_quietly, drop_with_fate,
};
use crate::pool_core::PoolCore;
use crate::shard::{
    ActorState, Parcel, Shard, System, Watching, dispatch_from, interrupt, with_current,
};
use crate::supervision::Signal;
use crate::sync::{Mutant, is_mutated};

impl Watching {
    /// Returns whether it was not watched before.
    fn add(&mut self, target: ActorId) -> bool {
        self.0.insert(target, None)
    }

    /// Ends all watches, as the watcher has stopped.
    pub(super) fn let_go(&self, shard: &Shard, watcher: Key) {
        for (target, notice) in self.0.iter() {
            if notice.is_none() {
                unlist(shard, *target, shard.id_of(watcher));
            }
        }
    }
}

impl System {
    /// Takes the next signal for the actor.
    pub(super) fn next_signal(&mut self) -> Option<Signal> {
        let (_, signal) = self.signals.waiting.pop_first()?;
        if let Signal::Terminated { actor, .. } = &signal {
            self.watching.0.remove(actor);
        }
        Some(signal)
    }
}

/// Begins a watch: an actor of this shard watches another one, of any pool.
pub(crate) fn watch(shard: &Shard, watcher: Key, target: ActorId) {
    let slot = shard.slot(watcher.slot());
    // A watcher that has not been told of the end yet still watches.
    let new = slot.with_system(|system| system.watching.add(target));
    if !new {
        return;
    }
    let watcher = shard.id_of(watcher);
    dispatch_from(Some(shard), target, WatchOrder { watcher });
}

/// Ends a watch.
pub(crate) fn unwatch(shard: &Shard, watcher: Key, target: ActorId) {
    let slot = shard.slot(watcher.slot());
    slot.with_system(|system| {
        let watched = system.watching.0.remove(&target);
        if let Some(notice) = watched.flatten() {
            system.signals.waiting.remove(&notice);
        }
    });
    unlist(shard, target, shard.id_of(watcher));
}

fn unlist(shard: &Shard, target: ActorId, watcher: ActorId) {
    dispatch_from(Some(shard), target, Unwatch { watcher });
}

/// Records a watcher of an actor of this shard; tells it at once if that actor has stopped.
fn add_watcher(shard: &Shard, target: Key, watcher: ActorId) {
    match shard.tenant(target) {
        Some(slot) => slot.with_system(|system| {
            system.watchers.insert(watcher, ());
        }),
        None => notify(shard, watcher, Terminated::unseen(shard.id_of(target))),
    }
}

fn remove_watcher(shard: &Shard, target: Key, watcher: ActorId) {
    if let Some(slot) = shard.tenant(target) {
        slot.with_system(|system| system.watchers.remove(&watcher));
    }
}

/// Tells the watchers of an actor of this shard that it has stopped.
pub(super) fn tell_watchers(
    shard: &Shard,
    target: Key,
    watchers: impl Iterator<Item = ActorId>,
    reason: TerminationReason,
    failure: Option<&Arc<Failure>>,
) {
    let actor = shard.id_of(target);
    let failure = failure.filter(|_| reason == TerminationReason::Failed);
    for watcher in watchers {
        let failure = failure.map(Arc::clone);
        let end = Terminated {
            actor,
            reason,
            failure,
        };
        notify(shard, watcher, end);
    }
}

fn notify(shard: &Shard, watcher: ActorId, end: Terminated) {
    dispatch_from(Some(shard), watcher, end);
}

/// Has an actor of this shard told that another one has stopped, if it still watches that one.
fn be_told_of_termination(shard: &Shard, watcher: Key, end: Terminated) {
    let slot = shard.tenant(watcher);
    let slot = slot.filter(|slot| slot.state() != ActorState::Stopping);
    let untold = match slot {
        None => Some(end),
        Some(slot) => slot.with_system(|system| push_once(system, end)),
    };
    match untold {
        None => interrupt(shard, watcher),
        // A failure carries values of the user's.
        Some(untold) => drop(drop_with_fate(untold, WaitEnd::Failed)),
    }
}

/// Queues the notice of an end for an actor that watches for it. Returns the end if the actor does not, or if
/// one is queued already.
fn push_once(system: &mut System, end: Terminated) -> Option<Terminated> {
    let System {
        watching, signals, ..
    } = system;
    let Some(notice @ None) = watching.0.get_mut(&end.actor) else {
        return Some(end);
    };
    let signal = Signal::from(end);
    if is_mutated(Mutant::ToldTwice) {
        signals.push(signal.clone());
    }
    *notice = Some(signals.push(signal));
    None
}

/// The messages to other workers about a watch.
struct WatchOrder {
    watcher: ActorId,
}

struct Unwatch {
    watcher: ActorId,
}

struct Terminated {
    actor: ActorId,
    reason: TerminationReason,
    failure: Option<Arc<Failure>>,
}

impl Terminated {
    /// An end that came before its reason could be seen here.
    fn unseen(actor: ActorId) -> Self {
        Self {
            actor,
            reason: TerminationReason::Unknown,
            failure: None,
        }
    }
}

impl From<Terminated> for Signal {
    fn from(end: Terminated) -> Self {
        let Terminated {
            actor,
            reason,
            failure,
        } = end;
        Self::Terminated {
            actor,
            reason,
            failure,
        }
    }
}

impl Parcel for WatchOrder {
    fn deliver(self, shard: &Shard, to: Key, _envelope: &Envelope) {
        add_watcher(shard, to, self.watcher);
    }

    fn bounce(self, _: &PoolCore, to: ActorId, _: Envelope, _: DeadLetterReason) {
        self.bounce_without_pool(to);
    }

    fn bounce_without_pool(self, to: ActorId) {
        with_current(|shard| {
            if let Some(shard) = shard {
                notify(shard, self.watcher, Terminated::unseen(to));
            }
        });
    }
}

impl Parcel for Unwatch {
    fn deliver(self, shard: &Shard, to: Key, _envelope: &Envelope) {
        remove_watcher(shard, to, self.watcher);
    }

    fn bounce(self, _: &PoolCore, _: ActorId, _: Envelope, _: DeadLetterReason) {}
}

impl Parcel for Terminated {
    fn deliver(self, shard: &Shard, to: Key, _envelope: &Envelope) {
        be_told_of_termination(shard, to, self);
    }

    fn bounce(self, _: &PoolCore, _: ActorId, _: Envelope, _: DeadLetterReason) {
        let _ = drop_quietly(self);
    }
}
