//! The way to an actor: same worker, same pool, or elsewhere.

use super::capacity::serve;
use super::current::with_current;
use super::parcel::Parcel;
use super::state::Shard;
use crate::address::{ActorId, Envelope, Home, Key};
use crate::failure::DeadLetterReason;
use crate::pool_core;
use crate::pool_core::{BoundedMailbox, PoolCore};
use crate::queue::{Gate, GateOwner};

impl GateOwner for BoundedMailbox {
    fn gate(&self) -> &Gate {
        &self.gate
    }

    fn notify_owner(&self) {
        dispatch(self.actor, PermitReleased);
    }
}

/// The notice that a thread other than the owner's released a permit for which a sender waits.
pub(crate) struct PermitReleased;

impl Parcel for PermitReleased {
    fn deliver(self, shard: &Shard, to: Key, _envelope: &Envelope) {
        serve(shard, to);
    }

    fn bounce(self, _: &PoolCore, _: ActorId, _: Envelope, _: DeadLetterReason) {}
}

/// The way from this thread to a worker, and to the actors and waits there.
#[derive(Clone, Copy)]
pub(crate) enum Route<'a> {
    /// It is the worker that runs on this thread.
    Here(&'a Shard),
    /// It is another worker of the same pool, which mail reaches by the outboxes.
    Across(&'a Shard),
    /// It is a worker of another pool, or this thread is no worker: mail goes by way of the pool's core. With
    /// the worker that runs on this thread, if one does.
    Outside(Option<&'a Shard>),
}

impl<'a> Route<'a> {
    /// Finds the way to a worker from the one that runs on this thread, if one does.
    #[inline(always)]
    pub(crate) fn new(from: Option<&'a Shard>, to: Home) -> Self {
        match from {
            Some(shard) if shard.home == to => Self::Here(shard),
            Some(shard) if shard.home.pool() == to.pool() => Self::Across(shard),
            _ => Self::Outside(from),
        }
    }

    /// As [`new`](Self::new), for a message that can be written where it goes without further ado. While
    /// observers are told of what is sent, the way looks as if it led outside.
    #[inline(always)]
    pub(crate) fn of_send(from: Option<&'a Shard>, to: Home) -> Self {
        match from {
            Some(shard) if shard.current.seen_home() == to => Self::Here(shard),
            Some(shard) if shard.current.seen_home().pool() == to.pool() => Self::Across(shard),
            _ => Self::Outside(from),
        }
    }

    /// Sends a parcel that is no message to an actor, or a wait, that is not here.
    pub(crate) fn send_away<P: Parcel>(self, to: ActorId, parcel: P) {
        let ActorId { home, key } = to;
        match self {
            Self::Here(shard) | Self::Across(shard) => {
                let outboxes = &shard.outboxes;
                outboxes.send(home.worker(), key, Envelope::NONE, parcel);
            }
            Self::Outside(_) => match pool_core::find(home) {
                Some(core) => core.post(home.worker(), key, Envelope::NONE, parcel),
                None => parcel.bounce_without_pool(to),
            },
        }
    }
}

/// Sends a parcel that is no message to an actor, or to a wait; delivers it at once if that is here.
pub(crate) fn dispatch<P: Parcel>(to: ActorId, parcel: P) {
    with_current(|shard| dispatch_from(shard, to, parcel));
}

/// As [`dispatch`], from the worker that runs on this thread, if one does.
pub(crate) fn dispatch_from<P: Parcel>(shard: Option<&Shard>, to: ActorId, parcel: P) {
    match Route::new(shard, to.home) {
        Route::Here(shard) => parcel.deliver(shard, to.key, &Envelope::NONE),
        route => route.send_away(to, parcel),
    }
}
