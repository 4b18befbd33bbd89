//! Detects that the end of a thread has begun to destroy thread-locals that a waiting handler may have
//! borrowed.
//!
//! Destructors of thread-locals run in the reverse order of their first use. A sentinel is first used when a
//! value arrives at the address from which it is used. So the sentinel is destroyed before everything that
//! was used before it, and the value's own destructor, if the value is a thread-local itself, finds the
//! sentinel gone. Whatever the handlers first use while they are driven from there is destroyed before that
//! destructor as well, whether they still borrow it or not.

use std::cell::Cell;
use std::thread::LocalKey;

struct Sentinel;

impl Drop for Sentinel {
    /// It only has to exist: only values with a destructor take part in the order.
    fn drop(&mut self) {}
}

const ROWS: usize = 16;
const OF_ROW: usize = 16;

/// Each has its own destructor, as a thread-local is registered for destruction only once.
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

/// How often values may arrive at a new address on one thread, all values together. Later arrivals are not
/// watched.
const MOST: usize = ROWS * OF_ROW;

fn sentinel(number: usize) -> &'static LocalKey<Sentinel> {
    SENTINELS[number / OF_ROW][number % OF_ROW]
}

thread_local! {
    static USED: Cell<usize> = const { Cell::new(0) };
}

/// Watches the end of the thread on which a value drives fibers.
#[derive(Default)]
pub(crate) struct ThreadEnd {
    place: Cell<usize>,
    sentinel: Cell<Option<usize>>,
}

impl ThreadEnd {
    /// Notes that the value is used, and lies at that address.
    #[inline]
    pub(crate) fn used_at(&self, place: usize) {
        if self.place.replace(place) != place {
            self.moved();
        }
    }

    #[cold]
    fn moved(&self) {
        let next = USED.get();
        // A sentinel that others use already may be older than this address, and then proves nothing.
        if next < MOST && sentinel(next).try_with(|_| ()).is_ok() {
            USED.set(next + 1);
            self.sentinel.set(Some(next));
        }
    }

    /// Whether thread-locals that handlers may have borrowed have been destroyed.
    pub(super) fn has_begun(&self) -> bool {
        self.sentinel
            .get()
            .is_some_and(|number| sentinel(number).try_with(|_| ()).is_err())
    }

    /// Ends the process if handlers wait (`busy` of them) and may have borrowed what is destroyed already:
    /// unwinding them would use it, and so would leaving them.
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
