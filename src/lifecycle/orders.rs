//! Orders to actors, carried out by their workers.

use super::next_step::{resume, suspend};
use super::passivate::passivate;
use super::stop::{kill, request_stop};
use crate::address::{ActorId, Envelope, Key};
use crate::failure::DeadLetterReason;
use crate::pool_core::{ActorOrder, PoolCore};
use crate::shard::{Parcel, Shard};

impl ActorOrder {
    /// Whether it goes ahead of the actor's mail, rather than with it. Orders that go ahead keep their order.
    pub(crate) fn goes_ahead(self) -> bool {
        !matches!(self, Self::Stop)
    }

    /// Applies it to an actor of this worker.
    pub(crate) fn follow(self, shard: &Shard, to: Key) {
        match self {
            Self::Stop => request_stop(shard, to),
            Self::Kill => kill(shard, to),
            Self::Suspend => suspend(shard, to),
            Self::Passivate => passivate(shard, to),
            Self::Resume => resume(shard, to),
        }
    }
}

impl Parcel for ActorOrder {
    fn deliver(self, shard: &Shard, to: Key, _envelope: &Envelope) {
        self.follow(shard, to);
    }

    #[cfg(test)]
    fn repeat(&self) -> Option<Self> {
        Some(*self)
    }

    fn bounce(self, _: &PoolCore, _: ActorId, _: Envelope, _: DeadLetterReason) {}
}
