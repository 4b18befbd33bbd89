//! The handle of a running pool.

use parking_lot::Mutex;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::driver::Ended;
use super::node::WorkerNode;
use super::ring::ConsistentHashRing;
use super::shared::{LookupError, Shared};
use super::watchdog::Watchdog;
use crate::actor::core::{PoolCore, unregister};
use crate::actor::{
    ActorRef, DeadLetterReason, DeadLetters, SpawnError, Spawnable, Waiting, WorkerStats,
    name_targets, waiting_on, with_current,
};
use crate::ask::{AskError, begin_call};
use crate::runtime::Ending;

/// How long a shutdown waits, beyond its deadline, for workers to carry the forced end out.
const GRACE: Duration = Duration::from_secs(2);

/// A running pool of workers.
///
/// Handles are cheap to clone, and may be used from any thread. When the last one is dropped the
/// pool ends by force, as by [`shutdown`](Self::shutdown) without any time.
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
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    watchdog: Option<Watchdog>,
    ending: Arc<Ending>,
    ended: Arc<Ended>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// What the end came to, once every worker has ended.
    report: OnceLock<ShutdownReport>,
}

/// What a shutdown came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Actors that had not stopped at the deadline and were stopped by force.
    pub forced: u64,
    /// Messages that were accepted and not handled.
    pub unprocessed: u64,
    /// Workers that are stuck in a handler that never returns. Their threads are left behind.
    pub stuck_workers: usize,
}

/// Why a shutdown could not be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShutdownError {
    /// The caller is a worker of the pool, and would wait for its own end. A shutdown that was
    /// asked for goes on.
    #[error("a worker cannot wait for the end of its own pool; let another thread wait for it")]
    OnWorker,
}

/// What a pool has done so far: a moment's view.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PoolStats {
    /// Each worker's counts.
    pub workers: Vec<WorkerStats>,
    /// Messages sent to the pool's actors by threads and pools outside.
    pub sent_from_outside: u64,
    /// Messages that were lost.
    pub dead_letters: u64,
    /// Replies that came after their ask had ended.
    pub late_replies: u64,
}

impl ShutdownReport {
    /// What the end of a pool has come to, none of whose workers is stuck.
    pub(crate) fn of(core: &PoolCore, ending: &Ending) -> Self {
        let letters = &core.dead_letters;
        Self {
            forced: ending.forced(),
            unprocessed: letters.count(DeadLetterReason::Forced)
                + letters.count(DeadLetterReason::PoolClosed),
            stuck_workers: 0,
        }
    }
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

    /// Messages that were ever sent to actors of the pool.
    pub fn sent(&self) -> u64 {
        self.sent_from_outside + self.workers.iter().map(|worker| worker.sent).sum::<u64>()
    }

    /// Messages that were handled.
    pub fn handled(&self) -> u64 {
        self.workers.iter().map(|worker| worker.handled).sum()
    }

    /// Messages that wait in mailboxes.
    pub fn queued(&self) -> u64 {
        self.workers.iter().map(|worker| worker.queued).sum()
    }

    /// Messages that actors have put aside, in their stashes.
    pub fn stashed(&self) -> u64 {
        self.workers.iter().map(|worker| worker.stashed).sum()
    }

    /// Actors that are alive.
    pub fn actors(&self) -> u64 {
        self.workers.iter().map(|worker| worker.actors).sum()
    }
}

