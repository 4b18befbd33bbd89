//! The names of all metrics, with what a reader of them needs to know.

use metrics::{Recorder, Unit};

/// What kind of metric it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// It never decreases while its pool lives.
    Counter,
    /// What is so at present.
    Gauge,
    /// The distribution of sampled values.
    Histogram,
}

/// A metric that this crate publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// What it is measured in.
    pub unit: Unit,
    /// Its labels, beside `pool`.
    pub labels: &'static [&'static str],
    /// What it means: the text that a recorder is given.
    pub description: &'static str,
}

impl Metric {
    fn describe(&self, recorder: &dyn Recorder) {
        let (name, unit) = (self.name.into(), Some(self.unit));
        let text = self.description.into();
        match self.kind {
            Kind::Counter => recorder.describe_counter(name, unit, text),
            Kind::Gauge => recorder.describe_gauge(name, unit, text),
            Kind::Histogram => recorder.describe_histogram(name, unit, text),
        }
    }
}

/// Tells a recorder what each metric means.
pub(crate) fn describe_all(recorder: &dyn Recorder) {
    ALL.iter().for_each(|metric| metric.describe(recorder));
}

/// Upper bounds of buckets for the two histograms, in seconds: from 100 ns to 10 s, in steps of two or two and a
/// half.
///
/// An exporter for Prometheus has to be told its buckets. Without them `metrics-exporter-prometheus` would show
/// quantiles, which cannot be added up over workers.
///
/// ```
/// use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
/// use nexus_actors_metrics::TIME_BUCKETS;
///
/// let times = Matcher::Suffix("_time_seconds".to_owned());
/// let prometheus = PrometheusBuilder::new()
///     .set_buckets_for_metric(times, TIME_BUCKETS)?
///     .install_recorder()?;
/// // For each scrape:
/// let text = prometheus.render();
/// # assert_eq!(text, "");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub const TIME_BUCKETS: &[f64] = &[
    1e-7, 2.5e-7, 5e-7, 1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3,
    5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

macro_rules! catalogue {
    ($($constant:ident = $name:literal, $kind:ident in $unit:ident, [$($label:literal),*]: $text:literal;)+) => {
        $(pub(crate) const $constant: &str = $name;)+

        /// All metrics that this crate publishes.
        pub const ALL: &[Metric] = &[$(Metric {
            name: $name,
            kind: Kind::$kind,
            unit: Unit::$unit,
            labels: &[$($label),*],
            description: $text,
        }),+];
    };
}

catalogue! {
    SENT = "nexus_sent_messages_total", Counter in Count, ["worker"]:
        "Messages sent on the worker to actors of the same pool.";
    HANDLED = "nexus_handled_messages_total", Counter in Count, ["worker"]:
        "Messages that the worker's actors handled, or are handling.";
    SENT_FROM_OUTSIDE = "nexus_sent_from_outside_messages_total", Counter in Count, []:
        "Messages sent to the pool's actors by threads and pools outside.";
    DEAD_LETTERS = "nexus_dead_letters_total", Counter in Count, ["reason"]:
        "Messages that were lost, by the reason.";
    STARTED = "nexus_started_actors_total", Counter in Count, ["worker"]:
        "Actors that were started on the worker.";
    RESTARTS = "nexus_restarts_total", Counter in Count, ["worker"]:
        "Restarts of the worker's actors that have begun.";
    ASKS = "nexus_asks_total", Counter in Count, ["worker"]:
        "Asks of the worker's handlers and tasks.";
    ASKS_UNANSWERED = "nexus_asks_unanswered_total", Counter in Count, ["worker", "outcome"]:
        "Asks that ended without an answer, by how they ended.";
    LATE_REPLIES = "nexus_late_replies_total", Counter in Count, []:
        "Replies that came after their ask had ended.";
    BUSY_TIME = "nexus_busy_time_microseconds_total", Counter in Microseconds, ["worker"]:
        "The time that the worker has spent looking for work and doing it.";
    PARKS = "nexus_parks_total", Counter in Count, ["worker"]:
        "How often the worker went to sleep.";
    BATCHES = "nexus_batches_total", Counter in Count, ["worker"]:
        "Batches of messages that the worker received from other workers and from outside.";
    SAMPLES_DROPPED = "nexus_samples_dropped_total", Counter in Count, ["worker"]:
        "Samples of the histograms that found their queue full.";
    ACTORS = "nexus_active_actors", Gauge in Count, ["worker"]:
        "Actors that live on the worker.";
    QUEUED = "nexus_queued_messages", Gauge in Count, ["worker"]:
        "Messages that wait in the worker's mailboxes.";
    STASHED = "nexus_stashed_messages", Gauge in Count, ["worker"]:
        "Messages in the stashes of the worker's actors.";
    WAITING = "nexus_waiting_handlers", Gauge in Count, ["worker"]:
        "Handlers that wait, each on a fiber.";
    FIBERS = "nexus_fibers", Gauge in Count, ["worker"]:
        "Fibers of the worker: waiting, running and idle.";
    STACK_HIGH_WATER = "nexus_stack_high_water_bytes", Gauge in Bytes, ["worker"]:
        "The most that was ever used of a fiber's stack.";
    MEMORY = "nexus_memory_bytes", Gauge in Bytes, ["worker", "part"]:
        "Memory that the worker holds, by what it is for.";
    DEEPEST = "nexus_deepest_mailbox_messages", Gauge in Count, []:
        "Messages that wait in the longest mailbox of the pool.";
    HANDLING_TIME = "nexus_message_handling_time_seconds", Histogram in Seconds,
        ["worker", "message", "outcome"]:
        "The time from the start of a handling to its end, including what it waited for. Sampled.";
    WAITING_TIME = "nexus_message_waiting_time_seconds", Histogram in Seconds, ["worker", "message"]:
        "The time for which a message waited in its mailbox. Sampled.";
}
