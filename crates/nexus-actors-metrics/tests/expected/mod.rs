//! What should be published of a pool, by what the pool itself counts.

use nexus_actors::pool::{PoolStats, WorkerStats};
use nexus_actors::{DeadLetterReason, WorkerPool};
use std::thread;
use std::time::{Duration, Instant};

/// A value under a name and labels.
pub(crate) struct Figure {
    pub(crate) id: String,
    pub(crate) value: u64,
}

/// `name{label=value,...}`, with the labels in the order of their names.
pub(crate) fn id(name: &str, labels: &[(&str, &str)]) -> String {
    let mut labels: Vec<String> = labels
        .iter()
        .map(|(label, value)| format!("{label}={value}"))
        .collect();
    labels.sort();
    format!("{name}{{{}}}", labels.join(","))
}

/// All counters and gauges of that pool, apart from the samples that were dropped and the longest mailbox.
pub(crate) fn figures(pool: &WorkerPool, stats: &PoolStats) -> Vec<Figure> {
    let letters = pool.dead_letters();
    let node = pool.node();
    let of_pool = |name, labels: &[(&str, &str)], value| Figure {
        id: id(name, &[labels, &[("pool", node.name())]].concat()),
        value,
    };
    let mut all = vec![
        of_pool(
            "nexus_sent_from_outside_messages_total",
            &[],
            stats.sent_from_outside,
        ),
        of_pool("nexus_late_replies_total", &[], stats.late_replies),
    ];
    for &reason in DeadLetterReason::ALL {
        let label = snake_case(&format!("{reason:?}"));
        let labels = [("reason", label.as_str())];
        let count = letters.count(reason);
        all.push(of_pool("nexus_dead_letters_total", &labels, count));
    }
    for (worker, stats) in stats.workers.iter().enumerate() {
        let worker = worker.to_string();
        for (name, label, value) in of_worker(stats) {
            let mut labels = vec![("worker", worker.as_str())];
            labels.extend(label);
            all.push(of_pool(name, &labels, value));
        }
    }
    all
}

type OfWorker = (&'static str, Option<(&'static str, &'static str)>, u64);

fn of_worker(stats: &WorkerStats) -> Vec<OfWorker> {
    let unanswered = |outcome, value| {
        let label = Some(("outcome", outcome));
        ("nexus_asks_unanswered_total", label, value)
    };
    let memory = |part, value| ("nexus_memory_bytes", Some(("part", part)), value);
    let plain = |name, value| (name, None, value);
    vec![
        plain("nexus_sent_messages_total", stats.sent),
        plain("nexus_handled_messages_total", stats.handled),
        plain("nexus_started_actors_total", stats.started),
        plain("nexus_restarts_total", stats.restarts),
        plain("nexus_asks_total", stats.asks),
        unanswered("timed_out", stats.asks_timed_out),
        unanswered("without_reply", stats.asks_without_reply),
        unanswered("stopped", stats.asks_to_stopped),
        unanswered("failed", stats.asks_to_failed),
        unanswered("full", stats.asks_to_full),
        unanswered("deadlock", stats.asks_in_deadlock),
        unanswered("given_up", stats.asks_given_up),
        plain(
            "nexus_busy_time_microseconds_total",
            stats.busy_nanos / 1_000,
        ),
        plain("nexus_parks_total", stats.parks),
        plain("nexus_batches_total", stats.batches),
        plain("nexus_active_actors", stats.actors),
        plain("nexus_queued_messages", stats.queued),
        plain("nexus_stashed_messages", stats.stashed),
        plain("nexus_waiting_handlers", stats.waiting),
        plain("nexus_fibers", stats.fibers),
        plain("nexus_stack_high_water_bytes", stats.stack_high_water),
        memory("slots", stats.bytes_in_slots),
        memory("slabs", stats.bytes_in_slabs),
        memory("waits", stats.bytes_in_waits),
    ]
}

/// `DroppedNewest` as `dropped_newest`.
fn snake_case(name: &str) -> String {
    let mut all = String::new();
    for (at, letter) in name.chars().enumerate() {
        if letter.is_uppercase() && at > 0 {
            all.push('_');
        }
        all.extend(letter.to_lowercase());
    }
    all
}

/// Reads while nothing happens in the pool: its counts are the same before and afterwards.
pub(crate) fn at_a_quiet_moment<T>(
    pool: &WorkerPool,
    mut read: impl FnMut() -> T,
) -> (PoolStats, T) {
    let counts = |stats: &PoolStats| format!("{stats:?}");
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let before = pool.stats();
        let read = read();
        let stats = pool.stats();
        if counts(&before) == counts(&stats) {
            return (stats, read);
        }
        assert!(Instant::now() < deadline, "never quiet: {stats:?}");
        thread::yield_now();
    }
}
