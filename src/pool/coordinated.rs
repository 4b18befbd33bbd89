//! Shutting down in phases: the user's hooks first, in the order of their phases, then the pool.

use parking_lot::{Condvar, Mutex};
use std::collections::HashMap;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use std::{fmt, thread};

use super::handle::WorkerPool;
use super::node::WorkerNode;
use super::shutdown::{ShutdownError, ShutdownReport};
use crate::ask::Deadline;
use crate::failure::{BoxError, PanicPayload, Unwound, catch_user, drop_quietly};

/// What is to be done before a pool shuts down, in phases.
///
/// The phases run in the order in which they were added. All hooks of a phase run at the same time,
/// each on a thread of its own, so that they may block; the phase ends when they have ended, or
/// when its time is over. [`WorkerPool::coordinate`] attaches the plan to a pool.
///
/// ```
/// use nexus_actors::prelude::*;
/// use nexus_actors::pool::CoordinatedShutdown;
/// use std::time::Duration;
///
/// const SECOND: Duration = Duration::from_secs(1);
///
/// let pool = WorkerPool::builder().workers(2).start()?;
/// let orders = pool.spawn("orders", Props::new(|| Behavior::receive(|_ctx, _: u32| ())))?;
/// let plan = CoordinatedShutdown::new()
///     .phase("stop listening", SECOND)
///     .phase("drain", 5 * SECOND)
///     .hook("stop listening", "close the port", |_pool| Ok(()))
///     .hook("drain", "finish orders", move |_pool| {
///         orders.stop();
///         Ok(())
///     });
/// let coordinated = pool.coordinate(plan)?;
/// let report = coordinated.shutdown(10 * SECOND)?;
/// assert!(report.all_done());
/// assert_eq!(report.pool.forced, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
#[must_use = "a plan does nothing until it is attached to a pool"]
pub struct CoordinatedShutdown {
    phases: Vec<ShutdownPhase>,
    /// The index of each phase, by its name.
    places: HashMap<String, usize>,
    /// The first mistake in the plan.
    wrong: Option<CoordinateError>,
}

struct ShutdownPhase {
    name: String,
    within: Deadline,
    hooks: Vec<PhaseHook>,
}

struct PhaseHook {
    name: String,
    run: HookRun,
}

type HookRun = Box<dyn FnOnce(&WorkerNode) -> Result<(), BoxError> + Send>;

/// Why a plan for a shutdown cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CoordinateError {
    /// Two phases have the same name.
    #[error("there are two phases named {0:?}: each needs a name of its own")]
    DuplicatePhase(String),
    /// A hook is for a phase that was not added before it.
    #[error(
        "the hook {hook:?} is for the phase {phase:?}, which was not added before it; add it first"
    )]
    UnknownPhase {
        /// The phase.
        phase: String,
        /// The hook.
        hook: String,
    },
}

impl CoordinatedShutdown {
    /// Creates a plan without phases.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a phase, whose hooks have that time; a `Duration` counts from the begin of the phase. A
    /// name that is taken is refused when the plan is attached.
    pub fn phase(mut self, name: impl Into<String>, within: impl Into<Deadline>) -> Self {
        let (name, within) = (name.into(), within.into());
        if self.places.contains_key(&name) {
            return self.but(CoordinateError::DuplicatePhase(name));
        }
        self.places.insert(name.clone(), self.phases.len());
        let hooks = Vec::new();
        self.phases.push(ShutdownPhase {
            name,
            within,
            hooks,
        });
        self
    }

    /// Adds a hook to a phase that was added before; any other phase is refused when the plan is
    /// attached. The hook receives a view of the pool, whose actors are all still alive: it may
    /// look them up, send to them, and ask them.
    ///
    /// A hook that overruns its phase is left behind: its thread continues, and is not waited for.
    pub fn hook(
        mut self,
        phase: &str,
        name: impl Into<String>,
        hook: impl FnOnce(&WorkerNode) -> Result<(), BoxError> + Send + 'static,
    ) -> Self {
        let name = name.into();
        match self.places.get(phase) {
            Some(place) => {
                let run = Box::new(hook);
                self.phases[*place].hooks.push(PhaseHook { name, run });
                self
            }
            None => {
                let phase = phase.to_owned();
                self.but(CoordinateError::UnknownPhase { phase, hook: name })
            }
        }
    }

    fn but(mut self, wrong: CoordinateError) -> Self {
        self.wrong.get_or_insert(wrong);
        self
    }
}

impl fmt::Debug for CoordinatedShutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phases = self.phases.iter().map(|phase| {
            let hooks: Vec<&str> = phase.hooks.iter().map(|hook| &*hook.name).collect();
            (&phase.name, (phase.within, hooks))
        });
        f.debug_map().entries(phases).finish()
    }
}

