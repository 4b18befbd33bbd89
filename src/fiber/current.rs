//! The fiber that runs on this thread, and how it suspends.
//!
//! A thread-local that is set around every resume holds the running fiber. A fiber never leaves its thread,
//! so an address of that thread-local that a suspended function has cached stays correct.

#![allow(unsafe_code)]

use corosensei::Yielder;
use std::cell::Cell;
use std::ptr;

use super::stack::StackClass;

/// A fiber of one worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FiberId(u32);

impl FiberId {
    /// No fiber.
    pub(crate) const NONE: Self = Self(u32::MAX);

    /// Returns the id as a number below 2^31.
    pub(crate) fn index(self) -> u32 {
        self.0
    }

    /// Returns the id with that [`index`](Self::index).
    pub(crate) fn from_index(index: u32) -> Self {
        Self(index)
    }
}

/// Why a fiber suspends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suspend {
    /// Its handler waits; the holder of this fiber's id will have it resumed.
    Blocked,
    /// It runs no handler and finds nothing to do.
    Idle,
    /// It runs no handler, and the handler on that fiber can resume.
    SwitchTo(FiberId),
    /// It runs no handler, and what waits on that fiber is to end.
    End(FiberId),
    /// It runs no handler, and the next handler needs a larger stack.
    Apart(StackClass),
    /// It has run the handler that needed its larger stack.
    Rejoin,
    /// Its handler waits, and has resumed other fibers meanwhile, which find nothing to do.
    Nothing,
    /// Its handler waits, and has resumed other fibers meanwhile. The handler on that fiber, which is below
    /// it, can resume.
    PassOn(FiberId),
    /// As `PassOn`, but what waits on the fiber below it is to end.
    PassOnEnd(FiberId),
}

/// Why a fiber is resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resume {
    /// To continue.
    Run,
    /// To end: a waiting handler unwinds, an idle fiber returns.
    End,
}

/// Why a function cannot wait at this point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CannotSuspend {
    /// It does not run on a fiber.
    NotOnFiber,
    /// Its stack unwinds: another panic on this thread would find this one still counted.
    Unwinding,
    /// Waiting is [forbidden](forbid_waits).
    Forbidden,
}

pub(super) type Handle = Yielder<Resume, Suspend>;

/// Flag in [`Current::held`]: something is to be done before a function waits.
const DO_FIRST: u32 = 1;
/// One unit in [`Current::held`]: a function that forbids to wait.
const FORBIDS: u32 = 2;

#[derive(Clone, Copy)]
struct Current {
    id: FiberId,
    /// Checked before a function waits on this fiber. The lowest bit says whether there is something to do
    /// first; the bits above count the functions that forbid to wait, on this fiber or on none. No other
    /// fiber runs while there is such a function.
    held: u32,
    yielder: *const Handle,
}

impl Current {
    const NONE: Self = Self {
        id: FiberId::NONE,
        held: 0,
        yielder: ptr::null(),
    };
}

thread_local! {
    static CURRENT: Cell<Current> = const {
        Cell::new(Current::NONE)
    };
}

/// Marks the calling fiber as the running one. Called first on every fiber, and after every suspension.
fn enter(id: FiberId, yielder: *const Handle) {
    CURRENT.set(Current {
        id,
        held: 0,
        yielder,
    });
}

/// Runs a fiber's body with the fiber marked as current.
pub(super) fn run_as(id: FiberId, yielder: &Handle, body: impl FnOnce()) {
    enter(id, yielder);
    body();
    leave();
}

fn leave() {
    enter(FiberId::NONE, ptr::null());
}

/// Returns the fiber that runs, also while it unwinds.
pub(crate) fn running_fiber() -> Option<FiberId> {
    let current = CURRENT.get();
    (!current.yielder.is_null()).then_some(current.id)
}

/// Returns the fiber on which the calling function may wait.
///
/// # Errors
///
/// The reason why the caller must not wait.
#[inline]
pub(crate) fn waiting_fiber() -> Result<FiberId, CannotSuspend> {
    let current = CURRENT.get();
    if current.yielder.is_null() {
        return Err(CannotSuspend::NotOnFiber);
    }
    if current.held >= FORBIDS {
        return Err(CannotSuspend::Forbidden);
    }
    if std::thread::panicking() {
        return Err(CannotSuspend::Unwinding);
    }
    Ok(current.id)
}

/// Returns the running fiber if the caller can wait on it, and has [nothing to do first](do_first).
#[inline(always)]
pub(crate) fn free_fiber() -> Option<FiberId> {
    let current = CURRENT.get();
    let is_free = !current.yielder.is_null() && current.held == 0 && !std::thread::panicking();
    is_free.then_some(current.id)
}

/// Sets whether something is to be done before a function waits on the running fiber.
#[inline(always)]
pub(crate) fn do_first(any: bool) {
    let current = CURRENT.get();
    let held = current.held & !DO_FIRST | if any { DO_FIRST } else { 0 };
    CURRENT.set(Current { held, ..current });
}

/// Runs code in which no function can wait.
pub(crate) fn forbid_waits<R>(code: impl FnOnce() -> R) -> R {
    struct Allow;
    impl Drop for Allow {
        fn drop(&mut self) {
            let current = CURRENT.get();
            CURRENT.set(Current {
                held: current.held - FORBIDS,
                ..current
            });
        }
    }
    let current = CURRENT.get();
    CURRENT.set(Current {
        held: current.held + FORBIDS,
        ..current
    });
    let _allow = Allow;
    code()
}

/// Whether the caller is inside [`forbid_waits`].
pub(crate) fn are_waits_forbidden() -> bool {
    CURRENT.get().held >= FORBIDS
}

/// Suspends the fiber, and returns when it is resumed.
///
/// # Panics
///
/// If no fiber runs on this thread: check [`waiting_fiber`] first.
// After a switch the processor mispredicts every return, one level after the other, as its stack of return
// addresses is the other fiber's. So everything between a handler and the switch is inlined, here and in the
// layers above.
#[inline(always)]
pub(crate) fn suspend(why: Suspend) -> Resume {
    let current = CURRENT.get();
    assert!(!current.yielder.is_null(), "only a fiber can suspend");
    leave();
    // SAFETY: `run_as` or the resumption below set the pointer on this thread, for the fiber that runs now;
    // its yielder lies at the root of the stack that this function runs on.
    let resume = unsafe { &*current.yielder }.suspend(why);
    CURRENT.set(current);
    resume
}

/// The running fiber, while it resumes others.
pub(crate) struct Parent(Current);

impl Parent {
    /// Saves the calling fiber, which is about to resume others.
    #[inline(always)]
    pub(crate) fn begin() -> Self {
        Self(CURRENT.get())
    }

    /// Restores the saved fiber as the running one.
    #[inline(always)]
    pub(crate) fn go_on(self) {
        CURRENT.set(self.0);
    }
}

/// Runs code that resumes the fibers of another worker, possibly from a fiber of this one. Meanwhile, code
/// that runs on none of those fibers is on no fiber.
pub(crate) fn off_fiber<R>(code: impl FnOnce() -> R) -> R {
    struct GoOn(Current);
    impl Drop for GoOn {
        fn drop(&mut self) {
            CURRENT.set(self.0);
        }
    }
    let _go_on = GoOn(CURRENT.replace(Current::NONE));
    code()
}
