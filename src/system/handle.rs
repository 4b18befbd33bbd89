//! The handle to a system.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::builder::ActorSystemBuilder;
use super::engine::{Rest, SystemEngine};
use crate::actor::{ActorRef, Spawnable};
use crate::address::RunId;
use crate::ask::{Ask, AskError, Deadline, can_drive};
use crate::deadlock::{Waiting, name_targets, waiting_on};
use crate::failure::{DeadLetters, SpawnError, WaitError};
use crate::inspect::{Snapshot, SnapshotQuery, Watch, merge, scan};
use crate::pool::{LookupError, PoolStats, ShutdownReport, StartError, WorkerNode};
use crate::shard::enter;

/// A pool of one worker without a thread of its own: the thread that started it drives it.
///
/// Actors, references and asks are those of a [`WorkerPool`](crate::WorkerPool), and keep the same promises.
/// The code of actors need not know which of the two runs it.
///
/// Nothing makes progress, not even a time-out, unless the thread drives the system: in [`run`](Self::run)
/// and similar methods, and whenever it waits for an answer of one of the system's actors, spawns one, or
/// [sends](ActorRef::send) to one.
///
/// ```
/// use nexus_actors::prelude::*;
/// use std::time::Duration;
///
/// let system = ActorSystem::new("greetings")?;
/// let greeter = system.spawn("greeter", Props::new(|| {
///     Behavior::receive(|_ctx, (name, reply): (String, Reply<String>)| {
///         reply.send(format!("Hello, {name}!"));
///     })
/// }))?;
/// let greeting = greeter.ask(|reply| ("Ada".into(), reply), Duration::from_secs(5)).wait()?;
/// assert_eq!(greeting, "Hello, Ada!");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Other threads
///
/// The system stays on its thread. References, [nodes](Self::node) and what is made of them can move to other
/// threads, which may send, ask and spawn as with a pool. What they wait for arrives when the system is
/// driven. Whatever they send wakes the thread that drives it.
///
/// # Several systems, and pools
///
/// A thread may have several systems, and drives each of them separately: while it waits for one, the others
/// stand still. So a handler that asks an actor of another system of the same thread, or spawns one there,
/// continues only when that system is driven. The thread has to drive both in turn, with
/// [`run_until_idle`](Self::run_until_idle). An ask of a pool of threads needs no such care.
///
/// # Time
///
/// The time-out of an ask counts from the call. With a [`ManualTime`](crate::pool::ManualTime) it expires
/// when the clock is advanced. An ask of the driving thread also gives up when that much real time has
/// passed, as that thread could be the one that has to advance the clock. A wait without a time-out, such as
/// a spawn whose setup waits for time, lasts until another thread advances the clock.
///
/// # Profilers
///
/// As for a [pool](crate::pool::WorkerPoolBuilder#profilers).
///
/// # Its end
///
/// Dropping it ends the system by force, as by [`shutdown`](Self::shutdown) with no time left. Even while the
/// thread panics, or in a handler of another pool, handlers that wait are unwound and `PostStop` is sent. No
/// handler runs any more, though, not even for mail that has arrived.
///
/// A system in a thread-local has to be shut down before its thread ends. There its destructor may run after
/// those of thread-locals that its waiting handlers have borrowed: then the process ends with a message. A
/// system that came there behind a `Box` or an `Rc`, after it was used elsewhere, does not detect that, and
/// its handlers use what is gone. Neither does a system on a thread on which systems and simulations were
/// used at 256 addresses before.
///
/// A handler that never returns holds the thread, and no deadline helps.
pub struct ActorSystem {
    engine: Rc<SystemEngine>,
}

impl ActorSystem {
    /// Starts a system of that name on this thread, which will drive it.
    ///
    /// # Errors
    ///
    /// As for [`ActorSystemBuilder::start`].
    pub fn new(name: impl Into<String>) -> Result<Self, StartError> {
        Self::builder().name(name).start()
    }

