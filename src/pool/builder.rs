//! How a pool is built and started.

use std::fmt;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::configure::{Configure, run_configure};
use super::directory::WorkerDirectory;
use super::driver::{WaitStrategy, drive};
use super::error::StartError;
use super::handle::WorkerPool;
use super::node::WorkerNode;
use super::shared::PoolShared;
use super::shutdown::{NoteEnd, ShutdownReport};
use super::side_threads::SideThreads;
use super::time::{TimeSource, start_clock};
use super::transport::{LaneEnd, lanes};
use super::watchdog::{SlowHook, Watchdog};
use crate::failure::{BoxError, Cycle, Failure, abort_on_panic};
use crate::fiber::{STACK_SIZES, StackConfig, StackError, has_shadow_stack};
use crate::observe::{Observers, SlowHandler, observe_options};
use crate::pool_core::{CoreParts, FailureHook, SuspicionHook, register, unregister};
use crate::scope::{Scopes, scope_options};
use crate::supervision::SupervisorStrategy;
use crate::time::Clock;
use crate::worker::{ShutdownProgress, Worker, WorkerParts};

/// The stack size of fibers, unless the builder sets another. Only pages that a handler touches are backed by
/// memory.
pub(crate) const DEFAULT_STACK_SIZE: usize = 256 * 1024;
const MOST_WORKERS: usize = 1024;
const ROOT_STACK_SIZE: usize = 2 << 20;
const DEFAULT_SLOW_AFTER: Duration = Duration::from_secs(1);

/// Builds a [`WorkerPool`].
///
/// # Profilers
///
/// A profiler that unwinds the stack in its own signal handler, as `pprof` does by default, crashes the
/// process if a sample falls into a switch between two fibers, unless everything is built with
/// `RUSTFLAGS="-C force-frame-pointers=yes"`. Profilers that only follow frame pointers and check each
/// address do not crash. Neither do those that sample from outside, as `perf` does.
///
/// ```
/// use nexus_actors::prelude::*;
/// use std::time::Duration;
///
/// let pool = WorkerPool::builder()
///     .workers(2)
///     .name("orders")
///     .configure(|node| {
///         node.spawn("audit", Props::new(|| Behavior::receive(|_ctx, _line: String| ())))?;
///         Ok(())
///     })
///     .start()?;
/// let audit = pool.lookup::<String>("/user/audit")?;
/// audit.tell("started".into());
/// pool.shutdown(Duration::from_secs(5))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a builder does nothing until it is started"]
pub struct WorkerPoolBuilder {
    workers: Option<usize>,
    name: String,
    stack_size: usize,
    blocking_threads: usize,
    pin_cores: bool,
    wait_strategy: WaitStrategy,
    time_source: TimeSource,
    configure: Option<Configure>,
    on_failure: FailureHook,
    on_suspicion: SuspicionHook,
    guardian: SupervisorStrategy,
    scopes: Scopes,
    observers: Observers,
    slow_after: Option<Duration>,
    on_slow_handler: SlowHook,
}

impl WorkerPool {
    /// Creates a builder of a pool.
    pub fn builder() -> WorkerPoolBuilder {
        WorkerPoolBuilder::default()
    }
}

impl Default for WorkerPoolBuilder {
    fn default() -> Self {
        Self {
            workers: None,
            name: "nexus".to_owned(),
            stack_size: DEFAULT_STACK_SIZE,
            blocking_threads: default_blocking_threads(),
            pin_cores: false,
            wait_strategy: WaitStrategy::Adaptive,
            time_source: TimeSource::Monotonic,
            configure: None,
            on_failure: write_failures(),
            on_suspicion: write_suspicions(),
            guardian: default_guardian(),
            scopes: Scopes::default(),
            observers: Observers::default(),
            slow_after: Some(DEFAULT_SLOW_AFTER),
            on_slow_handler: Box::new(|slow| eprintln!("nexus-actors: {slow}")),
        }
    }
}

