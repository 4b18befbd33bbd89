//! A batch: the envelopes that one worker, or one thread outside, publishes to another at once.
//!
//! Envelopes of any type lie one behind the other in one block of memory, so that a batch is
//! written and read in the order of its addresses and costs one allocation, or none when the
//! block was used before. What an envelope does on arrival is its [`Parcel`]'s business: a
//! message goes into a mailbox, an answer to whoever waits for it, a command is carried out.

#![allow(unsafe_code)]

use std::alloc::{self, Layout};
use std::mem;
use std::ptr::NonNull;

use super::core::PoolCore;
use super::dead_letter::DeadLetterReason;
use super::envelope::Envelope;
use super::id::{ActorId, Key};
use super::shard::Shard;
use crate::queue::{Link, Node};

/// Something that is sent to a worker and acts there.
pub(crate) trait Parcel: Send + Sized + 'static {
    /// Arrives at the worker that owns `to`.
    fn deliver(self, shard: &Shard, to: Key, envelope: &Envelope);

    /// A second one like it, where arriving twice does no harm: for transports that repeat.
    #[cfg(test)]
    fn repeat(&self) -> Option<Self> {
        None
    }

    /// Cannot arrive any more.
    fn bounce(self, core: &PoolCore, to: ActorId, envelope: Envelope, reason: DeadLetterReason);
}

/// Parcels up to this size lie in the batch itself; larger ones are boxed.
const INLINE_BYTES: usize = 256;
const WORD: usize = mem::size_of::<u64>();

/// Words in a batch that a worker fills: about 32 envelopes with small messages.
pub(crate) const WORKER_BATCH_WORDS: u32 = 1024;

/// Whose batch it was, for [`Batch::origin`], when it was no worker's.
pub(crate) const FROM_OUTSIDE: u32 = u32::MAX;

#[repr(C)]
struct Header {
    link: Link,
    origin: u32,
    capacity: u32,
    filled: u32,
}

/// How a type-erased parcel is treated. Each function takes the parcel's bytes over.
struct Handling {
    words: u32,
    deliver: unsafe fn(*const u8, &Shard, Key, &Envelope),
    bounce: unsafe fn(*const u8, &PoolCore, ActorId, Envelope, DeadLetterReason),
    discard: unsafe fn(*const u8),
    /// Unlike the others, this one leaves the parcel where it is.
    #[cfg(test)]
    repeat: unsafe fn(*const u8, &mut Batch, Key, Envelope),
}

impl Handling {
    const fn of<P: Parcel>() -> &'static Self {
        const {
            &Self {
                words: words_of::<P>(),
                // SAFETY: by the contract of `Handling` (see `Batch::drain`) the address is
                // that of a `P` whose ownership passes to the callee; words are aligned for it,
                // as whoever calls `push_place` sees to.
                deliver: |at, shard, to, envelope| unsafe {
                    at.cast::<P>().read().deliver(shard, to, envelope);
                },
                // SAFETY: as above.
                bounce: |at, core, to, envelope, reason| unsafe {
                    at.cast::<P>().read().bounce(core, to, envelope, reason);
                },
                // SAFETY: as above.
                discard: |at| drop(unsafe { at.cast::<P>().read() }),
                #[cfg(test)]
                // SAFETY: as above, but that the ownership stays.
                repeat: |at, batch, to, envelope| unsafe {
                    if let Some(again) = (*at.cast::<P>()).repeat() {
                        assert!(batch.write(to, envelope, again).is_ok(), "it is as large");
                    }
                },
            }
        }
    }
}

const fn words_of<P>() -> u32 {
    #[allow(clippy::cast_possible_truncation)] // types of 32 GiB do not exist
    {
        mem::size_of::<P>().div_ceil(WORD) as u32
    }
}

/// Whether a parcel lies in the batch itself.
pub(crate) const fn fits<P>() -> bool {
    mem::size_of::<P>() <= INLINE_BYTES && mem::align_of::<P>() <= mem::align_of::<u64>()
}

struct Entry {
    handling: &'static Handling,
    to: Key,
    envelope: Envelope,
}

const ENTRY_WORDS: u32 = words_of::<Entry>();

/// An owned batch, open for filling until it is published.
pub(crate) struct Batch(NonNull<Header>);

