//! How a system is built and started.

use std::fmt;

use super::engine::{SystemEngine, SystemEngineParts};
use super::handle::ActorSystem;
use crate::failure::{Cycle, Failure};
use crate::observe::{Observers, observe_options};
use crate::pool::{
    DEFAULT_STACK_SIZE, StartError, TimeSource, check_stacks, default_guardian, write_failures,
    write_suspicions,
};
use crate::pool_core::{FailureHook, SuspicionHook};
use crate::scope::{Scopes, scope_options};
use crate::supervision::SupervisorStrategy;

/// Builds an [`ActorSystem`].
///
/// ```
/// use nexus_actors::prelude::*;
/// use nexus_actors::pool::{ManualTime, TimeSource};
/// use std::time::Duration;
///
/// let time = ManualTime::new();
/// let system = ActorSystem::builder()
///     .name("orders")
///     .time_source(TimeSource::Manual(time.clone()))
///     .start()?;
/// let sleeper = system.spawn("sleeper", Props::new(|| {
///     Behavior::receive(|ctx, _: ()| Ok(ctx.sleep(Duration::from_secs(3600))?))
/// }))?;
/// sleeper.tell(());
/// system.run(); // nothing goes on until the clock does
/// assert_eq!(system.waiting().len(), 1);
/// time.advance(Duration::from_secs(3600));
/// system.run();
/// assert!(system.waiting().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a builder does nothing until it is started"]
pub struct ActorSystemBuilder {
    name: String,
    stack_size: usize,
    time_source: TimeSource,
    on_failure: FailureHook,
    on_suspicion: SuspicionHook,
    guardian: SupervisorStrategy,
    scopes: Scopes,
    observers: Observers,
}

impl Default for ActorSystemBuilder {
    fn default() -> Self {
        Self {
            name: "nexus".to_owned(),
            stack_size: DEFAULT_STACK_SIZE,
            time_source: TimeSource::Monotonic,
            on_failure: write_failures(),
            on_suspicion: write_suspicions(),
            guardian: default_guardian(),
            scopes: Scopes::default(),
            observers: Observers::default(),
        }
    }
}

impl ActorSystemBuilder {
    /// Sets the system's name. The default is `nexus`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the usable bytes of each handler's stack, from 64 KiB to 1 GiB. The default is 256 KiB.
    ///
    /// Memory is used only as far as handlers reach into the stack. A handler that needs more ends the
    /// process.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = bytes;
        self
    }

    /// Sets where the system takes its time from. The default is the monotonic clock.
    pub fn time_source(mut self, source: TimeSource) -> Self {
        self.time_source = source;
        self
    }

    /// Sets a hook that receives every failure of a running actor, on the thread that drives the system.
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

    /// Starts the system on this thread, which will drive it.
    ///
    /// # Errors
    ///
    /// [`StartError`]: an invalid option, no memory for a stack, 1024 pools that are alive in this process
    /// already, or a caller that is a handler.
    pub fn start(self) -> Result<ActorSystem, StartError> {
        check_stacks(self.stack_size)?;
        let engine = SystemEngine::start(SystemEngineParts {
            name: self.name,
            stack_size: self.stack_size,
            time_source: self.time_source,
            on_failure: self.on_failure,
            on_suspicion: self.on_suspicion,
            guardian: self.guardian,
            scopes: self.scopes,
            observers: self.observers,
        })?;
        Ok(ActorSystem::new_of(engine))
    }
}

impl fmt::Debug for ActorSystemBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            stack_size,
            time_source,
            on_failure: _,
            on_suspicion: _,
            guardian,
            scopes: _,
            observers,
        } = self;
        f.debug_struct("ActorSystemBuilder")
            .field("name", name)
            .field("stack_size", stack_size)
            .field("time_source", time_source)
            .field("guardian", guardian)
            .field("observers", observers)
            .finish_non_exhaustive()
    }
}
