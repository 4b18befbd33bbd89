//! What a measured process waits for: moments that come once, and messages that are counted.
//!
//! Everything is static: a process measures one thing, once.

use crossbeam::utils::CachePadded;
use std::cell::Cell;
use std::future::poll_fn;
use std::sync::atomic::Ordering::{AcqRel, Relaxed};
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Condvar, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

/// Longer than anything here may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(100);

/// A moment that comes once. A thread or a future can wait for it.
pub(crate) struct Moment {
    state: Mutex<(Option<Instant>, Option<Waker>)>,
    came: Condvar,
}

impl Moment {
    const fn new() -> Self {
        Self {
            state: Mutex::new((None, None)),
            came: Condvar::new(),
        }
    }

    /// Sets the moment to now.
    pub(crate) fn set(&self) {
        let now = Instant::now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(state.0.replace(now).is_none(), "a moment comes once");
        self.came.notify_all();
        if let Some(waker) = state.1.take() {
            waker.wake();
        }
    }

    /// Returns when it came.
    pub(crate) fn at(&self) -> Instant {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0.expect("it has been")
    }

    /// Blocks the thread until it comes.
    pub(crate) fn wait(&self) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .came
            .wait_timeout_while(state, PATIENCE, |state| state.0.is_none());
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(state.0.is_some(), "not everything was handled in time");
    }

    /// Completes when it has come.
    pub(crate) async fn reached(&self) {
        poll_fn(|context| {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if state.0.is_some() {
                return Poll::Ready(());
            }
            state.1 = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// The actors have been started.
pub(crate) static CREATED: Moment = Moment::new();
/// The actors have been published.
pub(crate) static PUBLISHED: Moment = Moment::new();
/// The first message is about to be sent.
pub(crate) static BEGUN: Moment = Moment::new();
/// The last message was sent.
pub(crate) static TOLD: Moment = Moment::new();
/// The last message was handled.
pub(crate) static HANDLED: Moment = Moment::new();

/// The time from the first message to the end of the last.
pub(crate) fn took() -> Duration {
    HANDLED.at() - BEGUN.at()
}

/// The time that sending alone took.
pub(crate) fn telling_took() -> Duration {
    TOLD.at() - BEGUN.at()
}

static PARTS: AtomicU64 = AtomicU64::new(1);
static SUM: AtomicU64 = AtomicU64::new(0);

/// Sets the number of parts: everything is handled when that many have reported, each with its sum.
pub(crate) fn expect_parts(parts: u64) {
    PARTS.store(parts, Relaxed);
}

/// Reports that one part has handled all of its messages.
pub(crate) fn part_handled(sum: u64) {
    SUM.fetch_add(sum, Relaxed);
    if PARTS.fetch_sub(1, AcqRel) == 1 {
        HANDLED.set();
    }
}

/// The sum over the parts.
pub(crate) fn sum() -> u64 {
    SUM.load(Relaxed)
}

/// Counts messages to many actors on one thread: the actors need no state of their own for that.
static GOAL: AtomicU64 = AtomicU64::new(u64::MAX);

thread_local! {
    static SEEN: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
    static PLACE: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// Makes a part handled when a thread has counted that many messages.
pub(crate) fn expect_on_thread(messages: u64) {
    GOAL.store(messages, Relaxed);
}

/// Counts a message on this thread.
#[inline]
pub(crate) fn count(value: u64) {
    let (count, sum) = SEEN.get();
    let (count, sum) = (count + 1, sum + value);
    SEEN.set((count, sum));
    if count == GOAL.load(Relaxed) {
        part_handled(sum);
    }
}

type Counts = [CachePadded<AtomicU64>; 16];
static COUNTED: Counts = [const { CachePadded::new(AtomicU64::new(0)) }; 16];
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// Counts a message when it is not known which thread handles how many.
#[inline]
pub(crate) fn count_anywhere() {
    let mut place = PLACE.get();
    if place == usize::MAX {
        place = THREADS.fetch_add(1, Relaxed);
        PLACE.set(place);
    }
    // Only this thread writes here.
    let counted = &COUNTED[place];
    counted.store(counted.load(Relaxed) + 1, Relaxed);
}

/// Polls until that many messages were counted on all threads together.
pub(crate) fn wait_for_counted(messages: u64) {
    let begun = Instant::now();
    let counted = || COUNTED.iter().map(|count| count.load(Relaxed)).sum::<u64>();
    while counted() < messages {
        assert!(begun.elapsed() < PATIENCE, "{} handled", counted());
        std::thread::sleep(Duration::from_micros(200));
    }
    assert_eq!(counted(), messages);
}
