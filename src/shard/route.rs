//! The way to an actor: same worker, same pool, or elsewhere.

use super::capacity::serve;
use super::current::with_current;
use super::parcel::Parcel;
use super::state::Shard;
use crate::address::{ActorId, Envelope, Key};
use crate::failure::DeadLetterReason;
use crate::pool_core::{self, Door, PoolCore};
use crate::queue::{Doorway, Gate};

impl Doorway for Door {
    fn gate(&self) -> &Gate {
        &self.gate
    }

    fn tell_of_room(&self) {
        dispatch(self.actor, RoomFreed);
    }
}

/// The notice that a thread other than the owner's released a permit for which a sender waits.
pub(crate) struct RoomFreed;

impl Parcel for RoomFreed {
    fn deliver(self, shard: &Shard, to: Key, _envelope: &Envelope) {
        serve(shard, to);
    }

    fn bounce(self, _: &PoolCore, _: ActorId, _: Envelope, _: DeadLetterReason) {}
}

/// Brings a parcel that is no message to the worker of an actor; delivers it at once if that is this
/// worker.
pub(crate) fn dispatch<P: Parcel>(to: ActorId, parcel: P) {
    let ActorId { home, key } = to;
    with_current(|shard| match shard {
        Some(shard) if shard.home == home => parcel.deliver(shard, key, &Envelope::NONE),
        Some(shard) if shard.home.pool() == home.pool() => {
            shard
                .outboxes
                .send(home.worker(), key, Envelope::NONE, parcel);
        }
        _ => match pool_core::find(home) {
            Some(core) => core.post(home.worker(), key, Envelope::NONE, parcel),
            None => parcel.bounce_without_pool(to),
        },
    });
}