// SAFETY: a batch owns its memory, and every parcel in it is `Send` (a bound of `Parcel`).
unsafe impl Send for Batch {}

// SAFETY: `into_link` forgets the batch, so its header, which begins with the link (`repr(C)`),
// stays valid and untouched until `from_link` makes the batch again from the same address.
unsafe impl Node for Batch {
    fn into_link(self) -> NonNull<Link> {
        let link = self.0.cast();
        mem::forget(self);
        link
    }

    unsafe fn from_link(link: NonNull<Link>) -> Self {
        Self(link.cast())
    }
}

impl Batch {
    /// An empty batch with room for `capacity` words.
    pub(crate) fn new(origin: u32, capacity: u32) -> Self {
        let layout = Self::layout(capacity);
        // SAFETY: the layout holds at least the header, so it is not empty.
        let memory = unsafe { alloc::alloc(layout) };
        let Some(header) = NonNull::new(memory.cast::<Header>()) else {
            alloc::handle_alloc_error(layout)
        };
        // SAFETY: the memory was just allocated for a header and its words.
        unsafe {
            header.write(Header {
                link: Link::new(),
                origin,
                capacity,
                filled: 0,
            })
        };
        Self(header)
    }

    /// A batch of one parcel from outside of the pool, no larger than it must be.
    pub(crate) fn of_one<P: Parcel>(to: Key, envelope: Envelope, parcel: P) -> Self {
        let words = if fits::<P>() {
            words_of::<P>()
        } else {
            words_of::<Boxed<P>>()
        };
        let mut batch = Self::new(FROM_OUTSIDE, ENTRY_WORDS + words);
        let pushed = batch.try_push(to, envelope, parcel);
        debug_assert!(pushed.is_ok(), "the batch was made to measure");
        batch
    }

    /// The worker that filled it, or [`FROM_OUTSIDE`].
    pub(crate) fn origin(&self) -> u32 {
        self.header().origin
    }

    /// Adds a parcel.
    ///
    /// # Errors
    ///
    /// Gives the parcel back when the batch has no room for it.
    #[inline]
    pub(crate) fn try_push<P: Parcel>(
        &mut self,
        to: Key,
        envelope: Envelope,
        parcel: P,
    ) -> Result<(), P> {
        if const { !fits::<P>() } {
            return self.try_push_boxed(to, envelope, parcel);
        }
        self.write(to, envelope, parcel)
    }

    #[inline]
    fn write<P: Parcel>(&mut self, to: Key, envelope: Envelope, parcel: P) -> Result<(), P> {
        // SAFETY: `try_push` sees to it that `P` lies in the batch itself; it is written at once.
        unsafe {
            let Some(place) = self.push_place::<P>(to, envelope) else {
                return Err(parcel);
            };
            place.write(parcel);
        }
        Ok(())
    }

    /// Makes room for a parcel, unless there is none; it is written there directly, as moving it
    /// through arguments and results would cost more.
    ///
    /// # Safety
    ///
    /// `P` [`fits`] into a batch. The caller writes the parcel before it does anything else.
    #[inline]
    pub(crate) unsafe fn push_place<P: Parcel>(
        &mut self,
        to: Key,
        envelope: Envelope,
    ) -> Option<*mut P> {
        let words = ENTRY_WORDS + words_of::<P>();
        let Header {
            filled, capacity, ..
        } = *self.header();
        if capacity - filled < words {
            return None;
        }
        let handling = Handling::of::<P>();
        // SAFETY: the entry and the parcel fit into the words that are left, which are aligned
        // for both: an entry's fields and, by the caller's promise, the parcel's ask for no more.
        unsafe {
            let entry = self.word(filled);
            entry.cast::<Entry>().write(Entry {
                handling,
                to,
                envelope,
            });
            self.0.as_mut().filled = filled + words;
            Some(entry.add(ENTRY_WORDS as usize).cast::<P>())
        }
    }

    #[cold]
    fn try_push_boxed<P: Parcel>(
        &mut self,
        to: Key,
        envelope: Envelope,
        parcel: P,
    ) -> Result<(), P> {
        let header = self.header();
        if header.capacity - header.filled < ENTRY_WORDS + words_of::<Boxed<P>>() {
            return Err(parcel);
        }
        self.write(to, envelope, Boxed(Box::new(parcel)))
            .map_err(|boxed| *boxed.0)
    }

