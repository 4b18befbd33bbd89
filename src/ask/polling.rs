//! What is noted while a future is polled by `block_on`: for the asks that it awaits, and of them.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::Waker;
use std::time::Duration;

use crate::actor::{Home, Key, as_polled};

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

/// Who polls a future, for as long as that one does, with another waker each time. No two are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Poller(u64);

impl Poller {
    pub(super) fn new() -> Self {
        /// So many numbers a thread draws at a time, so that threads do not share a counter.
        const DRAWN: u64 = 1 << 20;
        static NEXT: AtomicU64 = AtomicU64::new(0);
        thread_local! {
            static OWN: Cell<u64> = const { Cell::new(0) };
        }
        let next = match OWN.get() {
            own if own.is_multiple_of(DRAWN) => NEXT.fetch_add(DRAWN, Relaxed),
            own => own,
        };
        OWN.set(next + 1);
        Self(next)
    }
}

/// A wait that was polled.
#[derive(Clone, Copy)]
pub(super) struct Polled {
    pub(super) home: Home,
    pub(super) wait: Key,
}

/// What was polled of a future.
#[derive(Default)]
pub(super) struct Seen {
    /// Waits that have not ended, in that order.
    pub(super) waits: Vec<Polled>,
    /// Waits that had ended.
    pub(super) ended: Vec<Polled>,
    /// Whether there are other wakers that wake by its own.
    pub(super) by_parts: bool,
}

/// A future that is polled.
enum Poll {
    Whole {
        poller: Poller,
        lent: Option<Lent>,
        seen: Seen,
    },
    /// A part of the one that is polled with the waker which holds that.
    Part(*const ()),
}

thread_local! {
    /// By what its waker holds: whoever is polled may wait, and others are polled on this thread then.
    static POLLS: RefCell<HashMap<*const (), Poll>> = RefCell::default();
}

/// Looks at what is polled on this thread: nothing any more where that ends.
fn with_polls<R: Default>(look: impl FnOnce(&mut HashMap<*const (), Poll>) -> R) -> R {
    let looked = POLLS.try_with(|polls| look(&mut polls.borrow_mut()));
    looked.unwrap_or_default()
}

/// Looks at the whole of which something is polled with that waker, and whether that is a part.
fn with_whole<R>(
    waker: &Waker,
    look: impl FnOnce(Poller, &Option<Lent>, &mut Seen, bool) -> R,
) -> Option<R> {
    with_polls(|polls| {
        let mut at = waker.data();
        let is_part = if let Some(Poll::Part(whole)) = polls.get(&at) {
            at = *whole;
            true
        } else {
            false
        };
        match polls.get_mut(&at) {
            Some(Poll::Whole { poller, lent, seen }) => Some(look(*poller, lent, seen, is_part)),
            _ => None,
        }
    })
}

/// A wait of this worker was polled, and has kept a copy of that waker.
pub(super) fn has_polled(home: Home, wait: Key, waker: &Waker) {
    with_whole(waker, |_, _, seen, is_part| {
        seen.waits.push(Polled { home, wait });
        seen.by_parts |= is_part;
    });
}

/// A wait of this worker was polled, and had ended.
pub(super) fn has_ended(home: Home, wait: Key, waker: &Waker) {
    with_whole(waker, |_, _, seen, _| {
        seen.ended.push(Polled { home, wait })
    });
}

/// On whose behalf a future is polled with that waker, where it is on anybody's.
pub(super) fn lent(waker: &Waker) -> Option<Lent> {
    with_whole(waker, |_, lent, _, _| *lent)?
}

/// Who polls with that waker, where that is known.
pub(super) fn poller(waker: &Waker) -> Option<Poller> {
    with_whole(waker, |poller, _, _, _| poller)
}

/// Polls a part of a future, by a function, with a waker of its own that wakes by that of the whole.
pub(super) fn as_part<R>(waker: &Waker, whole: &Waker, poll: impl FnOnce() -> R) -> R {
    struct Ended<'a>(&'a Waker);

    impl Drop for Ended<'_> {
        fn drop(&mut self) {
            with_polls(|polls| drop(polls.remove(&self.0.data())));
        }
    }

    let is_polled = with_polls(|polls| {
        let whole = match polls.get(&whole.data()) {
            Some(Poll::Part(whole)) => *whole,
            Some(Poll::Whole { .. }) => whole.data(),
            None => return false,
        };
        polls.insert(waker.data(), Poll::Part(whole));
        true
    });
    let _ended = is_polled.then(|| Ended(waker));
    poll()
}

/// Polls a future for a `block_on`, with a waker that holds that, on somebody's behalf or nobody's, by a
/// function that does not panic. Answers as well what was polled with that waker.
pub(super) fn blocking_on<R>(
    waker: *const (),
    poller: Poller,
    lent: Option<Lent>,
    poll: impl FnOnce() -> R,
) -> (R, Seen) {
    let begun = Poll::Whole {
        poller,
        lent,
        seen: Seen::default(),
    };
    with_polls(|polls| polls.insert(waker, begun));
    let answer = as_polled(poll);
    match with_polls(|polls| polls.remove(&waker)) {
        Some(Poll::Whole { seen, .. }) => (answer, seen),
        _ => (answer, Seen::default()),
    }
}
