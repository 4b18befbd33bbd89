//! The primitives of the model checker.

pub(crate) use loom::cell::UnsafeCell;
pub(crate) use loom::sync::Arc;
pub(crate) use loom::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, fence,
};

use std::ops::{Deref, DerefMut};
use std::sync::atomic::Ordering::{Acquire, Release};
use std::time::Duration;

/// A lock with the interface of `parking_lot`'s.
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

/// Access to what lies under a [`Mutex`]; without loom's own guard while a [`Condvar`] has that.
pub(crate) struct MutexGuard<'a, T> {
    lock: &'a Mutex<T>,
    held: Option<loom::sync::MutexGuard<'a, T>>,
}

/// A condition variable with the interface of `parking_lot`'s.
pub(crate) struct Condvar(loom::sync::Condvar);

/// Whether a wait ended because its time was over.
pub(crate) struct TimedOut(bool);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(loom::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        let held = Some(self.0.lock().unwrap());
        MutexGuard { lock: self, held }
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.held.as_ref().expect("nobody waits")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.held.as_mut().expect("nobody waits")
    }
}

impl Condvar {
    pub(crate) fn new() -> Self {
        Self(loom::sync::Condvar::new())
    }

    pub(crate) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        let held = guard.held.take().expect("nobody waits");
        guard.held = Some(self.0.wait(held).unwrap());
    }

    /// Loom has no clock: the time is over at once, whatever arrives meanwhile.
    pub(crate) fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, _time: Duration) -> TimedOut {
        drop(guard.held.take());
        guard.held = Some(guard.lock.0.lock().unwrap());
        TimedOut(true)
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}

impl TimedOut {
    pub(crate) fn timed_out(&self) -> bool {
        self.0
    }
}

/// A value that is made once, with the interface of the standard library's.
pub(crate) struct OnceLock<T> {
    making: Mutex<()>,
    is_made: AtomicBool,
    value: std::sync::OnceLock<T>,
}

impl<T> OnceLock<T> {
    pub(crate) fn new() -> Self {
        Self {
            making: Mutex::new(()),
            is_made: AtomicBool::new(false),
            value: std::sync::OnceLock::new(),
        }
    }

    pub(crate) fn get(&self) -> Option<&T> {
        // Acquire pairs with the release in `get_or_init`.
        let is_made = self.is_made.load(Acquire);
        is_made.then(|| self.value.get().expect("it was made before"))
    }

    pub(crate) fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        let _others_wait = self.making.lock();
        let value = self.value.get_or_init(make);
        self.is_made.store(true, Release);
        value
    }
}

/// A place for an `Arc`, with the interface of `arc_swap`'s.
pub(crate) struct ArcSwapOption<T>(Mutex<Option<std::sync::Arc<T>>>);

/// A value that was read from such a place.
pub(crate) struct Guard<T>(T);

impl<T> ArcSwapOption<T> {
    pub(crate) fn empty() -> Self {
        Self(Mutex::new(None))
    }

    pub(crate) fn load(&self) -> Guard<Option<std::sync::Arc<T>>> {
        Guard(self.0.lock().clone())
    }

    pub(crate) fn store(&self, value: Option<std::sync::Arc<T>>) {
        drop(self.swap(value));
    }

    pub(crate) fn swap(&self, value: Option<std::sync::Arc<T>>) -> Option<std::sync::Arc<T>> {
        std::mem::replace(&mut *self.0.lock(), value)
    }
}

impl<T> Deref for Guard<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// A parker with a token, as `crossbeam::sync::Parker`, over loom's lock and condition variable.
pub(crate) struct Parker {
    unparker: Unparker,
}

/// The half of a [`Parker`] that wakes it.
#[derive(Clone)]
pub struct Unparker {
    inner: Arc<(Mutex<bool>, Condvar)>,
}

impl Parker {
    pub(crate) fn new() -> Self {
        let inner = Arc::new((Mutex::new(false), Condvar::new()));
        Self {
            unparker: Unparker { inner },
        }
    }

    pub(crate) fn unparker(&self) -> &Unparker {
        &self.unparker
    }

    pub(crate) fn park(&self) {
        let (token, condition) = &*self.unparker.inner;
        let mut token = token.lock();
        while !*token {
            condition.wait(&mut token);
        }
        *token = false;
    }

    /// Loom has no clock: a time-out is a return that may come before any token.
    pub(crate) fn park_timeout(&self, _timeout: Duration) {
        let (token, _) = &*self.unparker.inner;
        *token.lock() = false;
    }
}

impl Unparker {
    pub(crate) fn unpark(&self) {
        let (token, condition) = &*self.inner;
        *token.lock() = true;
        condition.notify_one();
    }
}

/// Parking of whole threads.
///
/// Not loom's own, which is too kind to its user: it wakes in the step that sets the token, so no step
/// ever runs between a sender's exchange and its `unpark`, and it makes all that the waker did visible
/// even to a thread that never parks. Nor does its token outlast a lock.
pub(crate) mod thread {
    use super::{Parker, Unparker};
    use std::time::Duration;

    loom::thread_local! {
        static PARKER: Parker = Parker::new();
    }

    /// A handle that wakes a thread.
    pub(crate) struct Thread(Unparker);

    impl Thread {
        pub(crate) fn unpark(&self) {
            self.0.unpark();
        }
    }

    pub(crate) fn current() -> Thread {
        PARKER.with(|parker| Thread(parker.unparker().clone()))
    }

    pub(crate) fn park() {
        PARKER.with(Parker::park);
    }

    /// As [`Parker::park_timeout`]. It yields, as the caller repeats it until the time is over, which
    /// never happens here.
    pub(crate) fn park_timeout(timeout: Duration) {
        PARKER.with(|parker| parker.park_timeout(timeout));
        loom::thread::yield_now();
    }
}

/// Rounds of a wait after which no further order of events is explored.
const ROUNDS: u32 = 4;

/// Passes the time in the given round of a wait for another thread that is about to complete a step.
///
/// A look in vain changes nothing, so another one leads to no new state; but loom would try for ever to
/// let the waiting threads look in turn, and never the thread that they wait for. So what follows such
/// a wait runs in one order only, in which every thread has a turn.
pub(crate) fn relax(round: u32) {
    if round == ROUNDS {
        loom::skip_branch();
    }
    loom::thread::yield_now();
}
