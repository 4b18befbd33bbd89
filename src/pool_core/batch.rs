//! A batch: the envelopes that one worker publishes to another at once.
//!
//! Envelopes of any type lie one behind the other in one block of memory. So a batch is written and read
//! in the order of its addresses and costs one allocation, or none if the block was used before. What an
//! envelope does on arrival is defined by its [`Payload`]: a message goes into a mailbox, an answer to the
//! wait that it ends, a command is carried out.
//!
//! Small batches come from the allocator. Bulk traffic of a worker uses larger batches, each of which is
//! a segment of the pool's store.

#![allow(unsafe_code)]

use std::alloc::{self, Layout};
use std::mem;
use std::ptr::NonNull;

use super::entry::{EntryHead, EntryLayout, ImpliedEntry, Last, MOST_WORDS_BEFORE, ReadEntry};
use super::payload::{Boxed, Payload, PayloadReceiver, PayloadRun, PoolReturn, fits, words_of};
use crate::address::{ActorId, Envelope, Home, Key, MessageCause, MessageId};
use crate::failure::DeadLetterReason;
use crate::memory::{Region, Segment};
use crate::queue::{Link, Node};

/// Words in a small batch that a worker fills: 30 to 120 small messages. Builds with planted mistakes use
/// smaller batches, so that the swarm, which sends little, meets full ones.
pub(super) const WORKER_BATCH_WORDS: u32 = if cfg!(nexus_mutants) { 64 } else { 256 };

/// Sizes of the segments used as larger batches, in bytes.
pub(super) const SEGMENT_BYTES: [usize; 2] = [16 << 10, 64 << 10];

/// The [origin](Batch::origin) of a batch that no worker filled.
pub(crate) const FROM_OUTSIDE: u32 = u32::MAX;

/// A batch begins at a cache line, so that a batch with one answer takes no more than that line.
const CACHE_LINE: usize = 64;

#[repr(C)]
struct Header {
    link: Link,
    origin: u32,
    capacity: u32,
    filled: u32,
    entries: u32,
}

/// Words in a batch that is a segment of `bytes` bytes. The address of the segment's region comes last.
const fn words_in(bytes: usize) -> u32 {
    let words = bytes - mem::size_of::<Header>() - mem::size_of::<*const Region>();
    #[allow(clippy::cast_possible_truncation)] // segments have some kilobytes
    {
        (words / mem::size_of::<u64>()) as u32
    }
}

/// Words in a batch of each size, smallest first.
pub(super) const SIZES: [u32; 3] = [
    WORKER_BATCH_WORDS,
    words_in(SEGMENT_BYTES[0]),
    words_in(SEGMENT_BYTES[1]),
];

/// An owned batch, open for filling until it is published.
pub(crate) struct Batch(NonNull<Header>);