    /// Creates a builder of a system.
    pub fn builder() -> ActorSystemBuilder {
        ActorSystemBuilder::default()
    }

    pub(super) fn new_of(engine: Rc<SystemEngine>) -> Self {
        Self { engine }
    }

    fn engine(&self) -> &SystemEngine {
        let place = std::ptr::from_ref(self).addr();
        self.engine.thread_end.used_at(place);
        &self.engine
    }

    /// Returns the worker's view of the system, for code that also runs in a pool of threads. It may be
    /// cloned, stored and sent to other threads, and does not keep the system running.
    ///
    /// It also has the methods of a pool that are of no use on the system itself: `spawn_on` and `spawn_near`,
    /// as there is one worker, and those for `async` code, which the driving thread would block.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use std::time::Duration;
    ///
    /// fn start_audit(node: &WorkerNode) -> Result<(), BoxError> {
    ///     node.spawn("audit", Props::new(|| Behavior::receive(|_ctx, _line: String| ())))?;
    ///     Ok(())
    /// }
    ///
    /// let pool = WorkerPool::builder().workers(2).configure(start_audit).start()?;
    /// let system = ActorSystem::new("audited")?;
    /// start_audit(&system.node())?;
    /// assert!(pool.lookup::<String>("/user/audit").is_ok());
    /// assert!(system.lookup::<String>("/user/audit").is_ok());
    /// pool.shutdown(Duration::from_secs(5))?;
    /// # Ok::<(), BoxError>(())
    /// ```
    pub fn node(&self) -> WorkerNode {
        WorkerNode {
            shared: Arc::clone(&self.engine().shared),
            index: 0,
        }
    }

    // ---- actors -----------------------------------------------------------------------------

    /// Starts a top-level actor, `/user/<name>`, and drives the system until it runs.
    ///
    /// # Errors
    ///
    /// [`SpawnError`] says why the actor could not start. Nothing of it is left behind.
    pub fn spawn<P: Spawnable>(
        &self,
        name: &str,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        self.engine().shared.spawn(0, Some(name), props)
    }

    /// Returns the top-level actor of that name. If there is none, it is started, and the system is driven
    /// until it runs: see [`WorkerPool::get_or_spawn`](crate::WorkerPool::get_or_spawn).
    ///
    /// # Errors
    ///
    /// As for [`WorkerPool::get_or_spawn`](crate::WorkerPool::get_or_spawn).
    pub fn get_or_spawn<P: Spawnable>(
        &self,
        name: &str,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        self.engine().shared.get_or_spawn(name, props)
    }

    /// Starts a top-level actor under a generated name. The actor is not in the directory.
    ///
    /// # Errors
    ///
    /// As for [`spawn`](Self::spawn).
    pub fn spawn_anonymous<P: Spawnable>(
        &self,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        self.engine().shared.spawn(0, None, props)
    }

    /// Starts a top-level actor under a generated name that begins with this prefix: see
    /// [`WorkerPool::spawn_prefixed`](crate::WorkerPool::spawn_prefixed).
    ///
    /// # Errors
    ///
    /// As for [`WorkerPool::spawn_prefixed`](crate::WorkerPool::spawn_prefixed).
    pub fn spawn_prefixed<P: Spawnable>(
        &self,
        prefix: &str,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        self.engine().shared.spawn_prefixed(prefix, props)
    }

    /// Starts many top-level actors at once: see
    /// [`WorkerPool::spawn_all`](crate::WorkerPool::spawn_all).
    pub fn spawn_all<N: Into<String>, P: Spawnable>(
        &self,
        actors: impl IntoIterator<Item = (N, P)>,
    ) -> Vec<Result<ActorRef<P::Message>, SpawnError>> {
        let shared = &self.engine().shared;
        shared.spawn_all(shared.placed_by_name(actors))
    }

