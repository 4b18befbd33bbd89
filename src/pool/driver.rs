//! The driver of a worker: a thread that ticks it, spins a little when it is idle, then sleeps.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::time::Clock;
use super::watchdog::Watch;
use crate::fiber::StackError;
use crate::runtime::{Tick, Worker};

/// What a worker does when it has nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitStrategy {
    /// Sleeps at once. Each wake-up costs its sender some microseconds.
    Park,
    /// Looks for work for that long, then sleeps.
    SpinThenPark(Duration),
    /// Never sleeps: the lowest latency, at the price of a whole core for each worker.
    Spin,
}

/// How long a worker that spins has nothing to do before it looks for cycles of waits.
const SPIN_BEFORE_PROBES: Duration = Duration::from_micros(50);

/// A worker that sleeps for moments only does not tidy up each time.
const BETWEEN_TIDYING_UP: Duration = Duration::from_millis(10);

/// Looks at the inbox between two looks at the clock.
const LOOKS: u32 = 64;

/// Runs a worker until it has ended.
///
/// # Errors
///
/// When it cannot have its first stack.
pub(super) fn drive(
    worker: &mut Worker,
    clock: &Clock,
    strategy: WaitStrategy,
    watch: Option<&Watch>,
) -> Result<(), StackError> {
    let mut now = clock.now();
    let mut tidied_up = None;
    loop {
        let tick = worker.tick(now)?;
        // Read after each tick, which takes some time, and not when something arrives: whoever sent
        // that may wait for it.
        now = clock.now();
        match tick {
            Tick::Busy => {}
            Tick::Done => return Ok(()),
            Tick::Idle(until) => {
                now = rest(worker, clock, strategy, until, now, &mut tidied_up);
                watch.inspect(|watch| watch.someone_works());
            }
        }
    }
}

/// Spins and sleeps until there is something to do. Answers the time of the next tick.
fn rest(
    worker: &mut Worker,
    clock: &Clock,
    strategy: WaitStrategy,
    until: Option<u64>,
    now: u64,
    tidied_up: &mut Option<Instant>,
) -> u64 {
    let left = clock.time_between(now, until);
    if left == Some(0) {
        return now;
    }
    let spin = match strategy {
        WaitStrategy::Park => Duration::ZERO,
        WaitStrategy::SpinThenPark(spin) => spin,
        WaitStrategy::Spin => Duration::MAX,
    };
    let most = left.map_or(spin, |left| spin.min(Duration::from_nanos(left)));
    if !most.is_zero() && look_for_a_moment(worker) {
        return clock.a_moment_after(now);
    }
    let first = most.min(SPIN_BEFORE_PROBES);
    let found =
        spin_for(worker, first) || worker.look_for_cycles() || spin_for(worker, most - first);
    if !found {
        sleep(worker, clock.time_to(until), tidied_up);
    }
    clock.now()
}

/// Sleeps for that many nanoseconds, or a little, until it is time to tidy up.
fn sleep(worker: &mut Worker, nanos: Option<u64>, tidied_up: &mut Option<Instant>) {
    let ago = tidied_up.map(|when| when.elapsed());
    let wait = ago.and_then(|ago| BETWEEN_TIDYING_UP.checked_sub(ago));
    let wait = wait.and_then(|wait| u64::try_from(wait.as_nanos()).ok());
    if wait.is_none() {
        worker.tidy_up();
        *tidied_up = Some(Instant::now());
    }
    worker.park(nanos.into_iter().chain(wait).min());
}

/// Looks at the inbox some times; answers whether there is anything.
fn look_for_a_moment(worker: &Worker) -> bool {
    (0..LOOKS).any(|_| {
        std::hint::spin_loop();
        worker.has_mail()
    })
}

/// Looks at the inbox for a while; answers whether the worker need not sleep.
fn spin_for(worker: &Worker, most: Duration) -> bool {
    if most.is_zero() {
        return worker.has_mail();
    }
    let start = Instant::now();
    loop {
        if look_for_a_moment(worker) {
            return true;
        }
        if start.elapsed() >= most {
            return false;
        }
        // Whoever is to give it work may need this core for that.
        thread::yield_now();
    }
}

/// Counts the threads of a pool that have ended, for those who wait for all of them.
#[derive(Default)]
pub(super) struct Ended {
    count: parking_lot::Mutex<usize>,
    changed: parking_lot::Condvar,
}

impl Ended {
    pub(super) fn one_more(&self) {
        *self.count.lock() += 1;
        self.changed.notify_all();
    }

    /// Waits until `all` have ended, or the time is over. Answers how many have not.
    pub(super) fn wait(&self, all: usize, deadline: Option<Instant>) -> usize {
        let mut count = self.count.lock();
        while *count < all {
            match deadline {
                None => self.changed.wait(&mut count),
                Some(deadline) => {
                    if self.changed.wait_until(&mut count, deadline).timed_out() {
                        break;
                    }
                }
            }
        }
        all - *count
    }
}

/// Notes the end of a thread however it comes about.
pub(super) struct NoteEnd(pub(super) Arc<Ended>);

impl Drop for NoteEnd {
    fn drop(&mut self) {
        self.0.one_more();
    }
}