// SAFETY: a batch owns its memory, and every parcel in it is `Send` (a bound of `Payload`).
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
    /// Makes an empty batch with room for `capacity` words, at most [`WORKER_BATCH_WORDS`].
    pub(super) fn new(origin: u32, capacity: u32) -> Self {
        debug_assert!(capacity <= WORKER_BATCH_WORDS, "larger ones are segments");
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
                entries: 0,
            })
        };
        Self(header)
    }

    /// Makes an empty batch in a segment of `bytes` bytes, one of [`SEGMENT_BYTES`].
    pub(super) fn in_segment(origin: u32, segment: Segment, bytes: usize) -> Self {
        let header = segment.start().cast::<Header>();
        let capacity = words_in(bytes);
        let batch = Self(header);
        // SAFETY: the segment is ours, and has room for the header, its words and an address.
        unsafe {
            header.write(Header {
                link: Link::new(),
                origin,
                capacity,
                filled: 0,
                entries: 0,
            });
            let region = batch.word(capacity).cast::<*const Region>();
            region.write(segment.into_raw());
        }
        batch
    }

    /// Returns the segment of this batch and the index of its size, unless this is a small batch. The
    /// batch's contents are dropped.
    pub(super) fn into_segment(mut self) -> Result<(usize, Segment), Self> {
        let capacity = self.header().capacity;
        let Some(size) = SIZES[1..].iter().position(|words| *words == capacity) else {
            return Err(self);
        };
        self.discard();
        // SAFETY: `in_segment` has written what is read; the batch is forgotten.
        let segment = unsafe { self.segment() };
        mem::forget(self);
        Ok((size, segment))
    }

    /// # Safety
    ///
    /// This is a segment, and is not used any more.
    unsafe fn segment(&self) -> Segment {
        // SAFETY: what is read behind the words was written there by `in_segment`.
        unsafe {
            let region = self.word(self.header().capacity).cast::<*const Region>();
            Segment::from_raw(self.0.cast(), region.read())
        }
    }

    /// The number of words that are filled.
    pub(super) fn filled(&self) -> u32 {
        self.header().filled
    }

    /// The number of entries in it.
    pub(crate) fn entries(&self) -> u32 {
        self.header().entries
    }

    fn discard(&mut self) {
        // SAFETY: `drain` gives each parcel out once.
        self.drain(|found, _| unsafe { (found.handling.discard)(found.parcel) });
    }

    /// Makes a batch of one parcel from outside the pool, no larger than necessary.
    pub(super) fn of_one<P: Payload>(to: Key, envelope: Envelope, parcel: P) -> Self {
        let words = if fits::<P>() {
            words_of::<P>()
        } else {
            words_of::<Boxed<P>>()
        };
        let mut batch = Self::new(FROM_OUTSIDE, MOST_WORDS_BEFORE + words);
        let pushed = batch.try_push(&Last::default(), to, envelope, parcel);
        debug_assert!(pushed.is_ok(), "the batch was made to measure");
        batch
    }

    /// The worker that filled it, or [`FROM_OUTSIDE`].
    pub(crate) fn origin(&self) -> u32 {
        self.header().origin
    }

    /// Sets the worker that fills it from now on.
    pub(super) fn set_origin(&mut self, worker: u32) {
        // SAFETY: the header is ours.
        unsafe { self.0.as_mut() }.origin = worker;
    }

    /// Adds a parcel. `last` describes the entry before; the outbox stores it.
    ///
    /// # Errors
    ///
    /// Returns the parcel if the batch has no room for it.
    #[inline]
    pub(super) fn try_push<P: Payload>(
        &mut self,
        last: &Last,
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
    pub(super) fn write<P: Payload>(
        &mut self,
        last: &Last,
        to: Key,
        envelope: Envelope,
        parcel: P,
    ) -> Result<(), P> {
        // SAFETY: `try_push` makes sure that `P` lies in the batch itself; it is written at once.
        unsafe {
            let (cause, message) = (MessageCause::of(envelope), envelope.message_id());
            let Some(place) = self.push_place::<P>(last, to, cause, message) else {
                return Err(parcel);
            };
            place.write(parcel);
        }
        Ok(())
    }

    /// Reserves the place of a parcel, or returns `None` if there is no room. The caller writes the
    /// parcel there directly, as moving it through arguments and results would cost more. `last` is as
    /// for [`try_push`](Self::try_push).
    ///
    /// # Safety
    ///
    /// `P` [`fits`] into a batch. The caller writes the parcel before it does anything else.
    #[inline(always)]
    pub(super) unsafe fn push_place<P: Payload>(
        &mut self,
        last: &Last,
        to: Key,
        cause: MessageCause,
        message: MessageId,
    ) -> Option<*mut P> {
        // All messages that one handler sends have one cause, so the path for a change of cause is kept
        // out of the way.
        if last.has_cause(cause) {
            // SAFETY: the caller's promise.
            unsafe { self.push_entry(last, EntryLayout::of_same_cause(last, to, message)) }
        } else {
            // SAFETY: as above.
            unsafe { self.push_other_place(last, to, cause, message) }
        }
    }

    /// As [`push_place`](Self::push_place), for an empty batch, with nothing known of an entry before.
    ///
    /// # Safety
    ///
    /// As for that.
    #[inline(always)]
    pub(super) unsafe fn push_first_place<P: Payload>(
        &mut self,
        last: &Last,
        to: Key,
        cause: MessageCause,
        message: MessageId,
    ) -> *mut P {
        let entry = EntryLayout::alone(to, message, Some(cause));
        // SAFETY: the caller's promise.
        let Some(place) = (unsafe { self.push_entry(last, entry) }) else {
            unreachable!("a parcel that fits among others has room in an empty batch")
        };
        place
    }

    /// # Safety
    ///
    /// As for [`push_place`](Self::push_place).
    #[inline(never)]
    unsafe fn push_other_place<P: Payload>(
        &mut self,
        last: &Last,
        to: Key,
        cause: MessageCause,
        message: MessageId,
    ) -> Option<*mut P> {
        // SAFETY: the caller's promise.
        unsafe { self.push_entry(last, EntryLayout::after(last, to, message, cause)) }
    }

    /// # Safety
    ///
    /// As for [`push_place`](Self::push_place).
    #[inline(always)]
    unsafe fn push_entry<P: Payload>(&mut self, last: &Last, entry: EntryLayout) -> Option<*mut P> {
        // SAFETY: the header is ours.
        let header = unsafe { self.0.as_mut() };
        let (filled, words) = (header.filled, entry.words::<P>());
        if header.capacity - filled < words {
            return None;
        }
        header.filled = filled + words;
        header.entries += 1;
        entry.becomes(last);
        // SAFETY: the entry fits into the words that are left; that the parcel asks for no stricter
        // alignment is the caller's promise.
        unsafe {
            let at = self.word(filled);
            at.cast::<EntryHead>().write(entry.head::<P>());
            Some(entry.write_all_but_first(at).cast::<P>())
        }
    }

    #[cold]
    fn try_push_boxed<P: Payload>(
        &mut self,
        last: &Last,
        to: Key,
        envelope: Envelope,
        parcel: P,
    ) -> Result<(), P> {
        let header = self.header();
        if header.capacity - header.filled < MOST_WORDS_BEFORE + words_of::<Boxed<P>>() {
            return Err(parcel);
        }
        self.write(last, to, envelope, Boxed(Box::new(parcel)))
            .map_err(|boxed| *boxed.0)
    }

    /// Hands every parcel over to the worker that owns it, and leaves the batch empty.
    pub(crate) fn deliver(&mut self, receiver: PayloadReceiver<'_>) {
        let (mut at, end) = self.empty();
        let mut known = ImpliedEntry::NOTHING;
        while at < end {
            // SAFETY: as in `drain`. The entries that are passed over are given out together with the one
            // before them.
            unsafe {
                let found = ReadEntry::read(at, &mut known);
                at = at.add(found.words as usize);
                let (to, message, cause) = (found.to, found.message, known.cause);
                let more = found.pass_over_same(&mut at, end, &mut known);
                if more == 0 {
                    let envelope = cause.envelope_of(message);
                    (found.handling.deliver)(found.parcel, receiver, to, &envelope);
                } else {
                    let run = PayloadRun {
                        first: found.parcel,
                        count: more + 1,
                        to,
                        cause,
                        message,
                    };
                    (found.handling.deliver_all)(run, receiver);
                }
            }
        }
    }

    /// Tells every parcel that it cannot arrive at `worker`.
    pub(super) fn bounce(mut self, pool: PoolReturn<'_>, home: Home, reason: DeadLetterReason) {
        self.drain(|found, envelope| {
            let to = ActorId::new(home, found.to);
            // SAFETY: `drain` gives each parcel out once.
            unsafe { (found.handling.bounce)(found.parcel, pool, to, envelope, reason) }
        });
    }

    /// Empties the batch and returns where its entries begin and end. They then belong to the reader.
    fn empty(&mut self) -> (*const u64, *const u64) {
        // SAFETY: the header is ours.
        let header = unsafe { self.0.as_mut() };
        // Emptied first: should a parcel's code panic, the rest leaks rather than being used twice.
        let filled = mem::take(&mut header.filled);
        header.entries = 0;
        // SAFETY: that many words are filled.
        unsafe { (self.word(0), self.word(filled)) }
    }

    fn drain(&mut self, mut visit: impl FnMut(ReadEntry, Envelope)) {
        let (mut at, end) = self.empty();
        let mut known = ImpliedEntry::NOTHING;
        while at < end {
            // SAFETY: `push_place` wrote an entry at each position that this loop reaches, and
            // `filled` was reset, so each parcel is visited once. Nothing is written over an
            // entry meanwhile: the batch is borrowed.
            let found = unsafe { ReadEntry::read(at, &mut known) };
            // SAFETY: as above.
            at = unsafe { at.add(found.words as usize) };
            let envelope = known.cause.envelope_of(found.message);
            visit(found, envelope);
        }
    }

    /// Makes a batch with everything in this one that can be repeated.
    #[cfg(test)]
    pub(crate) fn repeat(&self) -> Batch {
        let Header {
            origin,
            capacity,
            filled,
            ..
        } = *self.header();
        let size = SIZES[1..].iter().position(|words| *words == capacity);
        let mut again = match size.map(|size| SEGMENT_BYTES[size]) {
            None => Self::new(origin, capacity),
            Some(bytes) => {
                let segment = crate::memory::Segments::new(bytes).take();
                Self::in_segment(origin, segment.expect("there is memory"), bytes)
            }
        };
        let (last, mut known, mut at) = (Last::default(), ImpliedEntry::NOTHING, 0);
        while at < filled {
            // SAFETY: as in `drain`, except that nothing is taken out: the parcel is only read.
            unsafe {
                let found = ReadEntry::read(self.word(at), &mut known);
                at += found.words;
                let entry = EntryLayout::after(&last, found.to, found.message, known.cause);
                again.push_duplicate(&last, entry, &found);
            }
        }
        again
    }

    /// # Safety
    ///
    /// The entry describes what was found, which is only read.
    #[cfg(test)]
    unsafe fn push_duplicate(&mut self, last: &Last, entry: EntryLayout, found: &ReadEntry) {
        // SAFETY: the header is ours; there is as much room as in the batch that this one repeats.
        unsafe {
            let filled = self.header().filled;
            let at = self.word(filled);
            let parcel = entry.write_all_but_first(at);
            if !(found.handling.duplicate)(found.parcel, parcel) {
                return;
            }
            at.cast::<EntryHead>().write(entry.head_of(found.handling));
            let words = parcel.offset_from_unsigned(at);
            let header = self.0.as_mut();
            header.filled =
                filled + u32::try_from(words).expect("a few words") + found.handling.words;
            assert!(header.filled <= header.capacity, "it is as large");
            header.entries += 1;
        }
        entry.becomes(last);
    }

    fn header(&self) -> &Header {
        // SAFETY: the header lives as long as the batch.
        unsafe { self.0.as_ref() }
    }

    /// # Safety
    ///
    /// `index` is at most the batch's capacity.
    unsafe fn word(&self, index: u32) -> *mut u64 {
        // SAFETY: the words lie behind the header, see `layout`; the caller guarantees the bound.
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
        self.discard();
        let capacity = self.header().capacity;
        if capacity > WORKER_BATCH_WORDS {
            // SAFETY: batches from the allocator are no larger, and the handle is the only one.
            return drop(unsafe { self.segment() });
        }
        let layout = Self::layout(capacity);
        // SAFETY: allocated in `new` with this layout, and the handle is the only one.
        unsafe { alloc::dealloc(self.0.as_ptr().cast(), layout) };
    }
}
