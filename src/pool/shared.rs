//! What handles and nodes of a pool share: placing, starting and finding actors.

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::time::Duration;

use super::ring::ConsistentHashRing;
use super::shutdown::Ends;
use crate::actor::{self, ActorRef, Seed, Spawnable, get_or_start, typed_or};
use crate::address::{ActorId, ActorPath, Home, Key, MessageType};
use crate::ask::call;
use crate::ask::{Ask, AskError, Reply, begin_call_of, can_call};
use crate::failure::{SpawnError, drop_quietly};
use crate::pool_core::DirectoryEntry;
use crate::pool_core::NamePhase;
use crate::pool_core::PoolCore;
use crate::pool_core::WorkerOrder;
use crate::shard::{GUARDIAN, Name, Shard};

/// The shared part of a pool that knows about names and placement.
pub(crate) struct PoolShared {
    pub(crate) core: Arc<PoolCore>,
    pub(super) ring: ArcSwap<ConsistentHashRing>,
    /// Actors spawned by nodes while the pool starts, by path. Cleared once it has started.
    configured: Mutex<HashMap<ActorPath, Configured>>,
    configuring: AtomicBool,
    /// The workers that have ended, and the deadline for all of them.
    pub(super) ends: Ends,
}

/// An actor that every worker's `configure` spawns.
struct Configured {
    state: ConfiguredState,
    message: &'static MessageType,
    /// The workers that have requested it: each may do so once.
    callers: Vec<u32>,
}

enum ConfiguredState {
    Starting(Vec<Reply<Result<ActorId, SpawnError>>>),
    Started(Result<ActorId, SpawnError>),
}

/// Why no actor was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LookupError {
    /// No live actor has that path.
    #[error("no actor lives at {0}; start it first, or look for another path")]
    NotFound(String),
    /// The pool has ended, and all of its actors with it.
    #[error("the pool has ended, and all of its actors with it; look it up in a running pool")]
    PoolClosed,
    /// The actor handles other messages.
    #[error("the actor at {path} handles {actual}, not {expected}; look it up for those")]
    WrongType {
        /// The path.
        path: String,
        /// The requested type of messages.
        expected: &'static str,
        /// The type of messages that the actor handles.
        actual: &'static str,
    },
}

impl PoolShared {
    pub(crate) fn new(core: Arc<PoolCore>) -> Self {
        let workers = u32::try_from(core.workers.len())
            .ok()
            .and_then(NonZeroU32::new);
        let ring = ConsistentHashRing::new(workers.expect("a pool has 1 to 1024 workers"));
        Self {
            core,
            ring: ArcSwap::from_pointee(ring),
            configured: Mutex::default(),
            configuring: AtomicBool::new(true),
            ends: Ends::default(),
        }
    }

    pub(crate) fn workers(&self) -> usize {
        self.core.workers.len()
    }

    pub(crate) fn owner(&self, name: &str) -> u32 {
        self.ring.load().owner(name)
    }

    /// The worker with that index, if there is one.
    pub(crate) fn worker(&self, worker: usize) -> Result<u32, SpawnError> {
        let workers = self.workers();
        match u32::try_from(worker) {
            Ok(index) if worker < workers => Ok(index),
            _ => Err(SpawnError::NoSuchWorker { worker, workers }),
        }
    }

    /// The worker of another actor.
    pub(crate) fn worker_of(&self, actor: ActorId) -> Result<u32, SpawnError> {
        if actor.home.pool() == self.core.id {
            Ok(actor.home.worker())
        } else {
            Err(SpawnError::OtherPool)
        }
    }

    /// Starts a top-level actor on that worker, under that name or a generated one.
    pub(crate) fn spawn<P: Spawnable>(
        &self,
        worker: u32,
        name: Option<&str>,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        let path = name.map(|name| ActorPath::user().child(name)).transpose()?;
        self.spawn_at(worker, path, props)
    }

    /// The worker with the fewest actors, as far as this thread can tell.
    pub(crate) fn quietest(&self) -> u32 {
        let actors = |worker: &u32| self.core.workers[*worker as usize].read().actors;
        let quietest = self.core.worker_indices().min_by_key(actors);
        quietest.unwrap_or_default()
    }

