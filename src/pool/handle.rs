//! The handle to a running pool.

use parking_lot::Mutex;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::node::WorkerNode;
use super::ring::ConsistentHashRing;
use super::shared::{LookupError, PoolShared};
use super::shutdown::{EndWatch, ShutdownError, ShutdownReport, StuckWorker};
use super::watchdog::Watchdog;
use crate::actor::{ActorRef, Context, Spawnable};
use crate::address::RunId;
use crate::ask::{AskError, Deadline};
use crate::deadlock::Waiting;
use crate::failure::{DeadLetters, SpawnError};
use crate::inspect::{Snapshot, SnapshotQuery, Watch, snapshot_of, waiting_in};
use crate::pool_core::{PoolCore, WorkerStats, unregister};
use crate::shard::with_current;
use crate::worker::ShutdownProgress;

/// A running pool of workers.
///
/// Handles are cheap to clone, and may be used from any thread. When the last one is dropped, the pool ends
/// by force, as by [`shutdown`](Self::shutdown) with no time left.
///
/// ```
/// use nexus_actors::prelude::*;
/// use std::time::Duration;
///
/// let pool = WorkerPool::builder().start()?;
/// let greeter = pool.spawn("greeter", Props::new(|| {
///     Behavior::receive(|_ctx, (name, reply): (String, Reply<String>)| {
///         reply.send(format!("Hello, {name}!"));
///     })
/// }))?;
/// let greeting = greeter.ask(|reply| ("Ada".into(), reply), Duration::from_secs(5)).wait()?;
/// assert_eq!(greeting, "Hello, Ada!");
/// let report = pool.shutdown(Duration::from_secs(5))?;
/// assert_eq!(report.forced, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct WorkerPool {
    inner: Arc<PoolInner>,
}

struct PoolInner {
    shared: Arc<PoolShared>,
    watchdog: Option<Watchdog>,
    ending: Arc<ShutdownProgress>,
    end_watch: EndWatch,
    /// Each worker's thread, until it is joined.
    threads: Mutex<Vec<Option<JoinHandle<()>>>>,
    /// The report of the end, once every worker has ended.
    report: OnceLock<ShutdownReport>,
}

/// What a pool has done so far: a snapshot.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PoolStats {
    /// Each worker's counts.
    pub workers: Vec<WorkerStats>,
    /// Messages sent to the pool's actors by threads and pools outside.
    pub sent_from_outside: u64,
    /// Messages that were lost.
    pub dead_letters: u64,
    /// Replies that arrived after their ask had ended.
    pub late_replies: u64,
}

impl PoolStats {
    pub(crate) fn of(core: &PoolCore) -> Self {
        Self {
            workers: core.workers.iter().map(|worker| worker.read()).collect(),
            sent_from_outside: core.sent_outside(),
            dead_letters: core.dead_letters.total(),
            late_replies: core.late_replies(),
        }
    }

    /// Returns the number of messages that were ever sent to actors of the pool.
    pub fn sent(&self) -> u64 {
        self.sent_from_outside + self.workers.iter().map(|worker| worker.sent).sum::<u64>()
    }

    /// Returns the number of messages that were handled.
    pub fn handled(&self) -> u64 {
        self.workers.iter().map(|worker| worker.handled).sum()
    }

    /// Returns the number of messages that wait in mailboxes.
    pub fn queued(&self) -> u64 {
        self.workers.iter().map(|worker| worker.queued).sum()
    }

    /// Returns the number of messages that actors have stashed.
    pub fn stashed(&self) -> u64 {
        self.workers.iter().map(|worker| worker.stashed).sum()
    }

    /// Returns the number of restarts that have begun.
    pub fn restarts(&self) -> u64 {
        self.workers.iter().map(|worker| worker.restarts).sum()
    }

    /// Returns the number of actors that are alive.
    pub fn actors(&self) -> u64 {
        self.workers.iter().map(|worker| worker.actors).sum()
    }
}

