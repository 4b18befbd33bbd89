//! The mailbox of an actor: a plain queue, since only the actor's own worker touches it.
//!
//! Messages lie in blocks of a kilobyte that come from, and go back to, a free list of the
//! worker: an idle actor holds none, and a busy one writes into memory that is warm.

#![allow(unsafe_code)]

use std::alloc::{self, Layout};
use std::cell::Cell;
use std::marker::PhantomData;
use std::mem;
use std::ptr::{self, NonNull};

use super::envelope::Envelope;
use super::id::MessageId;

/// Bytes of a common block.
const BLOCK_BYTES: usize = 1024;
const BLOCK_ALIGN: usize = 16;
/// Free blocks that a worker keeps while it works, 16 MiB, and when it goes to sleep, 1 MiB.
const KEPT_AWAKE: usize = 16_384;
const KEPT_ASLEEP: usize = 1024;

#[repr(C, align(16))]
struct Block {
    next: *mut Block,
}

/// A message with its envelope, as it lies in a block.
pub(crate) struct Item<M> {
    pub(crate) envelope: Envelope,
    pub(crate) message: M,
}

/// How items of one type lie in blocks.
struct Geometry<M>(PhantomData<M>);

impl<M> Geometry<M> {
    const FITTING: usize = (BLOCK_BYTES - mem::size_of::<Block>()) / mem::size_of::<Item<M>>();
    /// Whether the common blocks serve. Large or strictly aligned messages have blocks of their
    /// own, which are not kept.
    const COMMON: bool = Self::FITTING >= 2 && mem::align_of::<Item<M>>() <= BLOCK_ALIGN;
    #[allow(clippy::cast_possible_truncation)] // at most 1024
    const CAPACITY: u16 = if Self::COMMON {
        Self::FITTING as u16
    } else {
        4
    };

    const LAYOUT: (Layout, usize) = {
        let items = if Self::COMMON {
            Layout::from_size_align(BLOCK_BYTES - mem::size_of::<Block>(), BLOCK_ALIGN)
        } else {
            let bytes = mem::size_of::<Item<M>>() * Self::CAPACITY as usize;
            Layout::from_size_align(bytes, mem::align_of::<Item<M>>())
        };
        let Ok(items) = items else {
            panic!("the message type is too large")
        };
        match Layout::new::<Block>().extend(items) {
            Ok(layout) => layout,
            Err(_) => panic!("the message type is too large"),
        }
    };

    /// # Safety
    ///
    /// `block` was laid out by this geometry and `index` is less than its capacity.
    #[inline(always)]
    unsafe fn place(block: *mut Block, index: u16) -> *mut Item<M> {
        // SAFETY: `LAYOUT` has room for `CAPACITY` items behind its offset; the caller keeps the
        // bound.
        unsafe {
            block
                .byte_add(Self::LAYOUT.1)
                .cast::<Item<M>>()
                .add(index as usize)
        }
    }
}

/// Free blocks of one worker.
pub(crate) struct BlockPool {
    free: Cell<*mut Block>,
    kept: Cell<usize>,
}

impl BlockPool {
    pub(crate) const fn new() -> Self {
        Self {
            free: Cell::new(ptr::null_mut()),
            kept: Cell::new(0),
        }
    }

    #[inline]
    fn take<M>(&self) -> *mut Block {
        let block = self.free.get();
        if !Geometry::<M>::COMMON || block.is_null() {
            return allocate(Geometry::<M>::LAYOUT.0);
        }
        // SAFETY: a block in the free list is valid and the list's alone.
        self.free.set(unsafe { (*block).next });
        self.kept.set(self.kept.get() - 1);
        // SAFETY: as above; it is now the caller's.
        unsafe { (*block).next = ptr::null_mut() };
        block
    }

    /// # Safety
    ///
    /// `block` came from `take::<M>`, holds no item that is alive, and is used no more.
    #[inline]
    unsafe fn give_back<M>(&self, block: *mut Block) {
        if !Geometry::<M>::COMMON || self.kept.get() == KEPT_AWAKE {
            // SAFETY: it was allocated with this layout, by `take`.
            return unsafe { alloc::dealloc(block.cast(), Geometry::<M>::LAYOUT.0) };
        }
        // SAFETY: the caller gives the block up.
        unsafe { (*block).next = self.free.get() };
        self.free.set(block);
        self.kept.set(self.kept.get() + 1);
    }
}

#[cold]
fn allocate(layout: Layout) -> *mut Block {
    // SAFETY: the layout begins with a `Block`, so it is not empty.
    let memory = unsafe { alloc::alloc(layout) };
    let Some(block) = NonNull::new(memory.cast::<Block>()) else {
        alloc::handle_alloc_error(layout)
    };
    // SAFETY: just allocated, and aligned for a `Block`.
    unsafe {
        block.write(Block {
            next: ptr::null_mut(),
        })
    };
    block.as_ptr()
}

