//! A batch: the envelopes that one worker, or one thread outside, publishes to another at once.
//!
//! Envelopes of any type lie one behind the other in one block of memory, so that a batch is
//! written and read in the order of its addresses and costs one allocation, or none when the
//! block was used before. What an envelope does on arrival is its [`Parcel`]'s business: a
//! message goes into a mailbox, an answer to whoever waits for it, a command is carried out.

#![allow(unsafe_code)]

use std::alloc::{self, Layout};
use std::cell::Cell;
use std::mem;
use std::ptr::NonNull;

use super::core::PoolCore;
use super::dead_letter::DeadLetterReason;
use super::envelope::Envelope;
use super::id::{ActorId, Key, MessageId};
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

    /// Cannot even be sent, as that pool is not known any more.
    fn bounce_without_pool(self, _to: ActorId) {}

    /// Cannot arrive any more.
    fn bounce(self, core: &PoolCore, to: ActorId, envelope: Envelope, reason: DeadLetterReason);
}

/// Parcels up to this size lie in the batch itself; larger ones are boxed.
const INLINE_BYTES: usize = 256;
const WORD: usize = mem::size_of::<u64>();

/// Words in a batch that a worker fills: about 32 envelopes with small messages.
pub(crate) const WORKER_BATCH_WORDS: u32 = 256;

/// Whose batch it was, for [`Batch::origin`], when it was no worker's.
pub(crate) const FROM_OUTSIDE: u32 = u32::MAX;