impl<M: Send + 'static> Context<'_, M> {
    /// Returns what this actor's pool has done so far: see [`WorkerPool::stats`].
    pub fn stats(&self) -> PoolStats {
        PoolStats::of(&self.shard().core)
    }
}

impl WorkerPool {
    pub(super) fn new(
        shared: Arc<PoolShared>,
        watchdog: Option<Watchdog>,
        ending: Arc<ShutdownProgress>,
        threads: Vec<JoinHandle<()>>,
    ) -> Self {
        Self {
            inner: Arc::new(PoolInner {
                end_watch: EndWatch::new(&shared.core),
                shared,
                watchdog,
                ending,
                threads: Mutex::new(threads.into_iter().map(Some).collect()),
                report: OnceLock::new(),
            }),
        }
    }

    /// Returns the number of workers.
    pub fn workers(&self) -> usize {
        self.inner.shared.workers()
    }

    /// Returns the first worker's view of the pool, as
    /// [`configure`](crate::pool::WorkerPoolBuilder::configure) is given one. It is for code that also runs
    /// under other drivers, and does not keep the pool running.
    pub fn node(&self) -> WorkerNode {
        WorkerNode {
            shared: Arc::clone(&self.inner.shared),
            index: 0,
        }
    }

    /// Returns the ring that places top-level actors.
    pub fn ring(&self) -> Arc<ConsistentHashRing> {
        self.inner.shared.ring.load_full()
    }

    /// Starts a top-level actor, `/user/<name>`, on the worker that the ring names, and returns when it runs.
    ///
    /// In a handler, only that actor waits. On a thread outside of the pool, the thread waits.
    ///
    /// # Errors
    ///
    /// [`SpawnError`] says why the actor could not start. Nothing of it is left behind.
    pub fn spawn<P: Spawnable>(
        &self,
        name: &str,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        let shared = &self.inner.shared;
        shared.spawn(shared.owner(name), Some(name), props)
    }

    /// Returns the top-level actor of that name, `/user/<name>`, wherever it lives. If there is none, it is
    /// started from these props, on the worker that the ring names.
    ///
    /// However many callers there are at once, on any threads and workers, all of them get the same actor,
    /// and exactly one of them has started it. The props of the others are dropped. A caller that comes while
    /// the actor starts waits for the start and shares its result: the actor, or the same error. A caller
    /// that comes while the previous actor of that name is still ending waits until it has stopped, and a new
    /// one is started.
    ///
    /// If an actor with that name waits, in its start or its end, for the caller, one of the two receives
    /// [`SpawnError::Deadlock`].
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use std::time::Duration;
    ///
    /// let pool = WorkerPool::builder().workers(2).start()?;
    /// let visits = Props::new(|| Behavior::with_state(0, |visits, _ctx, reply: Reply<u32>| {
    ///     *visits += 1;
    ///     reply.send(*visits);
    /// }));
    /// for (visit, page) in [(1, "home"), (1, "news"), (2, "home")] {
    ///     let page = pool.get_or_spawn(page, visits.clone())?;
    ///     assert_eq!(page.ask(|reply| reply, Duration::from_secs(5)).wait()?, visit);
    /// }
    /// pool.shutdown(Duration::from_secs(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SpawnError::WrongType`] if the actor of that name handles other messages. Otherwise as for
    /// [`spawn`](Self::spawn), but never [`NameTaken`](SpawnError::NameTaken).
    pub fn get_or_spawn<P: Spawnable>(
        &self,
        name: &str,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        self.inner.shared.get_or_spawn(name, props)
    }

    /// Starts a top-level actor under a generated name, on the worker with the fewest actors as far as is
    /// known here.
    ///
    /// The actor is not in the directory. [`spawn_prefixed`](Self::spawn_prefixed) generates names that say
    /// more.
    ///
    /// # Errors
    ///
    /// As for [`spawn`](Self::spawn).
    pub fn spawn_anonymous<P: Spawnable>(
        &self,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        let shared = &self.inner.shared;
        shared.spawn(shared.quietest(), None, props)
    }