impl WorkerPoolBuilder {
    /// Sets the number of workers, each of which is a thread. The default is one for each core that the
    /// process may use.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// Sets the pool's name, which is also the prefix of its threads' names. The default is `nexus`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the usable bytes of each handler's stack, from 64 KiB to 1 GiB. The default is 256 KiB.
    ///
    /// Memory is used only as far as handlers reach into the stack. A handler that needs more ends the
    /// process, after that is reported. A single actor can have a larger stack with
    /// [`Props::stack_size`](crate::Props::stack_size).
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = bytes;
        self
    }

    /// Sets the maximum number of threads, beside the workers, that run what handlers pass to
    /// [`Context::run_blocking`](crate::Context::run_blocking). It is at least 1.
    ///
    /// The threads are started when they are needed. The default is twice the number of cores, and at least
    /// 4.
    pub fn blocking_threads(mut self, threads: usize) -> Self {
        self.blocking_threads = threads;
        self
    }

    /// Sets whether each worker is bound to a core of its own, in turn. By default it is not.
    pub fn pin_cores(mut self, pin: bool) -> Self {
        self.pin_cores = pin;
        self
    }

    /// Sets what an idle worker does. The default is [`WaitStrategy::Adaptive`].
    pub fn wait_strategy(mut self, strategy: WaitStrategy) -> Self {
        self.wait_strategy = strategy;
        self
    }

    /// Sets where the pool takes its time from. The default is the monotonic clock.
    pub fn time_source(mut self, source: TimeSource) -> Self {
        self.time_source = source;
        self
    }

    /// Sets a function that runs on every worker, on a fiber, before [`start`](Self::start) returns. It is
    /// the place to spawn the actors that a pool always has. It may wait, as a handler may.
    pub fn configure(
        mut self,
        configure: impl Fn(&WorkerNode) -> Result<(), BoxError> + Send + Sync + 'static,
    ) -> Self {
        self.configure = Some(Arc::new(configure));
        self
    }

    /// Sets a hook that receives every failure of a running actor, on the worker where it happened.
    ///
    /// By default failures are written to the standard error. A failed start is returned to the code that
    /// spawned the actor, and is not passed to the hook.
    pub fn on_failure(mut self, hook: impl Fn(&Failure) + Send + Sync + 'static) -> Self {
        self.on_failure = Box::new(hook);
        self
    }

    /// Sets a hook that receives every cycle of waits that is suspected to be a deadlock, on the worker of
    /// one of its actors.
    ///
    /// Each actor of the cycle waits for the next, but it is not certain that nothing else could end its
    /// wait. A certain deadlock ends with [`AskError::Deadlock`](crate::AskError::Deadlock) instead. By
    /// default a suspected one is written to the standard error.
    pub fn on_suspected_deadlock(mut self, hook: impl Fn(&Cycle) + Send + Sync + 'static) -> Self {
        self.on_suspicion = Box::new(hook);
        self
    }

    observe_options! { |builder| {
        builder.on_failure = Box::new(|_| {});
        builder.on_suspicion = Box::new(|_| {});
        builder.on_slow_handler = Box::new(|_| {});
    } }

    scope_options! {}

    /// Sets the strategy for the top-level actors. By default they are supervised like the children of any
    /// other parent: one that fails is restarted, at most 3 times in 60 s, and stopped at the next failure.
    ///
    /// A failure that this strategy escalates stops the actor, as there is no supervisor above.
    pub fn supervising(mut self, strategy: SupervisorStrategy) -> Self {
        self.guardian = strategy;
        self
    }

    /// Sets how long a handler may run without yielding before it is reported. Such a handler holds its
    /// worker, so no other actor there continues.
    ///
    /// The default is one second. With `None` no handler is reported, and there is no thread that checks.
    pub fn slow_after(mut self, after: Option<Duration>) -> Self {
        self.slow_after = after;
        self
    }

    /// Sets a hook that receives every handler that runs for longer than [`slow_after`](Self::slow_after),
    /// while it still runs: once, and again each time when twice as much time has passed. By default such
    /// handlers are written to the standard error.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use std::{sync::mpsc, thread, time::Duration};
    ///
    /// let (slow, told) = mpsc::channel();
    /// let pool = WorkerPool::builder()
    ///     .slow_after(Some(Duration::from_millis(20)))
    ///     .on_slow_handler(move |handler| slow.send(handler.to_string()).unwrap())
    ///     .start()?;
    /// let blocking = pool.spawn("blocking", Props::new(|| {
    ///     Behavior::receive(|_ctx, length| thread::sleep(length)) // not `ctx.sleep`
    /// }))?;
    /// blocking.tell(Duration::from_millis(200));
    /// assert!(told.recv()?.starts_with("/user/blocking has held worker "));
    /// pool.shutdown(Duration::from_secs(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_slow_handler(mut self, hook: impl Fn(&SlowHandler) + Send + Sync + 'static) -> Self {
        self.on_slow_handler = Box::new(hook);
        self
    }

    /// Starts the pool, and returns when every worker is ready.
    ///
    /// # Errors
    ///
    /// [`StartError`]: an invalid option, or the first worker's error. By then the other workers have ended,
    /// and no thread is left.
    pub fn start(self) -> Result<WorkerPool, StartError> {
        let workers = self.checked_workers()?;
        let (transport, ends) = lanes(workers);
        let (stack_size, pin_cores) = (self.stack_size, self.pin_cores);
        let strategy = self.wait_strategy;
        let offload = Box::new(SideThreads::new(&self.name, self.blocking_threads));
        let core = register(CoreParts {
            offload,
            name: self.name,
            workers,
            transport: Box::new(transport),
            directory: Box::new(WorkerDirectory::default()),
            on_failure: self.on_failure,
            on_suspicion: self.on_suspicion,
            guardian: self.guardian,
            scopes: self.scopes,
            observers: self.observers,
            repeatable: false,
        });
        let core = core.ok_or(StartError::TooManyPools)?;
        let clock = start_clock(&self.time_source, &core);
        let watchdog = match self.slow_after {
            None => None,
            Some(after) => {
                let started = Watchdog::start(&core, after, self.on_slow_handler);
                Some(
                    started
                        .inspect_err(|_| unregister(&core))
                        .map_err(StartError::NoWatchdog)?,
                )
            }
        };
        let launch = Launch {
            shared: Arc::new(PoolShared::new(core)),
            watchdog,
            ending: Arc::default(),
            clock,
            strategy,
            stacks: StackConfig { size: stack_size },
            cores: if pin_cores {
                core_affinity::get_core_ids()
            } else {
                None
            },
            pin_cores,
            configure: self.configure,
        };
        launch.start(ends)
    }

    /// Starts the pool and blocks until it has shut down. An actor or a hook must request that with
    /// [`WorkerNode::request_shutdown`].
    ///
    /// # Errors
    ///
    /// As for [`start`](Self::start).
    pub fn run(self) -> Result<ShutdownReport, StartError> {
        let report = self.start()?.wait();
        Ok(report.expect("the thread that started a pool is none of its workers"))
    }

    fn checked_workers(&self) -> Result<usize, StartError> {
        let workers = self.workers.unwrap_or_else(cores);
        check_workers(workers)?;
        check_stacks(self.stack_size)?;
        check_blocking_threads(self.blocking_threads)?;
        if self.name.contains('\0') {
            return Err(StartError::InvalidName(self.name.clone()));
        }
        Ok(workers)
    }
}