impl WorkerPool {
    pub(super) fn new(
        shared: Arc<Shared>,
        watchdog: Option<Watchdog>,
        ending: Arc<Ending>,
        ended: Arc<Ended>,
        threads: Vec<JoinHandle<()>>,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                shared,
                watchdog,
                ending,
                ended,
                threads: Mutex::new(threads),
                report: OnceLock::new(),
            }),
        }
    }

    /// How many workers it has.
    pub fn workers(&self) -> usize {
        self.inner.shared.workers()
    }

    /// The first worker's view of the pool, as [`configure`](crate::WorkerPoolBuilder::configure)
    /// is given one: for code that is to run under other drivers as well. It does not keep the
    /// pool running.
    pub fn node(&self) -> WorkerNode {
        WorkerNode {
            shared: Arc::clone(&self.inner.shared),
            index: 0,
        }
    }

    /// The ring that places top-level actors.
    pub fn ring(&self) -> Arc<ConsistentHashRing> {
        self.inner.shared.ring.load_full()
    }

    /// Starts a top-level actor, `/user/<name>`, on the worker that the ring names, and returns
    /// when it runs. In a handler only that actor waits, on a thread outside the thread does.
    ///
    /// # Errors
    ///
    /// [`SpawnError`] says what stood against it; nothing of the actor is left behind.
    pub fn spawn<P: Spawnable>(
        &self,
        name: &str,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        let shared = &self.inner.shared;
        shared.spawn(shared.owner(name), Some(name), props)
    }

    /// Starts a top-level actor under a generated name, on the worker with the fewest actors as
    /// far as is known here. It is not in the directory.
    ///
    /// # Errors
    ///
    /// As for [`spawn`](Self::spawn).
    pub fn spawn_anonymous<P: Spawnable>(
        &self,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        let shared = &self.inner.shared;
        let quietest = shared
            .core
            .worker_indices()
            .min_by_key(|index| shared.core.workers[*index as usize].read().actors);
        shared.spawn(quietest.unwrap_or_default(), None, props)
    }

    /// Starts many top-level actors at once, each under its name and on the worker that the ring names.
    /// They start in batches: a thread starts a million a second so, and not one for each round trip.
    ///
    /// Returns, in the order of `actors`, what [`spawn`](Self::spawn) would have returned for each.
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

    /// Starts a top-level actor on the worker that owns another one, so that the two send each
    /// other messages without leaving it.
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
    /// [`LookupError`] where none lives at that path, or one for other messages.
    pub fn lookup<M: Send + 'static>(
        &self,
        path: impl AsRef<str>,
    ) -> Result<ActorRef<M>, LookupError> {
        self.inner.shared.lookup(path.as_ref())
    }

    /// The pool's dead letters.
    pub fn dead_letters(&self) -> Arc<DeadLetters> {
        Arc::clone(&self.inner.shared.core.dead_letters)
    }

    /// What the pool has done so far. Workers publish their counts after each round; nobody is
    /// asked.
    pub fn stats(&self) -> PoolStats {
        PoolStats::of(&self.inner.shared.core)
    }

    /// Asks every worker who waits on it, and for what: to find out why nothing goes on.
    ///
    /// Workers that do not answer in time are named beside the answers of the others, with the
    /// reason: a handler keeps that worker busy, or the pool has ended.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use std::time::Duration;
    ///
    /// let pool = WorkerPool::builder().workers(1).start()?;
    /// let sleeper = pool.spawn("sleeper", Props::new(|| {
    ///     Behavior::receive(|ctx, _: ()| ctx.sleep(Duration::from_secs(3600)))
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
    pub fn waiting(&self, within: Duration) -> (Vec<Waiting>, Vec<(usize, AskError)>) {
        let core = &self.inner.shared.core;
        let asked: Vec<_> = core
            .worker_indices()
            .map(|worker| begin_call(core, worker, Some(within), waiting_on))
            .collect();
        let (mut waiting, mut silent) = (Vec::new(), Vec::new());
        for (worker, asked) in asked.into_iter().enumerate() {
            match asked.wait() {
                Ok(found) => waiting.extend(found),
                Err(error) => silent.push((worker, error)),
            }
        }
        name_targets(&mut waiting);
        (waiting, silent)
    }

    /// Has the pool shut down, by force after that time, and does not wait for it.
    pub fn request_shutdown(&self, within: Duration) {
        self.inner.shared.request_shutdown(within);
    }

    /// Shuts the pool down, and waits for its end.
    ///
    /// Every top-level actor is asked to stop: it handles the mail that it has, its children stop,
    /// then it does. What is left at the deadline is stopped by force: its mail becomes dead
    /// letters, a handler that waits is unwound so that its destructors run, and its `PostStop`
    /// is still told. May be called more than once, from any thread but the pool's own. It blocks
    /// the calling thread.
    ///
    /// # Errors
    ///
    /// [`ShutdownError::OnWorker`] when called on one of the pool's workers; the shutdown goes on.
    pub fn shutdown(&self, within: Duration) -> Result<ShutdownReport, ShutdownError> {
        self.request_shutdown(within);
        if self.inner.is_own_worker() {
            return Err(ShutdownError::OnWorker);
        }
        Ok(self.inner.wait_for_end(within))
    }

    /// Whether the caller is one of the pool's workers.
    pub(super) fn is_own_worker(&self) -> bool {
        self.inner.is_own_worker()
    }

    /// Waits until the pool has ended, as somebody else has asked it to.
    ///
    /// # Errors
    ///
    /// [`ShutdownError::OnWorker`] when called on one of the pool's workers.
    pub fn wait(&self) -> Result<ShutdownReport, ShutdownError> {
        if self.inner.is_own_worker() {
            return Err(ShutdownError::OnWorker);
        }
        self.inner.ended.wait(self.workers(), None);
        Ok(self.inner.report(0))
    }
}

impl Inner {
    fn is_own_worker(&self) -> bool {
        let pool = self.shared.core.id;
        with_current(|shard| shard.is_some_and(|shard| shard.home.pool() == pool))
    }

    fn wait_for_end(&self, within: Duration) -> ShutdownReport {
        let workers = self.shared.workers();
        let now = Instant::now();
        let left = self.ended.wait(workers, now.checked_add(within));
        if left == 0 {
            return self.report(0);
        }
        // By the pool's own clock, which may stand still, the deadline need not have come.
        self.shared.request_shutdown(Duration::ZERO);
        self.report(self.ended.wait(workers, Instant::now().checked_add(GRACE)))
    }

    fn report(&self, stuck_workers: usize) -> ShutdownReport {
        if stuck_workers > 0 {
            return self.count(stuck_workers);
        }
        *self.report.get_or_init(|| {
            for thread in self.threads.lock().drain(..) {
                // The destructor of a thread-local may hold the last handle, on such a thread.
                if thread.thread().id() != std::thread::current().id() {
                    // A worker's own panic aborts the process, so a thread always ends well.
                    let _ = thread.join();
                }
            }
            self.shared.core.offload.close();
            if let Some(watchdog) = &self.watchdog {
                watchdog.end();
            }
            self.count(0)
        })
    }

    fn count(&self, stuck_workers: usize) -> ShutdownReport {
        ShutdownReport {
            stuck_workers,
            ..ShutdownReport::of(&self.shared.core, &self.ending)
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.request_shutdown(Duration::ZERO);
        if !self.is_own_worker() {
            self.wait_for_end(Duration::ZERO);
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
