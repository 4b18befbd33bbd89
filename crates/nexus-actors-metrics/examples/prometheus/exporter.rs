//! `GET /metrics`, on the loopback interface, by a thread of the standard library.
//!
//! It serves one request after the other: there is one Prometheus. A program that has an HTTP server already
//! needs only [`builder`], and a route that renders.

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder};
use nexus_actors_metrics::TIME_BUCKETS;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The format of what is rendered.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// For a client that says nothing, or does not read.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest head of a request that is read.
const HEAD: u64 = 8 * 1024;

/// Without buckets, the exporter would turn the histograms into summaries, whose quantiles cannot be added up
/// over workers.
pub(crate) fn builder() -> Result<PrometheusBuilder, BuildError> {
    let times = Matcher::Suffix("_time_seconds".to_owned());
    PrometheusBuilder::new().set_buckets_for_metric(times, TIME_BUCKETS)
}

/// Serves until it is dropped.
pub(crate) struct Exporter {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Exporter {
    /// Serves what `render` returns. Port zero is a free one.
    pub(crate) fn start(
        port: u16,
        render: impl Fn() -> String + Send + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let address = listener.local_addr()?;
        let ended = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ended);
        let thread = thread::Builder::new().name("metrics-http".to_owned());
        let thread = thread.spawn(move || serve(&listener, &end, &render))?;
        Ok(Self {
            address,
            ended,
            thread: Some(thread),
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.ended.store(true, Relaxed);
        // Wakes the thread up. If that fails, the thread ends with the process.
        let woken = TcpStream::connect_timeout(&self.address, PATIENCE).is_ok();
        if let Some(thread) = self.thread.take().filter(|_| woken) {
            let _ = thread.join();
        }
    }
}

fn serve(listener: &TcpListener, ended: &AtomicBool, render: &impl Fn() -> String) {
    for client in listener.incoming() {
        if ended.load(Relaxed) {
            return;
        }
        match client {
            // A client that went away concerns nobody else.
            Ok(client) => drop(answer(&client, render)),
            Err(error) => {
                eprintln!("a connection was not accepted: {error}");
                thread::sleep(PATIENCE); // too many open files do not pass at once
            }
        }
    }
}

fn answer(client: &TcpStream, render: &impl Fn() -> String) -> io::Result<()> {
    client.set_read_timeout(Some(PATIENCE))?;
    client.set_write_timeout(Some(PATIENCE))?;
    let mut head = BufReader::new(client.take(HEAD)).lines();
    let request = head.next().transpose()?.unwrap_or_default();
    // The rest is read, as a connection that is closed before may lose the answer.
    for line in head {
        if line?.is_empty() {
            break;
        }
    }
    let mut words = request.split(' ');
    let path = |target: &str| target.split('?').next() == Some("/metrics");
    let (status, kind, body) = match (words.next(), words.next()) {
        (Some("GET"), Some(target)) if path(target) => ("200 OK", TEXT, render()),
        (Some("GET"), Some(_)) => ("404 Not Found", "text/plain", "see /metrics\n".to_owned()),
        (Some(_), Some(_)) => (
            "405 Method Not Allowed",
            "text/plain",
            "GET only\n".to_owned(),
        ),
        _ => ("400 Bad Request", "text/plain", "not HTTP\n".to_owned()),
    };
    let allow = if status.starts_with("405") {
        "Allow: GET\r\n"
    } else {
        ""
    };
    let length = body.len();
    let mut client = client;
    write!(
        client,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{allow}\
         Connection: close\r\n\r\n{body}"
    )
}