    /// Starts a top-level actor under a generated name that begins with `prefix`.
    pub(crate) fn spawn_prefixed<P: Spawnable>(
        &self,
        prefix: &str,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        let path = self.core.generate_path(&ActorPath::user(), prefix)?;
        self.spawn_at(self.quietest(), Some(path), props)
    }

    /// Starts a top-level actor on that worker, at that path or under a generated name.
    fn spawn_at<P: Spawnable>(
        &self,
        worker: u32,
        path: Option<ActorPath>,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        let started = call(&self.core, worker, move |shard, caller| {
            start_here(shard, path.as_ref(), props, caller)
        });
        started.unwrap_or_else(|error| Err(spawn_error(error)))
    }

    /// Returns the top-level actor of that name. If there is none, starts it on the worker that the
    /// ring selects.
    pub(crate) fn get_or_spawn<P: Spawnable>(
        &self,
        name: &str,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        self.get_or_spawn_at(ActorPath::user().child(name)?, props)
    }

    /// The same, for the actor at that path.
    pub(crate) fn get_or_spawn_at<P: Spawnable>(
        &self,
        path: ActorPath,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        if let Some(entry) = self.live(&path) {
            let _ = drop_quietly(props);
            return actor::typed(&path, entry);
        }
        let found = call(&self.core, self.owner(path.name()), move |shard, caller| {
            get_or_start(shard, GUARDIAN, &path, props, caller)
        });
        found.unwrap_or_else(|error| Err(spawn_error(error)))
    }

    /// The actor at that path, if it has started and is not stopping.
    pub(super) fn live(&self, path: &ActorPath) -> Option<DirectoryEntry> {
        match self.core.directory.look(path)? {
            (NamePhase::Live, entry) => entry,
            _ => None,
        }
    }

    /// Starts top-level actors, each on its worker and under its name, or a generated one. They
    /// start in batches, so that not every one costs a round trip.
    pub(crate) fn spawn_all<P: Spawnable>(
        &self,
        actors: impl Iterator<Item = Result<(u32, Option<ActorPath>, P), SpawnError>>,
    ) -> Vec<Result<ActorRef<P::Message>, SpawnError>> {
        let mut starts = StartCount {
            shared: self,
            open: self.core.worker_indices().map(|_| Vec::new()).collect(),
            under_way: VecDeque::new(),
            started: Vec::new(),
        };
        for actor in actors {
            match actor {
                Ok((worker, path, props)) => starts.add(worker, path, props),
                Err(error) => starts.started.push(Some(Err(error))),
            }
        }
        starts.finish()
    }

    /// Named actors for [`spawn_all`](Self::spawn_all), each on the worker that the ring selects.
    pub(crate) fn placed_by_name<N: Into<String>, P: Spawnable>(
        &self,
        actors: impl IntoIterator<Item = (N, P)>,
    ) -> impl Iterator<Item = Result<(u32, Option<ActorPath>, P), SpawnError>> {
        let ring = self.ring.load_full();
        actors.into_iter().map(
            move |(name, props)| match ActorPath::user().child(&name.into()) {
                Ok(path) => Ok((ring.owner(path.name()), Some(path), props)),
                Err(error) => {
                    let _ = drop_quietly(props);
                    Err(error.into())
                }
            },
        )
    }

    /// Anonymous actors for [`spawn_all`](Self::spawn_all), on all workers in turn.
    pub(crate) fn placed_in_turn<P: Spawnable>(
        &self,
        actors: impl IntoIterator<Item = P>,
    ) -> impl Iterator<Item = Result<(u32, Option<ActorPath>, P), SpawnError>> {
        let workers = self.core.worker_indices().cycle();
        let placed = workers.zip(actors);
        placed.map(|(worker, props)| Ok((worker, None, props)))
    }

    /// Starts a top-level actor at that path, on the worker that the ring selects. While the pool
    /// starts, it is started once for all workers, each of whose `configure` spawns it.
    pub(super) fn spawn_configured<P: Spawnable>(
        self: &Arc<Self>,
        caller: u32,
        path: ActorPath,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        let owner = self.owner(path.name());
        // Acquire pairs with the release in `end_configuring`.
        if !self.configuring.load(Acquire) {
            return self.spawn_at(owner, Some(path), props);
        }
        let shared = Arc::clone(self);
        let started = call(&self.core, owner, move |shard, _| {
            shared.start_configured(shard, caller, &path, props)
        });
        let address = started.unwrap_or_else(|error| Err(spawn_error(error)))?;
        #[allow(unsafe_code)]
        // SAFETY: `start_configured` compares the type, or starts the actor for `M`.
        Ok(unsafe { ActorRef::assume(address) })
    }

