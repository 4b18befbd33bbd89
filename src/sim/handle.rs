//! The handle of a simulation.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::builder::SimBuilder;
use super::engine::SimEngine;
use super::fault::{Fault, FaultError, FaultKind};
use super::network::Delay;
use super::trace::Trace;
use super::world::{Bounds, Planned, SimStep, World};
use crate::actor::{ActorRef, Spawnable};
use crate::ask::{Ask, AskError, Deadline, can_drive};
use crate::deadlock::{Waiting, name_targets, waiting_on};
use crate::failure::{DeadLetters, SpawnError};
use crate::inspect::{Snapshot, SnapshotQuery, Watch, merge, scan};
use crate::pool::{LookupError, PoolStats, ShutdownReport, WorkerNode};
use crate::pool_core::unregister;
use crate::shard::{PermitReleased, dispatch, enter};

/// A simulated pool: its workers are stepped on this thread, on a clock of its own, by choices that
/// follow from a seed.
///
/// Actors, references and asks are those of a [`WorkerPool`](crate::WorkerPool). A seed decides
/// which worker continues next and which of its actors runs, how long messages are in flight
/// between workers, and when a worker stalls; the same seed gives the same run, message by message.
/// On the simulation's thread, waiting for an answer drives the simulation until the answer is
/// there.
///
/// ```
/// use nexus_actors::prelude::*;
/// use nexus_actors::sim::Sim;
/// use std::time::Duration;
///
/// let mut sim = Sim::new(42);
/// let sleeper = sim.spawn("sleeper", Props::new(|| {
///     Behavior::receive(|ctx, reply: Reply<Duration>| {
///         ctx.sleep(Duration::from_secs(3600))?;
///         reply.send(ctx.now());
///         Ok(())
///     })
/// }))?;
/// let woken = sleeper.ask(|reply| reply, Duration::from_secs(7200)).wait()?; // takes no time
/// assert!(woken >= Duration::from_secs(3600));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Handlers must derive what they do from their messages, their state and the simulated clock: the
/// real clock, other threads, and the order of a `HashMap` with the standard library's random keys
/// differ from run to run. [`check`](fn@crate::sim::check) detects this.
///
/// Methods that may run the simulation, or decide what it does next, take `&mut self`: each is an
/// event of the run, and belongs at one place of it. Threads outside use a [node](Self::node), as
/// they do with a pool.
///
/// Dropping the simulation ends the pool by force.
///
/// # Panics
///
/// If the simulation is driven in a handler, its own or another pool's. Also if it is dropped while
/// a requested fault has not happened: what the test is named after was then not tested.
/// [`unfired`](Self::unfired) tells beforehand whether that is so.
pub struct Sim {
    pub(super) engine: Rc<SimEngine>,
    pub(super) builder: SimBuilder,
    /// Whether the checker takes care of unfired faults.
    pub(super) checked: bool,
}

/// What exists in a simulated pool at the moment. Empty after a shutdown: see
/// [`is_empty`](Self::is_empty).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SimCounts {
    /// Live actors.
    pub actors: usize,
    /// Occupied slots: of actors, of their tasks, and of those that stand for children on other workers.
    pub slots: usize,
    /// Names in the directory.
    pub names: usize,
    /// Messages in mailboxes.
    pub messages: u64,
    /// Messages in stashes.
    pub stashed: u64,
    /// Batches of messages in flight between workers, and from outside.
    pub batches: usize,
    /// Actors, handlers and tasks that are ready to run.
    pub due: usize,
    /// Waiting handlers and tasks.
    pub waiting: usize,
    /// Asks, sleeps, timers and receive time-outs that have begun and are still recorded.
    pub waits: usize,
    /// Timers that are set.
    pub timers: usize,
    /// Fibers, both waiting and idle.
    pub fibers: u64,
}

