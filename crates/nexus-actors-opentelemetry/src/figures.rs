//! Which figures there are, and where each comes from.
//!
//! Their descriptions are those of the catalogue of [`nexus_actors_metrics`], and so are their names, in the
//! form that is usual here.

use nexus_actors::DeadLetterReason;
use nexus_actors::WorkerNode;
use nexus_actors::pool::{PoolStats, WorkerStats};
use nexus_actors_metrics::{ALL, Metric};
use opentelemetry::KeyValue;

/// How a figure is observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Counter,
    /// A counter of nanoseconds, which are observed as seconds.
    Seconds,
    /// What is so at present, and can be added up over workers and pools.
    UpDown,
    Gauge,
}

pub(crate) enum Source {
    Pool(fn(&PoolStats) -> u64),
    Worker(fn(&WorkerStats) -> u64),
    /// Figures of a worker with one attribute more.
    Labelled(&'static str, fn(&WorkerStats) -> Vec<(&'static str, u64)>),
    DeadLetters,
}

pub(crate) struct Figure {
    /// Its name in the catalogue.
    catalogued: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) form: Form,
    source: Source,
}

const fn figure(
    catalogued: &'static str,
    unit: &'static str,
    form: Form,
    source: Source,
) -> Figure {
    Figure {
        catalogued,
        unit,
        form,
        source,
    }
}

const fn counter(catalogued: &'static str, unit: &'static str, source: Source) -> Figure {
    figure(catalogued, unit, Form::Counter, source)
}

const fn up_down(catalogued: &'static str, unit: &'static str, source: Source) -> Figure {
    figure(catalogued, unit, Form::UpDown, source)
}

use Source::{DeadLetters, Labelled, Pool, Worker};

/// At most 64: a collection marks which of them it has read in one word.
pub(crate) const FIGURES: &[Figure] = &[
    counter(
        "nexus_sent_messages_total",
        "{message}",
        Worker(|worker| worker.sent),
    ),
    counter(
        "nexus_handled_messages_total",
        "{message}",
        Worker(|worker| worker.handled),
    ),
    counter(
        "nexus_sent_from_outside_messages_total",
        "{message}",
        Pool(|pool| pool.sent_from_outside),
    ),
    counter("nexus_dead_letters_total", "{message}", DeadLetters),
    counter(
        "nexus_started_actors_total",
        "{actor}",
        Worker(|worker| worker.started),
    ),
    counter(
        "nexus_restarts_total",
        "{restart}",
        Worker(|worker| worker.restarts),
    ),
    counter("nexus_asks_total", "{ask}", Worker(|worker| worker.asks)),
    counter(
        "nexus_asks_unanswered_total",
        "{ask}",
        Labelled("nexus.outcome", unanswered),
    ),
    counter(
        "nexus_late_replies_total",
        "{reply}",
        Pool(|pool| pool.late_replies),
    ),
    figure(
        "nexus_busy_time_microseconds_total",
        "s",
        Form::Seconds,
        Worker(|worker| worker.busy_nanos),
    ),
    counter("nexus_parks_total", "{park}", Worker(|worker| worker.parks)),
    counter(
        "nexus_batches_total",
        "{batch}",
        Worker(|worker| worker.batches),
    ),
    up_down(
        "nexus_active_actors",
        "{actor}",
        Worker(|worker| worker.actors),
    ),
    up_down(
        "nexus_queued_messages",
        "{message}",
        Worker(|worker| worker.queued),
    ),
    up_down(
        "nexus_stashed_messages",
        "{message}",
        Worker(|worker| worker.stashed),
    ),
    up_down(
        "nexus_waiting_handlers",
        "{handler}",
        Worker(|worker| worker.waiting),
    ),
    up_down("nexus_fibers", "{fiber}", Worker(|worker| worker.fibers)),
    figure(
        "nexus_stack_high_water_bytes",
        "By",
        Form::Gauge,
        Worker(|worker| worker.stack_high_water),
    ),
    up_down("nexus_memory_bytes", "By", Labelled("nexus.part", memory)),
];

pub(crate) const HANDLING_TIME: &str = "nexus_message_handling_time_seconds";
pub(crate) const WAITING_TIME: &str = "nexus_message_waiting_time_seconds";

/// The name of a metric of the catalogue in the form that is usual here: `nexus_fibers` becomes
/// `nexus.fibers`, and suffixes for the kind and the unit are left out.
pub(crate) fn name(catalogued: &str) -> String {
    let name = catalogued.strip_suffix("_total").unwrap_or(catalogued);
    let units = ["_bytes", "_microseconds", "_seconds"];
    let name = units
        .iter()
        .find_map(|unit| name.strip_suffix(unit))
        .unwrap_or(name);
    name.replacen('_', ".", 1)
}

/// Returns the description of a metric of the catalogue.
pub(crate) fn description(catalogued: &str) -> &'static str {
    let all: &[Metric] = ALL;
    let found = all.iter().find(|metric| metric.name == catalogued);
    found.map_or("", |metric| metric.description)
}

impl Figure {
    pub(crate) fn name(&self) -> String {
        name(self.catalogued)
    }

    pub(crate) fn description(&self) -> &'static str {
        description(self.catalogued)
    }

    /// Calls `observe` with each value and its attributes.
    pub(crate) fn read(&self, from: &Reading, mut observe: impl FnMut(u64, &[KeyValue])) {
        match &self.source {
            Pool(read) => observe(read(&from.stats), &from.of_pool()),
            DeadLetters => {
                for &(reason, count) in &from.lost {
                    observe(count, &with(&from.of_pool(), "nexus.reason", reason));
                }
            }
            Worker(read) => {
                for (index, worker) in from.stats.workers.iter().enumerate() {
                    observe(read(worker), &from.of_worker(index));
                }
            }
            Labelled(key, read) => {
                for (index, worker) in from.stats.workers.iter().enumerate() {
                    for (label, value) in read(worker) {
                        observe(value, &with(&from.of_worker(index), key, label));
                    }
                }
            }
        }
    }
}

