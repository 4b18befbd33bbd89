//! One publication: the figures of a pool, written into a recorder.

use metrics::{Histogram, Key, Label, Level, Metadata, Recorder};
use nexus_actors::DeadLetterReason;
use nexus_actors::WorkerNode;
use nexus_actors::inspect::{SnapshotOrder, SnapshotQuery};
use nexus_actors::pool::{PoolStats, WorkerStats};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::catalogue as names;
use crate::labels;
use crate::samples::{Measured, Samples};

/// The longest time for which a publication waits for the workers to find the longest mailbox.
const SEARCH: Duration = Duration::from_secs(1);

/// Where the figures of a pool come from, and how they are labelled.
pub(crate) struct Source {
    node: WorkerNode,
    samples: Arc<Samples>,
    deepest_every: Option<Duration>,
    /// When the longest mailbox was last looked for.
    looked: Option<Instant>,
    described: bool,
    pool: Label,
    workers: Vec<Label>,
}

impl Source {
    pub(crate) fn new(
        node: &WorkerNode,
        samples: Arc<Samples>,
        deepest_every: Option<Duration>,
    ) -> Self {
        let name = node.name().to_owned();
        let worker = |index: usize| Label::new("worker", index.to_string());
        Self {
            node: node.clone(),
            samples,
            deepest_every,
            looked: None,
            described: false,
            pool: Label::new("pool", name),
            workers: (0..node.workers()).map(worker).collect(),
        }
    }

    /// Writes all figures. Handles of metrics are not kept from one publication to the next: a recorder may be
    /// installed late, and may drop metrics that were idle.
    pub(crate) fn publish(&mut self, recorder: &dyn Recorder) {
        if !self.described {
            names::describe_all(recorder);
            self.described = true;
        }
        let to = Writer { recorder };
        let stats = self.node.stats();
        self.publish_pool(&to, &stats);
        for (worker, stats) in self.workers.iter().zip(&stats.workers) {
            self.publish_worker(&to, worker, stats);
        }
        self.publish_samples(&to);
        self.publish_deepest(&to);
    }

    fn of_pool(&self) -> Vec<Label> {
        vec![self.pool.clone()]
    }

    fn of_worker(&self, worker: &Label) -> Vec<Label> {
        vec![self.pool.clone(), worker.clone()]
    }

    fn publish_pool(&self, to: &Writer<'_>, stats: &PoolStats) {
        to.counter(
            names::SENT_FROM_OUTSIDE,
            self.of_pool(),
            stats.sent_from_outside,
        );
        to.counter(names::LATE_REPLIES, self.of_pool(), stats.late_replies);
        let letters = self.node.dead_letters();
        // Added up, as reasons that are unknown here share a label.
        let mut lost = BTreeMap::new();
        for &reason in DeadLetterReason::ALL {
            *lost.entry(labels::reason(reason)).or_insert(0) += letters.count(reason);
        }
        for (reason, count) in lost {
            let labels = with(self.of_pool(), "reason", reason);
            to.counter(names::DEAD_LETTERS, labels, count);
        }
    }

    fn publish_worker(&self, to: &Writer<'_>, worker: &Label, stats: &WorkerStats) {
        let counters = [
            (names::SENT, stats.sent),
            (names::HANDLED, stats.handled),
            (names::STARTED, stats.started),
            (names::RESTARTS, stats.restarts),
            (names::ASKS, stats.asks),
            (names::BUSY_TIME, stats.busy_nanos / 1_000),
            (names::PARKS, stats.parks),
            (names::BATCHES, stats.batches),
        ];
        for (name, value) in counters {
            to.counter(name, self.of_worker(worker), value);
        }
        for (outcome, count) in labels::unanswered(stats) {
            let labels = with(self.of_worker(worker), "outcome", outcome);
            to.counter(names::ASKS_UNANSWERED, labels, count);
        }
        let gauges = [
            (names::ACTORS, stats.actors),
            (names::QUEUED, stats.queued),
            (names::STASHED, stats.stashed),
            (names::WAITING, stats.waiting),
            (names::FIBERS, stats.fibers),
            (names::STACK_HIGH_WATER, stats.stack_high_water),
        ];
        for (name, value) in gauges {
            to.gauge(name, self.of_worker(worker), value);
        }
        for (part, bytes) in labels::memory(stats) {
            let labels = with(self.of_worker(worker), "part", part);
            to.gauge(names::MEMORY, labels, bytes);
        }
    }

    fn publish_samples(&self, to: &Writer<'_>) {
        for (worker, samples) in self.workers.iter().zip(self.samples.workers()) {
            let mut histograms = HashMap::new();
            for sample in samples.take() {
                let what = (sample.measured, sample.message_type);
                let histogram = histograms.entry(what).or_insert_with(|| {
                    let labels = self.of_worker(worker);
                    let labels = with(labels, "message", sample.message_type);
                    match sample.measured {
                        Measured::Handling(outcome) => {
                            let labels = with(labels, "outcome", labels::outcome(outcome));
                            to.histogram(names::HANDLING_TIME, labels)
                        }
                        Measured::Waiting => to.histogram(names::WAITING_TIME, labels),
                    }
                });
                histogram.record(sample.time);
            }
            let labels = self.of_worker(worker);
            to.counter(names::SAMPLES_DROPPED, labels, samples.dropped());
        }
    }

    /// Looks for the longest mailbox, if it is time to. The look asks the workers, so it comes last.
    fn publish_deepest(&mut self, to: &Writer<'_>) {
        let Some(every) = self.deepest_every else {
            return;
        };
        if self.looked.is_some_and(|looked| looked.elapsed() < every) {
            return;
        }
        let query = SnapshotQuery::new().order(SnapshotOrder::Deepest).limit(1);
        let found = self.node.snapshot(&query, SEARCH);
        self.looked = Some(Instant::now());
        // A pool of which no worker answers has ended, or is stuck: then nothing is known.
        if found.silent.len() < self.workers.len() {
            let deepest = found.actors.iter().map(|actor| actor.mailbox).max();
            to.gauge(names::DEEPEST, self.of_pool(), deepest.unwrap_or(0));
        }
    }
}

fn with(mut labels: Vec<Label>, key: &'static str, value: &'static str) -> Vec<Label> {
    labels.push(Label::from_static_parts(key, value));
    labels
}

/// Writes into a recorder as the macros of the facade do, with names and labels that are values.
struct Writer<'a> {
    recorder: &'a dyn Recorder,
}

impl Writer<'_> {
    const ABOUT: Metadata<'static> =
        Metadata::new(env!("CARGO_CRATE_NAME"), Level::INFO, Some(module_path!()));

    fn counter(&self, name: &'static str, labels: Vec<Label>, value: u64) {
        let key = Key::from_parts(name, labels);
        let counter = self.recorder.register_counter(&key, &Self::ABOUT);
        counter.absolute(value);
    }

    // Gauges are floating-point numbers, exact up to 2^53.
    #[allow(clippy::cast_precision_loss)]
    fn gauge(&self, name: &'static str, labels: Vec<Label>, value: u64) {
        let key = Key::from_parts(name, labels);
        let gauge = self.recorder.register_gauge(&key, &Self::ABOUT);
        gauge.set(value as f64);
    }

    fn histogram(&self, name: &'static str, labels: Vec<Label>) -> Histogram {
        let key = Key::from_parts(name, labels);
        self.recorder.register_histogram(&key, &Self::ABOUT)
    }
}
