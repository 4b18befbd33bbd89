//! The engine of a simulation: it drives the world, also on behalf of a thread that waits for an
//! answer.

use parking_lot::Mutex;
use std::cell::RefCell;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use super::choices::Choices;
use super::directory::SimNames;
use super::log::{Eye, Log};
use super::network::Network;
use super::trace::TraceKind;
use super::world::{Bounds, Rules, SimStep, VirtualSpans, World, latency_of};
use crate::address::Key;
use crate::ask::{Drive, can_drive, enlist};
use crate::failure::{DeadLetters, Subscription, WaitError, abort_on_panic};
use crate::fiber::{StackConfig, ThreadEnd, off_fiber};
use crate::observe::Observers;
use crate::pool::{PoolShared, StartError};
use crate::pool_core::{
    CoreParts, FailureHook, Offload, OffloadJob, SuspicionHook, register, unregister,
};
use crate::scope::Scopes;
use crate::shard::{Shard, TickBudget, with_current};
use crate::supervision::SupervisorStrategy;
use crate::worker::{ShutdownProgress, Worker, WorkerParts};

/// No bound: timers fire too, at whatever time they are due.
const ANYHOW: Bounds = Bounds {
    until: None,
    while_busy: false,
};

/// What an engine is made of.
pub(super) struct SimEngineParts {
    pub(super) seed: u64,
    pub(super) name: String,
    pub(super) workers: usize,
    pub(super) stack_size: usize,
    pub(super) kept: usize,
    pub(super) choices: Choices,
    pub(super) orderly_from: u64,
    pub(super) spans: VirtualSpans,
    pub(super) step_limit: u64,
    pub(super) guardian: SupervisorStrategy,
    pub(super) scopes: Scopes,
    pub(super) observers: Observers,
    pub(super) on_failure: FailureHook,
    pub(super) on_suspicion: SuspicionHook,
}

/// A simulated pool, and what drives it.
pub(super) struct SimEngine {
    pub(super) shared: Arc<PoolShared>,
    pub(super) ending: Arc<ShutdownProgress>,
    pub(super) names: SimNames,
    pub(super) network: Network,
    pub(super) log: Arc<Mutex<Log>>,
    first: Rc<Shard>,
    world: RefCell<World>,
    /// Tells whether the simulation's thread is ending.
    pub(super) thread_end: ThreadEnd,
    _letters: Subscription,
}

impl SimEngine {
    pub(super) fn start(parts: SimEngineParts) -> Result<Rc<Self>, StartError> {
        let SimEngineParts {
            seed,
            name,
            workers: count,
            stack_size,
            kept,
            choices,
            orderly_from,
            spans,
            step_limit,
            guardian,
            scopes,
            observers,
            on_failure,
            on_suspicion,
        } = parts;
        if with_current(|shard| shard.is_some()) {
            return Err(StartError::OnWorker);
        }
        let choices = if orderly_from == 0 {
            Choices::NONE
        } else {
            choices
        };
        let names = SimNames::default();
        let network = Network::new(count, latency_of(seed, choices, spans), names.clone());
        let log = Arc::new(Mutex::new(Log::new(kept)));
        let core = register(CoreParts {
            name,
            workers: count,
            transport: Box::new(network.clone()),
            directory: Box::new(names.clone()),
            offload: Box::new(AtOnce),
            on_failure: log_failures(&log, on_failure),
            on_suspicion,
            guardian,
            scopes,
            observers,
            repeatable: true,
        });
        let core = core.ok_or(StartError::TooManyPools)?;
        let letters = log_dead_letters(&log, &core.dead_letters);
        let ending = Arc::new(ShutdownProgress::default());
        let eye = Rc::new(Eye(Arc::clone(&log)));
        let workers: Vec<_> = core
            .worker_indices()
            .map(|index| {
                let worker = Worker::new(WorkerParts {
                    core: Arc::clone(&core),
                    index,
                    source: network.source(index as usize),
                    stacks: StackConfig { size: stack_size },
                    ending: Arc::clone(&ending),
                    clock: None,
                });
                let shard = worker.shard();
                shard.observation.trace(Rc::clone(&eye) as _);
                // Each message is a step of its own, between which other actors may have theirs.
                shard.set_budget(TickBudget {
                    messages_per_turn: 1,
                    ..TickBudget::MOST
                });
                worker
            })
            .collect();
        let pool = core.id;
        let first = Rc::clone(workers[0].shard());
        let rules = Rules {
            choices,
            orderly_from,
            spans,
            step_limit,
        };
        let world = World::new(seed, workers, network.clone(), Arc::clone(&log), rules);
        let engine = Rc::new(Self {
            shared: Arc::new(PoolShared::new(core)),
            ending,
            names,
            network,
            log,
            first,
            world: RefCell::new(world),
            thread_end: ThreadEnd::default(),
            _letters: letters,
        });
        let weak: Weak<Self> = Rc::downgrade(&engine);
        enlist(pool, weak);
        Ok(engine)
    }

