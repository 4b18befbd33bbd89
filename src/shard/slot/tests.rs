//! Tests of `slot.rs`.

#![allow(unsafe_code)]

use super::*;

#[test]
fn a_slot_is_small() {
    assert!(size_of::<Slot>() <= 88, "{} bytes", size_of::<Slot>());
}

#[test]
fn s9_5_a_slot_whose_memory_was_given_back_is_vacant() {
    // SAFETY: as `Tenant` demands, zeros are a valid slot.
    let slot = unsafe { mem::MaybeUninit::<Slot>::zeroed().assume_init() };
    assert_eq!((slot.state(), slot.mailbox_len()), (ActorState::Vacant, 0));
    assert!(slot.is_at_work() && !slot.mailbox.has_memory() && slot.recipe().is_none());
    let earlier = Key::new(0, 1);
    assert!(!slot.is_open_for(earlier) && !slot.is_let_to(earlier));
    let again = Slot::vacant(7);
    assert_eq!(again.occupy(MessageVtable::of::<u8>(), NO_SLOT), 8);
    again.vacate(&Slabs::new());
}

#[test]
#[cfg(debug_assertions)]
fn s4_1_an_actor_moves_on_to_the_next_states_of_its_life_only() {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    const ALL: [ActorState; 4] = [
        ActorState::Starting,
        ActorState::Running,
        ActorState::Draining,
        ActorState::Stopping,
    ];
    for (place, from) in ALL.into_iter().enumerate() {
        for (other, to) in ALL.into_iter().enumerate() {
            let (slot, blocks) = (Slot::default(), Slabs::new());
            slot.occupy(MessageVtable::of::<u8>(), NO_SLOT);
            slot.state.set(from);
            let moved = catch_unwind(AssertUnwindSafe(|| slot.enter(to))).is_ok();
            assert_eq!(moved, other > place, "from {from:?} to {to:?}");
            slot.vacate(&blocks);
        }
    }
}

#[test]
fn s1_3_a_key_of_an_earlier_tenancy_opens_nothing() {
    let (slot, blocks) = (Slot::default(), Slabs::new());
    let first = slot.occupy(MessageVtable::of::<u32>(), NO_SLOT);
    // SAFETY: the present tenancy was begun for `u32`, and the item is written at once.
    unsafe {
        let place = slot
            .admit::<u32>(first, &blocks, MessageCause::NONE)
            .expect("it is open");
        place.write(MailItem {
            id: MessageId::NONE,
            message: 1,
        });
    }
    // SAFETY: as above.
    let taken = unsafe {
        slot.next_message::<u32>(&blocks)
            .map(|place| place.read().1)
    };
    assert_eq!(taken, Some(1));
    assert!(slot.vacate(&blocks));
    let second = slot.occupy(MessageVtable::of::<String>(), NO_SLOT);
    assert_ne!(first, second);
    // SAFETY: `first` is not of the present tenancy, so any type may be offered.
    assert!(unsafe { slot.admit::<u32>(first, &blocks, MessageCause::NONE) }.is_none());
    assert_eq!(slot.mailbox_len(), 0);
}
