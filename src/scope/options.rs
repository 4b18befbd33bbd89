//! What every builder lets its user say of scopes.

/// The methods of a builder, whose scopes are its field `scopes`. What is given is said of `tokio` as well.
macro_rules! scope_options {
    ($(#[$of_tokio:meta])*) => {
        /// Adds a hook, which is called when a handler waits and when it resumes, and takes off what the handler has
        /// entered on its thread. Hooks are called in the order in which they were added.
        pub fn switch_hook(mut self, hook: impl $crate::SwitchHook) -> Self {
            self.scopes.add(hook);
            self
        }

        /// Has futures that handlers wait for, in [`Context::block_on`](crate::Context::block_on), polled within that
        /// runtime: its timers and sockets work there. It is entered for each poll, and left before the handler
        /// waits. In such a poll nothing else can wait: that returns
        /// [`WaitError::Forbidden`](crate::WaitError::Forbidden).
        $(#[$of_tokio])*
        #[cfg(feature = "tokio")]
        pub fn tokio(mut self, runtime: tokio::runtime::Handle) -> Self {
            self.scopes.poll_in(runtime);
            self
        }
    };
}

pub(crate) use scope_options;
