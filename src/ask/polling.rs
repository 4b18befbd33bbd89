//! What is noted while a future is polled by `block_on`: for the asks that it awaits, and of them.

use std::cell::{Cell, RefCell};
use std::task::Waker;
use std::time::Duration;

use crate::actor::{Home, Key};

/// A reply on whose behalf somebody waits, which holds it all that time.
#[derive(Clone, Copy)]
pub(super) struct Lent {
    /// How long it is waited for yet, where that is known here.
    pub(super) left: Option<Duration>,
    /// The wait that it ends, where that is a worker's.
    pub(super) wait: Option<(Home, Key)>,
    /// Whether whoever waited for it has given up.
    pub(super) is_given_up: bool,
}

thread_local! {
    static LENT: Cell<Option<Lent>> = const { Cell::new(None) };
    static BLOCKING_ON: Cell<bool> = const { Cell::new(false) };
    static POLLED: RefCell<Vec<Polled>> = const { RefCell::new(Vec::new()) };
}

/// A wait that was polled, and with which waker.
#[derive(Clone, Copy)]
pub(super) struct Polled {
    pub(super) home: Home,
    pub(super) wait: Key,
    pub(super) waker: *const (),
}

/// A wait of this worker was polled, and has kept a copy of that waker.
pub(super) fn has_polled(home: Home, wait: Key, waker: &Waker) {
    if is_blocking_on() {
        let waker = waker.data();
        POLLED.with_borrow_mut(|all| all.push(Polled { home, wait, waker }));
    }
}

/// Whether this thread polls a future by `block_on`, which drives what it waits for.
pub(super) fn is_blocking_on() -> bool {
    BLOCKING_ON.get()
}

/// On whose behalf the future is polled that is polled, where it is on anybody's.
pub(super) fn lent() -> Option<Lent> {
    LENT.get().filter(|_| is_blocking_on())
}

/// Polls a future for `block_on`, on somebody's behalf or nobody's, by a function that does not panic. Answers as well which waits were
/// polled meanwhile, in that order.
pub(super) fn blocking_on<R>(lent: Option<Lent>, poll: impl FnOnce() -> R) -> (R, Vec<Polled>) {
    let outer = (BLOCKING_ON.replace(true), LENT.replace(lent));
    // So that what is noted from here on is of wakers that live as long as this one does.
    POLLED.take();
    let polled = poll();
    BLOCKING_ON.set(outer.0);
    LENT.set(outer.1);
    (polled, POLLED.take())
}
