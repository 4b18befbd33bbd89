//! Parcels: what is sent to a worker and acts there.

#![allow(unsafe_code)]

use super::state::Shard;
use crate::address::ActorId;
use crate::address::Envelope;
use crate::address::Key;
use crate::address::MessageCause;
use crate::address::MessageId;
use crate::failure::DeadLetterReason;
use crate::pool_core::Payload;
use crate::pool_core::PayloadReceiver;
use crate::pool_core::PoolCore;
use crate::pool_core::PoolReturn;

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
        cause: MessageCause,
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

/// Returns the receiver of payloads that a worker is.
#[inline(always)]
pub(super) fn receiver(shard: &Shard) -> PayloadReceiver<'_> {
    // SAFETY: the payloads of this crate are parcels, boxes of them, and those that do not open it.
    unsafe { PayloadReceiver::new(shard) }
}

impl<P: Parcel> Payload for P {
    #[inline(always)]
    fn unpack(self, at: PayloadReceiver<'_>, to: Key, envelope: &Envelope) {
        // SAFETY: `receiver` alone makes one.
        self.deliver(unsafe { at.open::<Shard>() }, to, envelope);
    }

    #[inline(always)]
    fn unpack_all(
        parcels: impl Iterator<Item = Self>,
        at: PayloadReceiver<'_>,
        to: Key,
        cause: MessageCause,
        first: MessageId,
    ) {
        // SAFETY: as above.
        P::deliver_all(parcels, unsafe { at.open::<Shard>() }, to, cause, first);
    }

    #[cfg(test)]
    fn duplicate(&self) -> Option<Self> {
        self.repeat()
    }

    fn return_undelivered(
        self,
        pool: PoolReturn<'_>,
        to: ActorId,
        envelope: Envelope,
        reason: DeadLetterReason,
    ) {
        self.bounce(PoolCore::of_pool(pool), to, envelope, reason);
    }
}
