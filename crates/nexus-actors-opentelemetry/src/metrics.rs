//! The figures of a pool as instruments of a meter.

use nexus_actors::WorkerNode;
use nexus_actors::observe::{Handled, Observer, Sampling, Waited};
use nexus_actors_metrics::TIME_BUCKETS;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Histogram, Meter};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, ThreadId};

use crate::attributes::{MESSAGE_TYPE, OUTCOME, outcome};
use crate::figures::{self, FIGURES, Figure, Form, HANDLING_TIME, Reading, WAITING_TIME};

/// The attribute with the name of the pool.
const POOL: &str = "nexus.pool";
/// Readers whose collections are told apart. More of them still get the right figures.
const READERS: usize = 8;
/// The metrics of one pool.
///
/// They are what [`nexus_actors_metrics`] publishes, read when a reader of the meter's provider collects, by one
/// call of [`WorkerNode::stats`] for each collection. There is no side thread. The catalogue is
/// [`nexus_actors_metrics::ALL`], and a name has a dot after `nexus` and no suffix: `nexus_sent_messages_total`
/// becomes `nexus.sent_messages`. Times are in seconds. The longest mailbox is not among them, as it takes a
/// snapshot of the pool to find it.
///
/// The attributes are `nexus.pool` and, where they apply, `nexus.worker`, `nexus.reason`, `nexus.outcome`,
/// `nexus.part` and `nexus.message_type`. None has the path of an actor.
///
/// ```
/// use nexus_actors::prelude::*;
/// use nexus_actors_opentelemetry::PoolMetrics;
/// use opentelemetry::metrics::MeterProvider;
/// use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
///
/// let exporter = InMemoryMetricExporter::default();
/// let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
/// let metrics = PoolMetrics::new(&provider.meter("orders"));
/// let pool = WorkerPool::builder().workers(1).observer(metrics.observer()).start()?;
/// let observed = metrics.observe(&pool.node());
///
/// provider.force_flush()?;
/// assert!(!exporter.get_finished_metrics()?.is_empty());
/// pool.shutdown(Duration::from_secs(5))?;
/// provider.shutdown()?; // the last figures are collected
/// drop(observed);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PoolMetrics {
    meter: Meter,
    samples: Arc<Samples>,
}

impl PoolMetrics {
    /// Metrics by that meter. About a thousand handlings a second are measured on each worker for the histograms.
    pub fn new(meter: &Meter) -> Self {
        Self::with_sampling(meter, Sampling::per_second(1_000))
    }

    /// Metrics by that meter, whose histograms are made of that share of the handlings. With
    /// [`Sampling::None`] there are no histograms.
    pub fn with_sampling(meter: &Meter, sampling: Sampling) -> Self {
        let histogram = |catalogued| {
            meter
                .f64_histogram(figures::name(catalogued))
                .with_description(figures::description(catalogued))
                .with_unit("s")
                .with_boundaries(TIME_BUCKETS.to_vec())
                .build()
        };
        Self {
            samples: Arc::new(Samples {
                sampling,
                pool: OnceLock::new(),
                handling: histogram(HANDLING_TIME),
                waiting: histogram(WAITING_TIME),
            }),
            meter: meter.clone(),
        }
    }

    /// Returns the observer that measures for the histograms: for the builder of the pool, and of that one alone.
    /// It records on the worker's thread. Without it, the counters and gauges are observed nevertheless.
    ///
    /// Nothing is measured before [`observe`](Self::observe).
    pub fn observer(&self) -> impl Observer + use<> {
        Arc::clone(&self.samples)
    }

    /// Has the figures of the pool of that node read by each collection from now on, until the returned guard is
    /// dropped. The pool is not kept running.
    ///
    /// A meter cannot forget an instrument: those of a pool that has ended stay, without values.
    pub fn observe(self, node: &WorkerNode) -> ObservedMetrics {
        let pool = KeyValue::new(POOL, node.name().to_owned());
        let _ = self.samples.pool.set(pool.clone());
        let node = node.clone();
        let source = Source::new(move || Reading::of(&node, pool.clone()));
        instruments(&self.meter, &source);
        ObservedMetrics { source }
    }
}

fn instruments(meter: &Meter, source: &Arc<Source>) {
    for (number, figure) in FIGURES.iter().enumerate() {
        instrument(meter, number, figure, source);
    }
}

/// Makes the instrument of a figure.
fn instrument(meter: &Meter, number: usize, figure: &'static Figure, source: &Arc<Source>) {
    let (name, source) = (figure.name(), Arc::clone(source));
    let (text, unit) = (figure.description(), figure.unit);
    macro_rules! build {
        ($instrument:ident, $convert:expr) => {
            drop(
                meter
                    .$instrument(name)
                    .with_description(text)
                    .with_unit(unit)
                    .with_callback(move |to| source.read(number, figure, to, $convert))
                    .build(),
            )
        };
    }
    match figure.form {
        Form::Counter => build!(u64_observable_counter, |value| value),
        Form::Seconds => build!(f64_observable_counter, seconds),
        Form::UpDown => build!(i64_observable_up_down_counter, |value| {
            i64::try_from(value).unwrap_or(i64::MAX)
        }),
        Form::Gauge => build!(u64_observable_gauge, |value| value),
    }
}

// Exact up to 104 days of nanoseconds, and to a millionth beyond.
#[allow(clippy::cast_precision_loss)]
fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

/// Has the figures of a pool read by each collection, until this guard is dropped.
#[must_use = "the figures are no longer read when this is dropped"]
pub struct ObservedMetrics {
    source: Arc<Source>,
}

