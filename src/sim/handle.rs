//! The handle of a simulation.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::builder::SimBuilder;
use super::engine::Engine;
use super::fault::{Fault, FaultError, Kind};
use super::network::Delay;
use super::trace::Trace;
use super::world::{Bounds, Planned, Step, World};
use crate::actor::core::unregister;
use crate::actor::{
    ActorRef, DeadLetters, RoomFreed, SpawnError, Spawnable, Waiting, dispatch, enter,
    name_targets, waiting_on,
};
use crate::ask::{Ask, AskError, Deadline, can_drive};
use crate::pool::{LookupError, PoolStats, ShutdownReport, WorkerNode};

/// A simulated pool: its workers stepped on this thread, on a clock of its own, by choices that
/// follow from a seed.
///
/// Actors, references and asks are those of a [`WorkerPool`](crate::WorkerPool). A seed decides
/// which worker goes on next and which of its actors, how long messages are under way between
/// workers, when a worker stands still; the same seed gives the same run, message by message.
/// On the thread of the simulation, waiting for an answer drives it until the answer is there.
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
/// Handlers must take what they do from their messages, their state and the simulated clock: the
/// real clock, other threads, and the order of a `HashMap` with the standard library's random keys
/// differ from run to run. [`check`](fn@crate::sim::check) notices.
///
/// Dropping it ends the pool by force.
///
/// # Panics
///
/// When it is driven in a handler, its own or another pool's. And when it is dropped, if a fault that was asked for has not happened: what the test is named
/// after was not tested. Ask [`unfired`](Self::unfired) first where that is right.
pub struct Sim {
    pub(super) engine: Rc<Engine>,
    pub(super) builder: SimBuilder,
    /// Whether unfired faults are somebody else's business.
    pub(super) checked: bool,
}

/// What there is in a simulated pool at the moment. Empty after a shutdown: see
/// [`is_empty`](Self::is_empty).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pending {
    /// Actors that are alive.
    pub actors: usize,
    /// Slots that are taken: by actors, by their tasks, and for children on other workers.
    pub slots: usize,
    /// Names in the directory.
    pub names: usize,
    /// Messages in mailboxes.
    pub messages: u64,
    /// Messages in stashes.
    pub stashed: u64,
    /// Batches of messages between workers, and from outside, that are under way.
    pub batches: usize,
    /// Actors, handlers and tasks that could go on at once.
    pub due: usize,
    /// Handlers and tasks that wait.
    pub waiting: usize,
    /// Asks, sleeps, timers and receive time-outs that have begun and are not forgotten.
    pub waits: usize,
    /// Timers that are set.
    pub timers: usize,
    /// Fibers, waiting and idle.
    pub fibers: u64,
}

impl Pending {
    /// Whether nothing is left, as it must be after a shutdown.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Sim {
    fn engine(&self) -> &Engine {
        let place = std::ptr::from_ref(self).addr();
        self.engine.thread_end.used_at(place);
        &self.engine
    }

    /// A simulation of two workers with that seed, in which everything is left to chance.
    ///
    /// # Panics
    ///
    /// When 1024 pools are alive in this process: see [`SimBuilder::start`].
    pub fn new(seed: u64) -> Self {
        let started = Self::builder().seed(seed).start();
        started.expect("a simulation of two workers starts")
    }

    /// Begins to build a simulation.
    pub fn builder() -> SimBuilder {
        SimBuilder::default()
    }

    /// Its seed.
    pub fn seed(&self) -> u64 {
        self.builder.case.seed
    }

    /// How many workers it has.
    pub fn workers(&self) -> usize {
        self.engine().shared.workers()
    }

    /// A worker's view of the pool, as [`configure`](SimBuilder::configure) is given one: for code
    /// that is to run in a pool of threads as well.
    ///
    /// # Panics
    ///
    /// When there is no such worker.
    pub fn node(&self, worker: usize) -> WorkerNode {
        let index = self.engine().shared.worker(worker);
        let index = index.unwrap_or_else(|error| panic!("{error}"));
        WorkerNode {
            shared: Arc::clone(&self.engine().shared),
            index,
        }
    }

