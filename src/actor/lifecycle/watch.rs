//! Death watch: an actor is told, in its own turn, when another one has stopped.
//!
//! A watch is recorded at both ends. The watcher's record decides whether it is told, so that a notice
//! that is on its way when the watch ends is not delivered. The target's record says which watchers to
//! tell.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::Arc;

use super::family::interrupt;
use super::system::System;
use crate::actor::behavior::Signal;
use crate::actor::core::{self, PoolCore};
use crate::actor::current::with_current;
use crate::actor::dead_letter::DeadLetterReason;
use crate::actor::envelope::Envelope;
use crate::actor::failure::Failure;
use crate::actor::fate::{End, drop_with_fate};
use crate::actor::id::{ActorId, Key};
use crate::actor::parcel::Parcel;
use crate::actor::shard::Shard;
use crate::actor::slot::State;
use crate::actor::unwind::drop_quietly;
use crate::memory::OrderedMap;
use crate::sync::{Mutant, is_mutated};

/// Why an actor has stopped.
///
/// All watchers are told the same reason: on the actor's own worker, on another one, in another pool; and
/// so is its parent. An actor that ends with its parent ends for the parent's reason, however many levels
/// above the end began.
///
/// | how it ends | it | those below it |
/// |---|---|---|
/// | its handler returns [`Next::Stop`], or becomes [`stopped`](crate::Behavior::stopped) | `Stopped` | `Stopped` |
/// | [`ActorRef::stop`](crate::ActorRef::stop), also while it is passive or waits to be restarted | `Stopped` | `Stopped` |
/// | [`ActorRef::kill`](crate::ActorRef::kill) | `Killed` | `Killed` |
/// | it fails, and its supervisor decides [`Directive::Stop`](crate::Directive::Stop) | `Failed` | `Failed` |
/// | it fails more often than its supervisor restarts it, or cannot be rebuilt | `Failed` | `Failed` |
/// | a sibling fails, and the strategy stops it too | `Failed` | `Failed` |
/// | its failure is escalated, and ends its parent or restarts it | `Failed` | `Failed` |
/// | it fails, and is restarted | continues | `Failed` |
/// | it fails, and is resumed | continues | continue |
/// | it [passivates](crate::ActorRef::passivate) | continues | `Stopped` |
/// | it is restarted or wakes up, and its behaviour is `stopped` then | `Stopped` | |
/// | a shutdown, in time | `Stopped` | `Stopped` |
/// | a shutdown's deadline comes before it has stopped, or started | `Killed` | `Killed` |
/// | it ends [in its start](crate::SpawnError::EndedInStart) | `Stopped` | `Stopped` |
/// | its factory, its setup or its handling of `PreStart` fails | `Failed` | `Failed` |
///
/// The first cause holds: an actor that was asked to stop, and still handles the mail that it has, stops
/// for that reason, whatever happens to its parent meanwhile. But if it fails or is killed in between,
/// the reason is `Failed` or `Killed`.
///
/// Callers that wait for an answer whose reply such an actor holds get the same reason:
/// [`AskError::TargetFailed`](crate::AskError::TargetFailed) if it has `Failed`, and
/// [`AskError::TargetStopped`](crate::AskError::TargetStopped) otherwise.
///
/// [`Next::Stop`]: crate::Next::Stop
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TerminationReason {
    /// It was asked to stop, or decided to, or ended with a parent that stopped for this reason.
    Stopped,
    /// It failed, and was not restarted, or ended with a parent that failed.
    Failed,
    /// It was killed, or a shutdown's deadline came, or it ended with a parent that was killed.
    Killed,
    /// It had stopped before it was watched, or its pool had ended. The reason is no longer known.
    Unknown,
}

impl TerminationReason {
    /// Returns why the mail of an actor that ends so is lost.
    pub(super) fn of_mail(self) -> DeadLetterReason {
        match self {
            Self::Failed => DeadLetterReason::Failed,
            Self::Stopped | Self::Killed | Self::Unknown => DeadLetterReason::Stopped,
        }
    }
}

impl std::fmt::Display for TerminationReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Killed => "killed",
            Self::Unknown => "gone before it was watched",
        })
    }
}

/// The actors that an actor watches, until it is told of their end.
#[derive(Default)]
pub(crate) struct Watching(OrderedMap<ActorId, Option<SignalNumber>>);

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

/// The signals that the actor is to be told, in that order.
#[derive(Default)]
pub(crate) struct Signals {
    waiting: BTreeMap<SignalNumber, Signal>,
    last: u64,
}

/// The number of a waiting signal, among those of its actor.
type SignalNumber = NonZeroU64;

impl Signals {
    /// Adds a signal behind all others.
    pub(super) fn push(&mut self, signal: Signal) -> SignalNumber {
        self.last += 1;
        let number = NonZeroU64::new(self.last).expect("it was counted up");
        self.waiting.insert(number, signal);
        number
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
    if target.home == shard.home {
        add_watcher(shard, target.key, watcher);
    } else {
        post(shard, target, Watch { watcher });
    }
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
    if target.home == shard.home {
        remove_watcher(shard, target.key, watcher);
    } else {
        post(shard, target, Unwatch { watcher });
    }
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
    if watcher.home == shard.home {
        be_told_of_termination(shard, watcher.key, end);
    } else {
        post(shard, watcher, end);
    }
}

/// Has an actor of this shard told that another one has stopped, if it still watches that one.
fn be_told_of_termination(shard: &Shard, watcher: Key, end: Terminated) {
    let slot = shard.tenant(watcher);
    let slot = slot.filter(|slot| slot.state() != State::Stopping);
    let untold = match slot {
        None => Some(end),
        Some(slot) => slot.with_system(|system| push_once(system, end)),
    };
    match untold {
        None => interrupt(shard, watcher),
        // A failure carries values of the user's.
        Some(untold) => drop(drop_with_fate(untold, End::Failed)),
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

fn post<P: Parcel>(shard: &Shard, to: ActorId, parcel: P) {
    let worker = to.home.worker();
    if to.home.pool() == shard.home.pool() {
        return shard.outboxes.send(worker, to.key, Envelope::NONE, parcel);
    }
    match core::find(to.home) {
        Some(core) => core.post(worker, to.key, Envelope::NONE, parcel),
        None => parcel.bounce_without_pool(to),
    }
}

/// The messages to other workers about a watch.
struct Watch {
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

impl Parcel for Watch {
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
