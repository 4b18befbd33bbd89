//! The options for scopes that every builder has.

/// Builder methods, for a type whose field `scopes` holds its scopes. The given attributes are added to
/// `tokio`.
macro_rules! scope_options {
    ($(#[$of_tokio:meta])*) => {
        /// Adds a hook, which is called when a handler waits and when it resumes, and which removes what the
        /// handler has entered on its thread. Hooks are called in the order in which they were added.
        pub fn switch_hook(mut self, hook: impl $crate::scope::SwitchHook) -> Self {
            self.scopes.add(hook);
            self
        }

        /// Polls the futures that handlers wait for, in [`Context::block_on`](crate::Context::block_on),
        /// within that runtime, so that its timers and sockets work there.
        ///
        /// The runtime is entered for each poll, and left before the handler waits. During such a poll
        /// nothing else can wait: an attempt returns [`WaitError::Forbidden`](crate::WaitError::Forbidden).
        $(#[$of_tokio])*
        #[cfg(feature = "tokio")]
        pub fn tokio(mut self, runtime: tokio::runtime::Handle) -> Self {
            self.scopes.poll_in(runtime);
            self
        }
    };
}

pub(crate) use scope_options;
