//! The end of a pool: waiting for it, and its report.
//!
//! A waiting thread checks from time to time how far the workers are. A worker that makes progress
//! is waited for, even past the deadline: it unwinds handlers, runs destructors, signals
//! `PostStop`. A worker that makes none, because a handler never returns, is left behind with its
//! thread, and the others end without it.

use parking_lot::{Condvar, Mutex};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::shared::PoolShared;
use super::watchdog::running_on;
use crate::address::ActorPath;
use crate::failure::DeadLetterReason;
use crate::observe::SlowHandler;
use crate::pool_core::{PoolCore, WorkerActivity};
use crate::worker::ShutdownProgress;

/// How long a worker makes no progress before it counts as stuck.
const STUCK_AFTER: Duration = Duration::from_secs(2);
/// How often the progress of the workers is checked, past the deadline.
const LOOKS_EVERY: Duration = Duration::from_millis(10);

/// What a shutdown came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Actors that had not stopped at the deadline and were stopped by force.
    pub forced: u64,
    /// The paths of these actors; of the first hundred, if there are more.
    pub forced_actors: Vec<ActorPath>,
    /// Messages that were accepted and not handled.
    pub unprocessed: u64,
    /// Workers that are stuck in code that does not return. Their threads are left behind, and
    /// their remaining actors and messages are in none of the counts.
    pub stuck_workers: Vec<StuckWorker>,
}

/// A worker that no longer makes progress, so that a shutdown left it behind.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StuckWorker {
    /// The worker's index.
    pub worker: usize,
    /// The handler that does not return. `None` if it is a destructor of something that the runtime
    /// drops.
    pub handler: Option<SlowHandler>,
}

/// Why a shutdown could not be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShutdownError {
    /// The caller is a worker of the pool, and would wait for its own end. A shutdown that was
    /// requested continues.
    #[error("a worker cannot wait for the end of its own pool; let another thread wait for it")]
    OnWorker,
    /// The operating system provided no thread to wait on. The shutdown of a pool continues; a
    /// coordinated one has not begun.
    #[error("the operating system provided no thread to wait on; wait on this thread")]
    NoThread,
}

impl ShutdownReport {
    /// The report of a pool that has ended with no worker stuck.
    pub(crate) fn of(core: &PoolCore, ending: &ShutdownProgress) -> Self {
        let letters = &core.dead_letters;
        Self {
            forced: ending.forced(),
            forced_actors: ending.forced_actors(),
            unprocessed: letters.count(DeadLetterReason::Forced)
                + letters.count(DeadLetterReason::PoolClosed),
            stuck_workers: Vec::new(),
        }
    }
}

/// One line, and one more for each stuck worker.
impl fmt::Display for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            forced,
            unprocessed,
            ..
        } = self;
        write!(
            f,
            "{forced} actors stopped by force, {unprocessed} messages left"
        )?;
        self.stuck_workers
            .iter()
            .try_for_each(|stuck| write!(f, "\n{stuck}"))
    }
}

impl fmt::Display for StuckWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.handler {
            Some(handler) => handler.fmt(f),
            None => write!(f, "a destructor has held worker {}", self.worker),
        }
    }
}

/// The workers whose threads have ended, for waiters for the end of all.
#[derive(Default)]
pub(super) struct Ends {
    state: Mutex<PoolEndState>,
    changed: Condvar,
}

#[derive(Default)]
struct PoolEndState {
    ended: Vec<u32>,
    /// The deadline of the pool's shutdown, if one was requested.
    by: Option<Instant>,
}

impl Ends {
    /// Records that a worker's thread has ended.
    pub(super) fn one_more(&self, worker: u32) {
        self.state.lock().ended.push(worker);
        self.changed.notify_all();
    }

    /// Records that a shutdown was requested. A later request does not postpone the deadline.
    pub(super) fn note_deadline(&self, within: Duration) {
        if let Some(by) = Instant::now().checked_add(within) {
            let mut state = self.state.lock();
            state.by = Some(state.by.map_or(by, |before| before.min(by)));
            drop(state);
            self.changed.notify_all();
        }
    }

    pub(super) fn has_ended(&self, worker: u32) -> bool {
        self.state.lock().ended.contains(&worker)
    }
}

/// Records the end of a worker's thread, however it happens.
pub(super) struct NoteEnd {
    pub(super) shared: Arc<PoolShared>,
    pub(super) worker: u32,
}

impl Drop for NoteEnd {
    fn drop(&mut self) {
        self.shared.ends.one_more(self.worker);
    }
}

