//! What is noted while `block_on` polls a future, for the asks that the future awaits.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Waker;
use std::time::Duration;

use crate::address::{Home, Key};
use crate::failure::as_polled;

/// A reply on whose behalf an ask waits, and which is held for that long.
#[derive(Clone, Copy)]
pub(super) struct Lent {
    /// How much longer it is waited for, if that is known here.
    pub(super) left: Option<Duration>,
    /// The wait that it ends, if that is a worker's.
    pub(super) wait: Option<(Home, Key)>,
    /// Whether the asker that waited for it has given up.
    pub(super) is_given_up: bool,
}

/// Identifies the poller of a future for as long as it polls, with another waker each time. Each is unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Poller(u64);

impl Poller {
    pub(super) fn new() -> Self {
        /// A thread draws this many numbers at a time, so that threads do not share a counter.
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
pub(super) struct PollSeen {
    /// Waits that have not ended, in the order of their polls.
    pub(super) waits: Vec<Polled>,
    /// Waits that had ended.
    pub(super) ended: Vec<Polled>,
    /// Whether there are other wakers that wake by means of its own.
    pub(super) by_parts: bool,
}

/// A future that is polled.
enum Poll {
    Whole {
        poller: Poller,
        lent: Option<Lent>,
        seen: PollSeen,
    },
    /// A part of the future that is polled with the waker of this data pointer.
    Part(*const ()),
}

thread_local! {
    /// By the data pointer of the waker: a polled future may wait, and others are then polled on this
    /// thread.
    static POLLS: RefCell<HashMap<*const (), Poll>> = RefCell::default();
}

/// Looks at what is polled on this thread: nothing any more once the thread ends.
fn with_polls<R: Default>(look: impl FnOnce(&mut HashMap<*const (), Poll>) -> R) -> R {
    let looked = POLLS.try_with(|polls| look(&mut polls.borrow_mut()));
    looked.unwrap_or_default()
}

/// Looks at the whole that is polled with that waker, and at whether the waker is that of a part.
fn with_whole<R>(
    waker: &Waker,
    look: impl FnOnce(Poller, &Option<Lent>, &mut PollSeen, bool) -> R,
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

/// A wait of this worker was polled, and holds a copy of that waker.
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

/// Returns the reply on whose behalf a future is polled with that waker, if there is one.
pub(super) fn lent(waker: &Waker) -> Option<Lent> {
    with_whole(waker, |_, lent, _, _| *lent)?
}

/// Returns the poller that uses that waker, if it is known.
pub(super) fn poller(waker: &Waker) -> Option<Poller> {
    with_whole(waker, |poller, _, _, _| poller)
}

/// Calls `poll` for a part of a future, with a waker of its own that wakes the whole by `whole`.
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

/// Polls a future for a `block_on`, by a function that does not panic, with a waker of this data pointer,
/// and on behalf of a reply or of none. Returns also what was polled with that waker.
pub(super) fn blocking_on<R>(
    waker: *const (),
    poller: Poller,
    lent: Option<Lent>,
    poll: impl FnOnce() -> R,
) -> (R, PollSeen) {
    let begun = Poll::Whole {
        poller,
        lent,
        seen: PollSeen::default(),
    };
    with_polls(|polls| polls.insert(waker, begun));
    let answer = as_polled(poll);
    match with_polls(|polls| polls.remove(&waker)) {
        Some(Poll::Whole { seen, .. }) => (answer, seen),
        _ => (answer, PollSeen::default()),
    }
}
