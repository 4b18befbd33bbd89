//! The functions in the table of [`MessageVtable`], for a type of messages: they look at, move, drop and lose
//! the messages of a slot whose type their callers do not know.
//!
//! That the table matches the type is the invariant of `slot.rs`.

#![allow(unsafe_code)]

use std::sync::Arc;

use super::capacity::return_permit;
use super::loss::drop_lost;
use super::records::Recipe;
use super::slot::Slot;
use super::state::Shard;
use super::vtable::MessageVtable;
use crate::address::{ActorId, MessageType};
use crate::failure::{DeadLetterReason, WaitEnd, drop_with_fate};

impl MessageVtable {
    pub(crate) const fn of<M: 'static>() -> &'static Self {
        const {
            &Self {
                message_type: MessageType::new::<M>(),
                bury: bury::<M>,
                // SAFETY: called only during a tenancy for `M`.
                release: |slot, slabs| unsafe { slot.mailbox.release::<M>(slabs) },
                // SAFETY: as above; the envelope is copied, the item stays where it is.
                peek: |slot| unsafe {
                    slot.mailbox.peek_place::<M>().map(|place| place.envelope())
                },
                discard: discard::<M>,
                bury_next: bury_next::<M>,
                // SAFETY: as above; only the envelopes are read, and nothing is taken out.
                holds: |slot, message| unsafe {
                    let mut places = slot.mailbox.places::<M>();
                    places.any(|place| place.id() == message)
                },
                // SAFETY: as above.
                advance: |slot, slabs, message, most| unsafe {
                    slot.mailbox.advance::<M>(slabs, message, most)
                },
                recipe: |_| unreachable!("nothing is kept before `keep_recipe`"),
            }
        }
    }

    /// The operations of an actor whose recipe is an `R`.
    pub(crate) const fn with_recipe<M: Send + 'static, R: Recipe + 'static>() -> &'static Self {
        const {
            &Self {
                // SAFETY: it comes from `Arc::into_raw` in `Slot::keep_recipe::<M, R>`.
                recipe: |recipe| unsafe { Arc::from_raw(recipe.cast::<R>()) },
                ..*Self::of::<M>()
            }
        }
    }
}

/// Drops the oldest message as if a handler had taken it.
///
/// # Safety
///
/// The slot's present tenancy was begun for `M`.
pub(crate) unsafe fn discard<M: 'static>(slot: &Slot, shard: &Shard, end: WaitEnd) {
    // SAFETY: by this function's contract the mailbox holds `M`; the item is read at once.
    let message = unsafe {
        let Some(place) = slot.mailbox.pop_place::<M>(shard.slabs()) else {
            return;
        };
        shard.begin_handling(place);
        place.read().1
    };
    if let Some(bounded) = slot.bounded() {
        return_permit(shard, bounded.actor.key, &bounded);
    }
    let _ = drop_with_fate(message, end);
}

/// Drops the oldest message as lost.
///
/// # Safety
///
/// The slot's present tenancy was begun for `M`.
pub(super) unsafe fn bury_next<M: 'static>(
    slot: &Slot,
    shard: &Shard,
    actor: ActorId,
    reason: DeadLetterReason,
) {
    // SAFETY: by this function's contract the mailbox holds `M`; the item is read at once.
    let item = unsafe {
        slot.mailbox
            .pop_place::<M>(shard.slabs())
            .map(|item| item.read())
    };
    let Some((envelope, message)) = item else {
        return;
    };
    shard.counts.buried.add(1);
    // Freed before user code runs, which may wait: the slot may have another tenant after that.
    if let Some(bounded) = slot.bounded() {
        return_permit(shard, actor.key, &bounded);
    }
    shard.core.bury::<M>(actor, envelope, reason);
    drop_lost(message, WaitEnd::from(reason));
}

/// Drops every waiting message as lost, and returns how many there were.
///
/// # Safety
///
/// The slot's present tenancy is that of `actor`, and was begun for `M`.
pub(super) unsafe fn bury<M: 'static>(
    slot: &Slot,
    shard: &Shard,
    actor: ActorId,
    reason: DeadLetterReason,
) -> u64 {
    let mut buried = 0;
    // A message's destructor may wait, and the actor may have ended when it resumes. The mail of the slot
    // is then another tenant's, and may be of another type.
    while slot.is_let_to(actor.key) {
        // SAFETY: the tenancy is still the one that this function's contract names.
        let Some(place) = (unsafe { slot.mailbox.pop_place::<M>(shard.slabs()) }) else {
            break;
        };
        // SAFETY: it is read at once.
        let (envelope, message) = unsafe { place.read() };
        shard.core.bury::<M>(actor, envelope, reason);
        shard.activity.note_progress();
        drop_lost(message, WaitEnd::from(reason));
        buried += 1;
    }
    buried
}
