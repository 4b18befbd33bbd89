//! What a handler can see of its pool.

use std::sync::Arc;

use super::merge::{snapshot_of, waiting_in};
use super::query::SnapshotQuery;
use super::snapshot::Snapshot;
use crate::actor::Context;
use crate::ask::{AskError, Deadline};
use crate::deadlock::Waiting;
use crate::failure::DeadLetters;

impl<M: Send + 'static> Context<'_, M> {
    /// Returns a snapshot of the actors of this actor's pool. Waits for the other workers, at most for that
    /// time; see [`WorkerPool::snapshot`](crate::WorkerPool::snapshot).
    pub fn snapshot(&mut self, query: &SnapshotQuery, within: impl Into<Deadline>) -> Snapshot {
        snapshot_of(&Arc::clone(&self.shard().core), query, within.into().left())
    }

    /// Asks every worker which handlers wait on it, and for what; see
    /// [`WorkerPool::waiting`](crate::WorkerPool::waiting).
    pub fn waiting(
        &mut self,
        within: impl Into<Deadline>,
    ) -> (Vec<Waiting>, Vec<(usize, AskError)>) {
        waiting_in(&Arc::clone(&self.shard().core), within.into().left())
    }

    /// Returns the dead letters of this actor's pool.
    pub fn dead_letters(&self) -> Arc<DeadLetters> {
        Arc::clone(&self.shard().core.dead_letters)
    }
}