/// What a waiter for the end has seen of each worker.
pub(super) struct EndWatch {
    seen: Mutex<Vec<SeenProgress>>,
}

#[derive(Clone, Copy)]
struct SeenProgress {
    turn_and_progress: (u64, u64),
    since: Instant,
}

/// The progress of a wait for the end.
struct EndProgress {
    /// The time since which every worker is forced to end.
    forced: Option<Instant>,
    /// The time since which the quiet workers are to close.
    closes: Option<Instant>,
}

impl EndWatch {
    pub(super) fn new(core: &PoolCore) -> Self {
        let since = Instant::now();
        let seen = core.activities.iter().map(|activity| SeenProgress {
            turn_and_progress: activity.turn_and_progress(),
            since,
        });
        Self {
            seen: Mutex::new(seen.collect()),
        }
    }

    /// Waits until all workers have ended. Stuck workers are waited for only until a deadline:
    /// `by`, at which all workers are forced to end, or else that of a shutdown that was requested
    /// elsewhere. Returns the stuck workers.
    pub(super) fn wait(
        &self,
        shared: &PoolShared,
        ending: &ShutdownProgress,
        by: Option<Instant>,
    ) -> Vec<StuckWorker> {
        let mut progress = EndProgress {
            forced: None,
            closes: None,
        };
        loop {
            let (left, asked) = {
                let state = shared.ends.state.lock();
                let is_left = |worker: &u32| !state.ended.contains(worker);
                let left: Vec<u32> = shared.core.worker_indices().filter(is_left).collect();
                (left, state.by)
            };
            let due = by.or(asked);
            if left.is_empty() {
                return Vec::new();
            }
            let now = Instant::now();
            self.look(&shared.core, now);
            let next = match due {
                Some(due) if now < due => {
                    // In time to see which workers keep running from then until the deadline.
                    Some(
                        due.checked_sub(STUCK_AFTER)
                            .filter(|look| *look > now)
                            .unwrap_or(due),
                    )
                }
                Some(_) => {
                    if by.is_some() && progress.forced.is_none() {
                        // On the pool's own clock, which may stand still, the deadline need not
                        // have been reached.
                        shared.request_shutdown(Duration::ZERO);
                        progress.forced = Some(now);
                    }
                    if let Some(stuck) =
                        self.end_without_stuck(shared, ending, &left, &mut progress, now)
                    {
                        return stuck;
                    }
                    Some(now + LOOKS_EVERY)
                }
                None => None,
            };
            wait_for_change(&shared.ends, &left, asked, next);
        }
    }

    /// Records where the workers are.
    fn look(&self, core: &PoolCore, now: Instant) {
        for (seen, activity) in self.seen.lock().iter_mut().zip(&core.activities) {
            let turn_and_progress = activity.turn_and_progress();
            if turn_and_progress != seen.turn_and_progress {
                *seen = SeenProgress {
                    turn_and_progress,
                    since: now,
                };
            }
        }
    }

    /// Makes the remaining workers close if some of them are stuck and the others wait for these.
    /// Returns the stuck workers once no others are left.
    fn end_without_stuck(
        &self,
        shared: &PoolShared,
        ending: &ShutdownProgress,
        left: &[u32],
        progress: &mut EndProgress,
        now: Instant,
    ) -> Option<Vec<StuckWorker>> {
        let (quiet, waiting) = (ending.quiet(), ending.waiting());
        if quiet.len() == shared.workers() {
            // The last of them has requested the close.
            progress.closes.get_or_insert(now);
        }
        let is_running = |worker: u32| {
            let seen = self.seen.lock()[worker as usize];
            WorkerActivity::is_running(seen.turn_and_progress.0)
        };
        // One that may wait for others need not wait for them when it is to close.
        let waits = |worker: &u32| waiting.contains(worker) && !is_running(*worker);
        let stuck_for = |worker: u32| {
            let seen = self.seen.lock()[worker as usize];
            let begun = if quiet.contains(&worker) {
                progress.closes
            } else if is_running(worker) {
                Some(seen.since)
            } else if waits(&worker) {
                progress.closes.or(progress.forced)
            } else {
                progress.forced
            };
            let stands = now.saturating_duration_since(begun?.max(seen.since));
            (stands >= STUCK_AFTER).then_some(stands)
        };
        let stuck: Vec<(u32, Duration)> = left
            .iter()
            .filter_map(|worker| Some((*worker, stuck_for(*worker)?)))
            .collect();
        if stuck.is_empty() {
            return None;
        }
        let is_stuck = |worker: &u32| stuck.iter().any(|(stuck, _)| stuck == worker);
        if progress.closes.is_none()
            && left
                .iter()
                .all(|left| is_stuck(left) || quiet.contains(left) || waits(left))
        {
            ShutdownProgress::close_all(&shared.core);
            progress.closes = Some(now);
            if left.iter().any(waits) {
                return None;
            }
        }
        let all = stuck.len() == left.len();
        all.then(|| {
            let stuck = stuck.into_iter();
            stuck
                .map(|(worker, stands)| StuckWorker {
                    worker: worker as usize,
                    handler: running_on(&shared.core, worker, stands),
                })
                .collect()
        })
    }
}

