//! The handle of the traces.

use nexus_actors::actor::with_context;
use nexus_actors::address::Envelope;
use nexus_actors::observe::{Observer, Sampling};
use opentelemetry::trace::{Tracer, TracerProvider};
use opentelemetry::{Context, InstrumentationScope};
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::recorder::{BeginSpan, Begun, Recorder};

/// The spans of one pool, system or simulation. A clone is another handle. See the [crate].
///
/// Pools that ask each other should have one each: message ids are unique within a pool.
#[derive(Clone)]
pub struct Traces {
    recorder: Arc<Recorder>,
}

impl Traces {
    /// Traces of the provider with the default options.
    pub fn new<P>(provider: &P) -> Self
    where
        P: TracerProvider,
        P::Tracer: Tracer<Span: Send + Sync + 'static> + Send + Sync + 'static,
    {
        Self::builder().build(provider)
    }

    /// Traces with other options.
    pub fn builder() -> TracesBuilder {
        TracesBuilder {
            sampling: Sampling::UnderContext,
            capacity: NonZeroUsize::new(1 << 16).expect("not zero"),
        }
    }

    /// Returns the observer that makes the spans: for the builder of the pool, and of that one alone.
    pub fn observer(&self) -> impl Observer + use<> {
        Arc::clone(&self.recorder)
    }

    /// Runs `code`; the messages that it sends belong to the trace of that context.
    ///
    /// Outside of handlers, this begins the trace of a request: `context` has the request's span, or what
    /// [`extract`](crate::extract) has read of its headers. The handling of each message that `code` sends is a
    /// child of that span. If there is none, each such handling is the root of a new trace.
    ///
    /// In a handler or a task, this is for messages that are sent within a span of its own, one that was begun
    /// with the context of [`context`](Self::context) as its parent: asks become children of that span, and tells
    /// link to it.
    ///
    /// If the span is not sampled, no spans are made of what follows, and the context is passed on as it is.
    ///
    /// Values and baggage of the context are passed on too: handlers find them in
    /// [`context`](Self::context). A message has one context alone, so a value that would be given to
    /// [`with_context`] is better put into this one, by
    /// [`Context::with_value`]. The newest 65,536 contexts of a process are kept.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use nexus_actors_opentelemetry::{Traces, extract, inject};
    /// use opentelemetry_sdk::trace::SdkTracerProvider;
    /// use std::collections::HashMap;
    ///
    /// let provider = SdkTracerProvider::builder().build();
    /// let traces = Traces::new(&provider);
    /// let pool = WorkerPool::builder().workers(1).observer(traces.observer()).start()?;
    /// let of_handler = traces.clone();
    /// let client = pool.spawn("client", Props::new(move || {
    ///     let traces = of_handler.clone();
    ///     Behavior::receive(move |ctx, reply: Reply<HashMap<String, String>>| {
    ///         let mut headers = HashMap::new();
    ///         inject(&traces.context(&ctx.envelope()), &mut headers);
    ///         reply.send(headers);
    ///     })
    /// }))?;
    ///
    /// let mut headers = HashMap::new();
    /// let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    /// headers.insert("traceparent".to_owned(), parent.to_owned());
    /// let asked = traces.in_context(extract(&headers), || {
    ///     client.ask(|reply| reply, Duration::from_secs(5))
    /// });
    /// let outgoing = asked.wait()?;
    /// assert_eq!(outgoing["traceparent"][..36], parent[..36], "the same trace");
    /// assert_ne!(outgoing["traceparent"], parent, "and the span of the handler");
    /// pool.shutdown(Duration::from_secs(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn in_context<R>(&self, context: Context, code: impl FnOnce() -> R) -> R {
        with_context(Begun(context), code)
    }

    /// Returns the context of the handling of that message: the parent for spans of the handler, and what
    /// [`inject`](crate::inject) writes into headers.
    ///
    /// The span is that of the handling. If none was made, it is the one under which the message was sent, and
    /// if there is none either, the context is empty. A task that continues after its handler gets the same one,
    /// as long as that is among the last few thousand handlings of which there are spans; one that may run for
    /// longer takes the context along.
    ///
    /// The context is not attached to the thread, as other handlers run on it while this one waits. Do not attach
    /// it across a wait either: give it to the calls that begin spans.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use nexus_actors::observe::Sampling;
    /// use nexus_actors_opentelemetry::Traces;
    /// use opentelemetry::trace::{Span, Tracer, TracerProvider};
    /// use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
    ///
    /// let exporter = InMemorySpanExporter::default();
    /// let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    /// let traces = Traces::builder().sampling(Sampling::All).build(&provider);
    /// let tracer = provider.tracer("store");
    /// let pool = WorkerPool::builder().workers(1).observer(traces.observer()).start()?;
    /// let store = pool.spawn("store", Props::new(move || {
    ///     let (traces, tracer) = (traces.clone(), tracer.clone());
    ///     Behavior::receive(move |ctx, _key: u64| {
    ///         let mut span = tracer.start_with_context("read", &traces.context(&ctx.envelope()));
    ///         ctx.sleep(Duration::from_millis(1))?;
    ///         span.end();
    ///         Ok(())
    ///     })
    /// }))?;
    /// store.tell(7);
    /// pool.shutdown(Duration::from_secs(5))?;
    /// let spans = exporter.get_finished_spans()?;
    /// assert_eq!([&*spans[0].name, &*spans[1].name], ["read", "process u64"]);
    /// assert_eq!(spans[0].parent_span_id, spans[1].span_context.span_id());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn context(&self, envelope: &Envelope) -> Context {
        self.recorder.context(envelope).unwrap_or_default()
    }

    /// Returns what is under way: for tests, and to watch the memory that the traces hold.
    pub fn counts(&self) -> TraceCounts {
        let [messages, handlings, asks] = self.recorder.entries();
        TraceCounts {
            messages,
            handlings,
            asks,
            displaced: self.recorder.displaced(),
        }
    }
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traces")
            .field("sampling", &self.recorder.sampling())
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}

