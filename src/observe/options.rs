//! The options of builders about observers.

/// Defines the methods of a builder with a field `observers`. The silence is what takes the place of the hooks
/// that write to the standard error.
macro_rules! observe_options {
    (|$builder:ident| $silence:expr) => {
        /// Adds an observer, which is told what the actors do: see [`observe`](crate::observe). Several are
        /// called in the order in which they were added.
        pub fn observer(mut self, observer: impl $crate::observe::Observer) -> Self {
            self.observers.add(observer);
            self
        }

        /// Writes failures, restarts, dead letters, slow handlers and deadlocks as events of `tracing`, and
        /// handles messages in a span each: all, or those that are drawn.
        ///
        /// Hooks that were set before, or that are the default and write to the standard error, are no longer
        /// called; set others after this call. A span has the name `handle`, the level `INFO`, and the fields
        /// `actor`, `message_type`, `message_id`, `correlation`, `causation` and `sender`, the last two if there
        /// are any. It is a root, with a causation that is the message id of another span. It is made only if the
        /// subscriber has it enabled. The handler is in its span also after a wait, and nobody else is meanwhile.
        #[cfg(feature = "tracing")]
        pub fn tracing(mut self, spans: $crate::observe::Sampling) -> Self {
            self.observers.write_events(spans);
            let $builder = &mut self;
            $silence;
            self
        }
    };
}

pub(crate) use observe_options;