    /// Accesses the world.
    ///
    /// # Panics
    ///
    /// If called in a handler of the simulation itself.
    #[track_caller]
    pub(super) fn with<R>(&self, look: impl FnOnce(&mut World) -> R) -> R {
        let world = self.world.try_borrow_mut();
        look(&mut world.expect("a simulation cannot be accessed from its own handlers"))
    }

    /// Measures how deep stacks were used; does nothing in one of the simulation's own handlers.
    pub(super) fn measure_stacks(&self) {
        if let Ok(world) = self.world.try_borrow() {
            world.workers().for_each(Worker::measure_stacks);
        }
    }

    /// Performs the next step within the bounds, and returns what it came to. While the thread
    /// panics there is none.
    ///
    /// # Panics
    ///
    /// If called in a handler.
    #[track_caller]
    pub(super) fn step(&self, bounds: Bounds) -> SimStep {
        match can_drive() {
            Ok(()) => {}
            Err(WaitError::Unwinding) => return SimStep::Idle,
            Err(_) => panic!("a simulation cannot be driven in a handler"),
        }
        let core = &self.shared.core;
        let step = self.with(|world| core.drive_outside_of_scopes(|| world.step(bounds)));
        // Outside the world: the work of an outside thread may wait, and waiting drives the world
        // again.
        if let SimStep::Outside(work) = step {
            work();
            return SimStep::Done;
        }
        step
    }

    /// Steps until nothing is left to do within the bounds.
    pub(super) fn run(&self, bounds: Bounds) {
        while matches!(self.step(bounds), SimStep::Done) {}
    }

    /// Aborts the process if handlers are waiting that may have borrowed thread-locals already
    /// destroyed.
    pub(super) fn refuse_to_outlive_thread_locals(&self) {
        if let Ok(world) = self.world.try_borrow() {
            let busy = world.workers().map(|worker| worker.shard().fibers.busy());
            self.thread_end.refuse_to_outlive(busy.sum());
        }
    }

    /// Ends the pool by force, during an unwinding or in a handler of another pool. In one of its
    /// own handlers it leaves that to the caller that is driving the pool.
    pub(super) fn end_here(&self) {
        if let Ok(mut world) = self.world.try_borrow_mut() {
            let end = || abort_on_panic(|| world.end_here());
            off_fiber(|| self.shared.core.drive_outside_of_scopes(end));
        }
        unregister(&self.shared.core);
    }
}

impl Drive for SimEngine {
    fn shard(&self) -> Rc<Shard> {
        Rc::clone(&self.first)
    }

    fn now(&self) -> u64 {
        self.with(|world| world.now)
    }

    fn has_begun_a_wait(&self) {
        if let Ok(mut world) = self.world.try_borrow_mut() {
            world.has_work(0);
        }
    }

    fn has_ended(&self) -> bool {
        // While one of its workers runs, the pool has not ended.
        self.world.try_borrow().is_ok_and(|world| world.has_ended())
    }

    fn drive_until_ended(&self, wait: Key) -> Result<(), WaitError> {
        while self.first.waits.is_pending(wait) {
            match self.step(ANYHOW) {
                SimStep::Ended => return Ok(()),
                SimStep::Idle => return Err(WaitError::NothingLeft),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Runs work immediately where it is submitted: on the simulation's own thread, in no simulated
/// time.
struct AtOnce;

impl Offload for AtOnce {
    fn submit(&self, job: OffloadJob) {
        job();
    }

    fn close(&self) {}
}

fn log_failures(log: &Arc<Mutex<Log>>, then: FailureHook) -> FailureHook {
    let log = Arc::clone(log);
    Box::new(move |failure| {
        log.lock().add(TraceKind::Fails {
            actor: failure.actor,
            cause: failure.cause.to_string(),
        });
        then(failure);
    })
}

fn log_dead_letters(log: &Arc<Mutex<Log>>, letters: &Arc<DeadLetters>) -> Subscription {
    let log = Arc::clone(log);
    letters.subscribe(move |letter| {
        log.lock().add(TraceKind::Loses {
            actor: letter.target,
            sender: letter.envelope.sender(),
            message: letter.message_type,
            reason: letter.reason,
        });
    })
}