impl SimCounts {
    /// Whether nothing is left, as must be the case after a shutdown.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Sim {
    fn engine(&self) -> &SimEngine {
        let place = std::ptr::from_ref(self).addr();
        self.engine.thread_end.used_at(place);
        &self.engine
    }

    /// Starts a simulation of two workers with that seed, in which everything is left to chance.
    ///
    /// # Panics
    ///
    /// If 1024 pools are alive in this process: see [`SimBuilder::start`].
    pub fn new(seed: u64) -> Self {
        let started = Self::builder().seed(seed).start();
        started.expect("a simulation of two workers starts")
    }

    /// Returns a builder for a simulation.
    pub fn builder() -> SimBuilder {
        SimBuilder::default()
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.builder.case.seed
    }

    /// The number of workers.
    pub fn workers(&self) -> usize {
        self.engine().shared.workers()
    }

    /// A worker's view of the pool, the same that [`configure`](SimBuilder::configure) passes: for
    /// code that must also run in a pool of threads.
    ///
    /// # Panics
    ///
    /// If there is no such worker.
    pub fn node(&self, worker: usize) -> WorkerNode {
        let index = self.engine().shared.worker(worker);
        let index = index.unwrap_or_else(|error| panic!("{error}"));
        WorkerNode {
            shared: Arc::clone(&self.engine().shared),
            index,
        }
    }

    // ---- actors -----------------------------------------------------------------------------

    /// Starts a top-level actor on the worker that the ring selects, and runs the simulation until
    /// the actor has started.
    ///
    /// # Errors
    ///
    /// As for [`WorkerPool::spawn`](crate::WorkerPool::spawn).
    pub fn spawn<P: Spawnable>(
        &mut self,
        name: &str,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        let shared = &self.engine().shared;
        shared.spawn(shared.owner(name), Some(name), props)
    }

    /// Returns the top-level actor of that name. If there is none, starts it, and runs the
    /// simulation until it has started: see
    /// [`WorkerPool::get_or_spawn`](crate::WorkerPool::get_or_spawn).
    ///
    /// # Errors
    ///
    /// As for that function.
    pub fn get_or_spawn<P: Spawnable>(
        &mut self,
        name: &str,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        self.engine().shared.get_or_spawn(name, props)
    }

    /// Starts a top-level actor under a generated name, on the worker with the fewest actors: see
    /// [`WorkerPool::spawn_anonymous`](crate::WorkerPool::spawn_anonymous).
    ///
    /// # Errors
    ///
    /// As for that function.
    pub fn spawn_anonymous<P: Spawnable>(
        &mut self,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        let shared = &self.engine().shared;
        shared.spawn(shared.quietest(), None, props)
    }

