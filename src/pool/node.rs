//! A node: a worker's view of its pool, for `configure` and for actors.

use std::fmt;
use std::sync::Arc;

use super::handle::PoolStats;
use super::shared::{LookupError, PoolShared};
use crate::actor::{ActorRef, Spawnable};
use crate::address::{ActorPath, RunId};
use crate::ask::{AskError, Deadline};
use crate::deadlock::Waiting;
use crate::failure::{DeadLetters, SpawnError};
use crate::inspect::{Snapshot, SnapshotQuery, Watch, snapshot_of, waiting_in};

/// A worker's view of its pool, passed to [`configure`](super::WorkerPoolBuilder::configure) on
/// every worker. It may be stored, cloned and sent into actors; unlike a
/// [`WorkerPool`](super::WorkerPool) it does not keep the pool running.
///
/// It starts and finds actors as the pool's own handle does. It has no `shutdown` and
/// `wait`, which wait for the end: a node is for code that runs on one of them, and only
/// [requests](Self::request_shutdown) the end.
#[derive(Clone)]
pub struct WorkerNode {
    pub(crate) shared: Arc<PoolShared>,
    pub(crate) index: u32,
}

impl WorkerNode {
    /// The index of the worker that this node was given to.
    pub fn index(&self) -> usize {
        self.index as usize
    }

    /// The number of workers of the pool.
    pub fn workers(&self) -> usize {
        self.shared.workers()
    }

    /// The worker that owns top-level actors of that name, unless they are placed otherwise.
    pub fn owner(&self, name: &str) -> usize {
        self.shared.owner(name) as usize
    }

    /// Starts a top-level actor on the worker that the ring selects.
    ///
    /// While the pool starts, every worker runs the same `configure`, and an actor that all of them
    /// spawn is created once, on its owner: each worker receives the same reference. Afterwards
    /// this is the same as [`WorkerPool::spawn`](super::WorkerPool::spawn).
    ///
    /// # Errors
    ///
    /// [`SpawnError`]; for example `NameTaken` if one worker spawns the same name twice, and
    /// `WrongType` if two workers spawn it for different messages.
    pub fn spawn<P: Spawnable>(
        &self,
        name: &str,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        let path = ActorPath::user().child(name)?;
        self.shared.spawn_configured(self.index, path, props)
    }

    /// Returns the top-level actor of that name, and starts it if there is none: see
    /// [`WorkerPool::get_or_spawn`](crate::WorkerPool::get_or_spawn).
    ///
    /// # Errors
    ///
    /// As for that function.
    pub fn get_or_spawn<P: Spawnable>(
        &self,
        name: &str,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        self.shared.get_or_spawn(name, props)
    }

    /// Starts a top-level actor under a generated name, on the worker with the fewest actors: see
    /// [`WorkerPool::spawn_anonymous`](crate::WorkerPool::spawn_anonymous).
    ///
    /// # Errors
    ///
    /// As for that function.
    pub fn spawn_anonymous<P: Spawnable>(
        &self,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        self.shared.spawn(self.shared.quietest(), None, props)
    }

    /// Starts a top-level actor under a generated name that begins with `prefix`: see
    /// [`WorkerPool::spawn_prefixed`](crate::WorkerPool::spawn_prefixed).
    ///
    /// # Errors
    ///
    /// As for that function.
    pub fn spawn_prefixed<P: Spawnable>(
        &self,
        prefix: &str,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        self.shared.spawn_prefixed(prefix, props)
    }

    /// Starts many top-level actors at once: see
    /// [`WorkerPool::spawn_all`](crate::WorkerPool::spawn_all).
    pub fn spawn_all<N: Into<String>, P: Spawnable>(
        &self,
        actors: impl IntoIterator<Item = (N, P)>,
    ) -> Vec<Result<ActorRef<P::Message>, SpawnError>> {
        let shared = &self.shared;
        shared.spawn_all(shared.placed_by_name(actors))
    }

    /// Starts many top-level actors under generated names, on all workers in turn: see
    /// [`spawn_all`](Self::spawn_all).
    pub fn spawn_all_anonymous<P: Spawnable>(
        &self,
        actors: impl IntoIterator<Item = P>,
    ) -> Vec<Result<ActorRef<P::Message>, SpawnError>> {
        let shared = &self.shared;
        shared.spawn_all(shared.placed_in_turn(actors))
    }

    /// Starts a top-level actor on the given worker.
    ///
    /// # Errors
    ///
    /// [`SpawnError`] says why the actor was not started.
    pub fn spawn_on<P: Spawnable>(
        &self,
        worker: usize,
        name: &str,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        self.shared
            .spawn(self.shared.worker(worker)?, Some(name), props)
    }

    /// Starts a top-level actor on the worker that owns another one.
    ///
    /// # Errors
    ///
    /// [`SpawnError`] says why the actor was not started.
    pub fn spawn_near<P: Spawnable, N: Send + 'static>(
        &self,
        other: ActorRef<N>,
        name: &str,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        self.shared
            .spawn(self.shared.worker_of(other.id())?, Some(name), props)
    }

    /// Finds a named actor of the pool, on whichever worker it lives.
    ///
    /// # Errors
    ///
    /// [`LookupError`] if no actor lives at that path, or one for other messages.
    pub fn lookup<M: Send + 'static>(
        &self,
        path: impl AsRef<str>,
    ) -> Result<ActorRef<M>, LookupError> {
        self.shared.lookup(path.as_ref())
    }

    /// Returns the pool's dead letters.
    pub fn dead_letters(&self) -> Arc<DeadLetters> {
        Arc::clone(&self.shared.core.dead_letters)
    }

    /// Returns what the pool has done so far: see [`WorkerPool::stats`](crate::WorkerPool::stats).
    pub fn stats(&self) -> PoolStats {
        PoolStats::of(&self.shared.core)
    }

    /// Asks every worker which handlers wait on it, and for what: see
    /// [`WorkerPool::waiting`](crate::WorkerPool::waiting).
    pub fn waiting(&self, within: impl Into<Deadline>) -> (Vec<Waiting>, Vec<(usize, AskError)>) {
        waiting_in(&self.shared.core, within.into().left())
    }

    /// Returns a snapshot of the pool's actors: see [`WorkerPool::snapshot`](crate::WorkerPool::snapshot).
    pub fn snapshot(&self, query: &SnapshotQuery, within: impl Into<Deadline>) -> Snapshot {
        snapshot_of(&self.shared.core, query, within.into().left())
    }

    /// Has the workers count what each actor does, until the returned watch is dropped.
    pub fn watch(&self) -> Watch {
        Watch::begin(&self.shared.core)
    }

    /// Returns the name of the pool.
    pub fn name(&self) -> &str {
        &self.shared.core.name
    }

    /// Returns the number of this run of the pool.
    pub fn run_id(&self) -> RunId {
        self.shared.core.run_id
    }

    /// Requests the shutdown of the pool, by force after that time, without waiting for it: see
    /// [`WorkerPool::shutdown`](super::WorkerPool::shutdown).
    pub fn request_shutdown(&self, within: impl Into<Deadline>) {
        let within = within.into().left();
        self.shared.request_shutdown(within);
    }
}

impl fmt::Debug for WorkerNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerNode")
            .field("pool", &self.shared.core.name)
            .field("index", &self.index)
            .finish()
    }
}
