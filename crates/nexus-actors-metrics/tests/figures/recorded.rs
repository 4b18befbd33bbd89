//! A recorder of its own for each test: the global one would be shared.

use metrics::{Key, Unit};
use metrics_util::MetricKind;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use nexus_actors::WorkerPool;
use nexus_actors::observe::Sampling;
use nexus_actors::pool::PoolStats;
use nexus_actors_metrics::{PoolMetrics, PoolMetricsBuilder};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::expected::{figures, id};
use crate::lives::SOON;

/// No test waits for the second publication of the side thread.
const NEVER: Duration = Duration::from_secs(1_000_000);

/// What a recorder knows of a name.
pub(crate) struct Described {
    pub(crate) kind: MetricKind,
    pub(crate) unit: Option<Unit>,
    pub(crate) text: Option<String>,
}

pub(crate) struct Recorded {
    pub(crate) recorder: Arc<DebuggingRecorder>,
    snapshotter: Snapshotter,
    /// Since the first look: a snapshot empties the recorder, and histograms are compared as a whole.
    pub(crate) histograms: BTreeMap<String, Vec<f64>>,
    /// At the last look.
    pub(crate) values: BTreeMap<String, f64>,
    pub(crate) names: BTreeMap<String, Described>,
}

impl Recorded {
    pub(crate) fn new() -> Self {
        let recorder = DebuggingRecorder::new();
        Self {
            snapshotter: recorder.snapshotter(),
            recorder: Arc::new(recorder),
            histograms: BTreeMap::new(),
            values: BTreeMap::new(),
            names: BTreeMap::new(),
        }
    }

    /// Published to this recorder, once and on demand, with all handlings as samples.
    pub(crate) fn options(&self) -> PoolMetricsBuilder {
        PoolMetrics::builder()
            .recorder(Arc::clone(&self.recorder) as _)
            .interval(NEVER)
            .sampling(Sampling::All)
    }

    /// Reads what was recorded since the last look.
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn look(&mut self) {
        self.values.clear();
        for (key, unit, text, value) in self.snapshotter.snapshot().into_vec() {
            let described = Described {
                kind: key.kind(),
                unit,
                text: text.map(|text| text.to_string()),
            };
            let name = key.key().name().to_owned();
            self.names.insert(name, described);
            let id = id_of(key.key());
            match value {
                DebugValue::Counter(count) => drop(self.values.insert(id, count as f64)),
                DebugValue::Gauge(value) => drop(self.values.insert(id, value.0)),
                DebugValue::Histogram(values) => {
                    let all = self.histograms.entry(id).or_default();
                    all.extend(values.iter().map(|value| value.0));
                }
            }
        }
    }

    /// Looks until that is so of what was recorded at one time.
    #[track_caller]
    pub(crate) fn look_until(&mut self, what: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + SOON;
        loop {
            self.look();
            if what(self) {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "not recorded: {:#?}",
                self.values
            );
            std::thread::yield_now();
        }
    }

    #[track_caller]
    pub(crate) fn value(&self, id: &str) -> f64 {
        let value = self.values.get(id);
        *value.unwrap_or_else(|| panic!("{id} is not among {:#?}", self.values))
    }

    /// The values of the histograms whose ids begin so.
    pub(crate) fn samples(&self, begin: &str) -> Vec<f64> {
        let all = self.histograms.iter();
        let these = all.filter(|(id, _)| id.starts_with(begin));
        these.flat_map(|(_, values)| values).copied().collect()
    }

    /// Each counter and gauge of the pool is what the pool counts.
    #[track_caller]
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn assert_equal(&self, pool: &WorkerPool, stats: &PoolStats) {
        for figure in figures(pool, stats) {
            let value = self.value(&figure.id);
            assert_eq!(value, figure.value as f64, "{}", figure.id);
        }
    }
}

fn id_of(key: &Key) -> String {
    let labels: Vec<(&str, &str)> = key
        .labels()
        .map(|label| (label.key(), label.value()))
        .collect();
    id(key.name(), &labels)
}
