//! The observer that makes spans.

use nexus_actors::address::{ActorId, Envelope, MessageId};
use nexus_actors::failure::DeadLetter;
use nexus_actors::observe::{
    AskEnded, Handled, Handling, MessageSource, Observer, Sampling, SendBegun,
};
use opentelemetry::baggage::{BaggageExt, KeyValueMetadata};
use opentelemetry::trace::{Link, SpanBuilder, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};

use crate::attributes;
use crate::table::Table;

/// Begins spans; a tracer without its types.
pub(crate) trait BeginSpan: Send + Sync {
    /// Begins a child of the context's span. Returns the context with the new span in its place.
    fn begin_child(&self, span: SpanBuilder, parent: &Context) -> Context;

    /// Begins a root. Returns that context with the new span in place of its own.
    fn begin_root(&self, span: SpanBuilder, context: &Context) -> Context;
}

impl<T: Tracer + Send + Sync> BeginSpan for T
where
    T::Span: Send + Sync + 'static,
{
    fn begin_child(&self, span: SpanBuilder, parent: &Context) -> Context {
        parent.with_span(self.build_with_context(span, parent))
    }

    fn begin_root(&self, span: SpanBuilder, context: &Context) -> Context {
        // A span cannot be taken out of a context, and samplers take an invalid one for a parent that is not
        // sampled. So they see its baggage alone.
        let baggage = context.baggage().iter();
        let baggage = baggage.map(|(name, (value, metadata))| {
            KeyValueMetadata::new(name.clone(), value.clone(), metadata.clone())
        });
        let root = Context::new().with_baggage(baggage);
        context.with_span(self.build_with_context(span, &root))
    }
}

/// The context under which the messages of `in_context` are sent.
pub(crate) struct Begun(pub(crate) Context);

/// What a handling follows from.
#[derive(Clone)]
struct Cause {
    context: Context,
    /// The handling is a child of the context's span. Otherwise it is a root that links to it.
    parent: bool,
    question: bool,
}

impl Cause {
    /// Whether its trace is not recorded, which is respected.
    fn is_unsampled(&self) -> bool {
        is_unsampled(&self.context)
    }
}

/// A handling under way, or one that has ended.
#[derive(Clone)]
struct InHandling {
    context: Context,
    /// The correlation of its message. A message that it sends with another one is sent under another context.
    correlation: MessageId,
}

struct Open {
    handling: InHandling,
    actor: ActorId,
    /// The questions of the handler itself that have no outcome yet.
    asks: Vec<MessageId>,
    /// For the next handling of the same message, if this one stashes it.
    cause: Cause,
}

/// An ask that has no outcome yet.
struct Asking {
    context: Context,
    /// The message whose handler asks.
    within: Option<MessageId>,
}

impl Asking {
    fn end(&self) {
        self.context.span().end();
    }
}

pub(crate) struct Recorder {
    tracer: Box<dyn BeginSpan>,
    sampling: Sampling,
    /// What messages under way follow from.
    sent: Table<Cause>,
    open: Table<Open>,
    /// Asks that have no outcome yet, by the ids of their questions.
    asks: Table<Asking>,
    /// The contexts of handlings that have ended: their tasks and timers may be left.
    ended: Table<InHandling>,
}

impl Recorder {
    pub(crate) fn new(tracer: Box<dyn BeginSpan>, sampling: Sampling, capacity: usize) -> Self {
        Self {
            tracer,
            sampling,
            sent: Table::new(capacity),
            open: Table::new(capacity),
            asks: Table::new(capacity),
            ended: Table::new(capacity / 16),
        }
    }

    /// Returns the sizes of the tables: messages, handlings, asks.
    pub(crate) fn entries(&self) -> [u64; 3] {
        [self.sent.len(), self.open.len(), self.asks.len()]
    }

    pub(crate) fn displaced(&self) -> u64 {
        self.sent.displaced() + self.open.displaced() + self.asks.displaced()
    }

    /// Returns the context in which the handler of a message is, or the task that it has spawned.
    pub(crate) fn context(&self, envelope: &Envelope) -> Option<Context> {
        self.in_handling(envelope.message_id(), envelope)
            .or_else(|| begun(envelope))
    }

    /// Returns the context in which that handling sends a message with this envelope, or calls under it.
    fn in_handling(&self, handling: MessageId, envelope: &Envelope) -> Option<Context> {
        let open = self.open.get(handling, |open| open.handling.clone());
        let found = open.or_else(|| self.ended.get(handling, InHandling::clone))?;
        if found.correlation == envelope.correlation_id() {
            return Some(found.context);
        }
        Some(begun(envelope).unwrap_or(found.context))
    }

    fn cause(&self, event: &Handling<'_>) -> Option<Cause> {
        let envelope = &event.envelope;
        if let Some(cause) = self.sent.remove(envelope.message_id()) {
            return Some(cause);
        }
        let cause = |context, parent| Cause {
            context,
            parent,
            // Of a message from outside it is not told.
            question: false,
        };
        if event.source == MessageSource::Timer {
            // Not a child: a periodic timer would make a trace without end.
            let set_by = envelope.causation_id();
            let set_by = set_by.and_then(|handling| self.in_handling(handling, envelope));
            if let Some(context) = set_by.or_else(|| begun(envelope)) {
                return Some(cause(context, false));
            }
        }
        if let Some(context) = begun(envelope) {
            // All that follows finds the same context, so nothing need be written down.
            return (!is_unsampled(&context)).then(|| cause(context, true));
        }
        let roots = self.sampling != Sampling::UnderContext;
        roots.then(|| cause(Context::new(), true))
    }