/// What one collection reads.
pub(crate) struct Reading {
    pool: KeyValue,
    stats: PoolStats,
    lost: Vec<(&'static str, u64)>,
}

impl Reading {
    pub(crate) fn of(node: &WorkerNode, pool: KeyValue) -> Self {
        let letters = node.dead_letters();
        let mut lost: Vec<(&'static str, u64)> = Vec::new();
        for &one in DeadLetterReason::ALL {
            let (label, count) = (reason(one), letters.count(one));
            // Added up, as reasons that are unknown here share a label.
            match lost.iter_mut().find(|(known, _)| *known == label) {
                Some((_, sum)) => *sum += count,
                None => lost.push((label, count)),
            }
        }
        Self {
            pool,
            stats: node.stats(),
            lost,
        }
    }

    fn of_pool(&self) -> Vec<KeyValue> {
        vec![self.pool.clone()]
    }

    fn of_worker(&self, index: usize) -> Vec<KeyValue> {
        with(&self.of_pool(), "nexus.worker", worker(index))
    }
}

/// The number of a worker as the value of an attribute.
#[allow(clippy::cast_possible_wrap)] // there are not that many workers
pub(crate) fn worker(index: usize) -> i64 {
    index as i64
}

fn with(
    attributes: &[KeyValue],
    key: &'static str,
    value: impl Into<opentelemetry::Value>,
) -> Vec<KeyValue> {
    let more = KeyValue::new(key, value);
    attributes.iter().cloned().chain([more]).collect()
}

/// For what this version does not know yet.
const OTHER: &str = "_OTHER";

fn reason(reason: DeadLetterReason) -> &'static str {
    match reason {
        DeadLetterReason::Stopped => "stopped",
        DeadLetterReason::Failed => "failed",
        DeadLetterReason::Restarted => "restarted",
        DeadLetterReason::Unhandled => "unhandled",
        DeadLetterReason::Forced => "forced",
        DeadLetterReason::PoolClosed => "pool_closed",
        DeadLetterReason::Full => "full",
        DeadLetterReason::DroppedNewest => "dropped_newest",
        DeadLetterReason::DroppedOldest => "dropped_oldest",
        DeadLetterReason::Cancelled => "cancelled",
        DeadLetterReason::Expired => "expired",
        _ => OTHER,
    }
}

fn unanswered(stats: &WorkerStats) -> Vec<(&'static str, u64)> {
    vec![
        ("timed_out", stats.asks_timed_out),
        ("without_reply", stats.asks_without_reply),
        ("stopped", stats.asks_to_stopped),
        ("failed", stats.asks_to_failed),
        ("full", stats.asks_to_full),
        ("deadlock", stats.asks_in_deadlock),
        ("given_up", stats.asks_given_up),
    ]
}

fn memory(stats: &WorkerStats) -> Vec<(&'static str, u64)> {
    vec![
        ("slots", stats.bytes_in_slots),
        ("slabs", stats.bytes_in_slabs),
        ("waits", stats.bytes_in_waits),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use nexus_actors_metrics::Kind;
    use std::collections::BTreeSet;

    /// What only a side thread can publish: the samples that it has not taken, and a snapshot.
    const LEFT_OUT: [&str; 2] = [
        "nexus_samples_dropped_total",
        "nexus_deepest_mailbox_messages",
    ];

    #[test]
    fn each_figure_of_the_catalogue_is_there_in_the_form_of_its_kind() {
        assert!(FIGURES.len() <= 64);
        let mut names = BTreeSet::new();
        for metric in ALL {
            let figure = FIGURES
                .iter()
                .find(|figure| figure.catalogued == metric.name);
            let forms: &[Form] = match metric.kind {
                Kind::Counter => &[Form::Counter, Form::Seconds],
                Kind::Gauge => &[Form::UpDown, Form::Gauge],
                _ => {
                    assert!(
                        [HANDLING_TIME, WAITING_TIME].contains(&metric.name),
                        "{metric:?}"
                    );
                    continue;
                }
            };
            let Some(figure) = figure else {
                assert!(LEFT_OUT.contains(&metric.name), "{metric:?}");
                continue;
            };
            assert!(forms.contains(&figure.form), "{metric:?}");
            assert_eq!(figure.description(), metric.description);
            assert!(names.insert(figure.name()), "{metric:?}");
        }
        assert_eq!(
            names.len(),
            FIGURES.len(),
            "one that is not in the catalogue"
        );
        assert!(!description(HANDLING_TIME).is_empty() && !description(WAITING_TIME).is_empty());
    }

    #[test]
    fn names_have_the_namespace_before_a_dot_and_no_unit() {
        assert_eq!(name("nexus_fibers"), "nexus.fibers");
        assert_eq!(name("nexus_sent_messages_total"), "nexus.sent_messages");
        assert_eq!(
            name("nexus_busy_time_microseconds_total"),
            "nexus.busy_time"
        );
        assert_eq!(name("nexus_memory_bytes"), "nexus.memory");
        assert_eq!(name(HANDLING_TIME), "nexus.message_handling_time");
    }

    #[test]
    fn each_reason_has_a_label_of_its_own() {
        let labels: BTreeSet<&str> = DeadLetterReason::ALL
            .iter()
            .map(|&one| reason(one))
            .collect();
        assert_eq!(labels.len(), DeadLetterReason::ALL.len(), "{labels:?}");
        assert!(!labels.contains(OTHER), "a reason without a label");
    }
}
