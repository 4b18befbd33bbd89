//! Waiting for the end of an actor, on any worker.

use std::time::Duration;

use super::call::begin_call;
use super::error::AskError;
use super::handle::Ask;
use super::reply::Reply;
use crate::address::{ActorId, ActorPath, Envelope, Key};
use crate::failure::{DeadLetterReason, WaitEnd, drop_with_fate};
use crate::lifecycle::on_end;
use crate::pool_core::{self, PoolCore};
use crate::shard::{AtEnd, Parcel, Shard, dispatch, path_of};

/// Waits until an actor has ended, including its children and its name. The end of its pool counts as its
/// end.
///
/// # Errors
///
/// [`AskError::Timeout`] and [`AskError::CannotWait`].
pub(crate) fn watch(actor: ActorId, within: Duration) -> Result<(), AskError> {
    let (ask, reply) = Ask::begin(Some(within), actor);
    dispatch(actor, WatchRequest(reply));
    match ask.wait() {
        Err(error @ (AskError::Timeout(_) | AskError::CannotWait(_))) => Err(error),
        _ => Ok(()),
    }
}

/// A request to be told of an actor's end, on its way. The ask ends when the actor has.
struct WatchRequest(Reply<()>);

impl Parcel for WatchRequest {
    fn deliver(self, shard: &Shard, to: Key, _envelope: &Envelope) {
        on_end(shard, to, Box::new(self));
    }

    fn bounce(self, _: &PoolCore, _: ActorId, _: Envelope, reason: DeadLetterReason) {
        let _ = drop_with_fate(self, WaitEnd::from(reason));
    }

    fn bounce_without_pool(self, _: ActorId) {
        let _ = drop_with_fate(self, WaitEnd::PoolClosed);
    }
}

impl AtEnd for WatchRequest {
    fn ended(self: Box<Self>, _: &Shard) {
        // Given up, not answered: if the asker has given up meanwhile, that must not count as a late reply.
        self.0.let_go();
    }

    fn is_wanted(&self) -> bool {
        !self.0.is_cancelled()
    }
}

/// Returns the path of an actor, unless it has ended or its worker does not answer in time.
pub(crate) fn path_of_actor(actor: ActorId, within: Duration) -> Option<ActorPath> {
    let asked = pool_core::find(actor.home).map(|core| {
        begin_call(&core, actor.home.worker(), Some(within), move |shard| {
            let lives = shard.tenant(actor.key).is_some();
            lives.then(|| path_of(shard, actor.key.slot()))
        })
    });
    asked?.wait().ok().flatten()
}
