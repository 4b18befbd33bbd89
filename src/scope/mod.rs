//! Scopes: what code enters on its thread until it leaves it again, such as a span or a runtime, and the
//! hooks that remove and restore it. The shard calls them at each switch, and builders collect them; nothing
//! here knows about actors or fibers.
//!
//! Handlers of one worker take turns on its thread. So that none runs inside another one's scopes, these are
//! removed when a handler waits or has ended, and restored when it resumes.

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

/// The scopes that the handlers of a pool may be in.
#[derive(Clone)]
pub(crate) struct Scopes {
    hooks: Hooks,
    runtime: Runtime,
}

impl Default for Scopes {
    #[cfg(feature = "tracing")]
    fn default() -> Self {
        let mut scopes = Self::of_nothing();
        scopes.add(spans::SpanScope);
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

    /// Sets the tokio runtime in which futures are polled.
    #[cfg(feature = "tokio")]
    pub(crate) fn poll_in(&mut self, runtime: tokio::runtime::Handle) {
        self.runtime = Runtime::of(runtime);
    }

    /// Whether there is a hook to run at switches.
    pub(crate) fn are_hooked(&self) -> bool {
        self.hooks.any()
    }

    /// Removes what is entered here, until the returned guard is dropped.
    ///
    /// # Panics
    ///
    /// If a hook panics, here or on that drop: what others have removed is restored all the same.
    pub(crate) fn take_off(&self) -> TakenOff<'_> {
        self.hooks.take_off()
    }

    /// Leaves for good what is entered here.
    ///
    /// # Panics
    ///
    /// If a hook panics.
    pub(crate) fn leave(&self) {
        self.hooks.leave();
    }

    /// Whether futures are polled in a runtime, which no code can leave before the poll has ended.
    pub(crate) fn has_runtime(&self) -> bool {
        self.runtime.any()
    }

    /// Polls a future, within the runtime if there is one.
    pub(crate) fn poll<R>(&self, poll: impl FnOnce() -> R) -> R {
        self.runtime.poll(poll)
    }
}
