//! What handles and nodes of a pool share: where actors are placed, started and found.

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use std::any::TypeId;
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};
use std::time::Duration;

use super::ring::ConsistentHashRing;
use crate::actor::core::PoolCore;
use crate::actor::lifecycle::{self, GUARDIAN, Name};
use crate::actor::{
    ActorId, ActorPath, ActorRef, DirectoryEntry, Home, Key, Order, Props, Shard, SpawnError,
    drop_quietly, validate_name,
};
use crate::ask::{Ask, AskError, Reply, call};

/// The shared part of a pool that knows about names and places.
pub(crate) struct Shared {
    pub(crate) core: Arc<PoolCore>,
    pub(crate) ring: ArcSwap<ConsistentHashRing>,
    /// Actors spawned by nodes while the pool starts, by name. Emptied when it has started.
    configured: Mutex<HashMap<String, Configured>>,
    configuring: AtomicBool,
}

/// An actor that every worker's `configure` names.
struct Configured {
    state: ConfiguredState,
    message: TypeId,
    message_type: &'static str,
    /// The workers that have asked for it: each may do so once.
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
    #[error("no actor lives at {0}")]
    NotFound(String),
    /// The actor handles other messages.
    #[error("the actor at {path} handles {actual}, not {expected}")]
    WrongType {
        /// The path.
        path: String,
        /// The type of messages that was asked for.
        expected: &'static str,
        /// The type of messages that the actor handles.
        actual: &'static str,
    },
}

