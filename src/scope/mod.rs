//! Scopes: what code enters on its thread until it leaves it again, such as a span or a runtime.
//!
//! Handlers of one worker take turns on its thread. So that none is in another one's scopes, they are taken
//! off when a handler waits or has ended, and put back when it resumes: by hooks, which are told of each switch.
//! Nothing here knows an actor or a fiber.

mod hook;
mod options;
mod poll;
#[cfg(feature = "tracing")]
mod spans;

pub use self::hook::SwitchHook;
pub(crate) use self::hook::TakenOff;
pub(crate) use self::options::scope_options;

use self::hook::Hooks;
use self::poll::Runtime;

/// What the handlers of a pool may be in.
#[derive(Clone)]
pub(crate) struct Scopes {
    hooks: Hooks,
    runtime: Runtime,
}

impl Default for Scopes {
    #[cfg(feature = "tracing")]
    fn default() -> Self {
        let mut scopes = Self::of_nothing();
        scopes.add(spans::Spans);
        scopes
    }

    #[cfg(not(feature = "tracing"))]
    fn default() -> Self {
        Self::of_nothing()
    }
}

impl Scopes {
    fn of_nothing() -> Self {
        Self {
            hooks: Hooks::default(),
            runtime: Runtime::default(),
        }
    }

    /// Adds a hook.
    pub(crate) fn add(&mut self, hook: impl SwitchHook) {
        self.hooks.add(hook);
    }

    /// Has futures polled in a runtime of tokio's.
    #[cfg(feature = "tokio")]
    pub(crate) fn poll_in(&mut self, runtime: tokio::runtime::Handle) {
        self.runtime = Runtime::of(runtime);
    }

    /// Whether there is a hook to be told of switches.
    pub(crate) fn are_hooked(&self) -> bool {
        self.hooks.any()
    }

    /// Takes off what is entered here, until what it returns is dropped.
    ///
    /// # Panics
    ///
    /// As a hook does, here or then: what others have taken off is put back all the same.
    pub(crate) fn take_off(&self) -> TakenOff<'_> {
        self.hooks.take_off()
    }

    /// Leaves what is entered here for good.
    ///
    /// # Panics
    ///
    /// As a hook does.
    pub(crate) fn leave(&self) {
        self.hooks.leave();
    }

    /// Whether futures are polled in a runtime, which nothing can leave before the poll has ended.
    pub(crate) fn has_runtime(&self) -> bool {
        self.runtime.any()
    }

    /// Polls a future, within the runtime if there is one.
    pub(crate) fn poll<R>(&self, poll: impl FnOnce() -> R) -> R {
        self.runtime.poll(poll)
    }
}
