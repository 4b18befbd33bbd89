//! Waits of handlers for several answers at once, of which they can do without none.
//!
//! A handler waits on its fiber for one wait only, which each of the others ends. Which others these are
//! is noted here, for those who look for cycles.

use std::cell::RefCell;
use std::collections::HashMap;

use super::id::Key;

/// Waits of one worker that are for several others.
#[derive(Default)]
pub(crate) struct Several(RefCell<HashMap<Key, Vec<Key>>>);

/// Forgets what a wait is for, however its handler goes on.
pub(crate) struct Noted<'a>(&'a Several, Key);

impl Several {
    /// A wait is for all of these.
    pub(crate) fn note(&self, key: Key, all: Vec<Key>) -> Noted<'_> {
        self.0.borrow_mut().insert(key, all);
        Noted(self, key)
    }

    /// The waits that a wait is for, where it is for several.
    pub(crate) fn of(&self, key: Key) -> Vec<Key> {
        self.0.borrow().get(&key).cloned().unwrap_or_default()
    }

    /// Whether a wait is one of those that another one is for.
    pub(crate) fn includes(&self, key: Key, one: Key) -> bool {
        let several = self.0.borrow();
        several.get(&key).is_some_and(|all| all.contains(&one))
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
