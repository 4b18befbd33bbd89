//! When messages came into their mailboxes: noted for some of them, so that observers can be told how long
//! these have waited.
//!
//! The way of a message into a mailbox compares one word, by which the mailbox is open or not. To note the next
//! arrival, the mailbox is *armed*: that word has another value, the comparison fails as if the mailbox were
//! shut, and what follows then finds that it is not. So arrivals that are not noted pay nothing.

#![allow(unsafe_code)]

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};

use super::slot::Slot;
use super::state::{Shard, TypedKey};
use crate::address::{Key, MessageCause, MessageId};
use crate::mailbox::MailItem;
use crate::observe::Numbers;

/// Set in the generation for which an armed mailbox is open. Tenancies beyond it are never armed: no key of
/// another tenancy may look like it.
const ARMED: u32 = 1 << 31;

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

    /// Has all arrivals at an actor noted, if there are observers for that.
    pub(crate) fn begin(&self, slot: &Slot) {
        if self.all.any() {
            slot.arm();
        }
    }

    /// Has the next arrival at an actor noted.
    pub(crate) fn note_next(&self, slot: &Slot, key: Key, numbers: Numbers) {
        if slot.arm() {
            self.armed.borrow_mut().insert(key, numbers);
        }
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

    fn note(&self, slot: &Slot, key: Key, message: MessageId, now: u64) {
        let once = self.armed.borrow_mut().remove(&key);
        if !self.all.any() {
            slot.disarm();
        }
        let arrival = Arrival {
            message,
            at: now,
            numbers: once.map_or(self.all, |once| once.and(self.all)),
        };
        let mut noted = self.noted.borrow_mut();
        noted.entry(key).or_default().push_back(arrival);
    }
}

impl Slot {
    /// Has the next arrival come by [`Shard::admit_noted`]. Returns whether it will: not if the mailbox is shut.
    fn arm(&self) -> bool {
        let open = self.open.get();
        let can_be_armed = open != 0 && self.generation() < ARMED;
        if can_be_armed {
            self.open.set(open | ARMED);
        }
        can_be_armed
    }

    fn disarm(&self) {
        self.open.set(self.open.get() & !ARMED);
    }

    /// Whether it is open for that generation, and the arrival is to be noted.
    pub(super) fn is_armed_for(&self, generation: u32) -> bool {
        generation < ARMED && self.open.get() == generation | ARMED
    }
}

impl Shard {
    /// As [`admit`](Self::admit), for a mailbox that is armed; `None` if it is shut.
    ///
    /// # Safety
    ///
    /// As for [`admit`](Self::admit).
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn admit_noted<M: Send + 'static>(
        &self,
        slot: &Slot,
        to: TypedKey<M>,
        cause: MessageCause,
        message: MessageId,
    ) -> Option<*mut MailItem<M>> {
        if !slot.is_armed_for(to.key.generation()) {
            return None;
        }
        let now = self.read_clock();
        self.observation.arrivals.note(slot, to.key, message, now);
        // SAFETY: the mailbox is open for this generation, so the caller's promises hold.
        Some(unsafe { slot.push_place(&self.slabs, cause) })
    }
}
