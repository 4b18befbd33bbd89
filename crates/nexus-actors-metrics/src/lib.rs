//! What the pools of [`nexus_actors`] do, as metrics of the [`metrics`] facade: for Prometheus, StatsD, or
//! whatever else has a recorder.
//!
//! ```
//! use nexus_actors::prelude::*;
//! use nexus_actors_metrics::PoolMetrics;
//!
//! // A recorder would be installed here, such as that of `metrics-exporter-prometheus`.
//! let metrics = PoolMetrics::new();
//! let pool = WorkerPool::builder()
//!     .name("orders")
//!     .observer(metrics.observer())
//!     .start()?;
//! let published = metrics.publish(&pool.node())?;
//!
//! let greeter = pool.spawn("greeter", Props::new(|| Behavior::receive(|_ctx, _name: String| ())))?;
//! greeter.tell("Ada".to_owned());
//!
//! pool.shutdown(Duration::from_secs(5))?;
//! drop(published); // the last figures are published
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A side thread reads what the pool counts anyhow, once a second, and writes it into the recorder. Handlers are
//! not slowed by that. For the two histograms, about a thousand handlings a second are measured on each worker, so
//! that the cost has a bound: the worker pushes a small
//! record into a bounded queue, without a lock and without an allocation, and the side thread takes it. If the
//! queue is full, the record is dropped and counted.
//!
//! [`ALL`] lists the metrics. All have the label `pool`, the pool's name, so pools of one program should have
//! different ones. No label contains the path of an actor: there may be millions of them. The crate's
//! README says what to do when a figure is bad, and how Grafana shows them. [`TIME_BUCKETS`] is for Prometheus.

mod catalogue;
mod labels;
mod publication;
mod published;
mod samples;

pub use self::catalogue::{ALL, Kind, Metric, TIME_BUCKETS};
pub use self::published::Published;

use metrics::Recorder;
use nexus_actors::WorkerNode;
use nexus_actors::observe::{Observer, Sampling};
use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use self::publication::Source;
use self::published::Shared;
use self::samples::Samples;

/// The metrics of one pool. See the [crate](self).
#[derive(Debug)]
pub struct PoolMetrics {
    options: PoolMetricsBuilder,
    samples: Arc<Samples>,
}

impl PoolMetrics {
    /// Metrics with the default options.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Metrics with other options.
    pub fn builder() -> PoolMetricsBuilder {
        PoolMetricsBuilder {
            sampling: Sampling::per_second(1_000),
            interval: Duration::from_secs(1),
            queue: NonZeroUsize::new(4096).expect("not zero"),
            deepest_every: None,
            recorder: None,
        }
    }

    /// Returns the observer that measures the samples of the histograms: for the builder of the pool, and of that
    /// one alone. Without it, the counters and gauges are published nevertheless.
    ///
    /// Nothing is sampled before [`publish`](Self::publish), and nothing after the end of the publication.
    pub fn observer(&self) -> impl Observer + use<> {
        Arc::clone(&self.samples)
    }

    /// Publishes the figures of the pool of that node from now on, by a side thread, until the returned guard is
    /// dropped. The pool is not kept running.
    ///
    /// The recorder is the global one, unless the builder was given [another](PoolMetricsBuilder::recorder). It
    /// should be installed by now: the descriptions of the metrics are given to it once.
    ///
    /// # Errors
    ///
    /// If the side thread cannot be started.
    pub fn publish(self, node: &WorkerNode) -> io::Result<Published> {
        let Self { options, samples } = self;
        samples.open(node.workers(), options.queue.get());
        let source = Source::new(node, Arc::clone(&samples), options.deepest_every);
        let shared = Shared::new(source, samples, options.recorder);
        Published::begin(shared, options.interval)
    }
}

impl Default for PoolMetrics {
    fn default() -> Self {
        Self::new()
    }
}

/// Options of [`PoolMetrics`].
///
/// ```
/// use nexus_actors::observe::Sampling;
/// use nexus_actors_metrics::PoolMetrics;
/// use std::time::Duration;
///
/// let metrics = PoolMetrics::builder()
///     .sampling(Sampling::one_in(1_000))
///     .interval(Duration::from_secs(10))
///     .deepest_every(Duration::from_secs(60))
///     .build();
/// # let _ = metrics;
/// ```
#[derive(Clone)]
#[must_use = "options do nothing until metrics are built"]
pub struct PoolMetricsBuilder {
    sampling: Sampling,
    interval: Duration,
    queue: NonZeroUsize,
    deepest_every: Option<Duration>,
    recorder: Option<Arc<dyn Recorder + Send + Sync>>,
}

impl PoolMetricsBuilder {
    /// Which handlings the histograms are made of. The default is about 1,000 in a second on each worker. With
    /// [`Sampling::None`] there are no histograms.
    pub fn sampling(self, sampling: Sampling) -> Self {
        Self { sampling, ..self }
    }

    /// The time from one publication to the next. The default is one second, and the shortest a millisecond.
    pub fn interval(self, interval: Duration) -> Self {
        Self { interval, ..self }
    }

    /// How many samples of one worker are kept from one publication to the next. Those beyond are dropped, and
    /// counted by `nexus_samples_dropped_total`. The default is 4,096, which takes about 200 KB for each worker.
    pub fn queue(self, samples: NonZeroUsize) -> Self {
        Self {
            queue: samples,
            ..self
        }
    }

    /// Also publishes `nexus_deepest_mailbox_messages`, at most that often, by a [snapshot] of the pool. Off by
    /// default: a snapshot looks at each actor, on its worker.
    ///
    /// [snapshot]: nexus_actors::WorkerPool::snapshot
    pub fn deepest_every(self, interval: Duration) -> Self {
        Self {
            deepest_every: Some(interval),
            ..self
        }
    }

    /// Publishes to that recorder, and not to the global one.
    pub fn recorder(self, recorder: Arc<dyn Recorder + Send + Sync>) -> Self {
        Self {
            recorder: Some(recorder),
            ..self
        }
    }

    /// Returns the metrics.
    pub fn build(self) -> PoolMetrics {
        let samples = Arc::new(Samples::new(self.sampling));
        PoolMetrics {
            options: self,
            samples,
        }
    }
}

impl fmt::Debug for PoolMetricsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolMetricsBuilder")
            .field("sampling", &self.sampling)
            .field("interval", &self.interval)
            .field("queue", &self.queue)
            .field("deepest_every", &self.deepest_every)
            .field("own_recorder", &self.recorder.is_some())
            .finish()
    }
}