    /// Hands every parcel over to the worker that owns it, and leaves the batch empty.
    pub(crate) fn deliver(&mut self, shard: &Shard) {
        self.drain(|entry, parcel| {
            // SAFETY: `drain` gives each parcel out once.
            unsafe { (entry.handling.deliver)(parcel, shard, entry.to, &entry.envelope) }
        });
    }

    /// Tells every parcel that it cannot arrive at `worker`.
    pub(crate) fn bounce(mut self, core: &PoolCore, worker: u32, reason: DeadLetterReason) {
        let home = core.home(worker);
        self.drain(|entry, parcel| {
            // SAFETY: `drain` gives each parcel out once.
            unsafe {
                let to = ActorId::new(home, entry.to);
                (entry.handling.bounce)(parcel, core, to, entry.envelope, reason)
            }
        });
    }

    fn drain(&mut self, mut visit: impl FnMut(&Entry, *const u8)) {
        // Emptied first: should a parcel's code panic, the rest leaks rather than being used twice.
        // SAFETY: the header is ours.
        let filled = mem::take(unsafe { &mut self.0.as_mut().filled });
        let mut at = 0;
        while at < filled {
            // SAFETY: `push_place` wrote an entry at each position that this loop reaches, followed
            // by its parcel, and `filled` was reset, so each is visited once. Nothing is written
            // over an entry meanwhile: the batch is borrowed.
            let (entry, parcel) = unsafe {
                let word = self.word(at);
                (&*word.cast::<Entry>(), word.add(ENTRY_WORDS as usize))
            };
            at += ENTRY_WORDS + entry.handling.words;
            visit(entry, parcel.cast());
        }
    }

    /// A batch with all that may be repeated of this one.
    #[cfg(test)]
    pub(crate) fn repeat(&self) -> Batch {
        let Header {
            origin,
            capacity,
            filled,
            ..
        } = *self.header();
        let mut again = Batch::new(origin, capacity);
        let mut at = 0;
        while at < filled {
            // SAFETY: as in `drain`, but nothing is taken out: the entry is only looked at.
            unsafe {
                let entry = &*self.word(at).cast::<Entry>();
                let parcel = self.word(at + ENTRY_WORDS).cast();
                (entry.handling.repeat)(parcel, &mut again, entry.to, entry.envelope);
                at += ENTRY_WORDS + entry.handling.words;
            }
        }
        again
    }

    fn header(&self) -> &Header {
        // SAFETY: the header lives as long as the batch.
        unsafe { self.0.as_ref() }
    }

    /// # Safety
    ///
    /// `index` is at most the batch's capacity.
    unsafe fn word(&self, index: u32) -> *mut u64 {
        // SAFETY: the words lie behind the header, see `layout`; the caller keeps the bound.
        unsafe { self.0.add(1).cast::<u64>().as_ptr().add(index as usize) }
    }

    fn layout(capacity: u32) -> Layout {
        let words = Layout::array::<u64>(capacity as usize);
        let (layout, offset) = words
            .and_then(|words| Layout::new::<Header>().extend(words))
            .expect("a batch is a few kilobytes");
        debug_assert_eq!(offset, mem::size_of::<Header>());
        layout
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        // SAFETY: `drain` gives each parcel out once.
        self.drain(|entry, parcel| unsafe { (entry.handling.discard)(parcel) });
        let layout = Self::layout(self.header().capacity);
        // SAFETY: allocated in `new` with this layout, and the handle is the only one.
        unsafe { alloc::dealloc(self.0.as_ptr().cast(), layout) };
    }
}

/// A parcel too large to lie in a batch.
struct Boxed<P>(Box<P>);

impl<P: Parcel> Parcel for Boxed<P> {
    fn deliver(self, shard: &Shard, to: Key, envelope: &Envelope) {
        self.0.deliver(shard, to, envelope);
    }

    fn bounce(self, core: &PoolCore, to: ActorId, envelope: Envelope, reason: DeadLetterReason) {
        self.0.bounce(core, to, envelope, reason);
    }
}
