//! The example's exporter, scraped over HTTP, against what the pool counts.

mod expected;
#[path = "../examples/prometheus/exporter.rs"]
mod exporter;
#[path = "../examples/prometheus/shop.rs"]
mod shop;

use expected::{at_a_quiet_moment, figures, id};
use exporter::Exporter;
use metrics_exporter_prometheus::PrometheusBuilder;
use nexus_actors::observe::Sampling;
use nexus_actors::prelude::*;
use nexus_actors_metrics::{ALL, Kind, PoolMetrics, TIME_BUCKETS};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

const SOON: Duration = Duration::from_secs(30);

/// Sends that over a connection of its own. Returns the head of the response, and its body.
fn request(address: SocketAddr, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    let length = format!("Content-Length: {}", body.len());
    assert!(head.lines().any(|line| line == length), "{head}");
    (head.to_owned(), body.to_owned())
}

fn scrape(address: SocketAddr) -> String {
    let get = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nAccept: text/plain\r\n\r\n");
    let (head, body) = request(address, &get);
    let lines: Vec<&str> = head.lines().collect();
    assert_eq!(lines[0], "HTTP/1.1 200 OK");
    let kind = "Content-Type: text/plain; version=0.0.4; charset=utf-8";
    assert!(lines.contains(&kind), "{head}");
    body
}

/// What a scrape has found.
#[derive(Default)]
struct Scraped {
    /// By id: `name{label=value,...}`, with the labels in the order of their names.
    values: BTreeMap<String, f64>,
    /// The text and the type of each name.
    help: BTreeMap<String, String>,
    types: BTreeMap<String, String>,
}

impl Scraped {
    fn read(text: &str) -> Self {
        let mut scraped = Self::default();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let entry = |rest: &str| {
                let (name, what) = rest.split_once(' ').expect(line);
                (name.to_owned(), what.to_owned())
            };
            if let Some(rest) = line.strip_prefix("# HELP ") {
                scraped.help.extend([entry(rest)]);
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                scraped.types.extend([entry(rest)]);
            } else {
                let (series, value) = line.rsplit_once(' ').expect(line);
                let (name, labels) = series.split_once('{').expect(line);
                let labels = labels.strip_suffix('}').expect(line);
                let labels: Vec<(&str, &str)> = labels
                    .split(',')
                    .map(|label| label.split_once('=').expect(line))
                    .map(|(label, value)| (label, value.trim_matches('"')))
                    .collect();
                let before = scraped
                    .values
                    .insert(id(name, &labels), value.parse().expect(line));
                assert_eq!(before, None, "twice: {line}");
            }
        }
        scraped
    }

    /// The values of a name, without those of longer names.
    fn of(&self, name: &str) -> impl Iterator<Item = (&str, f64)> {
        let begin = format!("{name}{{");
        let all = self.values.iter();
        all.filter(move |(id, _)| id.starts_with(&begin))
            .map(|(id, &value)| (id.as_str(), value))
    }

    fn sum(&self, name: &str) -> f64 {
        self.of(name).map(|(_, value)| value).sum()
    }
}

/// Returns when that is so.
fn eventually(what: impl Fn() -> bool) {
    let deadline = Instant::now() + SOON;
    while !what() {
        assert!(Instant::now() < deadline, "it never came");
        thread::sleep(Duration::from_millis(1));
    }
}

/// A shop with an exporter, that has had some customers.
fn shop_after_some_customers(builder: PrometheusBuilder) -> (WorkerPool, Exporter) {
    let recorder = builder.build_recorder();
    let prometheus = recorder.handle();
    let metrics = PoolMetrics::builder()
        .recorder(Arc::new(recorder))
        .sampling(Sampling::All)
        .queue(NonZeroUsize::new(1 << 16).unwrap())
        .build();
    let pool = WorkerPool::builder()
        .name("shop")
        .workers(2)
        .supervising(SupervisorStrategy::one_for_one().without_limit())
        .on_failure(|_| {})
        .observer(metrics.observer())
        .start()
        .unwrap();
    let published = metrics.publish(&pool.node()).unwrap();
    let customers = shop::open(&pool).unwrap();
    let exporter = Exporter::start(0, move || {
        published.refresh();
        prometheus.render()
    });
    // Time enough for the till to fail, and for the printer to fall behind.
    let lost = || pool.dead_letters().total() > 0;
    eventually(|| pool.stats().restarts() > 0 && lost());
    customers.stop();
    let rest = || {
        pool.stats()
            .workers
            .iter()
            .all(|one| one.queued + one.waiting == 0)
    };
    eventually(rest);
    (pool, exporter.unwrap())
}