    /// Starts a top-level actor under a generated name with a prefix that says what the actor is, such as
    /// `/user/$conn-17` for `conn`.
    ///
    /// It starts on the worker with the fewest actors, as far as is known here. No other actor ever has the
    /// same name. The actor is in the directory, like one with a given name.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use std::time::Duration;
    ///
    /// let pool = WorkerPool::builder().workers(2).start()?;
    /// let connection = Props::new(|| Behavior::receive(|_ctx, _bytes: Vec<u8>| ()));
    /// let first = pool.spawn_prefixed("conn", connection.clone())?;
    /// let second = pool.spawn_prefixed("conn", connection)?;
    /// assert_eq!(first.path().unwrap().as_str(), "/user/$conn-1");
    /// assert_eq!(second.path().unwrap().as_str(), "/user/$conn-2");
    /// pool.shutdown(Duration::from_secs(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`spawn`](Self::spawn). The prefix must itself be a valid name.
    pub fn spawn_prefixed<P: Spawnable>(
        &self,
        prefix: &str,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        self.inner.shared.spawn_prefixed(prefix, props)
    }

    /// Starts many top-level actors at once, each under its name and on the worker that the ring names.
    ///
    /// The actors start in batches, so a thread starts a million of them a second, rather than one for each
    /// round trip. Returns, in the order of `actors`, what [`spawn`](Self::spawn) would have returned for
    /// each.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use std::time::Duration;
    ///
    /// let pool = WorkerPool::builder().workers(2).start()?;
    /// let account = Props::new(|| Behavior::with_state(0, |sum: &mut u64, _ctx, more| *sum += more));
    /// let accounts = pool.spawn_all((0..1000).map(|id| (format!("account-{id}"), account.clone())));
    /// let accounts: Vec<ActorRef<u64>> = accounts.into_iter().collect::<Result<_, _>>()?;
    /// accounts.iter().for_each(|account| account.tell(1));
    /// assert_eq!(pool.shutdown(Duration::from_secs(5))?.unprocessed, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn spawn_all<N: Into<String>, P: Spawnable>(
        &self,
        actors: impl IntoIterator<Item = (N, P)>,
    ) -> Vec<Result<ActorRef<P::Message>, SpawnError>> {
        let shared = &self.inner.shared;
        shared.spawn_all(shared.placed_by_name(actors))
    }

    /// Starts many top-level actors under generated names, on all workers in turn: see
    /// [`spawn_all`](Self::spawn_all).
    pub fn spawn_all_anonymous<P: Spawnable>(
        &self,
        actors: impl IntoIterator<Item = P>,
    ) -> Vec<Result<ActorRef<P::Message>, SpawnError>> {
        let shared = &self.inner.shared;
        shared.spawn_all(shared.placed_in_turn(actors))
    }

    /// Starts a top-level actor on a given worker.
    ///
    /// # Errors
    ///
    /// As for [`spawn`](Self::spawn), and [`SpawnError::NoSuchWorker`].
    pub fn spawn_on<P: Spawnable>(
        &self,
        worker: usize,
        name: &str,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        let shared = &self.inner.shared;
        shared.spawn(shared.worker(worker)?, Some(name), props)
    }

    /// Starts a top-level actor on the worker that owns another one, so that messages between the two do not
    /// leave that worker.
    ///
    /// # Errors
    ///
    /// As for [`spawn`](Self::spawn), and [`SpawnError::OtherPool`].
    pub fn spawn_near<P: Spawnable, N: Send + 'static>(
        &self,
        other: ActorRef<N>,
        name: &str,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        let shared = &self.inner.shared;
        shared.spawn(shared.worker_of(other.id())?, Some(name), props)
    }

    /// Finds a named actor of the pool, wherever it lives: `/user/orders/order-123`.
    ///
    /// # Errors
    ///
    /// [`LookupError`] if no actor lives at that path, or if the actor there handles other messages.
    pub fn lookup<M: Send + 'static>(
        &self,
        path: impl AsRef<str>,
    ) -> Result<ActorRef<M>, LookupError> {
        self.inner.shared.lookup(path.as_ref())
    }

    /// Returns the pool's dead letters.
    pub fn dead_letters(&self) -> Arc<DeadLetters> {
        Arc::clone(&self.inner.shared.core.dead_letters)
    }

    /// Returns what the pool has done so far. Workers publish their counts after each round, so no worker is
    /// asked.
    pub fn stats(&self) -> PoolStats {
        PoolStats::of(&self.inner.shared.core)
    }

    /// Asks every worker which handlers wait on it, and for what, to find out why nothing makes progress.
    ///
    /// Workers that do not answer in time are returned beside the answers of the others, with the reason: a
    /// handler keeps that worker busy, or the pool has ended. For [`ActorSystem`](crate::ActorSystem) and
    /// [`Sim`](crate::sim::Sim) no worker is asked, as the calling thread drives their workers: there
    /// `waiting` takes no time, and returns the handlers alone.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use std::time::Duration;
    ///
    /// let pool = WorkerPool::builder().workers(1).start()?;
    /// let sleeper = pool.spawn("sleeper", Props::new(|| {
    ///     Behavior::receive(|ctx, _: ()| Ok(ctx.sleep(Duration::from_secs(3600))?))
    /// }))?;
    /// sleeper.tell(());
    /// let (waiting, silent) = pool.waiting(Duration::from_secs(5));
    /// assert!(silent.is_empty());
    /// for handler in waiting {
    ///     println!("{handler}"); // /user/sleeper waits for time to pass
    /// }
    /// pool.shutdown(Duration::ZERO)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn waiting(&self, within: impl Into<Deadline>) -> (Vec<Waiting>, Vec<(usize, AskError)>) {
        waiting_in(&self.inner.shared.core, within.into().left())
    }

    /// Returns a snapshot of the pool's actors: where they are in their lives, how many messages wait for
    /// them, what their handlers wait for. Waits for the workers at most that long; it stops none of them.
    /// See [`inspect`](crate::inspect).
    ///
    /// Workers that do not answer in time are in [`silent`](crate::inspect::Snapshot::silent), with the
    /// handler that holds them.
    pub fn snapshot(&self, query: &SnapshotQuery, within: impl Into<Deadline>) -> Snapshot {
        snapshot_of(&self.inner.shared.core, query, within.into().left())
    }

    /// Has the workers count what each actor does, until the returned watch is dropped.
    pub fn watch(&self) -> Watch {
        Watch::begin(&self.inner.shared.core)
    }

    /// Returns the name of the pool.
    pub fn name(&self) -> &str {
        &self.inner.shared.core.name
    }

    /// Returns the number of this run of the pool.
    pub fn run_id(&self) -> RunId {
        self.inner.shared.core.run_id
    }

    /// Requests that the pool shut down, by force after that time, and does not wait for it.
    pub fn request_shutdown(&self, within: impl Into<Deadline>) {
        let within = within.into().left();
        self.inner.shared.request_shutdown(within);
    }

    /// Shuts the pool down, and waits for its end.
    ///
    /// Every top-level actor is asked to stop: it handles the mail that it has, its children stop, and then
    /// it stops. What is left at the deadline is stopped by force: its mail becomes dead letters, a handler
    /// that waits is unwound so that its destructors run, and `PostStop` is still sent. This method may be
    /// called more than once, from any thread but the pool's own. It blocks the calling thread.
    ///
    /// The forced end takes as long as those destructors and `PostStop` take, and this method returns that
    /// much later than `within`. Only their progress distinguishes them from a handler that never returns. A
    /// worker that has made no progress for two seconds is stuck. Once `within` is over, a stuck worker is
    /// not waited for: the other workers end without it, and the report names it with the handler that holds
    /// it.
    ///
    /// [`ActorSystem`](crate::ActorSystem) and [`Sim`](crate::sim::Sim) return the report itself: the caller
    /// drives them to their end, which no handler can do, and there is no other error.
    ///
    /// # Errors
    ///
    /// [`ShutdownError::OnWorker`] if called on one of the pool's workers. The shutdown continues.
    pub fn shutdown(&self, within: impl Into<Deadline>) -> Result<ShutdownReport, ShutdownError> {
        let within = within.into().left();
        self.request_shutdown(within);
        if self.inner.is_own_worker() {
            return Err(ShutdownError::OnWorker);
        }
        Ok(self.inner.wait_for_end(Instant::now().checked_add(within)))
    }

    /// Whether the pool has shut down, on all of its workers.
    pub fn has_ended(&self) -> bool {
        let shared = &self.inner.shared;
        let mut workers = shared.core.worker_indices();
        workers.all(|worker| shared.ends.has_ended(worker))
    }

    /// Whether the caller is one of the pool's workers.
    pub(super) fn is_own_worker(&self) -> bool {
        self.inner.is_own_worker()
    }

    /// Waits until the pool has ended, after another caller has requested the shutdown.
    ///
    /// Workers that are stuck in a handler are not waited for once the time of that shutdown is over: see
    /// [`shutdown`](Self::shutdown).
    ///
    /// # Errors
    ///
    /// [`ShutdownError::OnWorker`] if called on one of the pool's workers.
    pub fn wait(&self) -> Result<ShutdownReport, ShutdownError> {
        if self.inner.is_own_worker() {
            return Err(ShutdownError::OnWorker);
        }
        Ok(self.inner.wait_for_end(None))
    }
}

