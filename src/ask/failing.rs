//! How the failure that ends an ask reaches the asker. The path of an answer has no space for it.

use std::sync::Arc;

use super::driven::driver_at;
use super::reply::{Asker, keep_name};
use crate::address::{ActorId, Envelope, Key};
use crate::failure::{DeadLetterReason, Failure, WaitEnd, catch_user, drop_with_fate};
use crate::pool_core::PoolCore;
use crate::shard::{Parcel, Shard, dispatch, with_current};

/// Why a thread outside gets no answer.
pub(super) enum Unanswered {
    For(WaitEnd),
    /// Because of this failure.
    Failed(Arc<Failure>),
}

impl From<WaitEnd> for Unanswered {
    fn from(end: WaitEnd) -> Self {
        Self::For(end)
    }
}

impl Unanswered {
    pub(super) fn into_parts(self) -> (WaitEnd, Option<Arc<Failure>>) {
        match self {
            Self::For(end) => (end, None),
            Self::Failed(failure) => (WaitEnd::Failed, Some(failure)),
        }
    }
}

impl<R: Send + 'static> Asker<R> {
    /// Ends the ask because of a failure, if nothing has ended it before.
    #[cold]
    pub(super) fn fail(self, failure: Arc<Failure>) {
        match self {
            Self::Worker { home, wait, .. } => dispatch(ActorId::new(home, wait), Failing(failure)),
            Self::Thread { sender, .. } => {
                // As for an answer: a waker may panic.
                let sent = catch_user(|| sender.send(Err(Unanswered::Failed(failure))));
                let _ = drop_with_fate(sent.map(drop), WaitEnd::Failed);
            }
            Self::Shared(shared) => shared.fail(failure),
        }
    }
}

/// A failure on its way to the wait that it ends.
struct Failing(Arc<Failure>);

impl Failing {
    fn end_wait(self, shard: &Shard, wait: Key) {
        keep_name(shard, wait, WaitEnd::Failed);
        shard.follow_up(shard.waits.fail(wait, self.0));
    }
}

impl Parcel for Failing {
    fn deliver(self, shard: &Shard, wait: Key, _envelope: &Envelope) {
        self.end_wait(shard, wait);
    }

    /// As an answer, it still reaches a closing worker if this thread is that worker, or drives it.
    fn bounce(self, _: &PoolCore, to: ActorId, _: Envelope, _: DeadLetterReason) {
        with_current(|shard| match shard {
            Some(shard) if shard.home == to.home => self.end_wait(shard, to.key),
            _ => match driver_at(to.home).map(|driver| driver.shard()) {
                Some(shard) if shard.waits.is_pending(to.key) => self.end_wait(&shard, to.key),
                _ => drop(drop_with_fate(self.0, WaitEnd::Failed)),
            },
        });
    }

    fn bounce_without_pool(self, _: ActorId) {
        let _ = drop_with_fate(self.0, WaitEnd::Failed);
    }
}
