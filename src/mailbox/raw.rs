//! The mailbox of an actor: a plain queue, since only the actor's own worker accesses it.
//!
//! Messages lie in blocks that come from the worker's slabs. An idle actor holds none. The first block
//! has room for one small message, each further one for more, up to 4 KiB. So a million actors with one
//! message each need one such small block each, and a long queue is read in the order of its addresses.
//!
//! All messages of a block have one cause, which is written once. What one handler sends to an actor in a
//! row lies in blocks of its own, and an item is just a message and its id. The block after one with
//! another cause is a small one again.

#![allow(unsafe_code)]

use std::alloc::{self, Layout};
use std::cell::Cell;
use std::marker::PhantomData;
use std::mem;
use std::ptr::{self, NonNull};

use crate::address::{Envelope, MessageCause, MessageId};
use crate::memory::{CELL_ALIGN, LARGEST_CELL, SizeClass, Slabs};

/// The header of a block, before its items.
struct Block {
    next: Cell<*mut Block>,
    /// The number of items that it has room for.
    capacity: u16,
    /// The number of items written, and the number of these taken out.
    written: Cell<u16>,
    read: Cell<u16>,
    /// The level of its size, less than [`LEVELS`].
    level: u8,
    /// The cause of each message in it.
    cause: MessageCause,
}

/// A message as it lies in a block, with its id.
pub(crate) struct MailItem<M> {
    pub(crate) id: MessageId,
    pub(crate) message: M,
}

/// The place of a message.
pub(crate) struct MailPlace<M> {
    block: *const Block,
    pub(crate) item: *const MailItem<M>,
}

impl<M> Clone for MailPlace<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for MailPlace<M> {}

impl<M> MailPlace<M> {
    /// # Safety
    ///
    /// There is a message.
    #[inline(always)]
    pub(crate) unsafe fn id(self) -> MessageId {
        // Volatile, so that the read is as narrow as the write, which may have come just before: a wide
        // load over two narrow stores that are still in flight waits for both.
        // SAFETY: the caller's promise.
        unsafe { (&raw const (*self.item).id).read_volatile() }
    }

    /// # Safety
    ///
    /// There is a message, and nothing was taken out since.
    #[inline(always)]
    pub(crate) unsafe fn envelope(self) -> Envelope {
        // SAFETY: the caller's promise.
        unsafe { MessageCause::copy_of(&raw const (*self.block).cause).envelope_of(self.id()) }
    }

    /// Takes the message out, with its envelope. The caller then owns it.
    ///
    /// # Safety
    ///
    /// There is a message, and it is read once.
    pub(crate) unsafe fn read(self) -> (Envelope, M) {
        // SAFETY: the caller's promise.
        unsafe { (self.envelope(), (&raw const (*self.item).message).read()) }
    }
}

/// The number of block sizes, which a mailbox uses one after the other.
const LEVELS: usize = 6;

/// One block size, for items of one type.
#[derive(Clone, Copy)]
struct Level {
    capacity: u16,
    layout: Layout,
    /// The size class of cells that fits, unless the items are too large, or too strictly aligned, for
    /// any cell.
    class: Option<SizeClass>,
}

/// The layout of items of one type in blocks.
struct Geometry<M>(PhantomData<M>);

impl<M> Geometry<M> {
    const ITEM: usize = mem::size_of::<MailItem<M>>();

    /// The offset of the first item.
    const FIRST: usize = {
        let align = mem::align_of::<MailItem<M>>();
        mem::size_of::<Block>().next_multiple_of(align)
    };

    const LEVEL: [Level; LEVELS] = [
        Self::level(1, 0),
        Self::level(4, 128),
        Self::level(8, 512),
        Self::level(8, 1024),
        Self::level(8, 2048),
        Self::level(8, 4096),
    ];