    /// Starts a top-level actor on the worker that owns another one: see
    /// [`WorkerPool::spawn_near`](crate::WorkerPool::spawn_near).
    ///
    /// # Errors
    ///
    /// As for that function.
    pub fn spawn_near<P: Spawnable, N: Send + 'static>(
        &mut self,
        other: ActorRef<N>,
        name: &str,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        let shared = &self.engine().shared;
        shared.spawn(shared.worker_of(other.id())?, Some(name), props)
    }

    /// Starts a top-level actor on the given worker.
    ///
    /// # Errors
    ///
    /// As for [`WorkerPool::spawn_on`](crate::WorkerPool::spawn_on).
    pub fn spawn_on<P: Spawnable>(
        &mut self,
        worker: usize,
        name: &str,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        let shared = &self.engine().shared;
        shared.spawn(shared.worker(worker)?, Some(name), props)
    }

    /// Starts a top-level actor under a generated name that begins with `prefix`: see
    /// [`WorkerPool::spawn_prefixed`](crate::WorkerPool::spawn_prefixed).
    ///
    /// # Errors
    ///
    /// As for that function.
    pub fn spawn_prefixed<P: Spawnable>(
        &mut self,
        prefix: &str,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        self.engine().shared.spawn_prefixed(prefix, props)
    }

    /// Starts many top-level actors, each under its name and on the worker that the ring selects,
    /// and runs the simulation until they have started: see
    /// [`WorkerPool::spawn_all`](crate::WorkerPool::spawn_all).
    pub fn spawn_all<N: Into<String>, P: Spawnable>(
        &mut self,
        actors: impl IntoIterator<Item = (N, P)>,
    ) -> Vec<Result<ActorRef<P::Message>, SpawnError>> {
        let shared = &self.engine().shared;
        shared.spawn_all(shared.placed_by_name(actors))
    }

    /// Starts many top-level actors under generated names, on all workers in turn: see
    /// [`spawn_all`](Self::spawn_all).
    pub fn spawn_all_anonymous<P: Spawnable>(
        &mut self,
        actors: impl IntoIterator<Item = P>,
    ) -> Vec<Result<ActorRef<P::Message>, SpawnError>> {
        let shared = &self.engine().shared;
        shared.spawn_all(shared.placed_in_turn(actors))
    }

    /// Finds a named actor.
    ///
    /// # Errors
    ///
    /// [`LookupError`] if no actor lives at that path, or one for other messages.
    pub fn lookup<M: Send + 'static>(
        &self,
        path: impl AsRef<str>,
    ) -> Result<ActorRef<M>, LookupError> {
        self.engine().shared.lookup(path.as_ref())
    }

    // ---- time -------------------------------------------------------------------------------

    /// The simulated time since the simulation began.
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.engine().with(|world| world.now))
    }

    /// The number of steps so far. It identifies a point of a run.
    pub fn steps(&self) -> u64 {
        self.engine().with(|world| world.steps)
    }

    /// Performs the next step: one round of one worker, or work that was
    /// [scheduled](Self::schedule). If no worker can continue, the clock advances to the next
    /// timer. Returns whether there was anything to do.
    pub fn step(&mut self) -> bool {
        let bounds = Bounds {
            until: None,
            while_busy: false,
        };
        matches!(self.engine().step(bounds), SimStep::Done)
    }

    /// Runs until nothing is left to do before the next timer. The clock advances by the time that
    /// messages and rounds take.
    pub fn run_until_idle(&mut self) {
        self.engine().run(Bounds {
            until: None,
            while_busy: true,
        });
    }

    /// Runs everything that happens within that length of time.
    pub fn run_for(&mut self, time: Duration) {
        let until = nanos(self.now().saturating_add(time));
        self.engine().run(Bounds {
            until: Some(until),
            while_busy: false,
        });
        self.engine().with(|world| world.set_now(until));
    }

    /// Moves the clock forward in one jump, as when a machine has slept: what was due in between is
    /// late. Runs nothing.
    pub fn advance(&mut self, by: Duration) {
        let to = nanos(self.now().saturating_add(by));
        self.engine().with(|world| world.set_now(to));
    }

    /// Runs until the ask has an answer, or until it is certain that there will be none. On this
    /// thread it is the same as [`Ask::wait`].
    ///
    /// # Errors
    ///
    /// As for [`Ask::wait`]; [`WaitError::NothingLeft`](crate::WaitError::NothingLeft) if no actor
    /// is left that could answer.
    pub fn run_until<R: Send + 'static>(&mut self, ask: Ask<R>) -> Result<R, AskError> {
        ask.wait()
    }

    /// Runs `work` after that time, as an outside thread would, for example to send messages while
    /// the simulation runs. If it waits, the simulation continues meanwhile.
    pub fn schedule(&mut self, after: Duration, work: impl FnOnce() + 'static) {
        let at = nanos(self.now().saturating_add(after));
        let planned = Planned::Outside(Box::new(work));
        self.engine().with(|world| world.plan(at, planned));
    }

    /// Leaves nothing to chance from now on, as [`SimBuilder::orderly_from`] does from a given step on.
    pub fn disable_chance(&mut self) {
        self.engine().with(|world| world.disable_chance());
    }

    // ---- faults -----------------------------------------------------------------------------

    /// Plans a fault. It must happen: see [`Sim`].
    ///
    /// # Errors
    ///
    /// [`FaultError`] if it can never happen.
    pub fn inject(&mut self, fault: Fault) -> Result<(), FaultError> {
        fault.check(self.workers())?;
        let mut log = self.engine().log.lock();
        if self.builder.case.without_faults.contains(&log.faults()) {
            log.arm_nothing(fault);
            return Ok(());
        }
        let target = match &fault.0 {
            FaultKind::Panic { actor, .. } | FaultKind::Kill { actor, .. } => {
                self.engine().shared.find(actor).map(|entry| entry.actor())
            }
            _ => None,
        };
        let number = log.arm(fault.clone(), target);
        drop(log);
        self.plan(number, fault.0);
        Ok(())
    }

    fn plan(&self, fault: usize, kind: FaultKind) {
        let engine = &self.engine;
        let delay = |from: Option<usize>, to: Option<usize>, (since, until, by)| {
            let index = |worker: usize| u32::try_from(worker).expect("it was checked");
            let delay = Delay {
                from: from.map(index),
                to: to.map(index),
                by: nanos(by),
                fault,
                hit: false,
            };
            engine.network.delay(nanos(since), nanos(until), delay);
        };
        match kind {
            FaultKind::Panic { .. } | FaultKind::Kill { .. } => {}
            FaultKind::Stall { worker, at, length } => {
                let length = nanos(length);
                let planned = Planned::Stall {
                    fault,
                    worker,
                    length,
                };
                engine.with(|world| world.plan(nanos(at), planned));
            }
            FaultKind::ClockJump { at, by } => {
                let by = nanos(by);
                let planned = Planned::Jump { fault, by };
                engine.with(|world| world.plan(nanos(at), planned));
            }
            FaultKind::FullMailbox {
                actor,
                since,
                until,
            } => self.block(fault, actor, nanos(since), nanos(until)),
            FaultKind::SlowOutside { since, until, by } => delay(None, None, (since, until, by)),
            FaultKind::SlowLink {
                from,
                to,
                since,
                until,
                by,
            } => delay(Some(from), Some(to), (since, until, by)),
        }
    }

    /// Makes a mailbox count as full for a while, and lets its waiting senders in at the end.
    fn block(&self, fault: usize, actor: String, since: u64, until: u64) {
        let weak = Rc::downgrade(&self.engine);
        let path = actor.clone();
        let look = move || {
            let engine = weak.upgrade();
            let entry = engine.and_then(|engine| engine.shared.find(&path));
            if let Some(entry) = entry {
                dispatch(entry.actor(), PermitReleased);
            }
        };
        let planned = Planned::Outside(Box::new(look));
        self.engine().with(|world| world.plan(until, planned));
        self.engine().network.block(&actor, since, until, fault);
    }

    /// The requested faults that have not happened.
    pub fn unfired(&self) -> Vec<Fault> {
        // Records those that have struck in the last step.
        self.engine().with(|world| world.set_now(world.now));
        self.engine().log.lock().unfired()
    }

    /// The number of requested faults.
    pub(super) fn faults(&self) -> usize {
        self.engine().log.lock().faults()
    }

    // ---- inspection -------------------------------------------------------------------------

    /// The trace of what has happened so far.
    pub fn trace(&self) -> Trace {
        self.engine().log.lock().trace.clone()
    }

    /// What exists in the pool at the moment.
    pub fn pending(&self) -> SimCounts {
        let engine = &self.engine;
        engine.with(|world| {
            let mut pending = SimCounts {
                names: engine.names.len(),
                batches: engine.network.under_way(),
                ..SimCounts::default()
            };
            for worker in world.workers() {
                let shard = worker.shard();
                let stats = shard.stats(0, 0);
                // The guardian is not an actor.
                pending.actors += usize::try_from(stats.actors).expect("they are in memory");
                pending.slots += shard.slots().occupied() - 1;
                pending.messages += stats.queued;
                pending.stashed += stats.stashed;
                pending.due += shard.due.len();
                pending.waiting += shard.waits.waiting().count();
                pending.waits += shard.waits.open();
                pending.timers += worker.timers();
                pending.fibers += stats.fibers;
            }
            pending
        })
    }

    /// Returns the handlers and tasks that wait, and what each waits for. Unlike
    /// [`WorkerPool::waiting`](crate::WorkerPool::waiting) this looks at the workers itself: no time passes,
    /// and no worker can fail to answer.
    pub fn waiting(&self) -> Vec<Waiting> {
        let mut waiting = self.engine().with(|world| {
            let on = |shard: &Rc<_>| enter(shard, waiting_on);
            let lists = world.workers().map(|worker| on(worker.shard()));
            lists.flatten().collect::<Vec<_>>()
        });
        name_targets(&mut waiting);
        waiting
    }

    /// Returns a snapshot of the actors: see [`WorkerPool::snapshot`](crate::WorkerPool::snapshot). This looks
    /// at the workers itself: no time passes.
    pub fn snapshot(&self, query: &SnapshotQuery) -> Snapshot {
        let found = self.engine().with(|world| {
            let now = world.now;
            let on = |shard: &Rc<_>| enter(shard, |shard| scan(shard, query, now));
            world.workers().map(|worker| on(worker.shard())).collect()
        });
        merge(query, found, Vec::new())
    }

    /// Has the workers count what each actor does, until the returned watch is dropped.
    pub fn watch(&self) -> Watch {
        Watch::begin(&self.engine().shared.core)
    }

    /// The statistics of the pool so far.
    pub fn stats(&self) -> PoolStats {
        self.engine().measure_stacks();
        PoolStats::of(&self.engine().shared.core)
    }

    /// The pool's dead letters.
    pub fn dead_letters(&self) -> Arc<DeadLetters> {
        Arc::clone(&self.engine().shared.core.dead_letters)
    }

    // ---- the end ----------------------------------------------------------------------------

    /// Requests that the pool shut down, by force after that simulated time, when the simulation is
    /// driven next.
    pub fn request_shutdown(&mut self, within: impl Into<Deadline>) {
        let within = within.into().left();
        self.engine().shared.request_shutdown(within);
    }

    /// Shuts the pool down, by force after that simulated time, and runs the simulation until the
    /// pool has ended. Unlike [`WorkerPool::shutdown`](crate::WorkerPool::shutdown), this method
    /// returns the report itself: a handler cannot drive a simulation.
    pub fn shutdown(&mut self, within: impl Into<Deadline>) -> ShutdownReport {
        self.request_shutdown(within);
        let anyhow = Bounds {
            until: None,
            while_busy: false,
        };
        self.engine().run(anyhow);
        ShutdownReport::of(&self.engine().shared.core, &self.engine().ending)
    }

    /// Whether the pool has ended.
    pub fn has_ended(&self) -> bool {
        self.engine().with(|world| world.has_ended())
    }
}

pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.engine.refuse_to_outlive_thread_locals();
        if can_drive().is_err() {
            self.engine.end_here();
            if std::thread::panicking() && !self.checked {
                let (seed, steps) = (self.seed(), self.engine.log.lock().step);
                eprintln!("the simulation had the seed {seed}, and was at step {steps}");
            }
            return;
        }
        let unfired = self.unfired();
        self.engine.with(World::end_orderly);
        self.shutdown(Duration::ZERO);
        unregister(&self.engine.shared.core);
        if !self.checked && !unfired.is_empty() {
            let list: Vec<String> = unfired.iter().map(Fault::to_string).collect();
            panic!("faults that never happened: {}", list.join("; "));
        }
    }
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim")
            .field("seed", &self.seed())
            .field("workers", &self.workers())
            .finish_non_exhaustive()
    }
}
