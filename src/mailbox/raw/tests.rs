//! Tests of `raw.rs`.

#![allow(unsafe_code)]

use super::*;
use crate::address::ActorId;
use proptest::prelude::*;
use std::collections::VecDeque;
use std::rc::Rc;

fn envelope(number: u32) -> Envelope {
    Envelope::NONE.next(ActorId::NOBODY, MessageId::start_of_worker(number))
}

/// # Safety
///
/// The mailbox holds `M` only.
unsafe fn put<M>(mailbox: &RawMailbox, envelope: Envelope, message: M, blocks: &Slabs) {
    // SAFETY: the caller's promise; the item is written at once.
    unsafe {
        let place = mailbox.push_place::<M>(blocks, MessageCause::of(envelope));
        place.write(MailItem {
            id: envelope.message_id(),
            message,
        });
    };
}

/// # Safety
///
/// The mailbox holds `M` only.
unsafe fn take<M>(mailbox: &RawMailbox, blocks: &Slabs) -> Option<(Envelope, M)> {
    // SAFETY: the caller's promise; the item is read at once.
    Some(unsafe { mailbox.pop_place::<M>(blocks)?.read() })
}

#[test]
fn s5_4_a_message_from_anywhere_in_the_mailbox_becomes_the_next_one() {
    fn check<M: From<u32> + PartialEq + std::fmt::Debug>() {
        for (first, position) in (0..3).flat_map(|first| (0..90).map(move |at| (first, at))) {
            let (blocks, mailbox) = (Slabs::new(), RawMailbox::new(()));
            // SAFETY: it holds `M` only.
            unsafe {
                for number in 0..first + 90 {
                    put(&mailbox, envelope(number), M::from(number), &blocks);
                }
                for _ in 0..first {
                    take::<M>(&mailbox, &blocks);
                }
                let wanted = first + position;
                let id = envelope(wanted).message_id();
                assert!(
                    !mailbox.advance::<M>(&blocks, id, position as usize),
                    "too far"
                );
                assert!(mailbox.advance::<M>(&blocks, id, position as usize + 1));
                let others = (first..first + 90).filter(|&number| number != wanted);
                for number in std::iter::once(wanted).chain(others) {
                    let expected = Some((envelope(number), M::from(number)));
                    assert_eq!(take::<M>(&mailbox, &blocks), expected);
                }
                mailbox.release::<M>(&blocks);
            }
        }
    }
    #[derive(PartialEq, Debug)]
    struct Large(Box<u32>, [u32; 40]);
    impl From<u32> for Large {
        fn from(number: u32) -> Self {
            Self(Box::new(number), [number; 40])
        }
    }
    check::<u64>();
    check::<Large>();
}

/// Drives a mailbox beside a plain `VecDeque`: `true` pushes, `false` pops.
fn agrees_with_a_deque<M: Clone + PartialEq + std::fmt::Debug>(
    steps: &[bool],
    make: impl Fn(u32) -> M,
) {
    let (blocks, mailbox) = (Slabs::new(), RawMailbox::new(()));
    let mut model = VecDeque::new();
    for (step, push) in (0_u32..).zip(steps) {
        if *push {
            model.push_back((envelope(step), make(step)));
            // SAFETY: this mailbox holds `M` only.
            unsafe { put(&mailbox, envelope(step), make(step), &blocks) };
        } else {
            // SAFETY: as above.
            assert_eq!(unsafe { take::<M>(&mailbox, &blocks) }, model.pop_front());
            if model.is_empty() {
                // SAFETY: as above.
                unsafe { mailbox.release::<M>(&blocks) };
            }
        }
        assert_eq!(mailbox.len(), model.len());
    }
    // SAFETY: as above.
    while let Some(item) = unsafe { take::<M>(&mailbox, &blocks) } {
        assert_eq!(Some(item), model.pop_front());
    }
    assert!(model.is_empty());
    // SAFETY: as above.
    unsafe { mailbox.release::<M>(&blocks) };
}

#[derive(Clone, PartialEq, Debug)]
#[repr(align(64))]
struct Aligned(u32);

proptest! {
    #[test]
    fn a_mailbox_is_a_queue(steps in prop::collection::vec(prop::bool::weighted(0.6), 0..400)) {
        agrees_with_a_deque(&steps, |step| step);
        agrees_with_a_deque(&steps, |_| ());
        agrees_with_a_deque(&steps, |step| [u64::from(step); 100]);
        agrees_with_a_deque(&steps, Aligned);
        agrees_with_a_deque(&steps, |step| step.to_string());
    }
}

#[test]
fn s3_1_blocks_are_used_again_and_nothing_leaks() {
    let (blocks, mailbox) = (Slabs::new(), RawMailbox::new(()));
    let counted = Rc::new(());
    for _ in 0..3 {
        for _ in 0..100 {
            // SAFETY: this mailbox holds `Rc<()>` only.
            unsafe { put(&mailbox, Envelope::NONE, counted.clone(), &blocks) };
        }
        // SAFETY: as above.
        while unsafe { take::<Rc<()>>(&mailbox, &blocks) }.is_some() {}
        // SAFETY: as above.
        unsafe { mailbox.release::<Rc<()>>(&blocks) };
    }
    assert_eq!(Rc::strong_count(&counted), 1);
    let most = blocks.backed();
    blocks.trim();
    assert!(
        blocks.backed() <= most && most <= LEVELS as u64 * 64 * 1024,
        "a block of each size, no more"
    );
}

#[test]
fn s10_1_the_oldest_messages_of_some_causes_are_counted_block_by_block() {
    let (blocks, mailbox) = (Slabs::new(), RawMailbox::new(()));
    let context = MessageId::of_context(7);
    let begin = Envelope {
        correlation: context,
        ..Envelope::NONE
    };
    let has_context = |number: u32| number == 40 || (70..73).contains(&number);
    for number in 0..100 {
        let id = MessageId::start_of_worker(number);
        let envelope = if has_context(number) {
            begin.next(ActorId::NOBODY, id)
        } else {
            envelope(number)
        };
        // SAFETY: it holds nothing else.
        unsafe { put::<u32>(&mailbox, envelope, number, &blocks) };
    }
    for number in 0..100 {
        let counted = mailbox.count_oldest(25, |cause| !cause.is_of_context());
        let expected = (number..100).take(25).take_while(|&at| !has_context(at));
        assert_eq!(counted, expected.count(), "before {number}");
        // SAFETY: as above.
        let (_, taken) = unsafe { take::<u32>(&mailbox, &blocks) }.expect("it holds more");
        assert_eq!(taken, number);
    }
    assert_eq!(mailbox.count_oldest(25, |_| true), 0);
    // SAFETY: as above.
    unsafe { mailbox.release::<u32>(&blocks) };
}
