//! What is published, against what the pool itself counts.

use metrics::{Key, Label};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use nexus_actors::observe::Sampling;
use nexus_actors::pool::{PoolStats, WorkerStats};
use nexus_actors::prelude::*;
use nexus_actors::{BoxError, DeadLetterReason, Failure, WorkerNode};
use nexus_actors_metrics::{ALL, Kind, PoolMetrics, PoolMetricsBuilder};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::mpsc::channel;

const SOON: Duration = Duration::from_secs(30);
/// No test waits for the second publication of the side thread.
const NEVER: Duration = Duration::from_secs(1_000_000);

/// A recorder of its own for each test: the global one would be shared.
struct Recorded {
    recorder: Arc<DebuggingRecorder>,
    snapshotter: Snapshotter,
    /// A snapshot empties the recorder, and histograms are compared as a whole.
    histograms: BTreeMap<String, Vec<f64>>,
    values: BTreeMap<String, f64>,
    units: BTreeMap<String, metrics::Unit>,
    names: BTreeSet<String>,
    texts: Vec<String>,
}

impl Recorded {
    fn new() -> Self {
        let recorder = DebuggingRecorder::new();
        Self {
            snapshotter: recorder.snapshotter(),
            recorder: Arc::new(recorder),
            histograms: BTreeMap::new(),
            values: BTreeMap::new(),
            units: BTreeMap::new(),
            names: BTreeSet::new(),
            texts: Vec::new(),
        }
    }

    fn options(&self) -> PoolMetricsBuilder {
        PoolMetrics::builder()
            .recorder(Arc::clone(&self.recorder) as _)
            .interval(NEVER)
            .sampling(Sampling::All)
    }

    /// Reads what was recorded since the last look.
    #[allow(clippy::cast_precision_loss)]
    fn look(&mut self) {
        self.values.clear();
        for (key, unit, text, value) in self.snapshotter.snapshot().into_vec() {
            let name = id(key.key());
            self.names.insert(key.key().name().to_owned());
            self.texts.extend(text.map(|text| text.to_string()));
            if let Some(unit) = unit {
                self.units.insert(key.key().name().to_owned(), unit);
            }
            match value {
                DebugValue::Counter(count) => drop(self.values.insert(name, count as f64)),
                DebugValue::Gauge(value) => drop(self.values.insert(name, value.0)),
                DebugValue::Histogram(values) => {
                    let all = self.histograms.entry(name).or_default();
                    all.extend(values.iter().map(|value| value.0));
                }
            }
        }
    }

    fn value(&self, id: &str) -> f64 {
        let value = self.values.get(id);
        *value.unwrap_or_else(|| panic!("{id} is not among {:#?}", self.values))
    }

    /// How many values the histograms have that begin so.
    fn samples(&self, begin: &str) -> usize {
        let all = self.histograms.iter();
        let these = all.filter(|(id, _)| id.starts_with(begin));
        these.map(|(_, values)| values.len()).sum()
    }
}

/// `name{label=value,...}`, with the labels in the order of their names.
fn id(key: &Key) -> String {
    let mut labels: Vec<String> = key
        .labels()
        .map(|label: &Label| format!("{}={}", label.key(), label.value()))
        .collect();
    labels.sort();
    format!("{}{{{}}}", key.name(), labels.join(","))
}

#[derive(Debug)]
enum Do {
    Nothing,
    Leave,
    Fail,
    Stash,
    /// Asks an actor that never answers, for so long.
    Ask(ActorRef<Reply<u32>>, Duration),
    /// Says that everything before it was handled.
    Say(std::sync::mpsc::Sender<()>),
}

fn doer() -> Props<Do> {
    Props::new(|| {
        Behavior::with_stash(10, |_ctx| {
            Ok(Behavior::receive(|ctx: &mut Context<'_, Do>, what| {
                match what {
                    Do::Nothing => {}
                    Do::Leave => return Ok(Next::Unhandled),
                    Do::Fail => return Err(BoxError::from("planned")),
                    Do::Stash => ctx.stash(Do::Nothing).map_err(|full| full.to_string())?,
                    Do::Ask(whom, within) => drop(whom.ask(|reply| reply, within).wait()),
                    Do::Say(done) => done.send(())?,
                }
                Ok(Next::Same)
            }))
        })
    })
}

/// An actor that drops the reply.
fn mute() -> Props<Reply<u32>> {
    Props::new(|| Behavior::receive(|_ctx, reply: Reply<u32>| drop(reply)))
}