    /// Starts many top-level actors under generated names, on all workers in turn: see
    /// [`spawn_all`](Self::spawn_all).
    pub fn spawn_all_anonymous<P: Spawnable>(
        &self,
        actors: impl IntoIterator<Item = P>,
    ) -> Vec<Result<ActorRef<P::Message>, SpawnError>> {
        let shared = &self.engine().shared;
        shared.spawn_all(shared.placed_in_turn(actors))
    }

    /// Finds a named actor: `/user/orders/order-123`.
    ///
    /// # Errors
    ///
    /// [`LookupError`] if no actor lives at that path, or if the actor there handles other messages.
    pub fn lookup<M: Send + 'static>(
        &self,
        path: impl AsRef<str>,
    ) -> Result<ActorRef<M>, LookupError> {
        self.engine().shared.lookup(path.as_ref())
    }

    // ---- driving ----------------------------------------------------------------------------

    /// Runs until the system is idle or has ended. It is idle if no mail is left, no handler can continue,
    /// and none waits for time that passes by itself.
    ///
    /// On the real clock, this waits for handlers that sleep, and for asks under way, as they end with their
    /// time-outs. On a [`ManualTime`](crate::pool::ManualTime) it does not. An idle system may be run again
    /// when something has been sent to it.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use std::time::Duration;
    ///
    /// let system = ActorSystem::new("waking")?;
    /// let sleeper = system.spawn("sleeper", Props::new(|| {
    ///     Behavior::receive(|ctx, _: ()| {
    ///         ctx.sleep(Duration::from_millis(5))?;
    ///         Ok(Next::Stop)
    ///     })
    /// }))?;
    /// sleeper.tell(());
    /// system.run();
    /// assert!(system.lookup::<()>("/user/sleeper").is_err(), "it has stopped");
    /// assert!(system.now() >= Duration::from_millis(5));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// In a handler, of any pool: a handler cannot drive a system. While the thread panics, this method does
    /// nothing, like all methods that drive.
    #[track_caller]
    pub fn run(&self) {
        self.drive(Rest::ForTimers, &|| true);
    }

    /// Does what can be done at once, and returns without waiting for anything: to drive several systems on
    /// one thread, or a system beside an event loop.
    ///
    /// # Panics
    ///
    /// As for [`run`](Self::run).
    #[track_caller]
    pub fn run_until_idle(&self) {
        self.drive(Rest::Never, &|| true);
    }

    /// Runs until the ask has an answer, or it is certain that it gets none. This is the same as
    /// [`Ask::wait`] on this thread. For an ask of another pool, it waits without driving this system.
    ///
    /// # Errors
    ///
    /// As for [`Ask::wait`].
    pub fn run_until<R: Send + 'static>(&self, ask: Ask<R>) -> Result<R, AskError> {
        ask.wait()
    }

    /// Runs until the system has shut down. An actor or another thread must request that with
    /// [`WorkerNode::request_shutdown`]. An idle system sleeps, and continues when others send to it.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use std::time::Duration;
    ///
    /// let system = ActorSystem::new("counting")?;
    /// let node = system.node();
    /// let counter = system.spawn("counter", Props::new(move || {
    ///     let node = node.clone();
    ///     Behavior::with_state(0, move |sum: &mut u64, _ctx, number: u64| {
    ///         *sum += number;
    ///         if *sum == 55 {
    ///             node.request_shutdown(Duration::from_secs(5));
    ///         }
    ///     })
    /// }))?;
    /// let sender = std::thread::spawn(move || (1..=10).for_each(|number| counter.tell(number)));
    /// let report = system.run_until_shutdown();
    /// assert_eq!((report.forced, report.unprocessed), (0, 0));
    /// # sender.join().unwrap();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// As for [`run`](Self::run).
    #[track_caller]
    pub fn run_until_shutdown(&self) -> ShutdownReport {
        self.drive(Rest::ForAll(None), &|| true);
        self.engine().report()
    }

    #[track_caller]
    fn drive(&self, rest: Rest, wanted: &dyn Fn() -> bool) {
        if may_drive() {
            self.engine().drive(rest, wanted);
        }
    }

    // ---- inspection -------------------------------------------------------------------------

    /// Returns the time on the system's clock.
    pub fn now(&self) -> Duration {
        self.engine().now()
    }

    /// Returns which handlers wait, and for what, to find out why nothing makes progress.
    ///
    /// Unlike [`WorkerPool::waiting`](crate::WorkerPool::waiting), this method inspects the system's one
    /// worker itself: no time passes, and no worker can fail to answer.
    pub fn waiting(&self) -> Vec<Waiting> {
        let mut waiting = enter(&self.engine().shard, waiting_on);
        name_targets(&mut waiting);
        waiting
    }

    /// Returns a snapshot of the system's actors: see [`WorkerPool::snapshot`](crate::WorkerPool::snapshot).
    /// This method inspects the system's one worker itself: no time passes.
    pub fn snapshot(&self, query: &SnapshotQuery) -> Snapshot {
        let found = enter(&self.engine().shard, |shard| {
            scan(shard, query, shard.read_clock())
        });
        merge(query, vec![found], Vec::new())
    }

    /// Has the worker count what each actor does, until the returned watch is dropped.
    pub fn watch(&self) -> Watch {
        Watch::begin(&self.engine().shared.core)
    }

    /// Returns the name of the system.
    pub fn name(&self) -> String {
        self.engine().shared.core.name.clone()
    }

    /// Returns the number of this run of the system.
    pub fn run_id(&self) -> RunId {
        self.engine().shared.core.run_id
    }

    /// Returns what the system has done so far. The worker publishes its counts after each round.
    pub fn stats(&self) -> PoolStats {
        self.engine().measure_stacks();
        PoolStats::of(&self.engine().shared.core)
    }

    /// Returns the system's dead letters.
    pub fn dead_letters(&self) -> Arc<DeadLetters> {
        Arc::clone(&self.engine().shared.core.dead_letters)
    }

    // ---- the end ----------------------------------------------------------------------------

    /// Requests that the system shut down, by force after that time, when it is driven next.
    pub fn request_shutdown(&self, within: impl Into<Deadline>) {
        let within = within.into().left();
        self.engine().shared.request_shutdown(within);
    }

    /// Shuts the system down, and drives it to its end: see
    /// [`WorkerPool::shutdown`](crate::WorkerPool::shutdown) for how it ends.
    ///
    /// Unlike [`WorkerPool::shutdown`](crate::WorkerPool::shutdown), this method returns the report itself: it
    /// is called on the thread that drives, never on a worker of its own.
    ///
    /// The deadline is measured by the system's clock and, with a [`ManualTime`](crate::pool::ManualTime), by
    /// the real time as well. May be called more than once.
    ///
    /// # Panics
    ///
    /// As for [`run`](Self::run). In a handler, use [`WorkerNode::request_shutdown`].
    #[track_caller]
    pub fn shutdown(&self, within: impl Into<Deadline>) -> ShutdownReport {
        let within = within.into().left();
        if may_drive() {
            self.engine().shut_down(within);
        }
        self.engine().report()
    }

    /// Whether the system has shut down.
    pub fn has_ended(&self) -> bool {
        self.engine().has_ended()
    }
}

/// Whether this thread can drive a system here and now. It cannot while it panics.
///
/// # Panics
///
/// In a handler.
#[track_caller]
fn may_drive() -> bool {
    match can_drive() {
        Ok(()) => true,
        // A panic would end the process here.
        Err(WaitError::Unwinding) => false,
        Err(_) => panic!(
            "a handler cannot drive an actor system: it would hold up the worker that runs it; \
             have the thread that started the system drive it"
        ),
    }
}

impl Drop for ActorSystem {
    fn drop(&mut self) {
        self.engine.end();
    }
}

impl fmt::Debug for ActorSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActorSystem")
            .field("name", &self.engine.shared.core.name)
            .field("ended", &self.has_ended())
            .finish_non_exhaustive()
    }
}
