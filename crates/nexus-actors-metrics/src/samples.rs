//! What the observer hands to the thread that publishes: a bounded queue of samples for each worker.

use crossbeam_queue::ArrayQueue;
use nexus_actors::observe::{Handled, Observer, Outcome, Sampling, Waited};
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Measured {
    Handling(Outcome),
    Waiting,
}

/// One measurement. It has no path: labels of that kind grow without bound.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) measured: Measured,
    pub(crate) message_type: &'static str,
    pub(crate) time: Duration,
}

/// The samples of one worker: pushed by its thread, and taken by the one that publishes.
pub(crate) struct WorkerSamples {
    queue: ArrayQueue<Sample>,
    dropped: AtomicU64,
}

impl WorkerSamples {
    fn new(capacity: usize) -> Self {
        Self {
            queue: ArrayQueue::new(capacity),
            dropped: AtomicU64::new(0),
        }
    }

    fn push(&self, sample: Sample) {
        if self.queue.push(sample).is_err() {
            self.dropped.fetch_add(1, Relaxed);
        }
    }

    /// Takes the samples that are there. Not more than the capacity: a worker that pushes as fast as they are
    /// taken would keep the caller for ever.
    pub(crate) fn take(&self) -> impl Iterator<Item = Sample> {
        (0..self.queue.capacity()).map_while(|_| self.queue.pop())
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }
}

/// The samples of one pool.
pub(crate) struct Samples {
    sampling: Sampling,
    /// Made when the publication begins: only then is the number of workers known, and somebody takes them.
    workers: OnceLock<Box<[WorkerSamples]>>,
    /// Set when the publication has ended.
    closed: AtomicBool,
}

impl Samples {
    pub(crate) fn new(sampling: Sampling) -> Self {
        Self {
            sampling,
            workers: OnceLock::new(),
            closed: AtomicBool::new(false),
        }
    }

    pub(crate) fn open(&self, workers: usize, capacity: usize) {
        let make = || (0..workers).map(|_| WorkerSamples::new(capacity)).collect();
        self.workers.get_or_init(make);
    }

    pub(crate) fn close(&self) {
        self.closed.store(true, Relaxed);
    }

    pub(crate) fn workers(&self) -> &[WorkerSamples] {
        self.workers.get().map_or(&[], |workers| &**workers)
    }

    fn push(&self, worker: usize, sample: Sample) {
        if self.closed.load(Relaxed) {
            return;
        }
        if let Some(samples) = self.workers().get(worker) {
            samples.push(sample);
        }
    }
}

impl Observer for Samples {
    fn sampling(&self) -> Sampling {
        self.sampling
    }

    fn handled(&self, event: &Handled<'_>) {
        let sample = Sample {
            measured: Measured::Handling(event.outcome),
            message_type: event.actor.message_type,
            time: event.took,
        };
        self.push(event.actor.id.worker(), sample);
    }

    fn waited(&self, event: &Waited<'_>) {
        let sample = Sample {
            measured: Measured::Waiting,
            message_type: event.actor.message_type,
            time: event.waited,
        };
        self.push(event.actor.id.worker(), sample);
    }
}

impl fmt::Debug for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Samples")
            .field("sampling", &self.sampling)
            .field("workers", &self.workers().len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Sample {
        Sample {
            measured: Measured::Waiting,
            message_type: "Order",
            time: Duration::from_micros(1),
        }
    }

    /// How many samples each worker has.
    fn taken(samples: &Samples) -> Vec<usize> {
        let workers = samples.workers().iter();
        workers.map(|worker| worker.take().count()).collect()
    }

    #[test]
    fn samples_are_kept_between_the_begin_and_the_end_of_the_publication() {
        let samples = Samples::new(Sampling::All);
        samples.push(0, sample());
        assert!(samples.workers().is_empty());
        samples.open(2, 10);
        assert_eq!(taken(&samples), [0, 0]);
        (0..3).for_each(|_| samples.push(1, sample()));
        samples.push(2, sample()); // there is no such worker
        assert_eq!(taken(&samples), [0, 3]);
        samples.push(0, sample());
        samples.close();
        samples.push(0, sample());
        assert_eq!(taken(&samples), [1, 0]);
    }

    #[test]
    fn a_full_queue_drops_what_comes_and_is_emptied_once() {
        let samples = Samples::new(Sampling::All);
        samples.open(1, 2);
        (0..5).for_each(|_| samples.push(0, sample()));
        let worker = &samples.workers()[0];
        assert_eq!(worker.dropped(), 3);
        // What comes meanwhile is for the next time.
        let mut taken = 0;
        for _ in worker.take() {
            samples.push(0, sample());
            taken += 1;
        }
        assert_eq!((taken, worker.take().count()), (2, 2));
        assert_eq!(worker.dropped(), 3);
    }
}