    fn begin_handling(&self, event: &Handling<'_>, cause: &Cause) -> Context {
        if cause.is_unsampled() {
            return cause.context.clone();
        }
        let span = attributes::of_handling(event, cause.question);
        if cause.parent {
            return self.tracer.begin_child(span, &cause.context);
        }
        let linked = cause.context.span().span_context().clone();
        // A handler may send within a context that has no span.
        let links = linked.is_valid().then(|| Link::with_context(linked));
        let span = span.with_links(links.into_iter().collect());
        self.tracer.begin_root(span, &cause.context)
    }
}

impl Recorder {
    fn begin_ask(&self, envelope: &Envelope, context: Context) {
        let (id, within) = (envelope.message_id(), envelope.causation_id());
        let gone = self.asks.insert(id, Asking { context, within });
        for gone in [gone.0, gone.1].into_iter().flatten() {
            gone.end();
        }
        // A task may outlive the handling.
        let asks = |open: &mut Open| {
            if envelope.sender() == Some(open.actor) {
                open.asks.push(id);
            }
        };
        within.and_then(|handling| self.open.update(handling, asks));
    }
}

impl Observer for Recorder {
    fn sampling(&self) -> Sampling {
        self.sampling
    }

    fn observes_sends(&self) -> bool {
        true
    }

    fn handling(&self, event: &Handling<'_>) {
        let Some(cause) = self.cause(event) else {
            return;
        };
        let envelope = &event.envelope;
        let handling = InHandling {
            context: self.begin_handling(event, &cause),
            correlation: envelope.correlation_id(),
        };
        let open = Open {
            handling,
            actor: event.actor.id,
            asks: Vec::new(),
            cause,
        };
        let gone = self.open.insert(envelope.message_id(), open);
        for gone in [gone.0, gone.1].into_iter().flatten() {
            for question in &gone.asks {
                self.asks.remove(*question).inspect(Asking::end);
            }
            if !gone.cause.is_unsampled() {
                gone.handling.context.span().end();
            }
        }
    }

    fn handled(&self, event: &Handled<'_>) {
        let id = event.envelope.message_id();
        let Some(open) = self.open.remove(id) else {
            return;
        };
        // Questions that were forwarded, and asks that have left the handler: their ends are not told.
        for question in open.asks {
            self.asks.remove(question).inspect(Asking::end);
        }
        let (handling, cause) = (open.handling, open.cause);
        // Without a span of its own, it has that of its cause.
        if !cause.is_unsampled() {
            let span = handling.context.span();
            let (outcome, is_error) = attributes::outcome(event.outcome);
            span.set_attribute(KeyValue::new(attributes::OUTCOME, outcome));
            if is_error {
                span.set_attribute(KeyValue::new(attributes::ERROR_TYPE, outcome));
                span.set_status(Status::error(outcome));
            }
            span.end();
        }
        if event.stashed {
            self.sent.insert(id, cause);
        }
        self.ended.insert(id, handling);
    }

    fn sending(&self, event: &SendBegun<'_>) {
        let envelope = &event.envelope;
        let is_told_on = match self.sampling {
            Sampling::UnderContext => envelope.has_context(),
            Sampling::All | Sampling::None => true,
            // Its handling is hardly ever drawn, and nothing would take the entry out. An ask has an end.
            Sampling::OneIn(_) | Sampling::PerSecond(_) => event.is_question,
        };
        if !is_told_on {
            return;
        }
        let handling = envelope.causation_id();
        let context = handling.and_then(|handling| self.in_handling(handling, envelope));
        // Without a span, a handler may begin a trace of its own.
        let begun = || begun(envelope).filter(|context| !is_unsampled(context));
        let Some(context) = context.or_else(begun) else {
            return;
        };
        let id = envelope.message_id();
        let question = event.is_question;
        let context = if question && !is_unsampled(&context) {
            let ask = self.tracer.begin_child(attributes::of_ask(event), &context);
            self.begin_ask(envelope, ask.clone());
            ask
        } else {
            context
        };
        let cause = Cause {
            context,
            parent: question,
            question,
        };
        self.sent.insert(id, cause);
    }

    fn asked(&self, event: &AskEnded<'_>) {
        // Its handling may not have been drawn.
        if !matches!(self.sampling, Sampling::UnderContext | Sampling::All) {
            self.sent.remove(event.question);
        }
        let Some(ask) = self.asks.remove(event.question) else {
            return;
        };
        let ended = |open: &mut Open| {
            if let Some(at) = open.asks.iter().rposition(|id| *id == event.question) {
                open.asks.swap_remove(at);
            }
        };
        ask.within
            .and_then(|handling| self.open.update(handling, ended));
        if let Err(kind) = event.outcome {
            let span = ask.context.span();
            let (error_type, description) = attributes::ask_error(kind);
            span.set_attribute(KeyValue::new(attributes::ERROR_TYPE, error_type));
            span.set_status(Status::error(description));
        }
        ask.end();
    }

    fn dead_letter(&self, letter: &DeadLetter) {
        let Some(cause) = self.sent.remove(letter.envelope.message_id()) else {
            return;
        };
        // For the sender of a tell, nothing else shows the loss.
        let about = vec![
            KeyValue::new(attributes::REASON, letter.reason.to_string()),
            KeyValue::new(attributes::MESSAGE_TYPE, letter.message_type),
        ];
        cause.context.span().add_event(attributes::LOST, about);
    }
}

fn begun(envelope: &Envelope) -> Option<Context> {
    envelope.context::<Begun>().map(|begun| begun.0.clone())
}

fn is_unsampled(context: &Context) -> bool {
    let span = context.span();
    let span = span.span_context();
    span.is_valid() && !span.is_sampled()
}