/// What the traces of a pool hold at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TraceCounts {
    /// Messages that were sent in a trace, and are not handled yet.
    pub messages: u64,
    /// Handlings under way.
    pub handlings: u64,
    /// Asks without an outcome. One of a task that has left it stays until it is displaced: its end is not told.
    pub asks: u64,
    /// How many of these were given up so far, as the oldest of too many: see
    /// [`TracesBuilder::capacity`].
    pub displaced: u64,
}

/// Options of [`Traces`].
///
/// ```
/// use nexus_actors::observe::Sampling;
/// use nexus_actors_opentelemetry::Traces;
/// use opentelemetry_sdk::trace::SdkTracerProvider;
/// use std::num::NonZeroUsize;
///
/// let provider = SdkTracerProvider::builder().build();
/// let traces = Traces::builder()
///     .sampling(Sampling::one_in(1_000))
///     .capacity(NonZeroUsize::new(4_096).unwrap())
///     .build(&provider);
/// assert_eq!(traces.counts().displaced, 0);
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing until traces are built"]
pub struct TracesBuilder {
    sampling: Sampling,
    capacity: NonZeroUsize,
}

impl TracesBuilder {
    /// Which handlings get a span. The default is [`Sampling::UnderContext`]: those that follow from a message
    /// which was sent inside of [`in_context`](Traces::in_context), if its span is sampled. So traces are
    /// whole, and who begins one decides. Messages under a context of another type get no spans.
    ///
    /// - With [`Sampling::All`], traces are whole as well. A message from outside without a context begins one, and
    ///   the sampler of the provider decides about it.
    /// - With [`Sampling::one_in`] and [`Sampling::per_second`], trees fall apart: a handling is drawn by itself, and
    ///   not with the one that it follows from. Its spans are its own and those of its asks. If it was sent by a handling that was not
    ///   drawn, it is a child of the span under which the trace began, or a root if there is none.
    pub fn sampling(self, sampling: Sampling) -> Self {
        Self { sampling, ..self }
    }

    /// How many messages under way, handlings and asks are kept, of each kind. The default is 65,536. If there are
    /// more, the oldest one is given up and [counted](TraceCounts::displaced): of a message, the cause is then
    /// unknown, and it is a child of the span under which its trace began; a span of a handling or an ask ends early.
    pub fn capacity(self, entries: NonZeroUsize) -> Self {
        Self {
            capacity: entries,
            ..self
        }
    }

    /// Returns traces that make spans by a tracer of that provider.
    pub fn build<P>(self, provider: &P) -> Traces
    where
        P: TracerProvider,
        P::Tracer: Tracer<Span: Send + Sync + 'static> + Send + Sync + 'static,
    {
        let scope = InstrumentationScope::builder(env!("CARGO_PKG_NAME"))
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        let tracer: Box<dyn BeginSpan> = Box::new(provider.tracer_with_scope(scope));
        Traces {
            recorder: Arc::new(Recorder::new(tracer, self.sampling, self.capacity.get())),
        }
    }
}