impl BlockPool {
    /// Gives back what a worker that goes to sleep need not keep.
    pub(crate) fn shrink(&self) {
        self.shrink_to(KEPT_ASLEEP);
    }

    fn shrink_to(&self, most: usize) {
        let common = Geometry::<u64>::LAYOUT.0;
        while self.kept.get() > most {
            let block = self.free.get();
            // SAFETY: the list owns its blocks, `kept` of them, all of the common layout.
            unsafe {
                self.free.set((*block).next);
                alloc::dealloc(block.cast(), common);
            }
            self.kept.set(self.kept.get() - 1);
        }
    }
}

impl Drop for BlockPool {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

/// A mailbox whose message type its owner knows.
///
/// Dropping one that is not empty leaks its messages: its owner must have taken them out.
pub(crate) struct RawMailbox {
    head: Cell<*mut Block>,
    tail: Cell<*mut Block>,
    head_at: Cell<u16>,
    tail_at: Cell<u16>,
    /// Four bytes, as each actor has them: see [`grow`](Self::grow).
    len: Cell<u32>,
}

impl RawMailbox {
    pub(crate) const fn new() -> Self {
        Self {
            head: Cell::new(ptr::null_mut()),
            tail: Cell::new(ptr::null_mut()),
            head_at: Cell::new(0),
            tail_at: Cell::new(0),
            len: Cell::new(0),
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len.get() as usize
    }

    /// Whether it holds a block, which an empty one may do.
    #[inline(always)]
    pub(crate) fn has_memory(&self) -> bool {
        !self.head.get().is_null()
    }

    /// Makes room for a message at the end. The message is written there directly: moving it
    /// through arguments and results costs more than everything else a send does.
    ///
    /// # Safety
    ///
    /// Every message that was ever in this mailbox since it last held no block, and every use of
    /// it until then, is of the type `M`. The caller writes the item before it does anything else.
    #[inline(always)]
    pub(crate) unsafe fn push_place<M>(&self, blocks: &BlockPool) -> *mut Item<M> {
        let (mut tail, mut at) = (self.tail.get(), self.tail_at.get());
        if tail.is_null() || at == Geometry::<M>::CAPACITY {
            tail = self.grow::<M>(blocks);
            at = 0;
        }
        self.tail_at.set(at + 1);
        self.len.set(self.len.get() + 1);
        // SAFETY: the tail block was laid out for `M`, and `at` is below its capacity.
        unsafe { Geometry::<M>::place(tail, at) }
    }

    /// # Panics
    ///
    /// When the mailbox holds nearly 2^32 messages, of which each takes 48 bytes at least.
    #[inline]
    fn grow<M>(&self, blocks: &BlockPool) -> *mut Block {
        let full = self.len.get() > u32::MAX - u32::from(Geometry::<M>::CAPACITY);
        assert!(!full, "a mailbox holds at most 2^32 messages");
        let block = blocks.take::<M>();
        let tail = self.tail.get();
        if tail.is_null() {
            self.head.set(block);
            self.head_at.set(0);
        } else {
            // SAFETY: the tail is a valid block of this mailbox.
            unsafe { (*tail).next = block };
        }
        self.tail.set(block);
        block
    }

    /// Takes the oldest message out, and says where it lies.
    ///
    /// # Safety
    ///
    /// As for [`push_place`](Self::push_place), as to the type. The caller reads the item, which
    /// it then owns, before it does anything else.
    #[inline(always)]
    pub(crate) unsafe fn pop_place<M>(&self, blocks: &BlockPool) -> Option<*const Item<M>> {
        let len = self.len.get();
        if len == 0 {
            return None;
        }
        let (mut head, mut at) = (self.head.get(), self.head_at.get());
        if at == Geometry::<M>::CAPACITY {
            // SAFETY: messages are left, so a further block follows; the first one is used up.
            head = unsafe { self.leave::<M>(head, blocks) };
            at = 0;
        }
        self.head_at.set(at + 1);
        self.len.set(len - 1);
        // SAFETY: the head block was laid out for `M`, and `at` is below its capacity.
        Some(unsafe { Geometry::<M>::place(head, at) })
    }

    /// Where the oldest message lies, which stays there.
    ///
    /// # Safety
    ///
    /// As for [`push_place`](Self::push_place), as to the type.
    pub(crate) unsafe fn peek_place<M>(&self) -> Option<*const Item<M>> {
        if self.len.get() == 0 {
            return None;
        }
        let (mut head, mut at) = (self.head.get(), self.head_at.get());
        // SAFETY: messages are left, so behind a block that is used up a further one follows; the
        // blocks were laid out for `M`, and `at` is below their capacity.
        unsafe {
            if at == Geometry::<M>::CAPACITY {
                (head, at) = ((*head).next, 0);
            }
            Some(Geometry::<M>::place(head, at))
        }
    }

    /// Where every message lies, the oldest first.
    ///
    /// # Safety
    ///
    /// As for [`push_place`](Self::push_place), as to the type. Nothing is put in or taken out as long
    /// as this is used.
    pub(crate) unsafe fn places<M>(&self) -> impl Iterator<Item = *const Item<M>> {
        let (mut block, mut at) = (self.head.get(), self.head_at.get());
        (0..self.len.get()).map(move |_| {
            // SAFETY: as in `peek_place`: this is not the last message yet, so that a further block
            // follows one that is used up.
            unsafe {
                if at == Geometry::<M>::CAPACITY {
                    (block, at) = ((*block).next, 0);
                }
                at += 1;
                Geometry::<M>::place(block, at - 1).cast_const()
            }
        })
    }

    /// Puts a message before all others, whose order stays, where it is among so many of the oldest.
    /// Answers whether it is.
    ///
    /// # Safety
    ///
    /// As for [`push_place`](Self::push_place), as to the type.
    pub(crate) unsafe fn advance<M>(&self, message: MessageId, most: usize) -> bool {
        // SAFETY: the caller's promise; places do not change while their contents do, and each of them
        // holds an item, no two of which overlap.
        unsafe {
            let places = || self.places::<M>().take(most);
            let Some(position) =
                places().position(|place| (*place).envelope.message_id() == message)
            else {
                return false;
            };
            let mut places = places().take(position + 1).map(<*const Item<M>>::cast_mut);
            if let Some(first) = places.next() {
                places.for_each(|place| ptr::swap(first, place));
            }
            true
        }
    }

    /// # Safety
    ///
    /// `head` is the first of at least two blocks, laid out for `M`, and holds no live item.
    unsafe fn leave<M>(&self, head: *mut Block, blocks: &BlockPool) -> *mut Block {
        // SAFETY: it is a valid block of this mailbox.
        let next = unsafe { (*head).next };
        self.head.set(next);
        // SAFETY: taken for `M`, and nothing in it is alive.
        unsafe { blocks.give_back::<M>(head) };
        next
    }

    /// Gives the memory of an empty mailbox back.
    ///
    /// # Safety
    ///
    /// As for [`push_place`](Self::push_place), as to the type.
    #[inline]
    pub(crate) unsafe fn release<M>(&self, blocks: &BlockPool) {
        debug_assert_eq!(self.len.get(), 0);
        let head = self.head.replace(ptr::null_mut());
        if head.is_null() {
            return;
        }
        self.tail.set(ptr::null_mut());
        self.head_at.set(0);
        self.tail_at.set(0);
        // SAFETY: an empty mailbox has one block: `pop_place` leaves each used one but the last, and
        // `push_place` adds one only for an item. Nothing in it is alive.
        unsafe { blocks.give_back::<M>(head) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor::id::ActorId;
    use proptest::prelude::*;
    use std::collections::VecDeque;
    use std::rc::Rc;

    fn envelope(number: u32) -> Envelope {
        Envelope::NONE.next(ActorId::NOBODY, MessageId::start_of_worker(number))
    }

    /// # Safety
    ///
    /// The mailbox holds `M` only.
    unsafe fn put<M>(mailbox: &RawMailbox, envelope: Envelope, message: M, blocks: &BlockPool) {
        // SAFETY: the caller's promise; the item is written at once.
        unsafe {
            mailbox
                .push_place::<M>(blocks)
                .write(Item { envelope, message })
        };
    }

    /// # Safety
    ///
    /// The mailbox holds `M` only.
    unsafe fn take<M>(mailbox: &RawMailbox, blocks: &BlockPool) -> Option<(Envelope, M)> {
        // SAFETY: the caller's promise; the item is read at once.
        let Item { envelope, message } = unsafe { mailbox.pop_place::<M>(blocks)?.read() };
        Some((envelope, message))
    }

    #[test]
    fn s5_4_a_message_from_anywhere_in_the_mailbox_becomes_the_next_one() {
        fn check<M: From<u32> + PartialEq + std::fmt::Debug>() {
            for (first, position) in (0..3).flat_map(|first| (0..90).map(move |at| (first, at))) {
                let (blocks, mailbox) = (BlockPool::new(), RawMailbox::new());
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
                    assert!(!mailbox.advance::<M>(id, position as usize), "too far");
                    assert!(mailbox.advance::<M>(id, position as usize + 1));
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
        let (blocks, mailbox) = (BlockPool::new(), RawMailbox::new());
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
        let (blocks, mailbox) = (BlockPool::new(), RawMailbox::new());
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
        let needed = 100_usize.div_ceil(usize::from(Geometry::<Rc<()>>::CAPACITY));
        assert_eq!(blocks.kept.get(), needed);
    }
}
