//! The metrics of a pool for Prometheus: a shop under some load, and an endpoint to scrape.
//!
//! It runs until its standard input ends, or for the `--seconds` that it is given. `--port 0` takes a free port.
//!
//! ```text
//! $ cargo run --package nexus-actors-metrics --example prometheus -- --port 9464 --seconds 60 &
//! scrape http://127.0.0.1:9464/metrics for 60 seconds
//! $ curl --silent http://127.0.0.1:9464/metrics | grep restarts
//! # HELP nexus_restarts_total Restarts of the worker's actors that have begun.
//! # TYPE nexus_restarts_total counter
//! nexus_restarts_total{pool="shop",worker="0"} 0
//! nexus_restarts_total{pool="shop",worker="1"} 3
//! ```

mod exporter;
mod shop;

use exporter::Exporter;
use nexus_actors::prelude::*;
use nexus_actors_metrics::PoolMetrics;
use std::io::Read;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;

const SECOND: Duration = Duration::from_secs(1);

struct Options {
    port: u16,
    seconds: Option<u64>,
}

fn options() -> Result<Options, BoxError> {
    let mut options = Options {
        port: 9464,
        seconds: None,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments
            .next()
            .ok_or_else(|| format!("{name} needs a value"))?;
        let invalid = |error| format!("{name} {value}: {error}");
        match name.as_str() {
            "--port" => options.port = value.parse().map_err(invalid)?,
            "--seconds" => options.seconds = Some(value.parse().map_err(invalid)?),
            _ => return Err(format!("{name}: there are --port and --seconds").into()),
        }
    }
    Ok(options)
}

/// Disconnected when the program is to end.
fn end(seconds: Option<u64>) -> Receiver<()> {
    let (ends, end) = channel();
    thread::spawn(move || {
        match seconds {
            Some(seconds) => thread::sleep(Duration::from_secs(seconds)),
            // What is read does not matter, and an error is an end as well.
            None => drop(std::io::stdin().read_to_end(&mut Vec::new())),
        }
        drop(ends);
    });
    end
}

fn main() -> Result<(), BoxError> {
    let options = options()?;
    // First the recorder, as it is told what the metrics mean when the publication begins.
    let prometheus = exporter::builder()?.install_recorder()?;
    let metrics = PoolMetrics::builder().deepest_every(10 * SECOND).build();
    let pool = WorkerPool::builder()
        .name("shop")
        .workers(2)
        .supervising(SupervisorStrategy::one_for_one().without_limit())
        .on_failure(|_| {}) // the metrics count them
        .observer(metrics.observer())
        .start()?;
    let published = metrics.publish(&pool.node())?;
    shop::open(&pool)?;

    let scraped = prometheus.clone();
    let exporter = Exporter::start(options.port, move || {
        // So that a scrape shows what is so now, and not what was so a second ago.
        published.refresh();
        scraped.render()
    })?;
    let until = match options.seconds {
        Some(seconds) => format!("for {seconds} seconds"),
        None => "until the standard input ends".to_owned(),
    };
    println!("scrape http://{}/metrics {until}", exporter.address());

    let end = end(options.seconds);
    while end.recv_timeout(5 * SECOND) == Err(RecvTimeoutError::Timeout) {
        // The recorder keeps each sample until a scrape or this adds it to its histogram.
        prometheus.run_upkeep();
    }
    drop(exporter);
    pool.shutdown(5 * SECOND)?;
    Ok(())
}
