//! The receiver's half of a send: messages that arrive at their actor's worker.

#![allow(unsafe_code)]

use super::loss::drop_lost;
use super::parcel::{Parcel, receiver};
use super::run_queue::Runnable;
use super::state::{Shard, TypedKey};
use crate::address::{ActorId, Envelope, Key, MessageCause, MessageId};
use crate::failure::{DeadLetterReason, WaitEnd};
use crate::mailbox::MailItem;
use crate::pool_core::{Mail, PoolCore};

impl Shard {
    /// Makes room for a message in a mailbox of this worker, and ensures that the actor has a turn. `None` if
    /// that actor takes no more mail, or its mailbox is armed: [`admit_noted`](Self::admit_noted) tells.
    ///
    /// # Safety
    ///
    /// The caller writes the item before it does anything else.
    #[inline(always)]
    #[allow(unsafe_code)]
    pub(crate) unsafe fn admit<M: Send + 'static>(
        &self,
        to: TypedKey<M>,
        cause: MessageCause,
    ) -> Option<*mut MailItem<M>> {
        let (index, generation) = (to.key.slot(), to.key.generation());
        let slot = self.slots.get(index)?;
        // SAFETY: a `TypedKey<M>` is made only where the tenancy is known to be of `M`; the rest
        // is the caller's promise.
        unsafe {
            let place = slot.admit(generation, &self.slabs, cause)?;
            if !slot.queued.replace(true) {
                self.due.push(Runnable::Turn(index));
            }
            Some(place)
        }
    }

    /// Puts a message that was counted into a mailbox of this worker, or loses it if the mailbox is shut.
    #[allow(unsafe_code)]
    pub(crate) fn put<M: Send + 'static>(&self, to: TypedKey<M>, envelope: Envelope, message: M) {
        let (id, cause) = (envelope.message_id(), MessageCause::of(envelope));
        put_or_lose(self, to, cause, MailItem { id, message });
    }

    /// As [`put`](Self::put), if the mailbox was not found open at the first look.
    #[cold]
    #[inline(never)]
    fn put_noted_or_lose<M: Send + 'static>(
        &self,
        to: TypedKey<M>,
        cause: MessageCause,
        item: MailItem<M>,
    ) {
        // SAFETY: the item is written at once.
        match unsafe { self.admit_noted(to, cause, item.id) } {
            // SAFETY: as above.
            Some(place) => unsafe { place.write(item) },
            None => {
                let envelope = cause.envelope_of(item.id);
                self.lose(to.key, envelope, item.message, DeadLetterReason::Stopped);
            }
        }
    }

    /// As [`put`](Self::put), into a mailbox that drops the oldest message if it is full.
    #[allow(unsafe_code)]
    pub(crate) fn put_evicting<M: Send + 'static>(
        &self,
        to: TypedKey<M>,
        envelope: Envelope,
        message: M,
    ) {
        let (key, reason) = (to.key, DeadLetterReason::DroppedOldest);
        let slot = self.tenant(key).filter(|slot| slot.is_open_for(key));
        let Some((slot, bounded)) = slot.and_then(|slot| Some((slot, slot.bounded()?))) else {
            return self.lose(key, envelope, message, DeadLetterReason::Stopped);
        };
        let blocked = bounded.is_blocked(&*self.core.transport);
        let evicted = if blocked || slot.mailbox_len() >= bounded.gate.capacity() {
            // SAFETY: a `TypedKey<M>` says that the tenancy is of `M`; the item is read at once.
            unsafe {
                slot.next_message::<M>(&self.slabs)
                    .map(|place| place.read())
            }
        } else {
            None
        };
        if blocked && evicted.is_none() {
            // There is no older one.
            return self.lose(key, envelope, message, reason);
        }
        self.put(to, envelope, message);
        if let Some((envelope, message)) = evicted {
            self.observation.arrivals.take(key, envelope.message);
            self.counts.buried.add(1);
            self.core.bury::<M>(bounded.actor, envelope, reason);
            drop_lost(message, WaitEnd::from(reason));
        }
    }

    /// Records a message to an actor of this worker as lost, and drops it.
    #[cold]
    pub(crate) fn lose<M: 'static>(
        &self,
        to: Key,
        envelope: Envelope,
        message: M,
        reason: DeadLetterReason,
    ) {
        self.counts.refused.add(1);
        self.core.bury::<M>(self.id_of(to), envelope, reason);
        drop_lost(message, WaitEnd::from(reason));
    }

    /// Takes in mail that has arrived.
    pub(crate) fn take_in(&self, mail: Mail<'_>) {
        self.counts.batches.add(1);
        match mail {
            Mail::Batch(mut batch) => {
                batch.deliver(receiver(self));
                self.outboxes.recycle(batch);
            }
            Mail::Posted(posted) => posted.deliver(receiver(self)),
        }
    }
}

