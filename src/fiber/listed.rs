//! A list of the process's sets of fibers, for debuggers: where `tools/gdb/nexus.py` begins.
//!
//! The program itself only writes to it, when a fiber is made and when a set is dropped, not when one
//! suspends or resumes. It holds addresses and is never followed here, so it needs no `unsafe`.

use parking_lot::Mutex;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

use super::set::FiberSet;

/// An entry. It lives for ever, and is reused, so that a debugger may follow the list at any moment.
pub(super) struct Entry {
    /// The set, or null. No other thread of the program reads it, so relaxed suffices: a debugger reads when
    /// all threads have stopped.
    set: AtomicPtr<FiberSet>,
    next: Option<&'static Entry>,
}

/// The newest entry.
static SETS: Mutex<Option<&'static Entry>> = Mutex::new(None);

impl Entry {
    /// Enters a set at that address.
    #[cold]
    pub(super) fn take(set: &FiberSet) -> &'static Self {
        let address = ptr::from_ref(set).cast_mut();
        let mut newest = SETS.lock();
        let mut next = *newest;
        while let Some(entry) = next {
            if entry.set.load(Relaxed).is_null() {
                entry.set.store(address, Relaxed);
                return entry;
            }
            next = entry.next;
        }
        let entry: &'static Self = Box::leak(Box::new(Self {
            set: AtomicPtr::new(address),
            next: *newest,
        }));
        *newest = Some(entry);
        entry
    }

    /// Notes that the set is at that address now.
    pub(super) fn is_at(&self, set: &FiberSet) {
        self.set.store(ptr::from_ref(set).cast_mut(), Relaxed);
    }

    /// Takes the set off the list.
    pub(super) fn give_back(&self) {
        self.set.store(ptr::null_mut(), Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::super::StackConfig;
    use super::*;

    fn listed() -> Vec<*const FiberSet> {
        let mut found = Vec::new();
        let mut next = *SETS.lock();
        while let Some(entry) = next {
            found.push(entry.set.load(Relaxed).cast_const());
            next = entry.next;
        }
        found
    }

    fn make_a_fiber(set: &FiberSet) -> *const FiberSet {
        set.keep(set.take_idle().expect("there is memory"));
        ptr::from_ref(set)
    }

    #[test]
    fn a_set_is_listed_once_from_its_first_fiber_until_it_is_dropped() {
        let set = FiberSet::new(StackConfig { size: 1 << 16 }, || {});
        assert!(!listed().contains(&ptr::from_ref(&set)));
        let first = make_a_fiber(&set);
        assert!(listed().contains(&first));

        // It is kept at the place where it made its last fiber.
        let set = Box::new(set);
        set.trim(0);
        let moved = make_a_fiber(&set);
        assert!(listed().contains(&moved) && !listed().contains(&first));

        drop(set);
        assert!(!listed().contains(&moved));
    }
}
