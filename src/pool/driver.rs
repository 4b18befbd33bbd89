//! The driver of a worker: a thread that ticks it, spins a little when it is idle, then sleeps.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::spin_policy::{PollOutcome, SpinPolicy, UNDISTURBED};
use crate::fiber::StackError;
use crate::shared::WorkFlags;
use crate::time::Clock;
use crate::worker::{Tick, Worker};

/// What a worker does when it has nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitStrategy {
    /// Polls for work for a few microseconds, and for longer, at most 50 µs, if that has paid off
    /// lately and no other thread wants the core; then sleeps. The right choice for a pool that
    /// shares its cores, for example with an `async` runtime.
    Adaptive,
    /// Sleeps at once. Each wake-up costs its sender some microseconds.
    Park,
    /// Polls for work for that long, then sleeps.
    SpinThenPark(Duration),
    /// Never sleeps: the lowest latency, at the cost of a whole core for each worker.
    Spin,
}

/// How long a spinning worker is idle before it looks for cycles of waits.
const SPIN_BEFORE_PROBES: Duration = Duration::from_micros(50);

/// How long a worker is idle before it tidies up: after only a moment's rest it would have to
/// acquire again, at a cost, what it gives back.
const REST_BEFORE_TIDYING_UP: Duration = Duration::from_millis(10);
/// A worker that never rests for that long tidies up at this interval.
const BETWEEN_TIDYING_UP: Duration = Duration::from_secs(1);

/// Checks of the inbox between two readings of the clock, and roughly how long they take.
const LOOKS: u32 = 64;
const LOOK: Duration = Duration::from_micros(3);

/// Runs a worker until it has ended.
///
/// # Errors
///
/// If its first stack cannot be allocated.
pub(super) fn drive(
    worker: &mut Worker,
    clock: &Clock,
    strategy: WaitStrategy,
    watched: Option<(Arc<WorkFlags>, u32)>,
) -> Result<(), StackError> {
    let watched = watched.map(|(flags, worker)| WatchGuard::new(flags, worker));
    let mut now = clock.now();
    let mut habits = Habits {
        strategy,
        patience: SpinPolicy::new(),
        tidiness: Tidiness::new(),
    };
    loop {
        let tick = worker.tick(now)?;
        let began = now;
        // Read after each tick, which takes some time, and not when something arrives: the sender
        // may be waiting for it.
        now = clock.now();
        worker.was_busy(now.saturating_sub(began));
        match tick {
            Tick::Busy => {}
            Tick::Done => return Ok(()),
            Tick::Idle(until) => {
                watched.as_ref().inspect(|watched| watched.rests());
                now = rest(worker, clock, &mut habits, until, now);
                watched.as_ref().inspect(|watched| watched.goes_on());
            }
        }
    }
}

/// A worker that the watchdog observes from here on until this guard is dropped.
struct WatchGuard {
    flags: Arc<WorkFlags>,
    worker: usize,
}

impl WatchGuard {
    fn new(flags: Arc<WorkFlags>, worker: u32) -> Self {
        let worker = worker as usize;
        let watched = Self { flags, worker };
        watched.goes_on();
        watched
    }

    fn goes_on(&self) {
        self.flags.goes_on(self.worker);
    }

    fn rests(&self) {
        self.flags.rests(self.worker);
    }
}

impl Drop for WatchGuard {
    fn drop(&mut self) {
        self.rests();
    }
}

/// How a worker rests.
struct Habits {
    strategy: WaitStrategy,
    patience: SpinPolicy,
    tidiness: Tidiness,
}

/// When a worker last tidied up, and whether it should again.
struct Tidiness {
    /// The number of its busy ticks when it last slept.
    busy_ticks: u64,
    /// The time since which it has done nothing.
    rests_since: Instant,
    last: Instant,
    untidy: bool,
}

impl Tidiness {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            busy_ticks: 0,
            rests_since: now,
            last: now,
            untidy: true,
        }
    }

    /// To be called before a sleep. Returns how long to sleep at most before it is time to tidy up:
    /// zero if it is time now, `None` if there is nothing to tidy up.
    fn wait(&mut self, busy_ticks: u64, now: Instant) -> Option<Duration> {
        if busy_ticks != self.busy_ticks {
            self.busy_ticks = busy_ticks;
            self.rests_since = now;
            self.untidy = true;
        }
        let rested = now.saturating_duration_since(self.rests_since);
        let left = REST_BEFORE_TIDYING_UP.saturating_sub(rested);
        let overdue = now.saturating_duration_since(self.last) >= BETWEEN_TIDYING_UP;
        let wait = if overdue { Duration::ZERO } else { left };
        self.untidy.then_some(wait)
    }

    fn has_tidied_up(&mut self, now: Instant) {
        self.last = now;
        self.untidy = false;
    }
}