    // ---- actors -----------------------------------------------------------------------------

    /// Starts a top-level actor on the worker that the ring names, and runs the simulation until
    /// it has started.
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

    /// The top-level actor of that name, which is started if there is none, running the simulation
    /// until it has started: see
    /// [`WorkerPool::get_or_spawn`](crate::WorkerPool::get_or_spawn).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn get_or_spawn<P: Spawnable>(
        &mut self,
        name: &str,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        self.engine().shared.get_or_spawn(name, props)
    }

    /// Starts a top-level actor on a given worker.
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

    /// Starts a top-level actor under a generated name that begins with this prefix: see
    /// [`WorkerPool::spawn_prefixed`](crate::WorkerPool::spawn_prefixed).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn spawn_prefixed<P: Spawnable>(
        &mut self,
        prefix: &str,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        self.engine().shared.spawn_prefixed(prefix, props)
    }

    /// Finds a named actor.
    ///
    /// # Errors
    ///
    /// [`LookupError`] where none lives at that path, or one for other messages.
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

    /// How many steps there were. The number identifies a point of a run.
    pub fn steps(&self) -> u64 {
        self.engine().with(|world| world.steps)
    }

    /// Does the next thing: one round of one worker, or what was [planned](Self::schedule). Where
    /// nobody can go on, the clock goes on to the next timer. Answers whether anything was left.
    pub fn step(&mut self) -> bool {
        let bounds = Bounds {
            until: None,
            while_busy: false,
        };
        matches!(self.engine().step(bounds), Step::Done)
    }

    /// Runs until nothing is left to do before the next timer. The clock goes on by what the
    /// messages and rounds take.
    pub fn run_until_idle(&mut self) {
        self.engine().run(Bounds {
            until: None,
            while_busy: true,
        });
    }

    /// Runs what happens in that length of time.
    pub fn run_for(&mut self, time: Duration) {
        let until = nanos(self.now().saturating_add(time));
        self.engine().run(Bounds {
            until: Some(until),
            while_busy: false,
        });
        self.engine().with(|world| world.set_now(until));
    }

    /// Puts the clock forward in one jump, as it goes when a machine has slept: what was to happen
    /// meanwhile is late. Runs nothing.
    pub fn advance(&mut self, by: Duration) {
        let to = nanos(self.now().saturating_add(by));
        self.engine().with(|world| world.set_now(to));
    }

    /// Runs until the ask has an answer, or it is certain that it gets none. The same as
    /// [`Ask::wait`] on this thread.
    ///
    /// # Errors
    ///
    /// As for [`Ask::wait`]; [`WaitError::NothingLeft`](crate::WaitError::NothingLeft) where
    /// nobody is left who could answer.
    pub fn run_until<R: Send + 'static>(&mut self, ask: Ask<R>) -> Result<R, AskError> {
        ask.wait()
    }

    /// Does something after that time as a thread outside would do it: to send messages while the
    /// simulation runs. Where it waits, the simulation goes on meanwhile.
    pub fn schedule(&mut self, after: Duration, work: impl FnOnce() + 'static) {
        let at = nanos(self.now().saturating_add(after));
        let planned = Planned::Outside(Box::new(work));
        self.engine().with(|world| world.plan(at, planned));
    }

    /// From now on leaves nothing to chance.
    pub fn be_orderly(&mut self) {
        self.engine().with(|world| world.be_orderly());
    }

    // ---- faults -----------------------------------------------------------------------------

    /// Lets a fault happen. It must: see [`Sim`].
    ///
    /// # Errors
    ///
    /// [`FaultError`] where it never could.
    pub fn inject(&mut self, fault: Fault) -> Result<(), FaultError> {
        fault.check(self.workers())?;
        let mut log = self.engine().log.lock();
        if self.builder.case.without_faults.contains(&log.faults()) {
            log.arm_nothing(fault);
            return Ok(());
        }
        let target = match &fault.0 {
            Kind::Panic { actor, .. } | Kind::Kill { actor, .. } => {
                self.engine().shared.find(actor).map(|entry| entry.actor())
            }
            _ => None,
        };
        let number = log.arm(fault.clone(), target);
        drop(log);
        self.plan(number, fault.0);
        Ok(())
    }

    fn plan(&self, fault: usize, kind: Kind) {
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
            Kind::Panic { .. } | Kind::Kill { .. } => {}
            Kind::Stall { worker, at, length } => {
                let length = nanos(length);
                let planned = Planned::Stall {
                    fault,
                    worker,
                    length,
                };
                engine.with(|world| world.plan(nanos(at), planned));
            }
            Kind::ClockJump { at, by } => {
                let by = nanos(by);
                let planned = Planned::Jump { fault, by };
                engine.with(|world| world.plan(nanos(at), planned));
            }
            Kind::FullMailbox {
                actor,
                since,
                until,
            } => self.block(fault, actor, nanos(since), nanos(until)),
            Kind::SlowOutside { since, until, by } => delay(None, None, (since, until, by)),
            Kind::SlowLink {
                from,
                to,
                since,
                until,
                by,
            } => delay(Some(from), Some(to), (since, until, by)),
        }
    }

    /// Has a mailbox be full for a while, and those who wait at it looked after at the end.
    fn block(&self, fault: usize, actor: String, since: u64, until: u64) {
        let weak = Rc::downgrade(&self.engine);
        let path = actor.clone();
        let look = move || {
            let engine = weak.upgrade();
            let entry = engine.and_then(|engine| engine.shared.find(&path));
            if let Some(entry) = entry {
                dispatch(entry.actor(), RoomFreed);
            }
        };
        let planned = Planned::Outside(Box::new(look));
        self.engine().with(|world| world.plan(until, planned));
        self.engine().network.block(&actor, since, until, fault);
    }

    /// The faults that were asked for and have not happened.
    pub fn unfired(&self) -> Vec<Fault> {
        // For those that have struck in the last step.
        self.engine().with(|world| world.set_now(world.now));
        self.engine().log.lock().unfired()
    }

    /// How many faults were asked for.
    pub(super) fn faults(&self) -> usize {
        self.engine().log.lock().faults()
    }

    // ---- what is to be seen -----------------------------------------------------------------

    /// What has happened so far.
    pub fn trace(&self) -> Trace {
        self.engine().log.lock().trace.clone()
    }

    /// What there is at the moment.
    pub fn pending(&self) -> Pending {
        let engine = &self.engine;
        engine.with(|world| {
            let mut pending = Pending {
                names: engine.names.len(),
                batches: engine.network.under_way(),
                ..Pending::default()
            };
            for worker in world.workers() {
                let shard = worker.shard();
                let stats = shard.stats(0);
                // The guardian is no actor.
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

    /// Who waits, and for what.
    pub fn waiting(&self) -> Vec<Waiting> {
        let mut waiting = self.engine().with(|world| {
            let on = |shard: &Rc<_>| enter(shard, waiting_on);
            let lists = world.workers().map(|worker| on(worker.shard()));
            lists.flatten().collect::<Vec<_>>()
        });
        name_targets(&mut waiting);
        waiting
    }

    /// What the pool has done so far.
    pub fn stats(&self) -> PoolStats {
        self.engine().measure_stacks();
        PoolStats::of(&self.engine().shared.core)
    }

    /// The pool's dead letters.
    pub fn dead_letters(&self) -> Arc<DeadLetters> {
        Arc::clone(&self.engine().shared.core.dead_letters)
    }

    // ---- the end ----------------------------------------------------------------------------

    /// Shuts the pool down, by force after that simulated time, and runs it to its end.
    pub fn shutdown(&mut self, within: impl Into<Deadline>) -> ShutdownReport {
        let within = within.into().left();
        self.engine().shared.request_shutdown(within);
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