impl Shared {
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
        }
    }

    pub(crate) fn workers(&self) -> usize {
        self.core.workers.len()
    }

    pub(crate) fn owner(&self, name: &str) -> u32 {
        self.ring.load().owner(name)
    }

    /// The worker of that index, if there is one.
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
    pub(crate) fn spawn<M: Send + 'static>(
        &self,
        worker: u32,
        name: Option<&str>,
        props: Props<M>,
    ) -> Result<ActorRef<M>, SpawnError> {
        if let Some(name) = name {
            validate_name(name)?;
        }
        let name = name.map(str::to_owned);
        let started = call(&self.core, worker, move |shard, caller| {
            let name = name.as_deref().map_or(Name::Generated, Name::Given);
            start_here(shard, name, props, caller)
        });
        started.unwrap_or_else(|error| Err(spawn_error(error)))
    }

    /// Starts a top-level actor that every worker's `configure` names, once for all of them.
    pub(crate) fn spawn_configured<M: Send + 'static>(
        self: &Arc<Self>,
        caller: u32,
        name: &str,
        props: Props<M>,
    ) -> Result<ActorRef<M>, SpawnError> {
        let owner = self.owner(name);
        // Acquire pairs with the release in `end_configuring`.
        if !self.configuring.load(Acquire) {
            return self.spawn(owner, Some(name), props);
        }
        validate_name(name)?;
        let (shared, name) = (Arc::clone(self), name.to_owned());
        let started = call(&self.core, owner, move |shard, _| {
            let started = shared.start_configured(shard, caller, &name, &props);
            let _ = drop_quietly(props);
            started
        });
        let address = started.unwrap_or_else(|error| Err(spawn_error(error)))?;
        #[allow(unsafe_code)]
        // SAFETY: `start_configured` compares the type, or starts the actor for `M`.
        Ok(unsafe { ActorRef::assume(address) })
    }

    /// On the owner: starts the actor for the first caller, and has the others wait for that. Answers
    /// what a reference to it holds.
    fn start_configured<M: Send + 'static>(
        &self,
        shard: &Shard,
        caller: u32,
        name: &str,
        props: &Props<M>,
    ) -> Result<ActorId, SpawnError> {
        if let Some(waiting) = self.join_configured::<M>(caller, name)? {
            return waiting
                .wait()
                .unwrap_or_else(|error| Err(spawn_error(error)));
        }
        let outcome =
            start_here(shard, Name::Given(name), props.clone(), None).map(ActorRef::address);
        let mut configured = self.configured.lock();
        let before = configured.get_mut(name).map(|entry| {
            std::mem::replace(&mut entry.state, ConfiguredState::Started(outcome.clone()))
        });
        drop(configured);
        if let Some(ConfiguredState::Starting(waiting)) = before {
            waiting
                .into_iter()
                .for_each(|reply| reply.send(outcome.clone()));
        }
        outcome
    }

    /// What a caller that is not the first one waits for; `None` for the first.
    #[allow(clippy::type_complexity)]
    fn join_configured<M: 'static>(
        &self,
        caller: u32,
        name: &str,
    ) -> Result<Option<Ask<Result<ActorId, SpawnError>>>, SpawnError> {
        let mut configured = self.configured.lock();
        let Some(entry) = configured.get_mut(name) else {
            let entry = Configured {
                state: ConfiguredState::Starting(Vec::new()),
                message: TypeId::of::<M>(),
                message_type: std::any::type_name::<M>(),
                callers: vec![caller],
            };
            configured.insert(name.to_owned(), entry);
            return Ok(None);
        };
        let path = || {
            ActorPath::user()
                .child(name)
                .expect("the name was validated")
        };
        if entry.callers.contains(&caller) {
            return Err(SpawnError::NameTaken(path()));
        }
        if entry.message != TypeId::of::<M>() {
            let (expected, actual) = (std::any::type_name::<M>(), entry.message_type);
            return Err(SpawnError::WrongType {
                path: path(),
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

    /// The pool has started: nodes spawn as everybody does from now on.
    pub(crate) fn end_configuring(&self) {
        // Release pairs with the acquire in `spawn_configured`.
        self.configuring.store(false, Release);
        // What still starts, for an actor that spawns through a node, tells those who wait.
        let mut configured = self.configured.lock();
        let started = configured
            .extract_if(|_, entry| matches!(entry.state, ConfiguredState::Started(_)))
            .collect::<Vec<_>>();
        drop(configured);
        // Outside of the lock, as their errors are the user's.
        for (_, entry) in started {
            let _ = drop_quietly(entry.state);
        }
    }

    /// The actor of that path, whatever its messages are.
    pub(crate) fn find(&self, path: &str) -> Option<DirectoryEntry> {
        self.core.directory.find(path)
    }

    pub(crate) fn lookup<M: Send + 'static>(&self, path: &str) -> Result<ActorRef<M>, LookupError> {
        let entry = self.find(path);
        let entry = entry.ok_or_else(|| LookupError::NotFound(path.to_owned()))?;
        if entry.message != TypeId::of::<M>() {
            let (expected, actual) = (std::any::type_name::<M>(), entry.message_type);
            return Err(LookupError::WrongType {
                path: path.to_owned(),
                expected,
                actual,
            });
        }
        #[allow(unsafe_code)]
        // SAFETY: the entry was published by `start` with the type for which it began the
        // tenancy, and that type is `M`.
        Ok(unsafe { ActorRef::assume(entry.actor.address(entry.bounded)) })
    }

    /// Orders every worker to shut down.
    pub(crate) fn request_shutdown(&self, within: Duration) {
        let within = u64::try_from(within.as_nanos()).unwrap_or(u64::MAX);
        for worker in self.core.worker_indices() {
            self.core.give_order(worker, Order::ShutDown { within });
        }
    }
}

fn start_here<M: Send + 'static>(
    shard: &Shard,
    name: Name<'_>,
    props: Props<M>,
    caller: Option<(Home, Key)>,
) -> Result<ActorRef<M>, SpawnError> {
    if shard.closing.get() {
        let _ = drop_quietly(props);
        return Err(SpawnError::ShuttingDown);
    }
    lifecycle::start(shard, GUARDIAN, name, props, caller)
}

/// A call has no time-out, and its work always answers: what is left is the pool's end.
fn spawn_error(error: AskError) -> SpawnError {
    match error {
        AskError::CannotWait(error) => SpawnError::CannotWait(error),
        _ => SpawnError::PoolClosed,
    }
}
