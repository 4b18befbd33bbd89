//! The table of operations on the messages of a slot whose type is erased: one function for each. How they
//! are made for a type is in `message_ops.rs`.

use std::sync::Arc;

use super::records::Recipe;
use super::slot::Slot;
use super::state::Shard;
use crate::address::{ActorId, Envelope, MessageId, MessageType};
use crate::failure::{DeadLetterReason, WaitEnd};
use crate::memory::Slabs;

/// The operations on a mailbox that need not know the type of its messages.
#[repr(C)]
pub(crate) struct MessageVtable {
    /// First, so that its address is that of the whole.
    pub(super) message_type: MessageType,
    pub(super) bury: unsafe fn(&Slot, &Shard, ActorId, DeadLetterReason) -> u64,
    pub(super) release: unsafe fn(&Slot, &Slabs),
    pub(super) peek: unsafe fn(&Slot) -> Option<Envelope>,
    pub(super) discard: unsafe fn(&Slot, &Shard, WaitEnd),
    pub(super) bury_next: unsafe fn(&Slot, &Shard, ActorId, DeadLetterReason),
    pub(super) holds: unsafe fn(&Slot, MessageId) -> bool,
    pub(super) advance: unsafe fn(&Slot, &Slabs, MessageId, usize) -> bool,
    /// Restores the slot's recipe, with its type, from a pointer; it must not be null.
    pub(super) recipe: unsafe fn(*const ()) -> Arc<dyn Recipe>,
}

/// The operations on the mailbox of a slot that is no actor's: nothing is ever in it.
pub(super) static NO_MESSAGES: MessageVtable = MessageVtable {
    message_type: MessageType::new::<()>(),
    bury: |_, _, _, _| 0,
    release: |_, _| {},
    peek: |_| None,
    discard: |_, _, _| {},
    bury_next: |_, _, _, _| {},
    holds: |_, _| false,
    advance: |_, _, _, _| false,
    recipe: |_| unreachable!("no actor, no recipe"),
};
