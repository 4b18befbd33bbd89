//! Waits of handlers for several answers at once, all of which they need.
//!
//! A handler waits on its fiber for one wait only, and each of the others ends that one. Which others these
//! are is noted here, for the search for cycles.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::address::Key;
use crate::memory::OrderedMap;

/// Waits that are waited for at once, in the order in which they began. A handler that handles those that
/// have ended, and waits for the rest, leaves the set as it is.
#[derive(Clone, Default)]
pub(crate) struct WaitSet(Rc<RefCell<OrderedMap<Key, ()>>>);

impl WaitSet {
    /// Returns whether it was not among them.
    pub(crate) fn add(&self, wait: Key) -> bool {
        self.0.borrow_mut().insert(wait, ())
    }

    pub(crate) fn remove(&self, wait: Key) {
        self.0.borrow_mut().remove(&wait);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// All of them.
    pub(crate) fn to_vec(&self) -> Vec<Key> {
        self.0.borrow().iter().map(|(wait, ())| *wait).collect()
    }
}

/// The waits of one worker that are for several others.
#[derive(Default)]
pub(crate) struct JoinWaits(RefCell<HashMap<Key, WaitSet>>);

/// Removes the note on a wait, however its handler ends or continues.
pub(crate) struct JoinGuard<'a>(&'a JoinWaits, Key);

impl JoinWaits {
    /// Notes that a wait is for all of these.
    pub(crate) fn note(&self, key: Key, all: WaitSet) -> JoinGuard<'_> {
        self.0.borrow_mut().insert(key, all);
        JoinGuard(self, key)
    }

    /// Returns the waits that a wait is for, if it is for several.
    pub(crate) fn of(&self, key: Key) -> Vec<Key> {
        let several = self.0.borrow();
        several.get(&key).map_or_else(Vec::new, WaitSet::to_vec)
    }

    /// Returns one of the waits that a wait is for, if it is for several.
    pub(crate) fn any_of(&self, key: Key) -> Option<Key> {
        let several = self.0.borrow();
        let all = several.get(&key)?.0.borrow();
        all.iter().next().map(|(wait, ())| *wait)
    }

    /// Returns whether a wait is one of those that another one is for.
    pub(crate) fn includes(&self, key: Key, one: Key) -> bool {
        let several = self.0.borrow();
        several
            .get(&key)
            .is_some_and(|all| all.0.borrow().contains(&one))
    }

    pub(crate) fn has(&self, key: Key) -> bool {
        self.0.borrow().contains_key(&key)
    }
}

impl Drop for JoinGuard<'_> {
    fn drop(&mut self) {
        self.0.0.borrow_mut().remove(&self.1);
    }
}