fn pool(name: &str, workers: usize, metrics: &PoolMetrics) -> WorkerPool {
    WorkerPool::builder()
        .name(name)
        .workers(workers)
        .on_failure(|_: &Failure| {})
        .observer(metrics.observer())
        .start()
        .unwrap()
}

/// Returns when the actor has handled all that it was sent.
fn handled(actor: ActorRef<Do>) {
    let (done, until) = channel();
    actor.tell(Do::Say(done));
    until.recv_timeout(SOON).unwrap();
}

/// Each thing that a pool counts, once or more.
fn busy_life(pool: &WorkerPool) {
    let first = pool.spawn_on(0, "first", doer()).unwrap();
    let second = pool.spawn_on(1, "second", doer()).unwrap();
    let mute = pool.spawn_on(1, "mute", mute()).unwrap();
    for _ in 0..10 {
        first.tell(Do::Nothing);
        second.tell(Do::Nothing);
    }
    first.tell(Do::Leave);
    first.tell(Do::Fail);
    first.tell(Do::Ask(mute, SOON));
    second.tell(Do::Stash);
    second.tell(Do::Stash);
    handled(first);
    handled(second);
}

/// A figure: its name, its label beside `pool` and `worker` if it has one, and its value.
type Figure = (&'static str, Option<(&'static str, &'static str)>, u64);

/// What a worker counts under each name.
fn of_worker(stats: &WorkerStats) -> Vec<Figure> {
    let outcome = |outcome| Some(("outcome", outcome));
    let part = |part| Some(("part", part));
    let unanswered = "nexus_asks_unanswered_total";
    vec![
        ("nexus_sent_messages_total", None, stats.sent),
        ("nexus_handled_messages_total", None, stats.handled),
        ("nexus_started_actors_total", None, stats.started),
        ("nexus_restarts_total", None, stats.restarts),
        ("nexus_asks_total", None, stats.asks),
        (unanswered, outcome("timed_out"), stats.asks_timed_out),
        (
            unanswered,
            outcome("without_reply"),
            stats.asks_without_reply,
        ),
        (unanswered, outcome("stopped"), stats.asks_to_stopped),
        (unanswered, outcome("failed"), stats.asks_to_failed),
        (unanswered, outcome("full"), stats.asks_to_full),
        (unanswered, outcome("deadlock"), stats.asks_in_deadlock),
        (unanswered, outcome("given_up"), stats.asks_given_up),
        (
            "nexus_busy_time_microseconds_total",
            None,
            stats.busy_nanos / 1_000,
        ),
        ("nexus_parks_total", None, stats.parks),
        ("nexus_batches_total", None, stats.batches),
        ("nexus_active_actors", None, stats.actors),
        ("nexus_queued_messages", None, stats.queued),
        ("nexus_stashed_messages", None, stats.stashed),
        ("nexus_waiting_handlers", None, stats.waiting),
        ("nexus_fibers", None, stats.fibers),
        ("nexus_stack_high_water_bytes", None, stats.stack_high_water),
        ("nexus_memory_bytes", part("slots"), stats.bytes_in_slots),
        ("nexus_memory_bytes", part("slabs"), stats.bytes_in_slabs),
        ("nexus_memory_bytes", part("waits"), stats.bytes_in_waits),
    ]
}

#[allow(clippy::cast_precision_loss)]
fn assert_equal(recorded: &Recorded, pool: &str, stats: &PoolStats) {
    for (worker, stats) in stats.workers.iter().enumerate() {
        for (name, label, value) in of_worker(stats) {
            let worker = format!("worker={worker}");
            let mut labels = vec![format!("pool={pool}"), worker];
            labels.extend(label.map(|(key, value)| format!("{key}={value}")));
            labels.sort();
            let id = format!("{name}{{{}}}", labels.join(","));
            assert_eq!(recorded.value(&id), value as f64, "{id}");
        }
    }
    for (name, value) in [
        (
            "nexus_sent_from_outside_messages_total",
            stats.sent_from_outside,
        ),
        ("nexus_late_replies_total", stats.late_replies),
    ] {
        let id = format!("{name}{{pool={pool}}}");
        assert_eq!(recorded.value(&id), value as f64, "{id}");
    }
}

/// Stats that stay as they are: those of a pool that has ended.
fn ended(pool: &WorkerPool) -> PoolStats {
    pool.shutdown(SOON).unwrap();
    pool.stats()
}

#[test]
fn each_figure_is_what_the_pool_counts() {
    let mut recorded = Recorded::new();
    let metrics = recorded.options().build();
    let pool = pool("busy", 2, &metrics);
    let published = metrics.publish(&pool.node()).unwrap();
    busy_life(&pool);
    let stats = ended(&pool);
    published.refresh();
    recorded.look();
    assert_equal(&recorded, "busy", &stats);
    // The figures are not all zero.
    assert!(stats.handled() >= 23, "{stats:?}");
    assert_eq!(stats.restarts(), 1);
    let asks = stats.workers[0];
    assert_eq!((asks.asks, asks.asks_without_reply), (1, 1), "{stats:?}");
    assert!(stats.sent_from_outside >= 25, "{stats:?}");
}

#[test]
fn gauges_show_what_is_so_at_present() {
    let mut recorded = Recorded::new();
    let metrics = recorded.options().build();
    let pool = pool("gauges", 2, &metrics);
    let published = metrics.publish(&pool.node()).unwrap();
    busy_life(&pool);
    // Workers publish their counts after a round.
    let deadline = std::time::Instant::now() + SOON;
    while pool.stats().stashed() < 2 {
        assert!(std::time::Instant::now() < deadline, "{:?}", pool.stats());
        std::thread::yield_now();
    }
    published.refresh();
    recorded.look();
    assert_eq!(
        recorded.value("nexus_stashed_messages{pool=gauges,worker=1}"),
        2.0
    );
    assert_eq!(
        recorded.value("nexus_active_actors{pool=gauges,worker=1}"),
        2.0
    );
    pool.shutdown(SOON).unwrap();
    published.refresh();
    recorded.look();
    assert_eq!(
        recorded.value("nexus_active_actors{pool=gauges,worker=1}"),
        0.0
    );
    assert_eq!(
        recorded.value("nexus_stashed_messages{pool=gauges,worker=1}"),
        0.0
    );
}

#[test]
#[allow(clippy::cast_precision_loss)]
fn dead_letters_are_counted_by_their_reason() {
    let mut recorded = Recorded::new();
    let metrics = recorded.options().build();
    let pool = pool("lost", 2, &metrics);
    let published = metrics.publish(&pool.node()).unwrap();
    busy_life(&pool);
    let actor = pool.lookup::<Do>("/user/first").unwrap();
    pool.shutdown(SOON).unwrap();
    for _ in 0..3 {
        actor.tell(Do::Nothing);
    }
    published.refresh();
    recorded.look();
    let of = |reason| {
        recorded.value(&format!(
            "nexus_dead_letters_total{{pool=lost,reason={reason}}}"
        ))
    };
    let letters = pool.dead_letters();
    assert_eq!(of("unhandled"), 1.0);
    assert_eq!(of("pool_closed"), 3.0, "{letters:?}");
    let begin = "nexus_dead_letters_total{";
    let all = recorded.values.iter();
    let all: Vec<f64> = all
        .filter(|(id, _)| id.starts_with(begin))
        .map(|(_, &n)| n)
        .collect();
    assert_eq!(all.len(), DeadLetterReason::ALL.len());
    assert_eq!(all.iter().sum::<f64>(), letters.total() as f64);
}

#[test]
fn each_handling_is_a_sample_if_all_are() {
    let mut recorded = Recorded::new();
    let metrics = recorded.options().build();
    let pool = pool("sampled", 2, &metrics);
    let published = metrics.publish(&pool.node()).unwrap();
    busy_life(&pool);
    pool.shutdown(SOON).unwrap();
    published.refresh();
    recorded.look();
    // Of each worker: what it was told, and of the first, one that failed and one that was left.
    let of = |worker, outcome| {
        let message = std::any::type_name::<Do>();
        let labels = format!("message={message},outcome={outcome},pool=sampled,worker={worker}}}");
        recorded.samples(&format!("nexus_message_handling_time_seconds{{{labels}"))
    };
    assert_eq!(of(0, "handled"), 12, "{:#?}", recorded.histograms);
    assert_eq!(of(0, "unhandled"), 1);
    assert_eq!(of(0, "failed"), 1);
    assert_eq!(of(1, "handled"), 11);
    assert_eq!(of(1, "stashed"), 2);
    assert_eq!(
        recorded.samples("nexus_message_handling_time_seconds"),
        12 + 1 + 1 + 13 + 1
    );
    assert!(recorded.samples("nexus_message_waiting_time_seconds") > 0);
    let values = recorded.histograms.values().flatten();
    assert!(
        values
            .clone()
            .all(|&seconds| (0.0..60.0).contains(&seconds))
    );
    assert!(values.clone().any(|&seconds| seconds > 0.0));
    // Labels never contain a path.
    assert!(
        recorded.histograms.keys().all(|id| !id.contains("/user")),
        "{:?}",
        recorded.histograms
    );
    assert_eq!(
        recorded.value("nexus_samples_dropped_total{pool=sampled,worker=0}"),
        0.0
    );
}

#[test]
fn without_sampling_there_are_no_histograms() {
    let mut recorded = Recorded::new();
    let metrics = recorded.options().sampling(Sampling::None).build();
    let pool = pool("unsampled", 2, &metrics);
    let published = metrics.publish(&pool.node()).unwrap();
    busy_life(&pool);
    pool.shutdown(SOON).unwrap();
    drop(published);
    recorded.look();
    assert!(recorded.histograms.is_empty(), "{:?}", recorded.histograms);
    assert!(recorded.value("nexus_handled_messages_total{pool=unsampled,worker=0}") > 0.0);
}

#[test]
#[allow(clippy::cast_precision_loss)]
fn samples_that_find_their_queue_full_are_dropped_and_counted() {
    let mut recorded = Recorded::new();
    let metrics = recorded
        .options()
        .queue(NonZeroUsize::new(5).unwrap())
        .build();
    let pool = pool("full", 1, &metrics);
    let published = metrics.publish(&pool.node()).unwrap();
    // The first publication of the side thread is over before there are samples.
    published.refresh();
    let actor = pool.spawn("actor", doer()).unwrap();
    for _ in 0..19 {
        actor.tell(Do::Nothing);
    }
    handled(actor);
    pool.shutdown(SOON).unwrap();
    published.refresh();
    recorded.look();
    let kept = recorded.samples("nexus_message_");
    let dropped = recorded.value("nexus_samples_dropped_total{pool=full,worker=0}");
    assert!(dropped >= 10.0, "{dropped} dropped, {kept} kept");
    assert!(kept >= 5, "{dropped} dropped, {kept} kept");
    let handlings = recorded.samples("nexus_message_handling_time_seconds");
    let waits = recorded.samples("nexus_message_waiting_time_seconds");
    assert_eq!(handlings + waits, kept);
    // Twenty handlings, and at the most as many waits.
    assert!(
        (20.0..=40.0).contains(&(kept as f64 + dropped)),
        "{dropped} dropped, {kept} kept"
    );
}

#[test]
fn the_guard_publishes_once_more_at_its_end_and_then_no_more() {
    let mut recorded = Recorded::new();
    let metrics = recorded.options().build();
    let pool = pool("last", 1, &metrics);
    let published = metrics.publish(&pool.node()).unwrap();
    let actor = pool.spawn("actor", doer()).unwrap();
    handled(actor);
    let stats = ended(&pool);
    drop(published);
    recorded.look();
    assert_equal(&recorded, "last", &stats);
    assert_eq!(recorded.samples("nexus_message_handling_time_seconds"), 1);
    actor.tell(Do::Nothing);
    assert_eq!(pool.dead_letters().total(), 1);
    recorded.look();
    assert_eq!(
        recorded.value("nexus_dead_letters_total{pool=last,reason=pool_closed}"),
        0.0
    );
}

#[test]
fn an_observer_without_a_publication_keeps_nothing() {
    let mut recorded = Recorded::new();
    let metrics = recorded.options().build();
    let pool = pool("after", 1, &metrics);
    let actor = pool.spawn("actor", doer()).unwrap();
    handled(actor); // before it
    let published = metrics.publish(&pool.node()).unwrap();
    drop(published);
    handled(actor); // after it
    pool.shutdown(SOON).unwrap();
    recorded.look();
    // The end of the first handling may be told after its message to this thread.
    assert!(recorded.samples("nexus_message_handling_time_seconds") <= 1);
    assert!(recorded.value("nexus_handled_messages_total{pool=after,worker=0}") <= 1.0);
}

#[test]
fn a_pool_is_not_kept_running_by_its_metrics() {
    let mut recorded = Recorded::new();
    let metrics = recorded.options().build();
    let pool = pool("dropped", 1, &metrics);
    let node: WorkerNode = pool.node();
    let published = metrics.publish(&node).unwrap();
    let held = Arc::new(());
    let weak = Arc::downgrade(&held);
    let keeper = Props::new(move || {
        let held = Arc::clone(&held);
        Behavior::receive(move |_ctx, _message: u8| drop(Arc::clone(&held)))
    });
    pool.spawn("keeper", keeper).unwrap();
    // Dropping the last handle ends the pool, and waits for that.
    drop(pool);
    assert!(weak.upgrade().is_none(), "the actor is still there");
    published.refresh();
    recorded.look();
    assert_eq!(
        recorded.value("nexus_active_actors{pool=dropped,worker=0}"),
        0.0
    );
}

#[test]
fn several_pools_are_told_apart_by_their_names() {
    let mut recorded = Recorded::new();
    let (left, right) = (recorded.options().build(), recorded.options().build());
    let (one, other) = (pool("left", 1, &left), pool("right", 2, &right));
    let published = [left.publish(&one.node()), right.publish(&other.node())].map(Result::unwrap);
    handled(one.spawn("actor", doer()).unwrap());
    busy_life(&other);
    let (one, other) = (ended(&one), ended(&other));
    drop(published);
    recorded.look();
    assert_equal(&recorded, "left", &one);
    assert_equal(&recorded, "right", &other);
    assert_ne!(one.handled(), other.handled());
    let of = |pool| {
        let of_pool = format!("pool={pool},");
        let all = recorded.histograms.iter();
        let all =
            all.filter(|(id, _)| id.starts_with("nexus_message_handling") && id.contains(&of_pool));
        all.map(|(_, values)| values.len()).sum::<usize>()
    };
    assert_eq!(
        (of("left"), of("right")),
        (1, 28),
        "{:#?}",
        recorded.histograms
    );
}

#[test]
fn the_longest_mailbox_is_found_if_it_is_looked_for() {
    let mut recorded = Recorded::new();
    let metrics = recorded.options().deepest_every(Duration::ZERO).build();
    let pool = pool("deep", 2, &metrics);
    let published = metrics.publish(&pool.node()).unwrap();
    let (first, second) = (
        pool.spawn_on(0, "first", asker()).unwrap(),
        pool.spawn_on(1, "second", asker()).unwrap(),
    );
    let (asked, replies) = channel();
    let hoarder = Props::new(move || {
        let asked = asked.clone();
        Behavior::receive(move |_ctx, reply: Reply<u32>| Ok(asked.send(reply)?))
    });
    let hoarder = pool.spawn_on(0, "hoarder", hoarder).unwrap();
    // Each waits in its first message, without holding its worker.
    (0..4).for_each(|_| first.tell(hoarder));
    (0..7).for_each(|_| second.tell(hoarder));
    let held: Vec<Reply<u32>> = (0..2)
        .map(|_| replies.recv_timeout(SOON).unwrap())
        .collect();
    published.refresh();
    recorded.look();
    assert_eq!(
        recorded.value("nexus_deepest_mailbox_messages{pool=deep}"),
        6.0
    );
    held.into_iter().for_each(|reply| reply.send(1));
    for _ in 0..9 {
        replies.recv_timeout(SOON).unwrap().send(1);
    }
    published.refresh();
    recorded.look();
    assert_eq!(
        recorded.value("nexus_deepest_mailbox_messages{pool=deep}"),
        0.0
    );
    drop(pool);
}

/// Asks the actor that it is sent.
fn asker() -> Props<ActorRef<Reply<u32>>> {
    Props::new(|| {
        Behavior::receive(|_ctx, whom: ActorRef<Reply<u32>>| {
            whom.ask(|reply| reply, SOON).wait()?;
            Ok(())
        })
    })
}

#[test]
fn what_is_published_is_what_the_catalogue_lists() {
    let mut recorded = Recorded::new();
    let metrics = recorded.options().deepest_every(Duration::ZERO).build();
    let pool = pool("listed", 2, &metrics);
    let published = metrics.publish(&pool.node()).unwrap();
    busy_life(&pool);
    published.refresh();
    pool.shutdown(SOON).unwrap();
    drop(published);
    recorded.look();
    let listed: BTreeSet<String> = ALL.iter().map(|metric| metric.name.to_owned()).collect();
    assert_eq!(recorded.names, listed);
    for metric in ALL {
        assert_eq!(
            recorded.units.get(metric.name),
            Some(&metric.unit),
            "{}",
            metric.name
        );
        assert!(
            recorded.texts.iter().any(|text| text == metric.description),
            "{}",
            metric.name
        );
        let ids = recorded.values.keys().chain(recorded.histograms.keys());
        let begin = format!("{}{{", metric.name);
        for id in ids.filter(|id| id.starts_with(&begin)) {
            let labels = &id[begin.len()..id.len() - 1];
            let labels: BTreeSet<&str> = labels
                .split(',')
                .map(|l| l.split('=').next().unwrap())
                .collect();
            let mut expected: BTreeSet<&str> = metric.labels.iter().copied().collect();
            expected.insert("pool");
            assert_eq!(labels, expected, "{id}");
        }
        assert_eq!(
            metric.kind == Kind::Counter,
            metric.name.ends_with("_total"),
            "{}",
            metric.name
        );
    }
}