/// Waits until one of the workers in `left` has ended, or the deadline of the requested shutdown
/// differs from `asked`, or it is time. Returns whether there was such a change.
fn wait_for_change(
    ends: &Ends,
    left: &[u32],
    asked: Option<Instant>,
    next: Option<Instant>,
) -> bool {
    let mut state = ends.state.lock();
    // Compared with what the caller has seen: the change may have happened since, and is not
    // notified again.
    while state.by == asked && !left.iter().any(|worker| state.ended.contains(worker)) {
        match next {
            None => ends.changed.wait(&mut state),
            Some(next) => {
                if ends.changed.wait_until(&mut state, next).timed_out() {
                    return false;
                }
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::{Key, MessageType};
    use crate::pool::{core_of_one_worker, lanes};
    use crate::pool_core::{RunningTurn, unregister};

    #[test]
    fn s4_15_a_shutdown_that_is_asked_for_between_two_looks_is_not_slept_over() {
        let (ends, left) = (Ends::default(), [0, 1]);
        let no_longer = || Some(Instant::now());
        assert!(!wait_for_change(&ends, &left, None, no_longer()));
        ends.note_deadline(Duration::from_secs(3600));
        assert!(wait_for_change(&ends, &left, None, no_longer()));
        let asked = ends.state.lock().by;
        assert!(!wait_for_change(&ends, &left, asked, no_longer()));
        // Another request brings it forward.
        ends.note_deadline(Duration::from_secs(60));
        assert!(wait_for_change(&ends, &left, asked, no_longer()));
        let asked = ends.state.lock().by;
        assert!(!wait_for_change(&ends, &left, asked, no_longer()));
        ends.one_more(1);
        assert!(wait_for_change(&ends, &left, asked, no_longer()));
        assert!(!wait_for_change(&ends, &[0], asked, no_longer()));
    }

    #[test]
    fn s4_15_a_worker_is_stuck_when_nothing_has_gone_on_for_a_while_and_at_once_the_next_time() {
        let core = core_of_one_worker(lanes(1).0);
        let (shared, ending) = (
            PoolShared::new(Arc::clone(&core)),
            ShutdownProgress::default(),
        );
        let watch = EndWatch::new(&core);
        let begun = Instant::now();
        let stuck_at = |progress: &mut EndProgress, after: Duration| {
            watch.look(&core, begun + after);
            let stuck = watch.end_without_stuck(&shared, &ending, &[0], progress, begun + after);
            stuck.map(|stuck| stuck.len())
        };
        let ms = Duration::from_millis;
        let mut progress = EndProgress {
            forced: Some(begun),
            closes: None,
        };
        core.activities[0].begin(RunningTurn::of(Key::new(1, 1), MessageType::of::<u8>()));
        assert_eq!(stuck_at(&mut progress, ms(0)), None);
        assert_eq!(stuck_at(&mut progress, ms(1999)), None);
        core.activities[0].note_progress();
        assert_eq!(stuck_at(&mut progress, ms(2001)), None, "it has got on");
        assert_eq!(stuck_at(&mut progress, ms(4000)), None);
        assert_eq!(stuck_at(&mut progress, ms(4001)), Some(1));
        let mut again = EndProgress {
            forced: None,
            closes: None,
        };
        assert_eq!(
            stuck_at(&mut again, ms(4001)),
            Some(1),
            "it is not waited for anew"
        );
        // Without a handler, for example while it sleeps, it has as long from when it is forced to
        // end.
        core.activities[0].end();
        assert_eq!(stuck_at(&mut again, ms(9000)), None);
        let mut forced = EndProgress {
            forced: Some(begun + ms(9000)),
            closes: None,
        };
        assert_eq!(stuck_at(&mut forced, ms(10_999)), None);
        assert_eq!(stuck_at(&mut forced, ms(11_000)), Some(1));
        unregister(&core);
    }
}
