//! Points in time that end a wait: those that users give, and those by the clock of this thread, for
//! callers that wait more than once.

use std::fmt;
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::driven::{Drive, driver_of};
use crate::address::ActorId;
use crate::shard::with_current;

/// How long to wait: a [`Duration`] from the call, or an [`Instant`]. Everything that takes a time limit
/// takes either, in a parameter called `within`. What is no limit but a span, such as a sleep, the delay of a
/// timer or simulated time, is a plain [`Duration`].
///
/// ```
/// use nexus_actors::Deadline;
/// use std::time::{Duration, Instant};
///
/// let soon: Deadline = Duration::from_millis(200).into();
/// let then: Deadline = (Instant::now() + Duration::from_secs(1)).into();
/// assert_ne!(soon, then);
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Deadline(When);

#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Never,
    After(Duration),
    At(Instant),
}

impl Deadline {
    /// No limit: waits however long it takes.
    pub const NEVER: Self = Self(When::Never);

    /// Returns the nanoseconds from now until then.
    #[inline(always)]
    pub(super) fn nanos_left(self) -> Option<u64> {
        match self.0 {
            When::Never => None,
            When::After(duration) => Some(nanos(duration)),
            When::At(instant) => Some(nanos(instant.saturating_duration_since(Instant::now()))),
        }
    }

    /// Returns the time from now until then; [`Duration::MAX`] for never.
    pub(crate) fn left(self) -> Duration {
        match self.0 {
            When::Never => Duration::MAX,
            When::After(duration) => duration,
            When::At(instant) => instant.saturating_duration_since(Instant::now()),
        }
    }

    /// Returns the instant, if there is one.
    pub(super) fn instant(self) -> Option<Instant> {
        match self.0 {
            When::Never => None,
            When::After(duration) => Instant::now().checked_add(duration),
            When::At(instant) => Some(instant),
        }
    }
}

impl fmt::Debug for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            When::Never => f.write_str("never"),
            When::After(duration) => duration.fmt(f),
            When::At(instant) => instant.fmt(f),
        }
    }
}

impl From<Duration> for Deadline {
    #[inline(always)]
    fn from(duration: Duration) -> Self {
        Self(When::After(duration))
    }
}

impl From<Instant> for Deadline {
    fn from(instant: Instant) -> Self {
        Self(When::At(instant))
    }
}

/// Converts a duration to nanoseconds; one that is too long for the number is as good as endless.
pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Converts an instant to a number, which fits where an instant does not.
pub(super) fn as_nanos(instant: Instant) -> u64 {
    nanos(instant.saturating_duration_since(*START.get_or_init(Instant::now)))
}

static START: OnceLock<Instant> = OnceLock::new();

/// A point in time by the clock of its maker. It stays on its thread.
pub(crate) struct TimeLimit(Until);

enum Until {
    /// Nanoseconds of the clock of this thread's worker.
    Worker(u64),
    /// Nanoseconds of the clock of the pool that this thread drives.
    Driver(Rc<dyn Drive>, u64),
    /// `None` if there is no such instant: never.
    Thread(Option<Instant>),
}

impl TimeLimit {
    /// The end of a time span that begins now, for waits that `asked` is to end.
    pub(crate) fn after(within: Duration, asked: ActorId) -> Self {
        let within_nanos = nanos(within);
        let until = |now: u64| now.saturating_add(within_nanos);
        let on_worker = with_current(|shard| shard.map(|shard| until(shard.read_clock())));
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

    /// Returns the time until then; `None` once it has come.
    pub(crate) fn left(&self) -> Option<Duration> {
        let until = |now: u64, deadline: u64| Duration::from_nanos(deadline.saturating_sub(now));
        let left = match &self.0 {
            Until::Worker(deadline) => {
                with_current(|shard| shard.map(|shard| until(shard.read_clock(), *deadline)))
                    .unwrap_or_default()
            }
            Until::Driver(driver, deadline) => until(driver.now(), *deadline),
            Until::Thread(None) => Duration::MAX,
            Until::Thread(Some(deadline)) => deadline.saturating_duration_since(Instant::now()),
        };
        (!left.is_zero()).then_some(left)
    }
}