    /// Returns the level with room for `least` items, or for as many as `bytes` bytes hold; for fewer if
    /// the items are large.
    const fn level(least: usize, bytes: usize) -> Level {
        let Some(needed) = least.checked_mul(Self::ITEM) else {
            panic!("the message type is too large")
        };
        let bytes = if Self::FIRST + needed > bytes {
            Self::FIRST + needed
        } else {
            bytes
        };
        let one = Self::FIRST + Self::ITEM;
        let bytes = if bytes > LARGEST_CELL {
            if one > LARGEST_CELL {
                one
            } else {
                LARGEST_CELL
            }
        } else {
            bytes
        };
        let fits = bytes <= LARGEST_CELL && mem::align_of::<MailItem<M>>() <= CELL_ALIGN;
        let class = if fits {
            Some(SizeClass::of(bytes))
        } else {
            None
        };
        let bytes = match class {
            Some(class) => class.bytes(),
            None => bytes,
        };
        let align = mem::align_of::<MailItem<M>>();
        let align = if align > CELL_ALIGN {
            align
        } else {
            CELL_ALIGN
        };
        let Ok(layout) = Layout::from_size_align(bytes, align) else {
            panic!("the message type is too large")
        };
        #[allow(clippy::cast_possible_truncation)] // an item has 16 bytes, a block 16 KiB
        let capacity = ((bytes - Self::FIRST) / Self::ITEM) as u16;
        Level {
            capacity,
            layout,
            class,
        }
    }

    /// # Safety
    ///
    /// `block` was laid out by this geometry and `index` is less than its capacity.
    #[inline(always)]
    unsafe fn place(block: *mut Block, index: u16) -> *mut MailItem<M> {
        // SAFETY: behind its header, a block has room for its capacity of items; the caller guarantees
        // the bound.
        unsafe {
            block
                .byte_add(Self::FIRST)
                .cast::<MailItem<M>>()
                .add(index as usize)
        }
    }

    #[inline(always)]
    fn take(slabs: &Slabs, level: usize, cause: MessageCause) -> *mut Block {
        let Level {
            capacity,
            layout,
            class,
        } = Self::LEVEL[level];
        let block = match class {
            Some(class) => slabs.allocate(class).cast::<Block>(),
            None => allocate(layout),
        };
        #[allow(clippy::cast_possible_truncation)] // it is less than `LEVELS`
        // SAFETY: the memory is new, or free, large enough, and aligned.
        unsafe {
            block.write(Block {
                next: Cell::new(ptr::null_mut()),
                capacity,
                written: Cell::new(0),
                read: Cell::new(0),
                level: level as u8,
                cause,
            });
        }
        block.as_ptr()
    }

    /// # Safety
    ///
    /// `block` came from `take` of the same geometry, holds no live item, and is not used any more.
    #[inline(always)]
    unsafe fn give_back(slabs: &Slabs, block: *mut Block) {
        // SAFETY: the caller's promise. Whether blocks are cells does not depend on their level.
        unsafe {
            if const { Self::LEVEL[0].class.is_some() } {
                slabs.free(NonNull::new_unchecked(block.cast()));
            } else {
                let level = Self::LEVEL[(*block).level as usize];
                alloc::dealloc(block.cast(), level.layout);
            }
        }
    }
}

#[cold]
fn allocate(layout: Layout) -> NonNull<Block> {
    // SAFETY: the layout begins with a `Block`, so it is not empty.
    let memory = unsafe { alloc::alloc(layout) };
    NonNull::new(memory.cast::<Block>()).unwrap_or_else(|| alloc::handle_alloc_error(layout))
}

/// A mailbox whose owner knows the message type.
///
/// Dropping a mailbox that is not empty leaks its messages: its owner must have taken them out.
#[derive(Default)]
pub(crate) struct RawMailbox<T = ()> {
    head: Cell<*mut Block>,
    tail: Cell<*mut Block>,
    /// Four bytes, since every actor has them: see [`grow`](Self::grow).
    len: Cell<u32>,
    /// Four bytes for its owner, which would otherwise be padding.
    pub(crate) beside: T,
}