/// Spins and sleeps until there is something to do. Returns the time of the next tick.
fn rest(
    worker: &mut Worker,
    clock: &Clock,
    habits: &mut Habits,
    until: Option<u64>,
    now: u64,
) -> u64 {
    let left = clock.time_between(now, until);
    if left == Some(0) {
        return now;
    }
    let adapts = habits.strategy == WaitStrategy::Adaptive;
    let spin = match habits.strategy {
        WaitStrategy::Adaptive => habits.patience.looks_for(),
        WaitStrategy::Park => Duration::ZERO,
        WaitStrategy::SpinThenPark(spin) => spin,
        WaitStrategy::Spin => Duration::MAX,
    };
    let most = left.map_or(spin, |left| spin.min(Duration::from_nanos(left)));
    // What another worker is about to send takes no longer than a moment, whose loss does not
    // matter.
    if (adapts || !most.is_zero()) && look_for_a_moment(worker) {
        return clock.a_moment_after(now);
    }
    let first = most.min(SPIN_BEFORE_PROBES);
    let mut looked = spin_for(worker, first, adapts);
    // A disturbed worker does not skip this: before a sleep it is the last chance.
    if looked != PollOutcome::Found && worker.look_for_cycles() {
        return clock.now();
    }
    if looked == PollOutcome::InVain && most > first {
        looked = spin_for(worker, most - first, adapts);
    }
    if adapts && !most.is_zero() {
        habits.patience.has_looked(looked);
    }
    if looked == PollOutcome::Found {
        return clock.now();
    }
    let asleep = Instant::now();
    sleep(worker, clock.time_to(until), &mut habits.tidiness, asleep);
    if adapts && worker.has_mail() {
        habits.patience.has_slept(asleep.elapsed());
    }
    clock.now()
}

/// Sleeps for that many nanoseconds, or less if it is time to tidy up sooner.
fn sleep(worker: &mut Worker, nanos: Option<u64>, tidiness: &mut Tidiness, now: Instant) {
    let mut wait = tidiness.wait(worker.busy_ticks(), now);
    if wait == Some(Duration::ZERO) {
        worker.tidy_up();
        tidiness.has_tidied_up(now);
        wait = None;
    }
    let wait = wait.and_then(|wait| u64::try_from(wait.as_nanos()).ok());
    worker.park(nanos.into_iter().chain(wait).min());
}

/// Checks the inbox a number of times. Returns whether there is any mail.
fn look_for_a_moment(worker: &Worker) -> bool {
    (0..LOOKS).any(|_| {
        std::hint::spin_loop();
        worker.has_mail()
    })
}

/// Polls the inbox for a while. With `adapts` it stops if another thread wants the core.
fn spin_for(worker: &Worker, most: Duration, adapts: bool) -> PollOutcome {
    let found = |found| {
        if found {
            PollOutcome::Found
        } else {
            PollOutcome::InVain
        }
    };
    if most.is_zero() {
        return found(worker.has_mail());
    }
    let start = Instant::now();
    let mut looked_at = start;
    loop {
        if look_for_a_moment(worker) {
            return PollOutcome::Found;
        }
        // The thread that is to give it work may need this core for that.
        thread::yield_now();
        let now = Instant::now();
        if adapts && now - looked_at > LOOK + UNDISTURBED {
            return if worker.has_mail() {
                PollOutcome::Found
            } else {
                PollOutcome::Disturbed
            };
        }
        if now - start >= most {
            return found(worker.has_mail());
        }
        looked_at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Duration = Duration::from_millis(1);

    #[test]
    fn a_worker_tidies_up_once_after_a_rest_and_not_before() {
        let (mut tidiness, mut now) = (Tidiness::new(), Instant::now());
        assert!(tidiness.wait(1, now).is_some_and(|wait| !wait.is_zero()));
        now += MOMENT;
        let left = tidiness.wait(1, now);
        assert_eq!(left, Some(REST_BEFORE_TIDYING_UP - MOMENT));
        // It works in between, which ends its rest.
        assert_eq!(tidiness.wait(2, now), Some(REST_BEFORE_TIDYING_UP));
        now += REST_BEFORE_TIDYING_UP;
        assert_eq!(tidiness.wait(2, now), Some(Duration::ZERO));
        tidiness.has_tidied_up(now);
        assert_eq!(
            tidiness.wait(2, now),
            None,
            "it sleeps for as long as it may"
        );
        assert_eq!(tidiness.wait(2, now + BETWEEN_TIDYING_UP), None);
    }

    #[test]
    fn a_worker_that_never_rests_for_long_tidies_up_from_time_to_time() {
        let (mut tidiness, mut now) = (Tidiness::new(), Instant::now());
        let begun = now;
        let mut ticks = 0;
        while tidiness.wait(ticks, now) != Some(Duration::ZERO) {
            now += MOMENT;
            ticks += 1;
        }
        let took = now - begun;
        assert!(
            took <= BETWEEN_TIDYING_UP && took > BETWEEN_TIDYING_UP / 2,
            "{took:?}"
        );
        tidiness.has_tidied_up(now);
        assert_eq!(tidiness.wait(ticks + 1, now), Some(REST_BEFORE_TIDYING_UP));
    }
}