/// A batch begins with a cache line, so that one with an answer in it is no more than that.
const CACHE_LINE: usize = 64;

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
    repeat: unsafe fn(*const u8, &mut Batch, &Cell<Cause>, Key, Envelope),
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
                repeat: |at, batch, last, to, envelope| unsafe {
                    if let Some(again) = (*at.cast::<P>()).repeat() {
                        assert!(batch.write(last, to, envelope, again).is_ok(), "it is as large");
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

/// What comes before each parcel. The rest of its envelope, its [`Cause`], follows only where it is
/// another than that of the entry before: what one handler sends has one cause, and every byte
/// less is one less to be carried from one core to the other.
struct Entry {
    handling: &'static Handling,
    to: Key,
    message: MessageId,
}

const ENTRY_WORDS: u32 = words_of::<Entry>();

/// Marks, in the slot of an entry's key, that its cause follows. Slots are numbered below this.
const CAUSE_FOLLOWS: u32 = 1 << 31;

/// The part of an envelope that all messages of one handler share.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cause {
    sender: ActorId,
    /// `NONE` where the message begins a correlation of its own.
    correlation: MessageId,
    causation: MessageId,
}

const CAUSE_WORDS: u32 = words_of::<Cause>();

impl Default for Cause {
    fn default() -> Self {
        Self::NONE
    }
}

impl Cause {
    /// That before the first entry of a batch.
    pub(crate) const NONE: Self = Self::of(Envelope::NONE);

    #[inline(always)]
    const fn of(envelope: Envelope) -> Self {
        let Envelope {
            sender,
            message,
            correlation,
            causation,
        } = envelope;
        let root = correlation.get() == message.get();
        Self {
            sender,
            correlation: if root { MessageId::NONE } else { correlation },
            causation,
        }
    }

    #[inline(always)]
    fn envelope_of(self, message: MessageId) -> Envelope {
        let Self {
            sender,
            correlation,
            causation,
        } = self;
        let root = correlation == MessageId::NONE;
        Envelope {
            sender,
            message,
            correlation: if root { message } else { correlation },
            causation,
        }
    }
}

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
        let mut batch = Self::new(FROM_OUTSIDE, ENTRY_WORDS + CAUSE_WORDS + words);
        let pushed = batch.try_push(&Cell::new(Cause::NONE), to, envelope, parcel);
        debug_assert!(pushed.is_ok(), "the batch was made to measure");
        batch
    }

    /// The worker that filled it, or [`FROM_OUTSIDE`].
    pub(crate) fn origin(&self) -> u32 {
        self.header().origin
    }

    /// From now on that worker fills it.
    pub(crate) fn set_origin(&mut self, worker: u32) {
        // SAFETY: the header is ours.
        unsafe { self.0.as_mut() }.origin = worker;
    }

    /// Adds a parcel. `last` is the cause of the entry before, which whoever fills the batch keeps.
    ///
    /// # Errors
    ///
    /// Gives the parcel back when the batch has no room for it.
    #[inline]
    pub(crate) fn try_push<P: Parcel>(
        &mut self,
        last: &Cell<Cause>,
        to: Key,
        envelope: Envelope,
        parcel: P,
    ) -> Result<(), P> {
        if const { !fits::<P>() } {
            return self.try_push_boxed(last, to, envelope, parcel);
        }
        self.write(last, to, envelope, parcel)
    }

    #[inline]
    fn write<P: Parcel>(
        &mut self,
        last: &Cell<Cause>,
        to: Key,
        envelope: Envelope,
        parcel: P,
    ) -> Result<(), P> {
        // SAFETY: `try_push` sees to it that `P` lies in the batch itself; it is written at once.
        unsafe {
            let Some(place) = self.push_place::<P>(last, to, envelope) else {
                return Err(parcel);
            };
            place.write(parcel);
        }
        Ok(())
    }

    /// Makes room for a parcel, unless there is none; it is written there directly, as moving it
    /// through arguments and results would cost more. `last` is as for [`try_push`](Self::try_push).
    ///
    /// # Safety
    ///
    /// `P` [`fits`] into a batch. The caller writes the parcel before it does anything else.
    #[inline]
    pub(crate) unsafe fn push_place<P: Parcel>(
        &mut self,
        last: &Cell<Cause>,
        to: Key,
        envelope: Envelope,
    ) -> Option<*mut P> {
        let cause = Cause::of(envelope);
        let Header {
            filled, capacity, ..
        } = *self.header();
        let changed = cause != last.get();
        let before = if changed {
            ENTRY_WORDS + CAUSE_WORDS
        } else {
            ENTRY_WORDS
        };
        let words = before + words_of::<P>();
        if capacity - filled < words {
            return None;
        }
        let mark = if changed { CAUSE_FOLLOWS } else { 0 };
        let to = Key {
            slot: to.slot | mark,
            ..to
        };
        let (handling, message) = (Handling::of::<P>(), envelope.message);
        // SAFETY: the entry, the cause and the parcel fit into the words that are left, which are
        // aligned for them: neither an entry's fields nor a cause's nor, by the caller's promise,
        // the parcel's ask for more.
        unsafe {
            let entry = self.word(filled);
            entry.cast::<Entry>().write(Entry {
                handling,
                to,
                message,
            });
            if changed {
                entry.add(ENTRY_WORDS as usize).cast::<Cause>().write(cause);
                last.set(cause);
            }
            self.0.as_mut().filled = filled + words;
            Some(entry.add(before as usize).cast::<P>())
        }
    }

    #[cold]
    fn try_push_boxed<P: Parcel>(
        &mut self,
        last: &Cell<Cause>,
        to: Key,
        envelope: Envelope,
        parcel: P,
    ) -> Result<(), P> {
        let header = self.header();
        if header.capacity - header.filled < ENTRY_WORDS + CAUSE_WORDS + words_of::<Boxed<P>>() {
            return Err(parcel);
        }
        self.write(last, to, envelope, Boxed(Box::new(parcel)))
            .map_err(|boxed| *boxed.0)
    }

    /// Hands every parcel over to the worker that owns it, and leaves the batch empty.
    pub(crate) fn deliver(&mut self, shard: &Shard) {
        self.drain(|handling, to, envelope, parcel| {
            // SAFETY: `drain` gives each parcel out once.
            unsafe { (handling.deliver)(parcel, shard, to, envelope) }
        });
    }

    /// Tells every parcel that it cannot arrive at `worker`.
    pub(crate) fn bounce(mut self, core: &PoolCore, worker: u32, reason: DeadLetterReason) {
        let home = core.home(worker);
        self.drain(|handling, to, envelope, parcel| {
            let to = ActorId::new(home, to);
            // SAFETY: `drain` gives each parcel out once.
            unsafe { (handling.bounce)(parcel, core, to, *envelope, reason) }
        });
    }

    fn drain(&mut self, mut visit: impl FnMut(&Handling, Key, &Envelope, *const u8)) {
        // SAFETY: the header is ours.
        let header = unsafe { self.0.as_mut() };
        // Emptied first: should a parcel's code panic, the rest leaks rather than being used twice.
        let filled = mem::take(&mut header.filled);
        let (mut at, mut cause) = (0, Cause::NONE);
        while at < filled {
            // SAFETY: `push_place` wrote an entry at each position that this loop reaches, and
            // `filled` was reset, so each parcel is visited once. Nothing is written over an
            // entry meanwhile: the batch is borrowed.
            let (entry, to, parcel) = unsafe { self.read(&mut at, &mut cause) };
            visit(
                entry.handling,
                to,
                &cause.envelope_of(entry.message),
                parcel,
            );
        }
    }

    /// Reads the entry at a position, and moves on to the next one.
    ///
    /// # Safety
    ///
    /// `push_place` wrote an entry there, and `cause` is that of the entry before.
    #[inline(always)]
    unsafe fn read(&self, at: &mut u32, cause: &mut Cause) -> (&Entry, Key, *const u8) {
        // SAFETY: an entry is followed by its cause, where it is marked so, and its parcel.
        unsafe {
            let word = self.word(*at);
            let entry = &*word.cast::<Entry>();
            let mut before = ENTRY_WORDS;
            if entry.to.slot & CAUSE_FOLLOWS != 0 {
                *cause = word.add(ENTRY_WORDS as usize).cast::<Cause>().read();
                before += CAUSE_WORDS;
            }
            let to = Key {
                slot: entry.to.slot & !CAUSE_FOLLOWS,
                ..entry.to
            };
            *at += before + entry.handling.words;
            (entry, to, word.add(before as usize).cast())
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
        let (mut again, last) = (Batch::new(origin, capacity), Cell::new(Cause::NONE));
        let (mut at, mut cause) = (0, Cause::NONE);
        while at < filled {
            // SAFETY: as in `drain`, but nothing is taken out: the parcel is only looked at.
            unsafe {
                let (entry, to, parcel) = self.read(&mut at, &mut cause);
                let envelope = cause.envelope_of(entry.message);
                (entry.handling.repeat)(parcel, &mut again, &last, to, envelope);
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
            .and_then(|(layout, offset)| Ok((layout.align_to(CACHE_LINE)?, offset)))
            .expect("a batch is a few kilobytes");
        debug_assert_eq!(offset, mem::size_of::<Header>());
        layout
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        // SAFETY: `drain` gives each parcel out once.
        self.drain(|handling, _, _, parcel| unsafe { (handling.discard)(parcel) });
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
