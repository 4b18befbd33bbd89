//! The fiber that runs on this thread, and how it gives its thread away.
//!
//! Which fiber runs is kept in a thread-local that is set around every resume. A fiber never
//! leaves its thread, so the address that a suspended function may have cached of that
//! thread-local stays the right one.

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

    /// As a number below 2^31.
    pub(crate) fn index(self) -> u32 {
        self.0
    }

    /// From [`index`](Self::index).
    pub(crate) fn from_index(index: u32) -> Self {
        Self(index)
    }
}

/// Why a fiber gives its thread away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suspend {
    /// Its handler waits; somebody holds this fiber's id and will have it resumed.
    Blocked,
    /// It runs no handler and sees nothing to do.
    Idle,
    /// It runs no handler, and that fiber's handler can go on.
    SwitchTo(FiberId),
    /// It runs no handler, and what waits on that fiber is to end.
    End(FiberId),
    /// It runs no handler, and the next one needs a larger stack.
    Apart(StackClass),
    /// It has run the handler that needed its larger stack.
    Rejoin,
    /// Its handler waits, and has resumed others meanwhile, who see nothing to do.
    Nothing,
    /// Its handler waits, and has resumed others meanwhile; that fiber's handler can go on, which is
    /// below it.
    PassOn(FiberId),
    /// As that, and what waits on the fiber below it is to end.
    PassOnEnd(FiberId),
}

/// What a fiber is resumed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resume {
    /// To go on.
    Run,
    /// To end: a waiting handler unwinds, an idle fiber returns.
    End,
}

/// Why a function cannot wait where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CannotSuspend {
    /// It does not run on a fiber.
    NotOnFiber,
    /// Its stack unwinds: another panic on this thread would meet this one's count.
    Unwinding,
    /// It is [forbidden](forbid_waits).
    Forbidden,
}

pub(super) type Handle = Yielder<Resume, Suspend>;

/// In [`Current::held`]: something is to be done before a function waits.
const DO_FIRST: u32 = 1;
/// In [`Current::held`]: one function that forbids to wait.
const FORBIDS: u32 = 2;

#[derive(Clone, Copy)]
struct Current {
    id: FiberId,
    /// What is to be looked at before a function waits on this fiber: whether there is something to do first, and
    /// above that bit, how many functions forbid to wait, on this fiber or on none. No other one runs while any
    /// does.
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

/// Marks the fiber that calls it as the one that runs. Called first thing on every fiber, and
/// after every suspension.
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

/// The fiber that runs, also while it unwinds.
pub(crate) fn running_fiber() -> Option<FiberId> {
    let current = CURRENT.get();
    (!current.yielder.is_null()).then_some(current.id)
}

/// The fiber that a waiting function stands on.
///
/// # Errors
///
/// Says why the caller must not wait.
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

/// The fiber that a waiting function stands on, where it can wait, and has [nothing to do first](do_first).
#[inline(always)]
pub(crate) fn free_fiber() -> Option<FiberId> {
    let current = CURRENT.get();
    let is_free = !current.yielder.is_null() && current.held == 0 && !std::thread::panicking();
    is_free.then_some(current.id)
}

/// Says whether something is to be done before a function waits on the fiber that runs.
#[inline(always)]
pub(crate) fn do_first(any: bool) {
    let current = CURRENT.get();
    let held = current.held & !DO_FIRST | if any { DO_FIRST } else { 0 };
    CURRENT.set(Current { held, ..current });
}

/// Runs code in which nothing can wait.
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

/// Whether code runs here in which nothing can wait.
pub(crate) fn are_waits_forbidden() -> bool {
    CURRENT.get().held >= FORBIDS
}

/// Gives the thread away, and returns when the fiber is resumed.
///
/// # Panics
///
/// When no fiber runs on this thread: ask [`waiting_fiber`] first.
// After a switch the processor mispredicts every return, one level after the other, as its stack
// of return addresses is the other fiber's: so what lies between a handler and the switch is
// inlined, here and in the layers above.
#[inline(always)]
pub(crate) fn suspend(why: Suspend) -> Resume {
    let current = CURRENT.get();
    assert!(!current.yielder.is_null(), "only a fiber can suspend");
    leave();
    // SAFETY: `run_as` or the resumption below set the pointer on this thread, for the fiber that
    // runs now; its yielder lives at the root of the stack that we stand on.
    let resume = unsafe { &*current.yielder }.suspend(why);
    CURRENT.set(current);
    resume
}

/// The fiber that runs, while it resumes others.
pub(crate) struct Parent(Current);

impl Parent {
    /// The fiber that calls it is about to resume others.
    #[inline(always)]
    pub(crate) fn begin() -> Self {
        Self(CURRENT.get())
    }

    /// It goes on itself.
    #[inline(always)]
    pub(crate) fn go_on(self) {
        CURRENT.set(self.0);
    }
}

/// Runs code that resumes the fibers of another worker, where this may be a fiber itself: what runs on none of
/// those is on no fiber, meanwhile.
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