/// The default supervision of top-level actors, the same as for the children of any parent.
pub(crate) fn default_guardian() -> SupervisorStrategy {
    SupervisorStrategy::default()
}

/// What a pool does with failures by default.
pub(crate) fn write_failures() -> FailureHook {
    Box::new(|failure| eprintln!("nexus-actors: {failure}"))
}

pub(crate) fn write_suspicions() -> SuspicionHook {
    Box::new(|cycle| eprintln!("nexus-actors: perhaps a deadlock: {cycle}"))
}

/// Checks that a pool can have that many workers.
pub(crate) fn check_workers(workers: usize) -> Result<(), StartError> {
    if (1..=MOST_WORKERS).contains(&workers) {
        Ok(())
    } else {
        Err(StartError::InvalidWorkers(workers))
    }
}

/// The default number of side threads.
pub(crate) fn default_blocking_threads() -> usize {
    (2 * cores()).max(4)
}

/// Checks that there can be that many side threads.
pub(super) fn check_blocking_threads(threads: usize) -> Result<(), StartError> {
    if threads > 0 {
        Ok(())
    } else {
        Err(StartError::NoBlockingThreads)
    }
}

/// Checks that there can be stacks of that size.
pub(crate) fn check_stacks(bytes: usize) -> Result<(), StartError> {
    if has_shadow_stack() {
        return Err(StartError::ShadowStack);
    }
    if STACK_SIZES.contains(&bytes) {
        Ok(())
    } else {
        Err(StartError::InvalidStackSize(bytes))
    }
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

impl fmt::Debug for WorkerPoolBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            workers,
            name,
            stack_size,
            blocking_threads,
            pin_cores,
            wait_strategy,
            time_source,
            configure,
            on_failure: _,
            on_suspicion: _,
            guardian,
            scopes: _,
            observers,
            slow_after,
            on_slow_handler: _,
        } = self;
        f.debug_struct("WorkerPoolBuilder")
            .field("workers", workers)
            .field("name", name)
            .field("stack_size", stack_size)
            .field("blocking_threads", blocking_threads)
            .field("pin_cores", pin_cores)
            .field("wait_strategy", wait_strategy)
            .field("time_source", time_source)
            .field("configure", &configure.is_some())
            .field("guardian", guardian)
            .field("observers", observers)
            .field("slow_after", slow_after)
            .finish_non_exhaustive()
    }
}

