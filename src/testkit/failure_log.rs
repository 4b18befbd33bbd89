//! A log of failures, filled by the failure hook of a pool.

use std::fmt;
use std::time::Duration;

use super::failure_record::FailureRecord;
use super::watched::Observable;
use crate::address::ActorId;
use crate::ask::Deadline;
use crate::failure::Failure;
use crate::pool::WorkerNode;

/// Records the failures of a pool's actors for a test to inspect.
///
/// Failed starts are not recorded: the caller that spawned the actor receives them. Clones share
/// one log, and it may be the hook of several pools.
///
/// ```
/// use nexus_actors::prelude::*;
/// use nexus_actors::testkit::FailureLog;
/// use std::time::Duration;
///
/// let failures = FailureLog::new();
/// let pool = WorkerPool::builder().workers(1).on_failure(failures.hook()).start()?;
/// let till = pool.spawn("till", Props::new(|| {
///     Behavior::receive(|_ctx, _coin: u8| Err::<(), _>("the drawer is stuck".into()))
/// }))?;
/// failures.expect_none();
/// till.tell(5);
/// failures.expect_within(&pool.node(), "the drawer is stuck", Duration::from_secs(5));
/// assert_eq!(failures.lines(), ["/user/till failed while handling a u8: the drawer is stuck"]);
/// pool.shutdown(Duration::from_secs(5))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct FailureLog {
    failures: Observable<Vec<FailureRecord>>,
}

impl Default for FailureLog {
    fn default() -> Self {
        Self {
            failures: Observable::new(Vec::new()),
        }
    }
}

impl FailureLog {
    /// Returns an empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the hook to pass to a builder's `on_failure`.
    pub fn hook(&self) -> impl Fn(&Failure) + Send + Sync + 'static {
        let failures = self.failures.clone();
        move |failure| {
            let record = FailureRecord::of(failure);
            failures.change(|failures| failures.push(record));
        }
    }

    /// The failures so far, oldest first.
    pub fn failures(&self) -> Vec<FailureRecord> {
        self.failures.look(|failures| failures.clone())
    }

    /// The number of failures so far.
    pub(super) fn len(&self) -> usize {
        self.failures.look(|failures| failures.len())
    }

    /// Returns the first failure for which `fits` holds, skipping the first `before` ones.
    pub(super) fn find_after(
        &self,
        before: usize,
        fits: impl Fn(&&FailureRecord) -> bool,
    ) -> Option<FailureRecord> {
        self.failures
            .look(|failures| failures[before..].iter().find(fits).cloned())
    }

    /// The failures so far, one line each.
    pub fn lines(&self) -> Vec<String> {
        self.failures.look(|failures| lines(failures))
    }

    /// Asserts that there is a failure whose line contains that text. Returns the first one.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[track_caller]
    pub fn expect(&self, text: &str) -> FailureRecord {
        self.find(ActorId::NOBODY, text, Duration::ZERO)
    }

    /// Waits until there is a failure whose line contains that text, in the way a
    /// [`Probe`](super::Probe) waits. Returns the first one. The node belongs to the pool whose
    /// actor is to fail.
    ///
    /// # Panics
    ///
    /// If there is none in time.
    #[track_caller]
    pub fn expect_within(
        &self,
        node: &WorkerNode,
        text: &str,
        within: impl Into<Deadline>,
    ) -> FailureRecord {
        let pool = ActorId {
            home: node.shared.core.home(node.index),
            ..ActorId::NOBODY
        };
        self.find(pool, text, within.into().left())
    }

    #[track_caller]
    fn find(&self, pool: ActorId, text: &str, within: Duration) -> FailureRecord {
        let mut looked_at = 0;
        let found = self.failures.wait_for(pool, within, |failures| {
            let new = &failures[looked_at..];
            looked_at = failures.len();
            let fits = |failure: &&FailureRecord| failure.line().contains(text);
            new.iter().find(fits).cloned()
        });
        match found {
            Ok(failure) => failure,
            Err(_) if within.is_zero() => {
                panic!("no failure has {text:?} in it; all: {:?}", self.lines())
            }
            Err(_) => {
                let lines = self.lines();
                panic!("no failure with {text:?} in it came within {within:?}; all: {lines:?}")
            }
        }
    }

    /// Asserts that nothing has failed.
    ///
    /// # Panics
    ///
    /// If something has.
    #[track_caller]
    pub fn expect_none(&self) {
        let lines = self.lines();
        assert!(lines.is_empty(), "nothing was to fail, but: {lines:?}");
    }
}

fn lines(failures: &[FailureRecord]) -> Vec<String> {
    failures.iter().map(ToString::to_string).collect()
}

impl fmt::Debug for FailureLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FailureLog").field(&self.lines()).finish()
    }
}