impl WorkerPool {
    /// Attaches a plan to this pool: a shutdown through the returned handle first runs the plan.
    /// [`shutdown`](Self::shutdown) and [`request_shutdown`](Self::request_shutdown) themselves
    /// bypass it.
    ///
    /// # Errors
    ///
    /// [`CoordinateError`]: the first mistake in the plan.
    pub fn coordinate(&self, plan: CoordinatedShutdown) -> Result<Coordinated, CoordinateError> {
        match plan.wrong {
            Some(wrong) => Err(wrong),
            None => Ok(Coordinated {
                inner: Arc::new(CoordinatedInner {
                    pool: self.clone(),
                    progress: Mutex::new(HookProgress::Planned(plan.phases)),
                    changed: Condvar::new(),
                }),
            }),
        }
    }
}

/// A pool with a plan for its shutdown. It keeps the pool running, as a [`WorkerPool`] does, and is
/// cheap to clone. If the last clone is dropped without a shutdown, no hook runs.
#[derive(Clone)]
pub struct Coordinated {
    pub(super) inner: Arc<CoordinatedInner>,
}

pub(super) struct CoordinatedInner {
    pub(super) pool: WorkerPool,
    progress: Mutex<HookProgress>,
    changed: Condvar,
}

enum HookProgress {
    Planned(Vec<ShutdownPhase>),
    Running,
    Done(Arc<CoordinatedReport>),
}

/// What a coordinated shutdown came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CoordinatedReport {
    /// The phases, in their order.
    pub phases: Vec<PhaseReport>,
    /// What the pool's own shutdown came to.
    pub pool: ShutdownReport,
}

/// What a phase came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PhaseReport {
    /// The name of the phase.
    pub name: String,
    /// How long it took.
    pub took: Duration,
    /// Its hooks, in the order in which they were added.
    pub hooks: Vec<HookReport>,
}

/// What a hook came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HookReport {
    /// The name of the hook.
    pub name: String,
    /// How long it took, or how long it was waited for.
    pub took: Duration,
    /// How it ended.
    pub outcome: HookOutcome,
}

/// How a hook ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HookOutcome {
    /// It returned.
    Done,
    /// It returned this error.
    Failed(String),
    /// It panicked, with this payload.
    Panicked(PanicPayload),
    /// It had not returned when its time was over, and was left behind.
    Overran,
    /// The time of the whole shutdown was over before its phase began.
    Skipped,
    /// The operating system provided no thread for it; this is the error.
    NoThread(String),
}

impl Coordinated {
    /// The pool itself.
    pub fn pool(&self) -> &WorkerPool {
        &self.inner.pool
    }

    /// Runs the phases, one after the other, then shuts the pool down with the rest of the time, as
    /// [`WorkerPool::shutdown`] does. A phase has its own time, or what is left of the whole if
    /// that is less; a hook that fails or overruns is reported, and delays nothing else.
    ///
    /// The shutdown happens once: a call that comes later, or meanwhile, waits for the same end and
    /// returns the same report. This blocks the calling thread.
    ///
    /// # Errors
    ///
    /// [`ShutdownError::OnWorker`] if called on one of the pool's workers; the shutdown continues,
    /// with its phases, on a thread of its own.
    pub fn shutdown(
        &self,
        within: impl Into<Deadline>,
    ) -> Result<Arc<CoordinatedReport>, ShutdownError> {
        let within = within.into().left();
        if self.inner.pool.is_own_worker() {
            if self.request_shutdown(within).is_err() {
                self.inner.pool.request_shutdown(within);
            }
            return Err(ShutdownError::OnWorker);
        }
        match self.inner.begin() {
            Some(phases) => Ok(self.inner.run(phases, within)),
            None => self.wait(),
        }
    }

    /// As [`shutdown`](Self::shutdown), on a thread of its own, without waiting for it. An actor
    /// may call this.
    ///
    /// # Errors
    ///
    /// If the operating system provides no thread; nothing has happened then.
    pub fn request_shutdown(&self, within: impl Into<Deadline>) -> std::io::Result<()> {
        let within = within.into().left();
        let this = self.clone();
        let shutdown = move || {
            // The thread is no worker, so it can wait.
            let _ = this.shutdown(within);
        };
        let thread = thread::Builder::new().name("nexus-shutdown".to_owned());
        thread.spawn(shutdown).map(drop)
    }

    /// Waits until the pool has been shut down through a handle such as this one.
    ///
    /// # Errors
    ///
    /// [`ShutdownError::OnWorker`] if called on one of the pool's workers.
    pub fn wait(&self) -> Result<Arc<CoordinatedReport>, ShutdownError> {
        if self.inner.pool.is_own_worker() {
            return Err(ShutdownError::OnWorker);
        }
        let mut progress = self.inner.progress.lock();
        loop {
            if let HookProgress::Done(report) = &*progress {
                return Ok(Arc::clone(report));
            }
            self.inner.changed.wait(&mut progress);
        }
    }

    /// The report, once the shutdown has ended.
    pub fn report(&self) -> Option<Arc<CoordinatedReport>> {
        match &*self.inner.progress.lock() {
            HookProgress::Done(report) => Some(Arc::clone(report)),
            _ => None,
        }
    }
}

impl CoordinatedInner {
    /// Returns the phases to the first caller.
    fn begin(&self) -> Option<Vec<ShutdownPhase>> {
        let mut progress = self.progress.lock();
        match std::mem::replace(&mut *progress, HookProgress::Running) {
            HookProgress::Planned(phases) => Some(phases),
            begun => {
                *progress = begun;
                None
            }
        }
    }