/// A message on its way to another worker; if `QUESTION`, one with a reply.
#[repr(transparent)]
pub(crate) struct Message<M, const QUESTION: bool = false>(pub(crate) M);

/// Puts a message into a mailbox of this worker, or loses it if the mailbox is shut.
#[inline(always)]
fn put_or_lose<M: Send + 'static>(
    shard: &Shard,
    to: TypedKey<M>,
    cause: MessageCause,
    item: MailItem<M>,
) {
    // SAFETY: the place is written at once.
    match unsafe { shard.admit(to, cause) } {
        // SAFETY: as above.
        Some(place) => unsafe { place.write(item) },
        None => shard.put_noted_or_lose(to, cause, item),
    }
}

impl<M: Send + 'static, const QUESTION: bool> Parcel for Message<M, QUESTION> {
    fn deliver_all(
        parcels: impl Iterator<Item = Self>,
        shard: &Shard,
        to: Key,
        cause: MessageCause,
        first: MessageId,
    ) {
        if QUESTION {
            shard.make_known(to);
        }
        // SAFETY: sent through an `ActorRef<M>` with this key.
        let to = unsafe { TypedKey::assume(to) };
        let (mut id, mut count) = (first, 0);
        for Self(message) in parcels {
            put_or_lose(shard, to, cause, MailItem { id, message });
            id = id.next();
            count += 1;
        }
        shard.counts.received.add(count);
    }

    fn deliver(self, shard: &Shard, to: Key, envelope: &Envelope) {
        shard.counts.received.add(1);
        if QUESTION {
            shard.make_known(to);
        }
        // SAFETY: sent through an `ActorRef<M>` with this key.
        let to = unsafe { TypedKey::assume(to) };
        shard.put(to, *envelope, self.0);
    }

    fn bounce(self, core: &PoolCore, to: ActorId, envelope: Envelope, reason: DeadLetterReason) {
        core.bury::<M>(to, envelope, reason);
        drop_lost(self.0, WaitEnd::from(reason));
    }
}

/// A message on its way to another worker, for which the oldest one is dropped if the mailbox is full.
pub(crate) struct Evicting<M, const QUESTION: bool>(pub(crate) M);

impl<M: Send + 'static, const QUESTION: bool> Parcel for Evicting<M, QUESTION> {
    fn deliver(self, shard: &Shard, to: Key, envelope: &Envelope) {
        shard.counts.received.add(1);
        if QUESTION {
            shard.make_known(to);
        }
        // SAFETY: sent through an `ActorRef<M>` with this key.
        let to = unsafe { TypedKey::assume(to) };
        shard.put_evicting(to, *envelope, self.0);
    }

    fn bounce(self, core: &PoolCore, to: ActorId, envelope: Envelope, reason: DeadLetterReason) {
        Message::<M, QUESTION>(self.0).bounce(core, to, envelope, reason);
    }
}

/// A question on its way to a bounded mailbox of another worker.
pub(crate) struct BoundedQuestion<M>(pub(crate) M);

impl<M: Send + 'static> Parcel for BoundedQuestion<M> {
    fn deliver(self, shard: &Shard, to: Key, envelope: &Envelope) {
        Message::<M, true>(self.0).deliver(shard, to, envelope);
        note_question(shard, to);
    }

    fn bounce(self, core: &PoolCore, to: ActorId, envelope: Envelope, reason: DeadLetterReason) {
        Message::<M, true>(self.0).bounce(core, to, envelope, reason);
    }
}

/// Notes that a question was put into a bounded mailbox, unless the mailbox was closed.
pub(crate) fn note_question(shard: &Shard, key: Key) {
    let slot = shard.tenant(key).filter(|slot| slot.is_open_for(key));
    if let Some(slot) = slot
        && let Some(bounded) = slot.bounded()
    {
        bounded.has_question(slot.mailbox_len());
    }
}