    /// On the owner: starts the actor for the first caller, and makes the others wait for that.
    /// Returns the address that a reference to it holds.
    fn start_configured<P: Spawnable>(
        &self,
        shard: &Shard,
        caller: u32,
        path: &ActorPath,
        props: P,
    ) -> Result<ActorId, SpawnError> {
        let joined = self.join_configured::<P::Message>(caller, path);
        if !matches!(joined, Ok(None)) {
            let _ = drop_quietly(props);
            return match joined? {
                Some(waiting) => waiting
                    .wait()
                    .unwrap_or_else(|error| Err(spawn_error(error))),
                None => unreachable!("this is not the first caller"),
            };
        }
        let outcome = start_here(shard, Some(path), props, None).map(ActorRef::address);
        let mut configured = self.configured.lock();
        // `end_configuring` clears the flag before it looks, under this lock: one of the two
        // removes the entry.
        let before = if self.configuring.load(Acquire) {
            configured.get_mut(path).map(|entry| {
                std::mem::replace(&mut entry.state, ConfiguredState::Started(outcome.clone()))
            })
        } else {
            configured.remove(path).map(|entry| entry.state)
        };
        drop(configured);
        if let Some(ConfiguredState::Starting(waiting)) = before {
            waiting
                .into_iter()
                .for_each(|reply| reply.send(outcome.clone()));
        }
        outcome
    }

    /// The ask that a caller other than the first waits for; `None` for the first.
    #[allow(clippy::type_complexity)]
    fn join_configured<M: 'static>(
        &self,
        caller: u32,
        path: &ActorPath,
    ) -> Result<Option<Ask<Result<ActorId, SpawnError>>>, SpawnError> {
        let mut configured = self.configured.lock();
        let Some(entry) = configured.get_mut(path) else {
            let entry = Configured {
                state: ConfiguredState::Starting(Vec::new()),
                message: MessageType::of::<M>(),
                callers: vec![caller],
            };
            configured.insert(path.clone(), entry);
            return Ok(None);
        };
        if entry.callers.contains(&caller) {
            return Err(SpawnError::NameTaken(path.clone()));
        }
        if !entry.message.is::<M>() {
            let (expected, actual) = (MessageType::of::<M>().name(), entry.message.name());
            return Err(SpawnError::WrongType {
                path: path.clone(),
                expected,
                actual,
            });
        }
        entry.callers.push(caller);
        let (ask, reply) = Ask::begin(None, ActorId::NOBODY);
        match &mut entry.state {
            ConfiguredState::Starting(waiting) => waiting.push(reply),
            ConfiguredState::Started(outcome) => reply.send(outcome.clone()),
        }
        Ok(Some(ask))
    }

    /// Notes that the pool has started: from now on nodes spawn like any other caller.
    pub(crate) fn end_configuring(&self) {
        // Release pairs with the acquire in `spawn_configured`.
        self.configuring.store(false, Release);
        // Actors that are still starting, for an actor that spawns through a node, notify their own
        // waiters.
        let mut configured = self.configured.lock();
        let started = configured
            .extract_if(|_, entry| matches!(entry.state, ConfiguredState::Started(_)))
            .collect::<Vec<_>>();
        drop(configured);
        // Outside the lock, as their errors are the user's.
        for (_, entry) in started {
            let _ = drop_quietly(entry.state);
        }
    }

    /// The actor at that path, whatever its messages are.
    pub(crate) fn find(&self, path: &str) -> Option<DirectoryEntry> {
        self.core.directory.find(path)
    }

    pub(crate) fn lookup<M: Send + 'static>(&self, path: &str) -> Result<ActorRef<M>, LookupError> {
        let entry = self.find(path).ok_or_else(|| {
            if self.core.has_ended() {
                LookupError::PoolClosed
            } else {
                LookupError::NotFound(path.to_owned())
            }
        })?;
        typed_or(entry, |expected, actual| LookupError::WrongType {
            path: path.to_owned(),
            expected,
            actual,
        })
    }

    /// Requests every worker to shut down.
    pub(crate) fn request_shutdown(&self, within: Duration) {
        self.ends.note_deadline(within);
        let within = u64::try_from(within.as_nanos()).unwrap_or(u64::MAX);
        for worker in self.core.worker_indices() {
            self.core
                .give_order(worker, WorkerOrder::ShutDown { within });
        }
    }
}

