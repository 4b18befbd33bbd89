//! Whether the end of a thread has begun to destroy thread-locals that a waiting handler may have borrowed.
//!
//! Destructors of thread-locals run in the reverse order of their first use. So a sentinel that is used first when
//! a value has come to the place from where it is used is destroyed before what was used before it, and that
//! value's own destructor, if the value is a thread-local itself, finds it gone. What the handlers use first
//! while they are driven from there goes before that destructor as well, whether they still borrow it or not.

use std::cell::Cell;
use std::thread::LocalKey;

struct Sentinel;

impl Drop for Sentinel {
    /// Having one is what counts: only what has a destructor takes part in the order.
    fn drop(&mut self) {}
}

const ROWS: usize = 16;
const OF_ROW: usize = 16;

/// Each has a destructor of its own, as a thread-local is entered among those to be destroyed once only.
macro_rules! sentinels {
    ($($row:ident)*) => {
        static SENTINELS: [&[&LocalKey<Sentinel>; OF_ROW]; ROWS] = [$(&$row::ROW),*];
        $(sentinels! { $row: A B C D E F G H I J K L M N O P })*
    };
    ($row:ident: $($name:ident)*) => {
        mod $row {
            use super::{LocalKey, OF_ROW, Sentinel};
            thread_local! {
                $(static $name: Sentinel = const { Sentinel };)*
            }
            pub(super) static ROW: [&LocalKey<Sentinel>; OF_ROW] = [$(&$name),*];
        }
    };
}

sentinels! { a b c d e f g h i j k l m n o p }

/// So many times a value may come to a new place on a thread, all values together. After that nobody watches
/// over those that come.
const MOST: usize = ROWS * OF_ROW;

fn sentinel(number: usize) -> &'static LocalKey<Sentinel> {
    SENTINELS[number / OF_ROW][number % OF_ROW]
}

thread_local! {
    static USED: Cell<usize> = const { Cell::new(0) };
}

/// Watches over the thread on which a value drives fibers.
#[derive(Default)]
pub(crate) struct ThreadEnd {
    place: Cell<usize>,
    sentinel: Cell<Option<usize>>,
}

impl ThreadEnd {
    /// The value is used, and lies at that address.
    #[inline]
    pub(crate) fn used_at(&self, place: usize) {
        if self.place.replace(place) != place {
            self.moved();
        }
    }

    #[cold]
    fn moved(&self) {
        let next = USED.get();
        // One that others use already may have been there before this place was, and says nothing of it.
        if next < MOST && sentinel(next).try_with(|_| ()).is_ok() {
            USED.set(next + 1);
            self.sentinel.set(Some(next));
        }
    }

    /// Whether thread-locals that handlers may have borrowed have been destroyed.
    pub(crate) fn has_begun(&self) -> bool {
        self.sentinel
            .get()
            .is_some_and(|number| sentinel(number).try_with(|_| ()).is_err())
    }

    /// Ends the process if handlers wait, `busy` of them, and may have borrowed what is destroyed already: to
    /// unwind them would be to use it, and so would to leave them.
    pub(crate) fn refuse_to_outlive(&self, busy: usize) {
        if busy > 0 && self.has_begun() {
            eprintln!(
                "nexus-actors: a thread ends while {busy} handlers wait of a system that lies in one of its \
                 thread-locals, and other thread-locals that they may have borrowed are gone; shut the system \
                 down before its thread ends. The process ends here, as going on could use freed memory"
            );
            std::process::abort();
        }
    }
}
