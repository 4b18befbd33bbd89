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
        /// span, or of its tasks, has a span `ask` from the question to the end of the ask, or of the handler if the
        /// ask leaves it, with the fields `actor`, the one that is asked, `message_type`, `message_id` and
        /// `correlation`. Spans are made only if the subscriber has them enabled.
        ///
        /// - A task runs in the span in which it was begun.
        /// - The handling of a question is a child of the ask, and the ask one of the span in which it is made. So is
        ///   that of a question that is handed on by [`Reply::forward`](crate::Reply::forward), of an `ask` there. A
        ///   [`Router`](crate::Router) tells its routees what it is asked.
        /// - The handling of a message that was told is a root that follows from the span in which it was told,
        ///   unless the handlings are drawn by chance. While the message is under way, that span is not closed.
        /// - The handling of a message that was sent outside of the pool under
        ///   [`with_context`](crate::actor::with_context) with a [`RequestSpan`](crate::observe::RequestSpan) is a
        ///   child of that span. With [`Sampling::UnderContext`](crate::observe::Sampling::UnderContext), whatever
        ///   follows from a message that was sent under a context has spans, and nothing else.
        ///
        /// The spans of about 16,384 messages under way are known. A message that others have displaced, and one
        /// from another pool, is handled in a root.
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