#[test]
#[allow(clippy::cast_precision_loss)]
fn what_is_scraped_is_what_the_pool_counts() {
    let (pool, exporter) = shop_after_some_customers(exporter::builder().unwrap());
    let (stats, text) = at_a_quiet_moment(&pool, || scrape(exporter.address()));
    let scraped = Scraped::read(&text);
    for figure in figures(&pool, &stats) {
        let value = scraped.values.get(&figure.id);
        assert_eq!(value, Some(&(figure.value as f64)), "{}", figure.id);
    }
    // Much has happened.
    assert!(stats.handled() > 1_000, "{stats:?}");
    assert!(scraped.sum("nexus_asks_unanswered_total") > 0.0);
    assert!(scraped.sum("nexus_dead_letters_total") > 0.0);
    // With all handlings as samples, there are as many as messages were handled.
    assert_eq!(scraped.sum("nexus_samples_dropped_total"), 0.0);
    let handled = scraped.sum("nexus_message_handling_time_seconds_count");
    assert_eq!(handled, stats.handled() as f64);

    // Each name is explained, and there are no others. Nobody looks for the longest mailbox.
    let listed = ALL
        .iter()
        .filter(|metric| metric.name != "nexus_deepest_mailbox_messages");
    for metric in listed.clone() {
        let kind = format!("{:?}", metric.kind).to_lowercase();
        assert_eq!(scraped.types.get(metric.name), Some(&kind));
        let text = scraped.help.get(metric.name);
        assert_eq!(text.map(String::as_str), Some(metric.description));
    }
    assert_eq!(scraped.types.len(), listed.count());
    drop(exporter);
    pool.shutdown(SOON).unwrap();
}

#[test]
fn histograms_have_the_buckets_that_the_crate_proposes() {
    let (pool, exporter) = shop_after_some_customers(exporter::builder().unwrap());
    let scraped = Scraped::read(&scrape(exporter.address()));
    for metric in ALL.iter().filter(|metric| metric.kind == Kind::Histogram) {
        let name = metric.name;
        let counts: Vec<_> = scraped.of(&format!("{name}_count")).collect();
        assert!(!counts.is_empty());
        for (series, count) in counts {
            let labels = series.split_once('{').unwrap().1;
            let bucket = |bound: &str| {
                // In the order of names, `le` comes before `message`.
                let id = format!("{name}_bucket{{le={bound},{labels}");
                *scraped.values.get(&id).expect(&id)
            };
            let bounds = TIME_BUCKETS.iter().map(f64::to_string);
            let mut buckets: Vec<f64> = bounds.map(|bound| bucket(&bound)).collect();
            buckets.push(bucket("+Inf"));
            assert!(buckets.is_sorted(), "{series}: {buckets:?}");
            assert_eq!(buckets.last(), Some(&count), "{series}");
        }
    }
    // The printer takes a millisecond for each sale, and the journal less.
    let of_sales = "nexus_message_handling_time_seconds_bucket";
    let buckets = scraped
        .of(of_sales)
        .filter(|(id, _)| id.contains("shop.sale"));
    let different: BTreeSet<u64> = buckets.map(|(_, count)| count.to_bits()).collect();
    assert!(different.len() > 3, "{different:?}");
    drop(exporter);
    pool.shutdown(SOON).unwrap();
}

#[test]
fn names_are_the_same_with_the_naming_that_the_exporter_recommends() {
    let names = |builder: PrometheusBuilder| {
        let (pool, exporter) = shop_after_some_customers(builder);
        let scraped = Scraped::read(&scrape(exporter.address()));
        drop(exporter);
        pool.shutdown(SOON).unwrap();
        scraped.types
    };
    let builder = || exporter::builder().unwrap();
    let recommended = names(builder().with_recommended_naming(true));
    assert_eq!(names(builder()), recommended);
}

#[test]
fn other_requests_are_refused() {
    let exporter = Exporter::start(0, || "metrics\n".to_owned()).unwrap();
    let status = |text: &str| {
        let (head, body) = request(exporter.address(), text);
        let line = head.lines().next().unwrap().to_owned();
        (line.strip_prefix("HTTP/1.1 ").unwrap().to_owned(), body)
    };
    let ok = ("200 OK".to_owned(), "metrics\n".to_owned());
    assert_eq!(status("GET /metrics HTTP/1.1\r\n\r\n"), ok);
    assert_eq!(status("GET /metrics?name=x HTTP/1.0\r\n\r\n"), ok);
    assert_eq!(status("GET / HTTP/1.1\r\n\r\n").0, "404 Not Found");
    assert_eq!(status("GET /metrics2 HTTP/1.1\r\n\r\n").0, "404 Not Found");
    let post = "POST /metrics HTTP/1.1\r\n\r\n";
    assert_eq!(status(post).0, "405 Method Not Allowed");
    assert_eq!(status("\r\n\r\n").0, "400 Bad Request");
    // A client that goes away without a word disturbs nobody.
    drop(TcpStream::connect(exporter.address()).unwrap());
    assert_eq!(status("GET /metrics HTTP/1.1\r\n\r\n"), ok);
    let address = exporter.address();
    drop(exporter);
    assert!(TcpStream::connect(address).is_err());
}
