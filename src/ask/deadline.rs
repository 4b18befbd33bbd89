//! Deadlines for who waits more than once: by the same clock as the asks of this thread.

use std::rc::Rc;
use std::time::{Duration, Instant};

use super::driven::{Drive, driver_of};
use super::handle::nanos;
use crate::actor::{ActorId, with_current};

/// A point in time, by the clock of whoever made it. It stays on its thread.
pub(crate) struct Deadline(Until);

enum Until {
    /// Nanoseconds of the clock of this thread's worker.
    Worker(u64),
    /// Nanoseconds of the clock of the pool that this thread drives.
    Driver(Rc<dyn Drive>, u64),
    /// Never, where there is no such time.
    Thread(Option<Instant>),
}

impl Deadline {
    /// The end of a time that begins now, for waits that `asked` is to end.
    pub(crate) fn after(within: Duration, asked: ActorId) -> Self {
        let within_nanos = nanos(within);
        let until = |now: u64| now.saturating_add(within_nanos);
        let on_worker = with_current(|shard| shard.map(|shard| until(shard.now.get())));
        if let Some(deadline) = on_worker {
            return Self(Until::Worker(deadline));
        }
        let Some(driver) = driver_of(asked.home.pool()) else {
            let deadline = Instant::now().checked_add(within);
            return Self(Until::Thread(deadline));
        };
        let deadline = until(driver.now());
        Self(Until::Driver(driver, deadline))
    }

    /// The time until then; `None` when it has come.
    pub(crate) fn left(&self) -> Option<Duration> {
        let until = |now: u64, deadline: u64| Duration::from_nanos(deadline.saturating_sub(now));
        let left = match &self.0 {
            Until::Worker(deadline) => {
                with_current(|shard| shard.map(|shard| until(shard.now.get(), *deadline)))
                    .unwrap_or_default()
            }
            Until::Driver(driver, deadline) => until(driver.now(), *deadline),
            Until::Thread(None) => Duration::MAX,
            Until::Thread(Some(deadline)) => deadline.saturating_duration_since(Instant::now()),
        };
        (!left.is_zero()).then_some(left)
    }
}