impl<T> RawMailbox<T> {
    pub(crate) const fn new(beside: T) -> Self {
        Self {
            head: Cell::new(ptr::null_mut()),
            tail: Cell::new(ptr::null_mut()),
            len: Cell::new(0),
            beside,
        }
    }

    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.len.get() as usize
    }

    /// Returns the address of its first block, or null if it has none.
    #[inline(always)]
    pub(crate) fn first(&self) -> *const u8 {
        self.head.get().cast()
    }

    /// Whether it holds a block; an empty mailbox may hold one.
    #[inline(always)]
    pub(crate) fn has_memory(&self) -> bool {
        !self.head.get().is_null()
    }

    /// Makes room for a message at the end. The message is written there directly: moving it through
    /// arguments and results costs more than everything else in a send.
    ///
    /// # Safety
    ///
    /// Every message that was ever in this mailbox since it last held no block, and every use of
    /// it until then, is of the type `M`. The caller writes the item before it does anything else.
    #[inline(always)]
    pub(crate) unsafe fn push_place<M>(
        &self,
        slabs: &Slabs,
        cause: MessageCause,
    ) -> *mut MailItem<M> {
        let mut tail = self.tail.get();
        if tail.is_null() {
            tail = Geometry::<M>::take(slabs, 0, cause);
            self.head.set(tail);
            self.tail.set(tail);
        } else {
            // SAFETY: the tail is a valid block of this mailbox.
            unsafe {
                if (*tail).written.get() == (*tail).capacity || (*tail).cause != cause {
                    // A copy, so that what the common path holds in registers need not be in memory for
                    // this.
                    let cause = MessageCause::copy_of(&raw const cause);
                    tail = self.grow::<M>(slabs, tail, &cause);
                }
            }
        }
        self.len.set(self.len.get() + 1);
        // SAFETY: the tail block was laid out for `M`, and has room for one more.
        unsafe {
            let at = (*tail).written.get();
            (*tail).written.set(at + 1);
            Geometry::<M>::place(tail, at)
        }
    }

    /// # Panics
    ///
    /// If the mailbox holds nearly 2^32 messages, each of which takes at least 8 bytes.
    #[inline(never)]
    fn grow<M>(&self, slabs: &Slabs, tail: *mut Block, cause: &MessageCause) -> *mut Block {
        let full = self.len.get() > u32::MAX - u32::from(u16::MAX);
        assert!(!full, "a mailbox holds at most 2^32 messages");
        // SAFETY: the tail is a valid block of this mailbox.
        unsafe {
            let level = if (*tail).cause == *cause {
                ((*tail).level as usize + 1).min(LEVELS - 1)
            } else {
                0
            };
            let block = Geometry::<M>::take(slabs, level, *cause);
            (*tail).next.set(block);
            self.tail.set(block);
            block
        }
    }

    /// Takes the oldest message out, and returns its place.
    ///
    /// # Safety
    ///
    /// As for [`push_place`](Self::push_place), as to the type. The caller reads the item, which
    /// it then owns, before it does anything else.
    #[inline(always)]
    pub(crate) unsafe fn pop_place<M>(&self, slabs: &Slabs) -> Option<MailPlace<M>> {
        let len = self.len.get();
        if len == 0 {
            return None;
        }
        let mut head = self.head.get();
        // SAFETY: messages are left, so there is a block, and a block whose items were all read is
        // followed by another one. Blocks were laid out for `M`, and what was read is below what was
        // written.
        unsafe {
            while (*head).read.get() == (*head).written.get() {
                head = self.leave::<M>(head, slabs);
            }
            let at = (*head).read.get();
            (*head).read.set(at + 1);
            self.len.set(len - 1);
            Some(MailPlace {
                block: head,
                item: Geometry::<M>::place(head, at),
            })
        }
    }

    /// Returns the place of the oldest message, which stays there.
    ///
    /// # Safety
    ///
    /// As for [`push_place`](Self::push_place), as to the type.
    pub(crate) unsafe fn peek_place<M>(&self) -> Option<MailPlace<M>> {
        // SAFETY: the caller's promise; nothing is taken out in between.
        unsafe { self.places::<M>().next() }
    }

    /// Returns the place of every message, oldest first.
    ///
    /// # Safety
    ///
    /// As for [`push_place`](Self::push_place), as to the type. Nothing is put in or taken out while the
    /// iterator is used.
    pub(crate) unsafe fn places<M>(&self) -> impl Iterator<Item = MailPlace<M>> {
        let (mut block, mut taken) = (self.head.get(), 0);
        (0..self.len.get()).map(move |_| {
            // SAFETY: as in `pop_place`: this is not yet the last message, so a block that is used up is
            // followed by another one.
            unsafe {
                while (*block).read.get() + taken == (*block).written.get() {
                    (block, taken) = ((*block).next.get(), 0);
                }
                taken += 1;
                MailPlace {
                    block,
                    item: Geometry::<M>::place(block, (*block).read.get() + taken - 1),
                }
            }
        })
    }

    /// Returns the number of the oldest messages, `most` at the most, whose causes are all `like` that.
    pub(crate) fn count_oldest(&self, most: usize, like: impl Fn(&MessageCause) -> bool) -> usize {
        let (mut block, mut counted) = (self.head.get(), 0);
        let most = most.min(self.len());
        while counted < most {
            // SAFETY: messages are left, so the block is a valid one of this mailbox, or there is another one
            // behind it.
            unsafe {
                let left = usize::from((*block).written.get() - (*block).read.get());
                if left > 0 && !like(&(*block).cause) {
                    return counted;
                }
                counted += left;
                block = (*block).next.get();
            }
        }
        most
    }

    /// Moves a message before all others, whose order is kept, if it is among the `most` oldest. Returns
    /// whether it is.
    ///
    /// # Safety
    ///
    /// As for [`push_place`](Self::push_place), as to the type.
    pub(crate) unsafe fn advance<M>(&self, slabs: &Slabs, message: MessageId, most: usize) -> bool {
        // SAFETY: the caller's promise. The message is moved into a block of its own before all others,
        // and those before it in its block by one place; each is moved once, and none is dropped.
        unsafe {
            let mut places = self.places::<M>().take(most);
            let Some(wanted) = places.find(|place| place.id() == message) else {
                return false;
            };
            let from = wanted.block.cast_mut();
            let block = Geometry::<M>::take(slabs, 0, (*from).cause);
            Geometry::<M>::place(block, 0).write(wanted.item.read());
            (*block).written.set(1);
            let first = Geometry::<M>::place(from, (*from).read.get());
            let before =
                usize::try_from(wanted.item.offset_from(first)).expect("it lies behind it");
            ptr::copy(first, first.add(1), before);
            (*from).read.set((*from).read.get() + 1);
            (*block).next.set(self.head.get());
            self.head.set(block);
            true
        }
    }

    /// # Safety
    ///
    /// `head` is the first of at least two blocks, laid out for `M`, and holds no live item.
    unsafe fn leave<M>(&self, head: *mut Block, slabs: &Slabs) -> *mut Block {
        // SAFETY: it is a valid block of this mailbox, taken for `M`, and nothing in it is alive.
        unsafe {
            let next = (*head).next.get();
            self.head.set(next);
            Geometry::<M>::give_back(slabs, head);
            next
        }
    }

    /// Frees the memory of an empty mailbox.
    ///
    /// # Safety
    ///
    /// As for [`push_place`](Self::push_place), as to the type.
    #[inline]
    pub(crate) unsafe fn release<M>(&self, slabs: &Slabs) {
        debug_assert_eq!(self.len.get(), 0);
        let block = self.head.replace(ptr::null_mut());
        if block.is_null() {
            return;
        }
        self.tail.set(ptr::null_mut());
        // SAFETY: nothing in the blocks of an empty mailbox is alive. Usually there is one block, of the
        // smallest size: others are left behind by a message that was advanced.
        unsafe {
            if let Some(class) = const { Geometry::<M>::LEVEL[0].class }
                && (*block).level == 0
                && (*block).next.get().is_null()
            {
                return slabs.free_at_hand(class, NonNull::new_unchecked(block.cast()));
            }
            Self::release_all::<M>(slabs, block);
        }
    }

    /// # Safety
    ///
    /// `first` is the first of the blocks, which are not used any more.
    #[inline(never)]
    unsafe fn release_all<M>(slabs: &Slabs, first: *mut Block) {
        let mut block = first;
        // SAFETY: the caller's promise.
        unsafe {
            while !block.is_null() {
                let next = (*block).next.get();
                Geometry::<M>::give_back(slabs, block);
                block = next;
            }
        }
    }
}

#[cfg(test)]
mod tests;
