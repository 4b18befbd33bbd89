//! The metrics of a pool, as the SDK's reader collects them.

use nexus_actors::DeadLetterReason;
use nexus_actors::observe::Sampling;
use nexus_actors::prelude::*;
use nexus_actors_opentelemetry::PoolMetrics;
use opentelemetry::metrics::MeterProvider;
use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ResourceMetrics};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
use std::collections::BTreeMap;
use std::error::Error;

const LONG: Duration = Duration::from_secs(10);

type Tested = Result<(), Box<dyn Error>>;
/// Values by the name of the metric and its attributes, in a fixed order.
type Values = BTreeMap<(String, String), f64>;

fn provider() -> (SdkMeterProvider, InMemoryMetricExporter) {
    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder()
        .with_periodic_exporter(exporter.clone())
        .build();
    (provider, exporter)
}

fn text<'a>(attributes: impl Iterator<Item = &'a KeyValue>) -> String {
    let mut all: Vec<String> = attributes
        .map(|one| match &one.value {
            Value::I64(number) => format!("{}={number}", one.key),
            value => format!("{}={}", one.key, value.as_str()),
        })
        .collect();
    all.sort();
    all.join(" ")
}

#[allow(clippy::cast_precision_loss)]
fn values(collected: &ResourceMetrics) -> Values {
    let mut values = Values::new();
    let metrics = collected.scope_metrics().flat_map(|scope| scope.metrics());
    for metric in metrics {
        let mut add = |attributes: String, value: f64| {
            let key = (metric.name().to_owned(), attributes);
            assert_eq!(values.insert(key.clone(), value), None, "twice: {key:?}");
        };
        match metric.data() {
            AggregatedMetrics::U64(MetricData::Sum(sum)) => {
                assert!(sum.is_monotonic(), "{}", metric.name());
                sum.data_points()
                    .for_each(|point| add(text(point.attributes()), point.value() as f64));
            }
            AggregatedMetrics::F64(MetricData::Sum(sum)) => sum
                .data_points()
                .for_each(|point| add(text(point.attributes()), point.value())),
            AggregatedMetrics::I64(MetricData::Sum(sum)) => {
                assert!(!sum.is_monotonic(), "{}", metric.name());
                sum.data_points()
                    .for_each(|point| add(text(point.attributes()), point.value() as f64));
            }
            AggregatedMetrics::U64(MetricData::Gauge(gauge)) => gauge
                .data_points()
                .for_each(|point| add(text(point.attributes()), point.value() as f64)),
            AggregatedMetrics::F64(MetricData::Histogram(histogram)) => histogram
                .data_points()
                .for_each(|point| add(text(point.attributes()), point.count() as f64)),
            other => panic!("{}: {other:?}", metric.name()),
        }
    }
    values
}

fn collect(
    provider: &SdkMeterProvider,
    exporter: &InMemoryMetricExporter,
) -> Result<Values, Box<dyn Error>> {
    exporter.reset();
    provider.force_flush()?;
    let collected = exporter.get_finished_metrics()?;
    Ok(collected.last().map(values).unwrap_or_default())
}

fn value(values: &Values, name: &str, attributes: &str) -> f64 {
    let key = (name.to_owned(), attributes.to_owned());
    *values
        .get(&key)
        .unwrap_or_else(|| panic!("no {key:?} in {values:#?}"))
}

