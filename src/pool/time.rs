//! Where a pool takes its time from.

use parking_lot::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crate::pool_core::PoolCore;
use crate::time::Clock;

/// Where a pool takes its time from: that of its timers, time-outs and
/// [`Context::now`](crate::Context::now). It does not affect how long an outside thread waits for
/// an answer.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum TimeSource {
    /// The operating system's monotonic clock.
    #[default]
    Monotonic,
    /// A clock that stands still until it is advanced manually.
    Manual(ManualTime),
}

/// A clock that stands still until it is advanced, for tests.
///
/// ```
/// use nexus_actors::prelude::*;
/// use nexus_actors::pool::{ManualTime, TimeSource};
/// use std::time::Duration;
///
/// let time = ManualTime::new();
/// let pool = WorkerPool::builder()
///     .workers(1)
///     .time_source(TimeSource::Manual(time.clone()))
///     .start()?;
/// let sleeper = pool.spawn("sleeper", Props::new(|| {
///     Behavior::receive(|ctx, reply: Reply<Duration>| {
///         ctx.sleep(Duration::from_secs(3600))?;
///         reply.send(ctx.now());
///         Ok(())
///     })
/// }))?;
/// let asked = sleeper.ask(|reply| reply, Duration::from_secs(5));
/// // The hour begins when the handler runs, so it may take more than one step.
/// let stepper = std::thread::spawn(move || {
///     for _ in 0..100 {
///         time.advance(Duration::from_secs(3600));
///         std::thread::yield_now();
///     }
/// });
/// assert!(asked.wait()? >= Duration::from_secs(3600));
/// stepper.join().unwrap();
/// pool.shutdown(Duration::from_secs(5))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ManualTime {
    shared: Arc<SharedTime>,
}

#[derive(Default)]
struct SharedTime {
    now: Arc<AtomicU64>,
    pools: Mutex<Vec<Weak<PoolCore>>>,
}

impl std::fmt::Debug for SharedTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

impl ManualTime {
    /// Creates a clock at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// The current time.
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.shared.now.load(Acquire))
    }

    /// Moves the clock forward, and makes every worker that uses it check the time.
    pub fn advance(&self, by: Duration) {
        let nanos = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        // Release: everything done before the step is visible to a reader that sees the new time.
        let _ = self
            .shared
            .now
            .fetch_update(AcqRel, Acquire, |now| Some(now.saturating_add(nanos)));
        let mut pools = self.shared.pools.lock();
        pools.retain(|pool| pool.strong_count() > 0);
        let live: Vec<_> = pools.iter().filter_map(Weak::upgrade).collect();
        drop(pools);
        for pool in live {
            pool.worker_indices().for_each(|worker| pool.nudge(worker));
        }
    }
}

/// Starts the clock of a pool.
pub(crate) fn start_clock(source: &TimeSource, core: &Arc<PoolCore>) -> Clock {
    match source {
        TimeSource::Monotonic => Clock::Monotonic(Instant::now()),
        TimeSource::Manual(time) => {
            time.shared.pools.lock().push(Arc::downgrade(core));
            Clock::Manual(Arc::clone(&time.shared.now))
        }
    }
}
