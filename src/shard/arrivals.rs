//! When messages came into their mailboxes: noted for some of them, so that observers can be told how long
//! these have waited. How an arrival is noticed is in `arming.rs`.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};

use crate::address::{Key, MessageId};
use crate::observe::Numbers;

/// A message whose arrival was noted.
#[derive(Clone, Copy)]
pub(crate) struct Arrival {
    message: MessageId,
    /// When it came.
    pub(crate) at: u64,
    /// The observers that are told how long it has waited.
    pub(crate) numbers: Numbers,
}

/// The arrivals that are noted on a worker.
pub(crate) struct Arrivals {
    /// The observers that are told of all arrivals.
    all: Numbers,
    /// The actors whose next arrival is noted, with the observers for which it is.
    armed: RefCell<HashMap<Key, Numbers>>,
    /// The messages of each actor that were noted and are not handled yet, the oldest first.
    noted: RefCell<HashMap<Key, VecDeque<Arrival>>>,
}

impl Arrivals {
    pub(super) fn new(all: Numbers) -> Self {
        Self {
            all,
            armed: RefCell::default(),
            noted: RefCell::default(),
        }
    }

    /// Whether all arrivals are noted.
    pub(super) fn are_all_noted(&self) -> bool {
        self.all.any()
    }

    /// The next arrival at an actor is to be noted for those observers.
    pub(super) fn expect(&self, key: Key, numbers: Numbers) {
        self.armed.borrow_mut().insert(key, numbers);
    }

    /// Returns the noted arrival of a message that is about to be handled, if there is one.
    pub(crate) fn take(&self, key: Key, message: MessageId) -> Option<Arrival> {
        let mut noted = self.noted.borrow_mut();
        let of_actor = noted.get_mut(&key)?;
        let at = of_actor.iter().position(|one| one.message == message)?;
        // What came before it has left the mailbox in some other way.
        of_actor.drain(..at);
        let taken = of_actor.pop_front();
        if of_actor.is_empty() {
            noted.remove(&key);
        }
        taken
    }

    /// Whether any message of an actor was noted.
    pub(crate) fn any_of(&self, key: Key) -> bool {
        let noted = self.noted.borrow();
        !noted.is_empty() && noted.contains_key(&key)
    }

    /// Forgets the noted messages of an actor: its mailbox is empty.
    pub(crate) fn forget_noted(&self, key: Key) {
        self.noted.borrow_mut().remove(&key);
    }

    /// Forgets an actor that has ended.
    pub(crate) fn forget(&self, key: Key) {
        self.armed.borrow_mut().remove(&key);
        self.forget_noted(key);
    }

    /// Notes that a message has come.
    pub(super) fn note(&self, key: Key, message: MessageId, now: u64) {
        let once = self.armed.borrow_mut().remove(&key);
        let arrival = Arrival {
            message,
            at: now,
            numbers: once.map_or(self.all, |once| once.and(self.all)),
        };
        let mut noted = self.noted.borrow_mut();
        noted.entry(key).or_default().push_back(arrival);
    }
}