/// What is needed to launch the workers.
struct Launch {
    shared: Arc<PoolShared>,
    watchdog: Option<Watchdog>,
    ending: Arc<ShutdownProgress>,
    clock: Clock,
    strategy: WaitStrategy,
    stacks: StackConfig,
    cores: Option<Vec<core_affinity::CoreId>>,
    pin_cores: bool,
    configure: Option<Configure>,
}

type Ready = mpsc::Sender<Result<(), StartError>>;

impl Launch {
    fn start(self, ends: Vec<LaneEnd>) -> Result<WorkerPool, StartError> {
        let (ready, readiness) = mpsc::channel();
        let mut threads = Vec::with_capacity(ends.len());
        let mut first_error = None;
        for (index, end) in (0..).zip(ends) {
            match self.launch(index, end, ready.clone()) {
                Ok(thread) => threads.push(thread),
                Err(error) => {
                    // A worker that does not exist must not be waited for.
                    self.ending.one_more_is_quiet(&self.shared.core, index);
                    first_error.get_or_insert(error);
                }
            }
        }
        drop(ready);
        let outcomes = readiness.iter().take(threads.len());
        let error = first_error.or_else(|| outcomes.filter_map(Result::err).next());
        let Launch {
            shared,
            watchdog,
            ending,
            ..
        } = self;
        if let Some(error) = error {
            shared.request_shutdown(Duration::ZERO);
            for thread in threads {
                // A worker's own panic aborts the process, so a thread always ends normally.
                let _ = thread.join();
            }
            unregister(&shared.core);
            return Err(error);
        }
        shared.end_configuring();
        Ok(WorkerPool::new(shared, watchdog, ending, threads))
    }

    fn launch(&self, index: u32, end: LaneEnd, ready: Ready) -> Result<JoinHandle<()>, StartError> {
        let node = WorkerNode {
            shared: Arc::clone(&self.shared),
            index,
        };
        let pin_to = self
            .cores
            .as_ref()
            .map(|cores| cores[index as usize % cores.len()]);
        let pinned = (self.pin_cores, pin_to);
        let (clock, strategy) = (self.clock.clone(), self.strategy);
        let watched = self.watchdog.as_ref().map(|dog| (dog.flags(), index));
        let (stacks, ending) = (self.stacks, Arc::clone(&self.ending));
        let configure = self.configure.clone();
        let note_end = NoteEnd {
            shared: Arc::clone(&self.shared),
            worker: index,
        };
        let work = move || {
            let _note_end = note_end;
            abort_on_panic(|| {
                let core = Arc::clone(&node.shared.core);
                let source = Box::new(end);
                let mut worker = Worker::new(WorkerParts {
                    core,
                    index,
                    source,
                    stacks,
                    ending,
                    clock: Some(clock.clone()),
                });
                if !pin(pinned) {
                    let _ = ready.send(Err(StartError::NotPinned {
                        worker: index as usize,
                    }));
                    return;
                }
                let failed = ready.clone();
                worker.shard().add_task(Box::new(move |_| {
                    let _ = ready.send(run_configure(configure, &node));
                }));
                if let Err(error) = drive(&mut worker, &clock, strategy, watched) {
                    let _ = failed.send(Err(no_stack(index, error)));
                }
            });
        };
        let name = format!("{}-{index}", self.shared.core.name);
        // Messages pass over the thread's own stack on their way into mailboxes, so it has to
        // hold what a handler's stack can.
        let stack_size = ROOT_STACK_SIZE + 2 * self.stacks.size;
        let thread = thread::Builder::new()
            .name(name)
            .stack_size(stack_size)
            .spawn(work);
        thread.map_err(|error| StartError::NoThread {
            worker: index as usize,
            error,
        })
    }
}

/// Binds this thread to a core, if it is to be bound. Returns whether that went as requested.
fn pin((wanted, core): (bool, Option<core_affinity::CoreId>)) -> bool {
    !wanted || core.is_some_and(core_affinity::set_for_current)
}

pub(crate) fn no_stack(index: u32, error: StackError) -> StartError {
    StartError::NoStack {
        worker: index as usize,
        error: error.into(),
    }
}
