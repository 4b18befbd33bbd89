//! Waits of handlers for several answers at once, of which they can do without none.
//!
//! A handler waits on its fiber for one wait only, which each of the others ends. Which others these are
//! is noted here, for those who look for cycles.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::id::Key;
use crate::memory::OrderedMap;

/// Waits that somebody waits for at once, in the order in which they were begun. A handler that goes on with
/// what has ended, and waits for the rest, keeps them as they are.
#[derive(Clone, Default)]
pub(crate) struct WaitSet(Rc<RefCell<OrderedMap<Key, ()>>>);

impl WaitSet {
    /// Answers whether it was not among them.
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

/// Waits of one worker that are for several others.
#[derive(Default)]
pub(crate) struct Several(RefCell<HashMap<Key, WaitSet>>);

/// Forgets what a wait is for, however its handler goes on.
pub(crate) struct Noted<'a>(&'a Several, Key);

impl Several {
    /// A wait is for all of these.
    pub(crate) fn note(&self, key: Key, all: WaitSet) -> Noted<'_> {
        self.0.borrow_mut().insert(key, all);
        Noted(self, key)
    }

    /// The waits that a wait is for, where it is for several.
    pub(crate) fn of(&self, key: Key) -> Vec<Key> {
        let several = self.0.borrow();
        several.get(&key).map_or_else(Vec::new, WaitSet::to_vec)
    }

    /// One of the waits that a wait is for, where it is for several.
    pub(crate) fn any_of(&self, key: Key) -> Option<Key> {
        let several = self.0.borrow();
        let all = several.get(&key)?.0.borrow();
        all.iter().next().map(|(wait, ())| *wait)
    }

    /// Whether a wait is one of those that another one is for.
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

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        self.0.0.borrow_mut().remove(&self.1);
    }
}
