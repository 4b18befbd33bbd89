//! Orders to actors, carried out by their workers.

use super::next_step::{resume, suspend};
use super::passivate::passivate;
use super::stop::{kill, request_stop};
use crate::address::{ActorId, Envelope, Key};
use crate::failure::DeadLetterReason;
use crate::pool_core::{self, ActorOrder, PoolCore};
use crate::shard::{Parcel, Route, Shard, dispatch_from, with_current};

/// Gives an order to an actor of any worker.
pub(crate) fn send_order(to: ActorId, order: ActorOrder) {
    with_current(|shard| {
        let route = Route::new(shard, to.home);
        if order.goes_ahead() && overtakes_mail(route, to, order) {
            return;
        }
        dispatch_from(shard, to, order);
    });
}

/// Gives an order that overtakes the mail, if there is a way past it: a pool whose threads outside send by
/// ports has one. Returns whether it did.
fn overtakes_mail(route: Route<'_>, to: ActorId, order: ActorOrder) -> bool {
    let ActorId { home, key } = to;
    match route {
        Route::Here(_) => false,
        Route::Across(shard) => {
            let has_way = shard.core.ports.is_some();
            if has_way {
                // The order need not overtake what is still here.
                shard.outboxes.flush();
                shard.core.give_actor_order(home.worker(), key, order);
            }
            has_way
        }
        Route::Outside(_) => {
            let core = pool_core::find(home).filter(|core| core.ports.is_some());
            if let Some(core) = &core {
                core.give_actor_order(home.worker(), key, order);
            }
            core.is_some()
        }
    }
}

/// Orders, for callers that have only the id of an actor.
impl ActorId {
    /// Stops the actor as [`ActorRef::stop`](crate::ActorRef::stop) does. Its mail comes first.
    pub fn stop(self) {
        send_order(self, ActorOrder::Stop);
    }

    /// Kills the actor as [`ActorRef::kill`](crate::ActorRef::kill) does.
    pub fn kill(self) {
        send_order(self, ActorOrder::Kill);
    }

    /// Suspends the actor as [`ActorRef::suspend`](crate::ActorRef::suspend) does.
    pub fn suspend(self) {
        send_order(self, ActorOrder::Suspend);
    }

    /// Resumes the actor as [`ActorRef::resume`](crate::ActorRef::resume) does.
    pub fn resume(self) {
        send_order(self, ActorOrder::Resume);
    }
}

impl ActorOrder {
    /// Whether it goes ahead of the actor's mail, rather than with it. Orders that go ahead keep their order.
    pub(super) fn goes_ahead(self) -> bool {
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
