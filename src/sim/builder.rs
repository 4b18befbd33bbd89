//! How a simulation is built and started.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::case::Case;
use super::choices::{Choice, Choices};
use super::engine::{SimEngine, SimEngineParts};
use super::handle::{Sim, nanos};
use super::world::VirtualSpans;
use crate::ask::{AskError, begin_call};
use crate::failure::{BoxError, Cycle, Failure};
use crate::observe::{Observers, observe_options};
use crate::pool::{
    Configure, DEFAULT_STACK_SIZE, StartError, WorkerNode, check_stacks, check_workers,
    default_guardian, run_configure,
};
use crate::scope::{Scopes, scope_options};
use crate::supervision::SupervisorStrategy;

type OnFailure = Arc<dyn Fn(&Failure) + Send + Sync>;
type OnSuspicion = Arc<dyn Fn(&Cycle) + Send + Sync>;

/// The number of events of a trace that are kept, unless the builder sets another.
const KEPT_EVENTS: usize = 1 << 20;

/// Builds a [`Sim`].
///
/// ```
/// use nexus_actors::prelude::*;
/// use nexus_actors::sim::{Choice, Sim};
/// use std::time::Duration;
///
/// let sim = Sim::builder()
///     .seed(7)
///     .workers(4)
///     .without(Choice::Stalls)
///     .latency(Duration::from_millis(5))
///     .configure(|node| {
///         node.spawn("audit", Props::new(|| Behavior::receive(|_ctx, _line: String| ())))?;
///         Ok(())
///     })
///     .start()?;
/// assert!(sim.lookup::<String>("/user/audit").is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use = "a builder does nothing until it is started"]
pub struct SimBuilder {
    pub(super) case: Case,
    workers: usize,
    name: String,
    stack_size: usize,
    spans: VirtualSpans,
    kept: usize,
    pub(super) step_limit: Option<u64>,
    configure: Option<Configure>,
    on_failure: Option<OnFailure>,
    on_suspicion: Option<OnSuspicion>,
    guardian: SupervisorStrategy,
    scopes: Scopes,
    observers: Observers,
}

impl Default for SimBuilder {
    fn default() -> Self {
        Self {
            case: Case::of(0, Choices::ALL),
            workers: 2,
            name: "simulation".to_owned(),
            stack_size: DEFAULT_STACK_SIZE,
            spans: VirtualSpans {
                round: 2_000,
                latency: 50_000,
                stall: 1_000_000,
            },
            kept: KEPT_EVENTS,
            step_limit: None,
            configure: None,
            on_failure: None,
            on_suspicion: None,
            guardian: default_guardian(),
            scopes: Scopes::default(),
            observers: Observers::default(),
        }
    }
}

