//! What a snapshot is.

use std::fmt;
use std::time::Duration;

use super::actor::ActorSnapshot;
use super::query::SnapshotOrder;
use crate::address::{ActorId, ActorPath};
use crate::ask::AskError;

/// The actors of a pool, a system or a simulation, as its workers found them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Snapshot {
    /// The time since the pool started, by its clock.
    pub uptime: Duration,
    /// The actors in the first order of the query.
    pub actors: Vec<ActorSnapshot>,
    /// The number of actors that the query is about, whether they are in the snapshot or not.
    pub matched: u64,
    /// The number of all actors that the workers looked at.
    pub examined: u64,
    /// The workers that did not answer in time.
    pub silent: Vec<SilentWorker>,
    /// The lists of the further orders.
    pub(super) others: Vec<(SnapshotOrder, Vec<ActorSnapshot>)>,
    pub(super) first: SnapshotOrder,
}

impl Snapshot {
    /// Returns the actors in one of the orders of the query; none, if that order was not added to it.
    pub fn by(&self, order: SnapshotOrder) -> &[ActorSnapshot] {
        if order == self.first {
            return &self.actors;
        }
        let mut others = self.others.iter();
        let found = others.find(|(other, _)| *other == order);
        found.map_or(&[], |(_, actors)| actors)
    }
}

/// A worker that did not answer: a handler keeps it busy, or the pool has ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SilentWorker {
    /// The index of the worker.
    pub worker: usize,
    /// Why there is no answer.
    pub error: AskError,
    /// The handler that runs there, if one does.
    pub running: Option<RunningNow>,
}

/// A handler that runs on a worker, seen from another thread.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunningNow {
    /// The actor.
    pub actor: ActorId,
    /// Its path, as far as it is [known](ActorId::path) outside its worker.
    pub path: Option<ActorPath>,
    /// The type of its messages.
    pub message_type: &'static str,
}

impl fmt::Display for RunningNow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{path}")?,
            None => write!(f, "the actor {}", self.actor)?,
        }
        write!(f, ", handling a {}", self.message_type)
    }
}

impl fmt::Display for SilentWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "worker {} does not answer", self.worker)?;
        match &self.running {
            Some(running) => write!(f, "; it is held by {running}"),
            None => write!(f, ": {}", self.error),
        }
    }
}