#[test]
#[allow(clippy::cast_precision_loss)]
fn the_figures_are_those_of_the_stats_at_a_quiet_moment() -> Tested {
    let (provider, exporter) = provider();
    let metrics = PoolMetrics::with_sampling(&provider.meter("test"), Sampling::All);
    let pool = WorkerPool::builder()
        .name("orders")
        .workers(2)
        .on_failure(|_| {})
        .observer(metrics.observer())
        .start()?;
    let node = pool.node();
    let observed = metrics.observe(&node);
    let echo = pool.spawn_on(1, "echo", echo())?;
    let asker = pool.spawn_on(0, "asker", asker(echo))?;
    for _ in 0..10 {
        asker.ask(|reply| reply, LONG).wait()?;
    }
    let unhandled = Props::new(|| Behavior::receive(|_ctx, _: u8| Next::Unhandled));
    pool.spawn("deaf", unhandled)?.tell(1);
    // The pool is quiet from here on, and its stats are the last ones.
    pool.shutdown(LONG)?;

    let (stats, values) = (node.stats(), collect(&provider, &exporter)?);
    // The one that was left unhandled does not count.
    assert_eq!((stats.handled(), stats.workers[0].asks), (20, 10));
    for (index, worker) in stats.workers.iter().enumerate() {
        let of = |more: &str| format!("nexus.pool=orders nexus.worker={index}{more}");
        for (name, count) in [
            ("nexus.sent_messages", worker.sent),
            ("nexus.handled_messages", worker.handled),
            ("nexus.started_actors", worker.started),
            ("nexus.restarts", worker.restarts),
            ("nexus.asks", worker.asks),
            ("nexus.parks", worker.parks),
            ("nexus.batches", worker.batches),
            ("nexus.active_actors", worker.actors),
            ("nexus.queued_messages", worker.queued),
            ("nexus.stashed_messages", worker.stashed),
            ("nexus.waiting_handlers", worker.waiting),
            ("nexus.fibers", worker.fibers),
            ("nexus.stack_high_water", worker.stack_high_water),
        ] {
            assert_eq!(value(&values, name, &of("")), count as f64, "{name}");
        }
        let busy = value(&values, "nexus.busy_time", &of(""));
        assert_eq!(busy, worker.busy_nanos as f64 / 1e9);
        let part = |part| {
            let key = format!("nexus.part={part} nexus.pool=orders nexus.worker={index}");
            value(&values, "nexus.memory", &key)
        };
        assert_eq!(part("slots"), worker.bytes_in_slots as f64);
        assert_eq!(part("slabs"), worker.bytes_in_slabs as f64);
        assert_eq!(part("waits"), worker.bytes_in_waits as f64);
        let outcome = |outcome| {
            let key = format!("nexus.outcome={outcome} nexus.pool=orders nexus.worker={index}");
            value(&values, "nexus.asks_unanswered", &key)
        };
        assert_eq!(outcome("timed_out"), worker.asks_timed_out as f64);
        assert_eq!(outcome("failed"), worker.asks_to_failed as f64);
    }
    let of_pool = "nexus.pool=orders";
    let outside = value(&values, "nexus.sent_from_outside_messages", of_pool);
    assert_eq!(outside, stats.sent_from_outside as f64);
    let late = value(&values, "nexus.late_replies", of_pool);
    assert_eq!(late, stats.late_replies as f64);
    for (reason, count) in [("unhandled", 1.0), ("stopped", 0.0)] {
        let attributes = format!("nexus.pool=orders nexus.reason={reason}");
        assert_eq!(value(&values, "nexus.dead_letters", &attributes), count);
    }
    assert_eq!(node.dead_letters().count(DeadLetterReason::Unhandled), 1);
    // Each handling was measured once.
    let handlings: f64 = values
        .iter()
        .filter(|((name, _), _)| name == "nexus.message_handling_time")
        .map(|(_, count)| count)
        .sum();
    assert_eq!(handlings, 21.0);
    drop(observed);
    Ok(())
}

#[test]
fn nothing_is_read_after_the_guard() -> Tested {
    let (provider, exporter) = provider();
    let metrics = PoolMetrics::new(&provider.meter("test"));
    let pool = WorkerPool::builder().workers(1).start()?;
    let observed = metrics.observe(&pool.node());
    assert!(!collect(&provider, &exporter)?.is_empty());
    drop(observed);
    assert_eq!(collect(&provider, &exporter)?, Values::new());
    pool.shutdown(LONG)?;
    Ok(())
}

fn echo() -> Props<Reply<u32>> {
    Props::new(|| Behavior::receive(|_ctx, reply: Reply<u32>| reply.send(1)))
}

fn asker(echo: ActorRef<Reply<u32>>) -> Props<Reply<u32>> {
    Props::new(move || {
        Behavior::receive(move |_ctx, reply: Reply<u32>| {
            reply.send(echo.ask(|reply| reply, LONG).wait()?);
            Ok(())
        })
    })
}