impl SimBuilder {
    /// Sets the seed from which every choice follows. The default is 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.case.seed = seed;
        self
    }

    /// Sets the number of workers. The default is 2.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// Sets the pool's name. The default is `simulation`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the usable bytes of each handler's stack, from 64 KiB to 1 GiB. The default is 256 KiB.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = bytes;
        self
    }

    /// Sets what is left to chance. The default is everything.
    pub fn choices(mut self, choices: Choices) -> Self {
        self.case.choices = choices;
        self
    }

    /// Does not leave that choice to chance.
    pub fn without(mut self, choice: Choice) -> Self {
        self.case.choices = self.case.choices.without(choice);
        self
    }

    /// Leaves nothing to chance: workers and actors take their turns one after the other, and nothing takes
    /// any time unless told to.
    pub fn orderly(self) -> Self {
        self.choices(Choices::NONE)
    }

    /// Leaves nothing to chance from that [step](Sim::steps) on. By default chance continues.
    pub fn orderly_from(mut self, step: u64) -> Self {
        self.case.orderly_from = step;
        self
    }

    /// Sets the longest time that messages between workers, and from outside, are under way. Most take far
    /// less. The default is 50 µs.
    pub fn latency(mut self, most: Duration) -> Self {
        self.spans.latency = nanos(most);
        self
    }

    /// Sets the longest time that a worker takes for a round. The default is 2 µs.
    pub fn round(mut self, most: Duration) -> Self {
        self.spans.round = nanos(most);
        self
    }

    /// Sets the longest time for which a worker stands still now and then. The default is 1 ms.
    pub fn stall(mut self, most: Duration) -> Self {
        self.spans.stall = nanos(most);
        self
    }

    /// Sets how many events of the trace are kept, which are the last ones. The default is about a million.
    pub fn keep_events(mut self, events: usize) -> Self {
        self.kept = events;
        self
    }

    /// Sets how many [steps](Sim::steps) there may be. The next one panics, so that a test that would run
    /// forever fails instead. By default there is no limit, except for [`check`](Self::check), which has a
    /// limit of ten million.
    pub fn step_limit(mut self, steps: u64) -> Self {
        self.step_limit = Some(steps);
        self
    }

    /// Sets a function that runs on every worker before [`start`](Self::start) returns, as with
    /// [`WorkerPoolBuilder::configure`](crate::pool::WorkerPoolBuilder::configure).
    pub fn configure(
        mut self,
        configure: impl Fn(&WorkerNode) -> Result<(), BoxError> + Send + Sync + 'static,
    ) -> Self {
        self.configure = Some(Arc::new(configure));
        self
    }

    /// Sets a hook that receives every failure of a running actor. Failures are in the trace in any case. By
    /// default nothing more is done with them.
    pub fn on_failure(mut self, hook: impl Fn(&Failure) + Send + Sync + 'static) -> Self {
        self.on_failure = Some(Arc::new(hook));
        self
    }

    /// Sets a hook that receives every cycle of waits that is suspected to be a deadlock, on the worker of
    /// one of its actors.
    ///
    /// Each actor of the cycle waits for the next, but it is not certain that nothing else could end its
    /// wait. A certain deadlock ends with [`AskError::Deadlock`] instead. By default nothing more is done
    /// with a suspected one.
    pub fn on_suspected_deadlock(mut self, hook: impl Fn(&Cycle) + Send + Sync + 'static) -> Self {
        self.on_suspicion = Some(Arc::new(hook));
        self
    }

    observe_options! { |builder| {
        builder.on_failure = None;
        builder.on_suspicion = None;
    } }

    scope_options! {
        ///
        /// The runtime follows the real clock, not that of the simulation: a handler that waits for a timer
        /// of tokio's, or a socket, is woken from outside, at another point in each run. In code to be
        /// simulated, use `ctx.sleep`, and let a fake answer in place of the network.
    }

    /// Sets the strategy for the top-level actors. By default they are supervised like the children of any
    /// other parent: one that fails is restarted, at most 3 times in 60 s, and stopped at the next failure.
    ///
    /// A failure that this strategy escalates stops the actor, as there is no supervisor above.
    pub fn supervising(mut self, strategy: SupervisorStrategy) -> Self {
        self.guardian = strategy;
        self
    }

    /// Starts the simulation, and runs it until every worker is configured.
    ///
    /// # Errors
    ///
    /// [`StartError`]: an invalid option, the first worker's error, or 1024 pools that are alive in this
    /// process already.
    pub fn start(self) -> Result<Sim, StartError> {
        check_workers(self.workers)?;
        check_stacks(self.stack_size)?;
        let on_failure = self.on_failure.clone();
        let on_suspicion = self.on_suspicion.clone();
        let engine = SimEngine::start(SimEngineParts {
            seed: self.case.seed,
            name: self.name.clone(),
            workers: self.workers,
            stack_size: self.stack_size,
            kept: self.kept,
            choices: self.case.choices,
            orderly_from: self.case.orderly_from,
            step_limit: self.step_limit.unwrap_or(u64::MAX),
            spans: self.spans,
            guardian: self.guardian.clone(),
            scopes: self.scopes.clone(),
            observers: self.observers.clone(),
            on_failure: Box::new(move |failure| {
                if let Some(hook) = &on_failure {
                    hook(failure);
                }
            }),
            on_suspicion: Box::new(move |cycle| {
                if let Some(hook) = &on_suspicion {
                    hook(cycle);
                }
            }),
        })?;
        let configure = self.configure.clone();
        let sim = Sim {
            engine,
            builder: self,
            checked: false,
        };
        configure_all(&sim, configure)?;
        sim.engine.shared.end_configuring();
        Ok(sim)
    }
}

/// Configures all workers at the same time, and returns the first error.
fn configure_all(sim: &Sim, configure: Option<Configure>) -> Result<(), StartError> {
    if configure.is_none() {
        return Ok(());
    }
    let core = &sim.engine.shared.core;
    let begun: Vec<_> = (0..sim.workers())
        .zip(core.worker_indices())
        .map(|(worker, index)| {
            let (configure, node) = (configure.clone(), sim.node(worker));
            begin_call(core, index, None, move |_| run_configure(configure, &node))
        })
        .collect();
    let failed = |worker: usize, error: AskError| StartError::Configure {
        worker,
        error: error.into(),
    };
    // All of them are waited for, whichever fails first.
    let outcomes = begun.into_iter().enumerate().map(|(worker, ask)| {
        ask.wait()
            .unwrap_or_else(|error| Err(failed(worker, error)))
    });
    outcomes.collect::<Vec<_>>().into_iter().collect()
}

impl fmt::Debug for SimBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            case,
            workers,
            name,
            stack_size,
            spans,
            kept,
            step_limit,
            configure,
            on_failure,
            on_suspicion,
            guardian,
            scopes: _,
            observers,
        } = self;
        f.debug_struct("SimBuilder")
            .field("case", &format_args!("{case}"))
            .field("workers", workers)
            .field("name", name)
            .field("stack_size", stack_size)
            .field("spans", spans)
            .field("keep_events", kept)
            .field("step_limit", step_limit)
            .field("configure", &configure.is_some())
            .field("on_failure", &on_failure.is_some())
            .field("on_suspicion", &on_suspicion.is_some())
            .field("guardian", guardian)
            .field("observers", observers)
            .finish()
    }
}
