//! The thread that publishes, and its guard.

use metrics::{Recorder, with_recorder};
use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::publication::Source;
use crate::samples::Samples;

/// A shorter interval would keep a core busy.
const SHORTEST: Duration = Duration::from_millis(1);

/// Publishes the figures of a pool, until this guard is dropped. Then they are published once more.
///
/// The drop waits for the side thread. It does so for at most a second longer than a publication takes if
/// [`deepest_every`](crate::PoolMetricsBuilder::deepest_every) is set, as the workers are asked. A pool is not kept
/// running by its metrics.
#[must_use = "the publication ends when this is dropped"]
pub struct Published {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

pub(crate) struct Shared {
    source: Mutex<Source>,
    samples: Arc<Samples>,
    recorder: Option<Arc<dyn Recorder + Send + Sync>>,
    ended: Mutex<bool>,
    end: Condvar,
}

impl Shared {
    pub(crate) fn new(
        source: Source,
        samples: Arc<Samples>,
        recorder: Option<Arc<dyn Recorder + Send + Sync>>,
    ) -> Self {
        Self {
            source: Mutex::new(source),
            samples,
            recorder,
            ended: Mutex::new(false),
            end: Condvar::new(),
        }
    }

    fn publish(&self) {
        let mut source = lock(&self.source);
        match &self.recorder {
            Some(recorder) => source.publish(&**recorder),
            None => with_recorder(|recorder| source.publish(recorder)),
        }
    }

    /// Publishes once an interval, until the end.
    fn run(&self, interval: Duration) {
        loop {
            self.publish();
            // The interval begins after the publication, so that a slow recorder does not keep a core busy.
            if self.sleep(interval) {
                break;
            }
        }
        self.publish();
    }

    /// Sleeps for that long. Returns whether the end has come.
    fn sleep(&self, interval: Duration) -> bool {
        let until = Instant::now().checked_add(interval);
        let mut ended = lock(&self.ended);
        while !*ended {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                break;
            }
            ended = match left {
                Some(left) => {
                    let waited = self.end.wait_timeout(ended, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => {
                    let waited = self.end.wait(ended);
                    waited.unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
        *ended
    }
}

/// A recorder that has panicked leaves nothing half done here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Published {
    pub(crate) fn begin(shared: Shared, interval: Duration) -> io::Result<Self> {
        let shared = Arc::new(shared);
        let of_thread = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("nexus-metrics".to_owned())
            .spawn(move || of_thread.run(interval.max(SHORTEST)))
            .inspect_err(|_| shared.samples.close())?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Publishes the present figures, on the calling thread, before it returns. For an exporter that is asked for
    /// them: what it shows is then not older than the question.
    ///
    /// Not for handlers: it waits while the side thread publishes.
    pub fn refresh(&self) {
        self.shared.publish();
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        // Before the last publication: nobody would take what came after it.
        self.shared.samples.close();
        *lock(&self.shared.ended) = true;
        self.shared.end.notify_all();
        // If a recorder has panicked on that thread, the panic hook has reported it.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Published").finish_non_exhaustive()
    }
}
