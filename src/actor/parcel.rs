//! Parcels: what is sent to a worker and acts there, and how it lies among others in memory.
//!
//! An *entry* is a parcel of any type with what is needed to treat it: how, whom it is for, and its
//! envelope. Entries lie one behind the other, in a batch of one worker for another, or in the ingress of
//! a worker for threads outside.

#![allow(unsafe_code)]

#[cfg(test)]
use std::cell::Cell;
use std::mem;

#[cfg(test)]
use super::batch::Batch;
use super::core::PoolCore;
use super::dead_letter::DeadLetterReason;
use super::envelope::Envelope;
use super::id::{ActorId, Key, MessageId};
use super::shard::Shard;

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

/// Parcels up to this size lie among others; larger ones are boxed.
const INLINE_BYTES: usize = 256;
const WORD: usize = mem::size_of::<u64>();

/// How a type-erased parcel is treated. Each function takes the parcel's bytes over.
pub(super) struct Handling {
    pub(super) words: u32,
    pub(super) deliver: unsafe fn(*const u8, &Shard, Key, &Envelope),
    pub(super) bounce: unsafe fn(*const u8, &PoolCore, ActorId, Envelope, DeadLetterReason),
    pub(super) discard: unsafe fn(*const u8),
    /// Unlike the others, this one leaves the parcel where it is.
    #[cfg(test)]
    pub(super) repeat: unsafe fn(*const u8, &mut Batch, &Cell<Cause>, Key, Envelope),
}

impl Handling {
    pub(super) const fn of<P: Parcel>() -> &'static Self {
        const {
            &Self {
                words: words_of::<P>(),
                // SAFETY: by the contract of `Handling` the address is that of a `P` whose ownership
                // passes to the callee; words are aligned for it, as whoever writes an entry sees
                // to.
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

pub(super) const fn words_of<P>() -> u32 {
    #[allow(clippy::cast_possible_truncation)] // types of 32 GiB do not exist
    {
        mem::size_of::<P>().div_ceil(WORD) as u32
    }
}

/// Whether a parcel lies among others itself.
pub(crate) const fn fits<P>() -> bool {
    mem::size_of::<P>() <= INLINE_BYTES && mem::align_of::<P>() <= mem::align_of::<u64>()
}

/// What comes before each parcel. The rest of its envelope, its [`Cause`], follows only where it is
/// another than is known without: in a batch that of the entry before, as what one handler sends has one
/// cause, and in an ingress that of what begins outside of any handler. Every byte less is one less to
/// be carried from one core to the other.
#[repr(C)]
pub(super) struct Entry {
    /// First, as in an ingress this is the word that commits the entry.
    pub(super) handling: &'static Handling,
    /// With [`CAUSE_FOLLOWS`].
    to: Key,
    message: MessageId,
}

pub(super) const ENTRY_WORDS: u32 = words_of::<Entry>();

impl Entry {
    /// Writes an entry without its first word, and returns where its parcel is to be written.
    ///
    /// # Safety
    ///
    /// At `at` there is room for the entry, for its cause if one is given, and for the parcel, which
    /// [`fits`].
    #[inline(always)]
    pub(super) unsafe fn write_all_but_first(
        at: *mut u64,
        to: Key,
        message: MessageId,
        cause: Option<Cause>,
    ) -> *mut u64 {
        let mark = if cause.is_some() { CAUSE_FOLLOWS } else { 0 };
        let to = Key::new(to.slot() | mark, to.generation());
        // SAFETY: the caller's promise; words are aligned for an entry's fields and for a cause's.
        unsafe {
            let entry = at.cast::<Self>();
            (&raw mut (*entry).to).write(to);
            (&raw mut (*entry).message).write(message);
            let after = at.add(ENTRY_WORDS as usize);
            match cause {
                None => after,
                Some(cause) => {
                    after.cast::<Cause>().write(cause);
                    after.add(CAUSE_WORDS as usize)
                }
            }
        }
    }

    /// Reads an entry. `cause` is what holds if none follows.
    ///
    /// # Safety
    ///
    /// An entry was written there.
    #[inline(always)]
    pub(super) unsafe fn read(at: *const u64, cause: &mut Cause) -> Found {
        // SAFETY: an entry is followed by its cause, where it is marked so, and its parcel.
        unsafe {
            let Self {
                handling,
                to,
                message,
            } = at.cast::<Self>().read();
            let mut before = ENTRY_WORDS;
            if to.slot() & CAUSE_FOLLOWS != 0 {
                *cause = at.add(ENTRY_WORDS as usize).cast::<Cause>().read();
                before += CAUSE_WORDS;
            }
            let to = Key::new(to.slot() & !CAUSE_FOLLOWS, to.generation());
            Found {
                handling,
                to,
                envelope: cause.envelope_of(message),
                parcel: at.add(before as usize).cast(),
                words: before + handling.words,
            }
        }
    }
}

/// An entry that was read.
pub(super) struct Found {
    pub(super) handling: &'static Handling,
    pub(super) to: Key,
    pub(super) envelope: Envelope,
    pub(super) parcel: *const u8,
    /// Words of the whole entry.
    pub(super) words: u32,
}

/// Marks, in the slot of an entry's key, that its cause follows. Slots are numbered below this.
pub(super) const CAUSE_FOLLOWS: u32 = 1 << 31;

/// The part of an envelope that all messages of one handler share.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cause {
    sender: ActorId,
    /// `NONE` where the message begins a correlation of its own.
    correlation: MessageId,
    causation: MessageId,
}

pub(super) const CAUSE_WORDS: u32 = words_of::<Cause>();

impl Default for Cause {
    fn default() -> Self {
        Self::NONE
    }
}

impl Cause {
    /// That before the first entry of a batch, and that of what begins outside of any handler.
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

    /// That of what an actor sends while it handles a message with that envelope.
    #[inline(always)]
    pub(super) const fn of_sent(handled: Envelope, by: ActorId) -> Self {
        Self {
            sender: by,
            correlation: handled.correlation,
            causation: handled.message,
        }
    }

    /// A copy that reads each id as narrow as it was written, maybe just before: a wide load over two
    /// narrow stores that are still under way waits for both.
    ///
    /// # Safety
    ///
    /// It is valid for reading.
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

/// A parcel too large to lie among others.
pub(super) struct Boxed<P>(pub(super) Box<P>);

impl<P: Parcel> Parcel for Boxed<P> {
    fn deliver(self, shard: &Shard, to: Key, envelope: &Envelope) {
        self.0.deliver(shard, to, envelope);
    }

    fn bounce(self, core: &PoolCore, to: ActorId, envelope: Envelope, reason: DeadLetterReason) {
        self.0.bounce(core, to, envelope, reason);
    }
}
