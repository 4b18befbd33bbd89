//! Parcels: what is sent to a worker and acts there.

#![allow(unsafe_code)]

use std::mem;

#[cfg(test)]
use super::batch::Batch;
use super::core::PoolCore;
use super::dead_letter::DeadLetterReason;
#[cfg(test)]
use super::entry::Last;
use super::envelope::Envelope;
use super::id::{ActorId, Key, MessageId};
use super::shard::Shard;

/// Something that is sent to a worker and acts there.
pub(crate) trait Parcel: Send + Sized + 'static {
    /// Arrives at the worker that owns `to`.
    fn deliver(self, shard: &Shard, to: Key, envelope: &Envelope);

    /// Several for the same actor arrive, one after the other, from one sender that sent them in one
    /// handler: the first has that id, and each further one the next.
    fn deliver_all(
        parcels: impl Iterator<Item = Self>,
        shard: &Shard,
        to: Key,
        cause: Cause,
        first: MessageId,
    ) {
        let mut message = first;
        for parcel in parcels {
            parcel.deliver(shard, to, &cause.envelope_of(message));
            message = message.next();
        }
    }

    /// Returns a copy, if arriving twice does no harm: for transports that repeat.
    #[cfg(test)]
    fn repeat(&self) -> Option<Self> {
        None
    }

    /// It cannot even be sent, as that pool is no longer known.
    fn bounce_without_pool(self, _to: ActorId) {}

    /// It cannot arrive any more.
    fn bounce(self, core: &PoolCore, to: ActorId, envelope: Envelope, reason: DeadLetterReason);
}

/// Parcels up to this size are stored inline, among others; larger ones are boxed.
const INLINE_BYTES: usize = 256;
const WORD: usize = mem::size_of::<u64>();

/// The operations on a type-erased parcel. Each function takes the parcel's bytes over.
pub(super) struct Handling {
    pub(super) words: u32,
    pub(super) deliver: unsafe fn(*const u8, &Shard, Key, &Envelope),
    pub(super) deliver_all: unsafe fn(Run, &Shard),
    pub(super) bounce: unsafe fn(*const u8, &PoolCore, ActorId, Envelope, DeadLetterReason),
    pub(super) discard: unsafe fn(*const u8),
    /// Unlike the others, this one leaves the parcel where it is.
    #[cfg(test)]
    pub(super) repeat: unsafe fn(*const u8, &mut Batch, &Last, Key, Envelope),
}

/// Parcels of one type, one behind the other, with a word before each.
pub(super) struct Run {
    pub(super) first: *const u8,
    pub(super) count: u32,
    pub(super) to: Key,
    pub(super) cause: Cause,
    /// The id of the first.
    pub(super) message: MessageId,
}

impl Handling {
    pub(super) const fn of<P: Parcel>() -> &'static Self {
        const {
            &Self {
                words: words_of::<P>(),
                // SAFETY: by the contract of `Handling` the address is that of a `P` whose ownership passes
                // to the callee; words are aligned for it, as the writer of an entry ensures.
                deliver: |at, shard, to, envelope| unsafe {
                    at.cast::<P>().read().deliver(shard, to, envelope);
                },
                // SAFETY: as above, for each of them.
                deliver_all: |run, shard| unsafe {
                    let stride = (1 + words_of::<P>() as usize) * WORD;
                    let parcel = |index| run.first.add(index * stride).cast::<P>().read();
                    let parcels = (0..run.count as usize).map(parcel);
                    P::deliver_all(parcels, shard, run.to, run.cause, run.message);
                },
                // SAFETY: as above.
                bounce: |at, core, to, envelope, reason| unsafe {
                    at.cast::<P>().read().bounce(core, to, envelope, reason);
                },
                // SAFETY: as above.
                discard: |at| drop(unsafe { at.cast::<P>().read() }),
                #[cfg(test)]
                // SAFETY: as above, except that the ownership stays.
                repeat: |at, batch, last, to, envelope| unsafe {
                    if let Some(again) = (*at.cast::<P>()).repeat() {
                        assert!(batch.write(last, to, envelope, again).is_ok(), "it is as large");
                    }
                },
            }
        }
    }
}

pub(super) const fn words_of<P>() -> u32 {
    #[allow(clippy::cast_possible_truncation)] // types of 32 GiB do not exist
    {
        mem::size_of::<P>().div_ceil(WORD) as u32
    }
}

/// Whether a parcel is stored inline, among others.
pub(crate) const fn fits<P>() -> bool {
    mem::size_of::<P>() <= INLINE_BYTES && mem::align_of::<P>() <= mem::align_of::<u64>()
}

/// The part of an envelope that all messages of one handler share.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cause {
    sender: ActorId,
    /// `NONE` if the message begins a correlation of its own.
    correlation: MessageId,
    causation: MessageId,
}

impl Default for Cause {
    fn default() -> Self {
        Self::NONE
    }
}

impl Cause {
    /// The cause before the first entry of a batch, and of messages that begin outside any handler.
    pub(crate) const NONE: Self = Self::of(Envelope::NONE);

    #[inline(always)]
    pub(super) const fn of(envelope: Envelope) -> Self {
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

    /// The cause of what an actor sends while it handles a message with that envelope.
    #[inline(always)]
    pub(super) const fn of_sent(handled: Envelope, by: ActorId) -> Self {
        Self {
            sender: by,
            correlation: handled.correlation,
            causation: handled.message,
        }
    }

    /// Copies a cause, reading each id as narrow as it was written, maybe just before: a wide load over two
    /// narrow stores that are still under way waits for both.
    ///
    /// # Safety
    ///
    /// The pointer is valid for reading.
    #[inline(always)]
    pub(super) unsafe fn copy_of(cause: *const Self) -> Self {
        // SAFETY: the caller's promise.
        unsafe {
            Self {
                sender: ActorId {
                    home: (&raw const (*cause).sender.home).read_volatile(),
                    key: (&raw const (*cause).sender.key).read_volatile(),
                },
                correlation: (&raw const (*cause).correlation).read_volatile(),
                causation: (&raw const (*cause).causation).read_volatile(),
            }
        }
    }

    #[inline(always)]
    pub(super) fn envelope_of(self, message: MessageId) -> Envelope {
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

/// A parcel too large to be stored inline.
pub(super) struct Boxed<P>(pub(super) Box<P>);

impl<P: Parcel> Parcel for Boxed<P> {
    fn deliver(self, shard: &Shard, to: Key, envelope: &Envelope) {
        self.0.deliver(shard, to, envelope);
    }

    fn bounce(self, core: &PoolCore, to: ActorId, envelope: Envelope, reason: DeadLetterReason) {
        self.0.bounce(core, to, envelope, reason);
    }
}
