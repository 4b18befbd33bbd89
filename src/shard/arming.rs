//! How the arrival of a message is noticed.
//!
//! The way of a message into a mailbox compares one word, by which the mailbox is open or not. To note the next
//! arrival, the mailbox is *armed*: that word has another value, the comparison fails as if the mailbox were
//! shut, and what follows then finds that it is not. So arrivals that are not noted pay nothing.

#![allow(unsafe_code)]

use super::run_queue::Runnable;
use super::slot::Slot;
use super::state::{Shard, TypedKey};
use crate::address::{Key, MessageCause, MessageId};
use crate::mailbox::MailItem;
use crate::observe::Numbers;

/// Set in the generation for which an armed mailbox is open. Tenancies beyond it are never armed: no key of
/// another tenancy may look like it.
const ARMED: u32 = 1 << 31;

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
    /// Has all arrivals at an actor noted, if there are observers for that.
    pub(crate) fn note_arrivals_at(&self, slot: &Slot) {
        if self.observation.arrivals.are_all_noted() {
            slot.arm();
        }
    }

    /// Has the next arrival at an actor noted for those observers.
    pub(crate) fn note_next_arrival(&self, slot: &Slot, key: Key, numbers: Numbers) {
        if slot.arm() {
            self.observation.arrivals.expect(key, numbers);
        }
    }

    /// As [`admit`](Self::admit), for a mailbox that is armed; `None` if it is shut.
    ///
    /// # Safety
    ///
    /// As for [`admit`](Self::admit).
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn admit_noted<M: Send + 'static>(
        &self,
        to: TypedKey<M>,
        cause: MessageCause,
        message: MessageId,
    ) -> Option<*mut MailItem<M>> {
        let slot = self.slots.get(to.key.slot())?;
        if !slot.is_armed_for(to.key.generation()) {
            return None;
        }
        let arrivals = &self.observation.arrivals;
        arrivals.note(to.key, message, self.read_clock());
        slot.attention.note(true);
        if !arrivals.are_all_noted() {
            slot.disarm();
        }
        if !slot.queued.replace(true) {
            self.due.push(Runnable::Turn(to.key.slot()));
        }
        // SAFETY: the mailbox is open for this generation, so the caller's promises hold.
        Some(unsafe { slot.push_place(&self.slabs, cause) })
    }
}