impl PoolInner {
    fn is_own_worker(&self) -> bool {
        let pool = self.shared.core.id;
        with_current(|shard| shard.is_some_and(|shard| shard.home.pool() == pool))
    }

    /// Waits for the end. If `by` is given, the end is forced by then.
    fn wait_for_end(&self, by: Option<Instant>) -> ShutdownReport {
        let stuck = self.end_watch.wait(&self.shared, &self.ending, by);
        self.join_ended();
        self.shared.core.offload.close();
        if stuck.is_empty() {
            let report = self.report.get_or_init(|| {
                self.watchdog.iter().for_each(Watchdog::end);
                self.count(Vec::new())
            });
            report.clone()
        } else {
            self.count(stuck)
        }
    }

    /// Waits for the threads whose workers have ended.
    fn join_ended(&self) {
        for (worker, thread) in (0..).zip(self.threads.lock().iter_mut()) {
            if !self.shared.ends.has_ended(worker) {
                continue;
            }
            // The destructor of a thread-local on such a thread may hold the last handle.
            let own = std::thread::current().id();
            if let Some(thread) = thread.take_if(|thread| thread.thread().id() != own) {
                // A worker's own panic aborts the process, so a thread always ends normally.
                let _ = thread.join();
            }
        }
    }

    fn count(&self, stuck_workers: Vec<StuckWorker>) -> ShutdownReport {
        ShutdownReport {
            stuck_workers,
            ..ShutdownReport::of(&self.shared.core, &self.ending)
        }
    }
}

impl Drop for PoolInner {
    fn drop(&mut self) {
        self.shared.request_shutdown(Duration::ZERO);
        if !self.is_own_worker() {
            self.wait_for_end(Some(Instant::now()));
        }
        unregister(&self.shared.core);
    }
}

impl fmt::Debug for WorkerPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerPool")
            .field("name", &self.inner.shared.core.name)
            .field("workers", &self.workers())
            .finish_non_exhaustive()
    }
}