    fn run(&self, phases: Vec<ShutdownPhase>, within: Duration) -> Arc<CoordinatedReport> {
        let deadline = Instant::now().checked_add(within);
        let node = self.pool.node();
        let run = |phase: ShutdownPhase| phase.run(&node, left(deadline));
        let phases = phases.into_iter().map(run).collect();
        let pool = self.pool.shutdown(left(deadline));
        let pool = pool.expect("it was called on a thread that is not a worker");
        let report = Arc::new(CoordinatedReport { phases, pool });
        *self.progress.lock() = HookProgress::Done(Arc::clone(&report));
        self.changed.notify_all();
        report
    }
}

/// The time left until a deadline; without one, practically unlimited.
fn left(deadline: Option<Instant>) -> Duration {
    deadline.map_or(Duration::MAX, |deadline| {
        deadline.saturating_duration_since(Instant::now())
    })
}

impl ShutdownPhase {
    /// Runs the hooks at the same time, and waits for them.
    fn run(self, node: &WorkerNode, at_most: Duration) -> PhaseReport {
        let begun = Instant::now();
        let deadline = begun.checked_add(self.within.left().min(at_most));
        let unsettled = if at_most.is_zero() {
            HookOutcome::Skipped
        } else {
            HookOutcome::Overran
        };
        let (ended, ends) = mpsc::channel();
        let mut hooks = Vec::with_capacity(self.hooks.len());
        let mut running = 0;
        for (number, hook) in self.hooks.into_iter().enumerate() {
            let mut report = HookReport {
                name: hook.name.clone(),
                took: Duration::ZERO,
                outcome: unsettled.clone(),
            };
            if at_most.is_zero() {
                // What the closure has captured is the user's.
                let _ = drop_quietly(hook);
            } else {
                match hook.start(node.clone(), number, ended.clone()) {
                    Ok(()) => running += 1,
                    Err(error) => report.outcome = HookOutcome::NoThread(error.to_string()),
                }
            }
            hooks.push(report);
        }
        for _ in 0..running {
            let Ok((number, outcome)) = ends.recv_timeout(left(deadline)) else {
                break;
            };
            hooks[number].outcome = outcome;
            hooks[number].took = begun.elapsed();
        }
        let took = begun.elapsed();
        let overran = |hook: &&mut HookReport| hook.outcome == HookOutcome::Overran;
        hooks
            .iter_mut()
            .filter(overran)
            .for_each(|hook| hook.took = took);
        PhaseReport {
            name: self.name,
            took,
            hooks,
        }
    }
}

impl PhaseHook {
    /// Runs the hook on a thread of its own, which can be left behind.
    fn start(
        self,
        node: WorkerNode,
        number: usize,
        ended: mpsc::Sender<(usize, HookOutcome)>,
    ) -> std::io::Result<()> {
        let work = move || {
            // The error is the user's, and so are its text and its destructor.
            let run = move || (self.run)(&node).map_err(|error| error.to_string());
            let outcome = match catch_user(run) {
                Ok(Ok(())) => HookOutcome::Done,
                Ok(Err(error)) => HookOutcome::Failed(error),
                Err(Unwound::Panicked(payload)) => HookOutcome::Panicked(payload),
                Err(Unwound::Forced) => HookOutcome::Panicked("ended by force".into()),
            };
            // Nothing receives the outcome of a hook that was left behind.
            let _ = ended.send((number, outcome));
        };
        let thread = thread::Builder::new().name("nexus-hook".to_owned());
        thread.spawn(work).map(drop)
    }
}

impl CoordinatedReport {
    /// Whether every hook has returned in time, and without an error.
    pub fn all_done(&self) -> bool {
        let mut hooks = self.phases.iter().flat_map(|phase| &phase.hooks);
        hooks.all(|hook| hook.outcome == HookOutcome::Done)
    }
}

impl fmt::Display for HookOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Failed(error) => write!(f, "failed: {error}"),
            Self::Panicked(payload) => write!(f, "panicked: {payload}"),
            Self::Overran => f.write_str("overran its time, and was left behind"),
            Self::Skipped => f.write_str("skipped, as no time was left"),
            Self::NoThread(error) => write!(f, "got no thread: {error}"),
        }
    }
}

/// One line for each hook, and those of the pool.
impl fmt::Display for CoordinatedReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for phase in &self.phases {
            for HookReport { name, outcome, .. } in &phase.hooks {
                writeln!(f, "{}, {name}: {outcome}", phase.name)?;
            }
        }
        write!(f, "the pool: {}", self.pool)
    }
}

impl fmt::Debug for Coordinated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let progress = match &*self.inner.progress.lock() {
            HookProgress::Planned(_) => "planned",
            HookProgress::Running => "running",
            HookProgress::Done(_) => "done",
        };
        f.debug_struct("Coordinated")
            .field("pool", &self.inner.pool)
            .field("shutdown", &progress)
            .finish()
    }
}
