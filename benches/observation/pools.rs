//! Pools that are observed in different ways.

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use nexus_actors::observe::Sampling;
use nexus_actors::pool::WaitStrategy;
use nexus_actors::prelude::*;
use nexus_actors_metrics::{PoolMetrics, Published, TIME_BUCKETS};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tracing::span::{Attributes, Id};
use tracing_subscriber::layer::{Context as LayerContext, Layer, SubscriberExt};

const PATIENCE: Duration = Duration::from_secs(60);
const METRICS: &str = "metrics";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Observed {
    No,
    /// Metrics with their default sampling, published once a second to a recorder for Prometheus.
    ByMetrics,
    /// One message in a thousand in a span, and a subscriber that keeps the spans.
    BySpans,
    /// As the first one, which it is compared with like the others: what is not one here is not due to observers.
    NoAgain,
}

impl Observed {
    /// The first one is what the others are compared with.
    pub(crate) const ALL: [Self; 4] = [Self::No, Self::ByMetrics, Self::BySpans, Self::NoAgain];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::No => "no observer",
            Self::ByMetrics => "metrics, as by default",
            Self::BySpans => "spans, one in 1,000",
            Self::NoAgain => "no observer, another pool",
        }
    }
}

static SPANS: AtomicU64 = AtomicU64::new(0);
/// Messages that pools of each kind have handled.
static HANDLED: [AtomicU64; Observed::ALL.len()] = [const { AtomicU64::new(0) }; 4];

/// Counts the spans: the registry below it is what keeps them.
struct CountSpans;

impl<S: tracing::Subscriber> Layer<S> for CountSpans {
    fn on_new_span(&self, _: &Attributes<'_>, _: &Id, _: LayerContext<'_, S>) {
        SPANS.fetch_add(1, Relaxed);
    }
}

/// What the process needs for its observers.
pub(crate) struct Observers {
    prometheus: PrometheusHandle,
}

impl Observers {
    pub(crate) fn install() -> Self {
        let spans = tracing_subscriber::registry().with(CountSpans);
        tracing::subscriber::set_global_default(spans).expect("the first one");
        let times = Matcher::Suffix("_time_seconds".to_owned());
        let prometheus = PrometheusBuilder::new().set_buckets_for_metric(times, TIME_BUCKETS);
        let prometheus = prometheus.expect("there are buckets").install_recorder();
        Self {
            prometheus: prometheus.expect("the first one"),
        }
    }

    pub(crate) fn pool(&self, observed: Observed, workers: usize) -> ObservedPool {
        let spinning = WaitStrategy::SpinThenPark(Duration::from_millis(1));
        let builder = WorkerPool::builder()
            .workers(workers)
            .wait_strategy(spinning);
        let (pool, published) = match observed {
            Observed::No | Observed::NoAgain => (builder.start(), None),
            Observed::ByMetrics => {
                let metrics = PoolMetrics::new();
                let builder = builder.name(METRICS).observer(metrics.observer());
                let pool = builder.start();
                let node = pool.as_ref().expect("starts").node();
                (pool, Some(metrics.publish(&node).expect("starts")))
            }
            Observed::BySpans => (builder.tracing(Sampling::one_in(1_000)).start(), None),
        };
        ObservedPool {
            pool: pool.expect("starts"),
            observed,
            published,
        }
    }

    /// What an exporter does now and then.
    pub(crate) fn keep_up(&self) {
        self.prometheus.run_upkeep();
    }

    /// Makes sure that the pools were observed, by their samples and spans.
    ///
    /// # Panics
    ///
    /// If they were not, although they have handled so much that chance cannot be the reason.
    pub(crate) fn check(&self) {
        let samples = self.prometheus.render();
        let samples = samples
            .lines()
            .filter(|line| line.starts_with("nexus_message_handling_time_seconds_count{"))
            .count();
        let handled = |observed: Observed| HANDLED[observed as usize].load(Relaxed);
        assert!(samples > 0 || handled(Observed::ByMetrics) < 5_000);
        let spans = SPANS.load(Relaxed);
        assert!(spans > 0 || handled(Observed::BySpans) < 50_000);
        println!("\n{spans} spans, and samples of {samples} kinds");
    }
}

pub(crate) struct ObservedPool {
    pool: WorkerPool,
    observed: Observed,
    published: Option<Published>,
}

impl ObservedPool {
    pub(crate) fn pool(&self) -> &WorkerPool {
        &self.pool
    }

    pub(crate) fn end(self) {
        self.pool.shutdown(PATIENCE).expect("ends");
        drop(self.published);
        let handled = self.pool.stats().handled();
        HANDLED[self.observed as usize].fetch_add(handled, Relaxed);
    }
}
