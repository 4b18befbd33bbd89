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
        /// handles messages in a span each: all, those that are drawn, or those that have a context.
        ///
        /// Hooks that were set before, or that are the default and write to the standard error, are no longer
        /// called; set others after this call.
        ///
        /// The span of a handling has the name `handle`, the level `INFO`, and the fields `actor`,
        /// `message_type`, `message_id`, `correlation`, `causation` and `sender`, the last two if there are any.
        /// The handler is in its span also after a wait, and nobody else is meanwhile. Each ask of a handler in a
        /// span, or of its tasks, has a span `ask` from the question to the end of the ask, with the fields
        /// `actor`, the one that is asked, `message_type`, `message_id` and `correlation`. Spans are made only if
        /// the subscriber has them enabled.
        ///
        /// - A task runs in the span in which it was begun.
        /// - The handling of a question is a child of the ask, and the ask one of the span in which it is made.
        /// - The handling of a message that was told is a root that follows from the span in which it was told,
        ///   unless [`Sampling::OneIn`](crate::observe::Sampling::OneIn) draws the handlings. While the message is
        ///   under way, that span is not closed. The newest 16,384 messages are known; one that is older is a root.
        /// - The handling of a message that was sent outside of the pool under
        ///   [`with_context`](crate::actor::with_context) with a [`Span`](tracing::Span) is a child of that span.
        ///   With [`Sampling::UnderContext`](crate::observe::Sampling::UnderContext), exactly what follows from
        ///   such a message has spans.
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