impl Drop for ObservedMetrics {
    fn drop(&mut self) {
        let mut state = self.source.lock();
        let before = (state.read.take(), std::mem::take(&mut state.collections));
        drop(state);
        drop(before);
    }
}

impl fmt::Debug for ObservedMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObservedMetrics").finish_non_exhaustive()
    }
}

/// What the callbacks of a pool's instruments share.
struct Source {
    state: Mutex<State>,
}

struct State {
    /// Reads the pool, until the guard is dropped.
    read: Option<Box<dyn Fn() -> Reading + Send>>,
    /// The last collection of each reader, in the order of their begins.
    collections: Vec<Collection>,
}

/// A reader calls the instruments back one after the other on one thread, and each instrument once.
struct Collection {
    thread: ThreadId,
    /// The numbers of the figures that were read.
    read: u64,
    reading: Arc<Reading>,
}

impl Source {
    fn new(read: impl Fn() -> Reading + Send + 'static) -> Arc<Self> {
        let state = State {
            read: Some(Box::new(read)),
            collections: Vec::new(),
        };
        Arc::new(Self {
            state: Mutex::new(state),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(
        &self,
        number: usize,
        figure: &Figure,
        to: &dyn AsyncInstrument<T>,
        convert: impl Fn(u64) -> T,
    ) {
        if let Some(reading) = self.reading(number) {
            figure.read(&reading, |value, attributes| {
                to.observe(convert(value), attributes)
            });
        }
    }

    /// Returns what the collection has read in which this instrument is called back. It is a new one if this
    /// instrument had its turn in the last one of this thread.
    fn reading(&self, number: usize) -> Option<Arc<Reading>> {
        let (mut state, bit) = (self.lock(), 1 << number);
        let State { read, collections } = &mut *state;
        let read = read.as_ref()?;
        let thread = thread::current().id();
        let last = collections.iter().position(|one| one.thread == thread);
        if let Some(last) = last {
            let last = &mut collections[last];
            if last.read & bit == 0 {
                last.read |= bit;
                return Some(Arc::clone(&last.reading));
            }
        }
        // Its place, or that of a reader that has not collected for long.
        match last {
            Some(last) => drop(collections.remove(last)),
            None if collections.len() == READERS => drop(collections.remove(0)),
            None => {}
        }
        let reading = Arc::new(read());
        collections.push(Collection {
            thread,
            read: bit,
            reading: Arc::clone(&reading),
        });
        Some(reading)
    }
}

/// Measures the handlings of which the histograms are made.
struct Samples {
    sampling: Sampling,
    pool: OnceLock<KeyValue>,
    handling: Histogram<f64>,
    waiting: Histogram<f64>,
}

impl Samples {
    fn attributes(&self, worker: usize, message_type: &'static str) -> Option<[KeyValue; 3]> {
        Some([
            self.pool.get()?.clone(),
            KeyValue::new("nexus.worker", figures::worker(worker)),
            KeyValue::new(MESSAGE_TYPE, message_type),
        ])
    }
}

impl Observer for Samples {
    fn sampling(&self) -> Sampling {
        self.sampling
    }

    fn handled(&self, event: &Handled<'_>) {
        let actor = event.actor;
        let Some([pool, worker, message]) = self.attributes(actor.id.worker(), actor.message_type)
        else {
            return;
        };
        let outcome = KeyValue::new(OUTCOME, outcome(event.outcome).0);
        let attributes = [pool, worker, message, outcome];
        self.handling.record(event.took.as_secs_f64(), &attributes);
    }

    fn waited(&self, event: &Waited<'_>) {
        let actor = event.actor;
        let attributes = self.attributes(actor.id.worker(), actor.message_type);
        if let Some(attributes) = attributes {
            self.waiting.record(event.waited.as_secs_f64(), &attributes);
        }
    }
}

impl fmt::Debug for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Samples")
            .field("sampling", &self.sampling)
            .field("pool", &self.pool)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nexus_actors::WorkerPool;
    use opentelemetry::metrics::MeterProvider;
    use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering::Relaxed;
    use std::time::Duration;

    fn provider() -> (SdkMeterProvider, InMemoryMetricExporter) {
        let exporter = InMemoryMetricExporter::default();
        let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone());
        (provider.build(), exporter)
    }

    #[test]
    fn a_collection_reads_the_pool_once() {
        let pool = WorkerPool::builder().workers(1).start().unwrap();
        let (node, readings) = (pool.node(), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&readings);
        let source = Source::new(move || {
            count.fetch_add(1, Relaxed);
            Reading::of(&node, KeyValue::new(POOL, "p"))
        });
        // Two readers, each of which collects on a thread of its own.
        let (one, seen) = provider();
        let (other, _) = provider();
        for provider in [&one, &other] {
            instruments(&provider.meter("test"), &source);
        }
        thread::scope(|scope| {
            for provider in [&one, &other] {
                scope.spawn(|| (0..100).for_each(|_| provider.force_flush().unwrap()));
            }
        });
        assert_eq!(readings.load(Relaxed), 200);
        let collected = seen.get_finished_metrics().unwrap();
        assert_eq!(collected.len(), 100);
        for one in collected {
            let metrics = one.scope_metrics().flat_map(|scope| scope.metrics());
            assert_eq!(metrics.count(), FIGURES.len());
        }
        pool.shutdown(Duration::from_secs(5)).unwrap();
    }
}
