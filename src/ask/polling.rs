//! What is noted while a future is polled by `block_on`: for the asks that it awaits, and of them.

use std::cell::RefCell;
use std::collections::HashMap;
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

/// A wait that was polled.
#[derive(Clone, Copy)]
pub(super) struct Polled {
    pub(super) home: Home,
    pub(super) wait: Key,
}

/// A future that is polled.
struct Poll {
    lent: Option<Lent>,
    polled: Vec<Polled>,
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

/// A wait of this worker was polled, and has kept a copy of that waker.
pub(super) fn has_polled(home: Home, wait: Key, waker: &Waker) {
    with_polls(|polls| {
        if let Some(poll) = polls.get_mut(&waker.data()) {
            poll.polled.push(Polled { home, wait });
        }
    });
}

/// On whose behalf a future is polled with that waker, where it is on anybody's.
pub(super) fn lent(waker: &Waker) -> Option<Lent> {
    with_polls(|polls| polls.get(&waker.data())?.lent)
}

/// Polls a future for `block_on`, with a waker that holds that, on somebody's behalf or nobody's, by a
/// function that does not panic. Answers as well which waits were polled with that waker, in that order.
pub(super) fn blocking_on<R>(
    waker: *const (),
    lent: Option<Lent>,
    poll: impl FnOnce() -> R,
) -> (R, Vec<Polled>) {
    let begun = Poll {
        lent,
        polled: Vec::new(),
    };
    with_polls(|polls| polls.insert(waker, begun));
    let answer = as_polled(poll);
    let ended = with_polls(|polls| polls.remove(&waker));
    (answer, ended.map_or_else(Vec::new, |poll| poll.polled))
}
