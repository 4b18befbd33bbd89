//! A snapshot of the waiting handlers, and of what they wait for: to find out why nothing moves.

use std::collections::HashMap;
use std::fmt;

use crate::address::{ActorId, ActorPath, Key};
use crate::failure::Cycle;
use crate::shard::{GUARDIAN, Shard, path_here, path_of_asked};

/// A handler, or a task, that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waiting {
    /// The worker on which it waits.
    pub worker: usize,
    /// The actor whose handler it is, or the task of an actor, with its path below that of the actor;
    /// `None` for a task of the worker itself, which starts an actor for a caller elsewhere.
    pub actor: Option<(ActorId, ActorPath)>,
    /// What it waits for.
    pub waits_for: WaitsFor,
    /// The cycle of waits that it is suspected to be part of. A wait in a certain cycle has ended.
    pub cycle: Option<Cycle>,
}

/// What a handler waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitsFor {
    /// For time to pass.
    Time,
    /// For another worker to do something: to start an actor, for example.
    Worker(usize),
    /// For an answer of an actor. Its path is given if the actor is of the same worker, waits in its turn,
    /// or was asked from elsewhere.
    Actor(ActorId, Option<ActorPath>),
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.actor {
            Some((_, path)) => write!(f, "{path}")?,
            None => write!(f, "a task of worker {}", self.worker)?,
        }
        write!(f, " waits for {}", self.waits_for)?;
        match &self.cycle {
            Some(cycle) => write!(f, ", perhaps in a deadlock: {cycle}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for WaitsFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time => f.write_str("time to pass"),
            Self::Worker(worker) => write!(f, "worker {worker}"),
            Self::Actor(_, Some(path)) => write!(f, "{path}"),
            Self::Actor(id, None) => write!(f, "the actor {id}"),
        }
    }
}

/// Returns the actor in a slot; if a task waits, that is the guardian's.
fn waiter_here(shard: &Shard, slot: u32) -> Option<(ActorId, ActorPath)> {
    let key = Key::new(slot, shard.slot(slot).generation());
    let id = shard.id_of(key);
    let path = path_here(shard, id).filter(|_| slot != GUARDIAN)?;
    Some((id, path))
}

/// Returns what a waiter waits for, if that actor is to end the wait.
pub(crate) fn what_ends(shard: &Shard, target: ActorId) -> WaitsFor {
    match target.known() {
        None => WaitsFor::Time,
        Some(target) if target.key.generation() == 0 => WaitsFor::Worker(target.worker()),
        Some(target) => WaitsFor::Actor(target, path_of_asked(shard, target)),
    }
}

/// Returns the waiters of one worker.
pub(crate) fn waiting_on(shard: &Shard) -> Vec<Waiting> {
    let waits = shard
        .waits
        .waiting()
        .map(|(waiter, target, cycle)| Waiting {
            worker: shard.home.worker() as usize,
            actor: waiter_here(shard, waiter),
            waits_for: what_ends(shard, target),
            cycle,
        });
    waits.collect()
}

/// Fills in the paths of actors of other workers that wait themselves.
pub(crate) fn name_targets(waiting: &mut [Waiting]) {
    let known: HashMap<_, _> = waiting.iter().filter_map(|one| one.actor.clone()).collect();
    for one in waiting {
        if let WaitsFor::Actor(id, path @ None) = &mut one.waits_for {
            *path = known.get(id).cloned();
        }
    }
}
