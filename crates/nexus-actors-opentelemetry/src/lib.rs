//! Traces and metrics of [`nexus_actors`] for [`opentelemetry`].
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
