//! Traces and metrics of [`nexus_actors`] for [`opentelemetry`].
//!
//! - [`Traces`] makes a span of each handling of a message and of each ask, as an
//!   [`Observer`](nexus_actors::observe::Observer) of a pool, a system or a simulation.
//! - [`extract`] and [`inject`] read and write the headers of W3C Trace Context.
//! - [`PoolMetrics`] has the figures of a pool read by a meter.
//!
//! A handling of a question is a server's span, and a child of the client's span of its ask, which is a child of
//! the handling of the asker. A handling of another message is a consumer's span: the root of a trace, with a link
//! to the handling of its sender. The crate's README has the table, and the attributes.
//!
//! ```
//! use nexus_actors::prelude::*;
//! use nexus_actors_opentelemetry::Traces;
//! use opentelemetry::trace::{TraceContextExt, Tracer, TracerProvider};
//! use opentelemetry::Context as Cx;
//! use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
//!
//! let exporter = InMemorySpanExporter::default();
//! let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
//! let traces = Traces::new(&provider);
//! let pool = WorkerPool::builder().workers(1).observer(traces.observer()).start()?;
//! let store = pool.spawn("store", Props::new(|| Behavior::receive(|_ctx, _key: u64| ())))?;
//!
//! let edge = Cx::new().with_span(provider.tracer("edge").start("request"));
//! traces.in_context(edge.clone(), || store.tell(7));
//! pool.shutdown(Duration::from_secs(5))?;
//! edge.span().end();
//!
//! let spans = exporter.get_finished_spans()?;
//! assert_eq!([&*spans[0].name, &*spans[1].name], ["process u64", "request"]);
//! assert_eq!(spans[0].parent_span_id, spans[1].span_context.span_id());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Spans have the time of the system's clock, also in a simulation, whose own clock is not that one.

mod attributes;
mod figures;
mod metrics;
mod recorder;
mod table;
mod traces;
mod w3c;

pub use self::metrics::{ObservedMetrics, PoolMetrics};
pub use self::traces::{TraceCounts, Traces, TracesBuilder};
pub use self::w3c::{extract, inject};

/// The program in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