/// Actors that are started together.
struct StartCount<'a, P: Spawnable> {
    shared: &'a PoolShared,
    /// For each worker, what is sent to it next, each with its index in the result.
    open: Vec<Vec<(usize, Option<ActorPath>, P)>>,
    /// The batches in flight, with the indices in the result.
    under_way: VecDeque<(Vec<usize>, StartingBatch<P>)>,
    started: Vec<Option<Started<P>>>,
}

type Started<P> = Result<ActorRef<<P as Spawnable>::Message>, SpawnError>;
type StartingBatch<P> = Ask<Vec<Started<P>>>;

/// Starts in a batch, and batches in flight for each worker.
const STARTS: usize = 256;
const BATCHES_OF_STARTS: usize = 4;

impl<P: Spawnable> StartCount<'_, P> {
    fn add(&mut self, worker: u32, path: Option<ActorPath>, props: P) {
        let place = self.started.len();
        self.started.push(None);
        let open = &mut self.open[worker as usize];
        open.push((place, path, props));
        if open.len() == STARTS {
            self.send(worker);
        }
    }

    fn send(&mut self, worker: u32) {
        let batch = std::mem::take(&mut self.open[worker as usize]);
        let places: Vec<usize> = batch.iter().map(|(place, ..)| *place).collect();
        let core = &self.shared.core;
        if let Err(error) = can_call(core, worker) {
            let _ = drop_quietly(batch);
            return self.note(places, |_| Err(SpawnError::CannotWait(error.clone())));
        }
        let starting = begin_call_of(core, worker, None, move |shard, caller| {
            let started = batch
                .into_iter()
                .map(|(_, path, props)| start_here(shard, path.as_ref(), props, caller));
            started.collect::<Vec<_>>()
        });
        self.under_way.push_back((places, starting));
        if self.under_way.len() > BATCHES_OF_STARTS * self.open.len() {
            self.wait_for_one();
        }
    }

    fn wait_for_one(&mut self) {
        let Some((places, starting)) = self.under_way.pop_front() else {
            return;
        };
        match starting.wait() {
            Ok(started) => {
                for (place, started) in places.into_iter().zip(started) {
                    self.started[place] = Some(started);
                }
            }
            Err(error) => self.note(places, |_| Err(spawn_error(error.clone()))),
        }
    }

    fn note(&mut self, places: Vec<usize>, started: impl Fn(usize) -> Started<P>) {
        for place in places {
            self.started[place] = Some(started(place));
        }
    }

    fn finish(mut self) -> Vec<Started<P>> {
        for worker in self.shared.core.worker_indices() {
            if !self.open[worker as usize].is_empty() {
                self.send(worker);
            }
        }
        while !self.under_way.is_empty() {
            self.wait_for_one();
        }
        let started = self.started.into_iter();
        started
            .map(|started| started.expect("each batch was waited for"))
            .collect()
    }
}

pub(super) fn start_here<P: Spawnable>(
    shard: &Shard,
    path: Option<&ActorPath>,
    props: P,
    caller: Option<(Home, Key)>,
) -> Result<ActorRef<P::Message>, SpawnError> {
    if shard.closing.get() {
        let _ = drop_quietly(props);
        return Err(SpawnError::ShuttingDown);
    }
    let name = path.map_or(Name::Generated, Name::At);
    actor::start(shard, GUARDIAN, name, Seed::of(props), caller)
}

/// The error of a start for that of its call. A call has no time-out, and its work always answers:
/// what remains is the end of the pool, and a deadlock with an actor whose name is wanted.
pub(super) fn spawn_error(error: AskError) -> SpawnError {
    match error {
        AskError::Deadlock(details) => match details.cycle() {
            Some(cycle) => SpawnError::Deadlock(cycle.clone()),
            None => SpawnError::PoolClosed,
        },
        AskError::CannotWait(error) => SpawnError::CannotWait(error),
        _ => SpawnError::PoolClosed,
    }
}
