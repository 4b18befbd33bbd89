//! What the tests share: actors that do as they are told, and the spans that the exporter has.

use nexus_actors::prelude::*;
use nexus_actors_opentelemetry::{Traces, TracesBuilder, extract};
use opentelemetry::Context as Cx;
use opentelemetry::trace::{SpanId, SpanKind, Status, TracerProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracer, SdkTracerProvider, SpanData};
use std::collections::HashMap;
use std::error::Error;
use std::fmt;

pub(crate) const LONG: Duration = Duration::from_secs(30);
pub(crate) const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
pub(crate) const SPAN: &str = "b7ad6b7169203331";

pub(crate) type Tested = Result<(), Box<dyn Error>>;

/// Headers of a request of that trace.
pub(crate) fn headers(trace: &str, flags: &str) -> HashMap<String, String> {
    let parent = format!("00-{trace}-{SPAN}-{flags}");
    HashMap::from([("traceparent".to_owned(), parent)])
}

/// The context of a request that is sampled.
pub(crate) fn request() -> Cx {
    extract(&headers(TRACE, "01"))
}

type Work = Box<dyn FnOnce(&mut Context<'_, Job>) -> HandlerResult<Job> + Send>;

/// A message that is the work of its handler.
pub(crate) struct Job(Work);

impl Job {
    /// Work after which its actor continues.
    pub(crate) fn new(
        work: impl FnOnce(&mut Context<'_, Job>) -> Result<(), BoxError> + Send + 'static,
    ) -> Self {
        Self::ending(|ctx| work(ctx).map(|()| Next::Same))
    }

    /// Work that says what becomes of its actor.
    pub(crate) fn ending(
        work: impl FnOnce(&mut Context<'_, Job>) -> HandlerResult<Job> + Send + 'static,
    ) -> Self {
        Self(Box::new(work))
    }
}

/// An actor that does the work of its messages.
pub(crate) fn worker() -> Props<Job> {
    Props::new(|| {
        Behavior::with_stash(10, |_ctx| {
            Ok(Behavior::receive(
                |ctx: &mut Context<'_, Job>, Job(work)| work(ctx),
            ))
        })
    })
}

/// Asks a worker to do that, and to reply when it has.
pub(crate) fn ask(
    actor: ActorRef<Job>,
    work: impl FnOnce(&mut Context<'_, Job>) -> Result<(), BoxError> + Send + 'static,
) -> Ask<()> {
    let job = move |reply: Reply<()>| {
        Job::new(move |ctx| {
            work(ctx)?;
            reply.send(());
            Ok(())
        })
    };
    actor.ask(job, LONG)
}

/// Traces into memory.
pub(crate) struct Recorded {
    pub(crate) provider: SdkTracerProvider,
    exporter: InMemorySpanExporter,
    pub(crate) traces: Traces,
}

impl Recorded {
    pub(crate) fn new() -> Self {
        Self::with(Traces::builder())
    }

    pub(crate) fn with(options: TracesBuilder) -> Self {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone());
        Self::of(provider.build(), exporter, options)
    }

    pub(crate) fn of(
        provider: SdkTracerProvider,
        exporter: InMemorySpanExporter,
        options: TracesBuilder,
    ) -> Self {
        Self {
            traces: options.build(&provider),
            provider,
            exporter,
        }
    }

    pub(crate) fn pool(&self, workers: usize) -> Result<WorkerPool, Box<dyn Error>> {
        let pool = WorkerPool::builder()
            .workers(workers)
            .on_failure(|_| {})
            .observer(self.traces.observer());
        Ok(pool.start()?)
    }

    pub(crate) fn tracer(&self) -> SdkTracer {
        self.provider.tracer("test")
    }

    pub(crate) fn spans(&self) -> Spans {
        Spans(self.exporter.get_finished_spans().unwrap())
    }

    /// Nothing may be left when a pool has ended.
    pub(crate) fn assert_nothing_left(&self) {
        let counts = self.traces.counts();
        let left = [
            counts.messages,
            counts.handlings,
            counts.asks,
            counts.displaced,
        ];
        assert_eq!(left, [0; 4], "{counts:?}");
    }
}

pub(crate) struct Spans(pub(crate) Vec<SpanData>);

impl Spans {
    /// Returns the spans of the handlings of that actor, in the order in which they ended.
    pub(crate) fn handlings(&self, actor: &str) -> Vec<&SpanData> {
        self.of("process", actor)
    }

    /// Returns the only span of a handling of that actor.
    pub(crate) fn handling(&self, actor: &str) -> &SpanData {
        only(&self.handlings(actor), actor)
    }

    /// Returns the only span of an ask of that actor.
    pub(crate) fn ask(&self, actor: &str) -> &SpanData {
        only(&self.asks(actor), actor)
    }

    /// Returns the spans of the asks of that actor, in the order in which they ended.
    pub(crate) fn asks(&self, actor: &str) -> Vec<&SpanData> {
        self.of("ask", actor)
    }

    /// Returns the only span of that name.
    pub(crate) fn named(&self, name: &str) -> &SpanData {
        let all: Vec<_> = self.0.iter().filter(|span| span.name == name).collect();
        only(&all, name)
    }

    fn of(&self, operation: &str, actor: &str) -> Vec<&SpanData> {
        let path = format!("/user/{actor}");
        let all = self.0.iter().filter(|span| {
            attribute(span, "messaging.operation.name").as_deref() == Some(operation)
                && attribute(span, "messaging.destination.name").as_deref() == Some(&path)
        });
        all.collect()
    }
}

/// One line for each span.
impl fmt::Debug for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for span in &self.0 {
            let actor = attribute(span, "messaging.destination.name");
            let (trace, id) = (span.span_context.trace_id(), span.span_context.span_id());
            let links: Vec<_> = span
                .links
                .iter()
                .map(|link| link.span_context.span_id())
                .collect();
            let (name, parent, outcome) = (
                &span.name,
                span.parent_span_id,
                attribute(span, "nexus.outcome"),
            );
            writeln!(
                f,
                "{trace} {id} of {parent}, {links:?}: {name} {actor:?} {outcome:?}"
            )?;
        }
        Ok(())
    }
}

fn only<'a>(found: &[&'a SpanData], what: &str) -> &'a SpanData {
    let &[one] = found else {
        panic!("{} spans of {what}, and not one", found.len());
    };
    one
}

pub(crate) fn attribute(span: &SpanData, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|one| one.key.as_str() == key);
    found.map(|one| one.value.to_string())
}

pub(crate) fn trace_of(span: &SpanData) -> String {
    span.span_context.trace_id().to_string()
}

pub(crate) fn assert_child(span: &SpanData, parent: &SpanData) {
    assert_eq!(span.parent_span_id, parent.span_context.span_id());
    assert_eq!(trace_of(span), trace_of(parent));
    assert!(span.links.is_empty(), "{span:?}");
}

/// Asserts that a handling is a root that links to one span: the span of its cause.
pub(crate) fn assert_root_after(span: &SpanData, cause: &SpanData) {
    assert_eq!(span.parent_span_id, SpanId::INVALID);
    assert_ne!(trace_of(span), trace_of(cause));
    let links: Vec<_> = span.links.iter().map(|link| &link.span_context).collect();
    assert_eq!(links, [&cause.span_context]);
    assert_eq!(span.span_kind, SpanKind::Consumer);
}

pub(crate) fn assert_error(span: &SpanData, error_type: &str) {
    assert_eq!(attribute(span, "error.type").as_deref(), Some(error_type));
    assert!(
        matches!(span.status, Status::Error { .. }),
        "{:?}",
        span.status
    );
}
