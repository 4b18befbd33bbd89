//! Payloads: what an entry of a batch or an ingress carries, with its type erased.
//!
//! A payload acts at the worker that receives it. This room moves payloads and does not know that worker's
//! type: it passes a [`PayloadReceiver`] on, which the room of the shard makes and opens.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::mem;
use std::ptr::NonNull;

use crate::address::{ActorId, Envelope, Key, MessageCause, MessageId};
use crate::failure::DeadLetterReason;

/// The worker at which payloads arrive.
#[derive(Clone, Copy)]
pub(crate) struct PayloadReceiver<'a> {
    worker: NonNull<()>,
    lifetime: PhantomData<&'a ()>,
}

impl<'a> PayloadReceiver<'a> {
    /// # Safety
    ///
    /// All payloads of this crate open it as a `T`.
    #[inline(always)]
    pub(crate) unsafe fn new<T>(worker: &'a T) -> Self {
        Self {
            worker: NonNull::from(worker).cast(),
            lifetime: PhantomData,
        }
    }

    /// # Safety
    ///
    /// It was made of a `T`.
    #[inline(always)]
    pub(crate) unsafe fn open<T>(self) -> &'a T {
        // SAFETY: the caller's promise; the lifetime is that of the reference that it was made of.
        unsafe { self.worker.cast::<T>().as_ref() }
    }
}

/// The pool to which payloads are returned that cannot arrive: its core.
#[derive(Clone, Copy)]
pub(crate) struct PoolReturn<'a> {
    core: NonNull<()>,
    lifetime: PhantomData<&'a ()>,
}

impl<'a> PoolReturn<'a> {
    /// # Safety
    ///
    /// All payloads of this crate open it as a `T`.
    pub(super) unsafe fn new<T>(core: &'a T) -> Self {
        Self {
            core: NonNull::from(core).cast(),
            lifetime: PhantomData,
        }
    }

    /// # Safety
    ///
    /// It was made of a `T`.
    pub(super) unsafe fn open<T>(self) -> &'a T {
        // SAFETY: the caller's promise; the lifetime is that of the reference that it was made of.
        unsafe { self.core.cast::<T>().as_ref() }
    }
}

/// What an entry carries. Implemented by every `Parcel` of the shard's room.
pub(crate) trait Payload: Send + Sized + 'static {
    /// Acts at the worker that owns `to`.
    fn unpack(self, at: PayloadReceiver<'_>, to: Key, envelope: &Envelope);

    /// Several for the same actor act, one after the other, from one sender that sent them in one handler:
    /// the first has that id, and each further one the next.
    fn unpack_all(
        payloads: impl Iterator<Item = Self>,
        at: PayloadReceiver<'_>,
        to: Key,
        cause: MessageCause,
        first: MessageId,
    ) {
        let mut message = first;
        for payload in payloads {
            payload.unpack(at, to, &cause.envelope_of(message));
            message = message.next();
        }
    }

    /// Returns a copy, if arriving twice does no harm: for transports that repeat.
    #[cfg(test)]
    fn duplicate(&self) -> Option<Self> {
        None
    }

    /// It cannot arrive any more.
    fn return_undelivered(
        self,
        pool: PoolReturn<'_>,
        to: ActorId,
        envelope: Envelope,
        reason: DeadLetterReason,
    );
}

/// Payloads up to this size are stored inline, among others; larger ones are boxed.
const INLINE_BYTES: usize = 256;

const WORD: usize = mem::size_of::<u64>();

/// The operations on a type-erased payload. Each function takes the payload's bytes over.
pub(super) struct PayloadVtable {
    pub(super) words: u32,
    pub(super) deliver: unsafe fn(*const u8, PayloadReceiver<'_>, Key, &Envelope),
    pub(super) deliver_all: unsafe fn(PayloadRun, PayloadReceiver<'_>),
    pub(super) bounce: unsafe fn(*const u8, PoolReturn<'_>, ActorId, Envelope, DeadLetterReason),
    pub(super) discard: unsafe fn(*const u8),
    /// Unlike the others, this one leaves the payload where it is.
    #[cfg(test)]
    pub(super) duplicate: unsafe fn(*const u8, *mut u64) -> bool,
}

/// Payloads of one type, one behind the other, with a word before each.
pub(super) struct PayloadRun {
    pub(super) first: *const u8,
    pub(super) count: u32,
    pub(super) to: Key,
    pub(super) cause: MessageCause,
    /// The id of the first.
    pub(super) message: MessageId,
}

impl PayloadVtable {
    pub(super) const fn of<P: Payload>() -> &'static Self {
        const {
            &Self {
                words: words_of::<P>(),
                // SAFETY: by the contract of `PayloadVtable` the address is that of a `P` whose ownership
                // passes to the callee; words are aligned for it, as the writer of an entry ensures.
                deliver: |at, receiver, to, envelope| unsafe {
                    at.cast::<P>().read().unpack(receiver, to, envelope);
                },
                // SAFETY: as above, for each of them.
                deliver_all: |run, receiver| unsafe {
                    let stride = (1 + words_of::<P>() as usize) * WORD;
                    let payload = |index| run.first.add(index * stride).cast::<P>().read();
                    let payloads = (0..run.count as usize).map(payload);
                    P::unpack_all(payloads, receiver, run.to, run.cause, run.message);
                },
                // SAFETY: as above.
                bounce: |at, pool, to, envelope, reason| unsafe {
                    at.cast::<P>().read().return_undelivered(pool, to, envelope, reason);
                },
                // SAFETY: as above.
                discard: |at| drop(unsafe { at.cast::<P>().read() }),
                #[cfg(test)]
                // SAFETY: as above, except that the ownership stays; there are as many words at `to`.
                duplicate: |at, to| unsafe {
                    let again = (*at.cast::<P>()).duplicate();
                    again.map(|again| to.cast::<P>().write(again)).is_some()
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

/// Whether a payload is stored inline, among others.
pub(crate) const fn fits<P>() -> bool {
    mem::size_of::<P>() <= INLINE_BYTES && mem::align_of::<P>() <= mem::align_of::<u64>()
}

/// A payload too large to be stored inline.
pub(super) struct Boxed<P>(pub(super) Box<P>);

impl<P: Payload> Payload for Boxed<P> {
    fn unpack(self, at: PayloadReceiver<'_>, to: Key, envelope: &Envelope) {
        self.0.unpack(at, to, envelope);
    }

    fn return_undelivered(
        self,
        pool: PoolReturn<'_>,
        to: ActorId,
        envelope: Envelope,
        reason: DeadLetterReason,
    ) {
        self.0.return_undelivered(pool, to, envelope, reason);
    }
}
