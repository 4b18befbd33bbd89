//! Bounded mailboxes at their owner: senders are queued and served, permits are returned, and the body of an
//! actor with such a mailbox is wrapped in one that returns them.

use std::sync::Arc;

use super::body::{Body, NewBody, TurnEnd, TurnOf, one_by_one};
use super::capacity_queue::{CapacityQueue, Grant};
use super::slot::Slot;
use super::state::Shard;
use crate::address::Key;
use crate::failure::{WaitEnd, drop_with_fate};
use crate::mailbox::Overflow;
use crate::pool_core::BoundedMailbox;
use crate::queue::WaitQueue;
use crate::supervision::Signal;
use crate::sync::{Mutant, is_mutated};

/// Gives the actor of a slot, which is starting, a bounded mailbox.
pub(crate) fn bind(shard: &Shard, key: Key, capacity: usize, overflow: Overflow) {
    let slot = shard.slot(key.slot());
    let bounded = Arc::new(BoundedMailbox::new(shard.id_of(key), capacity, overflow));
    shard.core.bounded_mailboxes.insert(Arc::clone(&bounded));
    slot.become_bounded();
    slot.with_extra(|extra| {
        extra.bound = Some(Box::new(CapacityQueue {
            bounded,
            line: WaitQueue::default(),
        }));
    });
}

/// Closes the mailbox, and tells the senders that wait for room.
pub(crate) fn shut(slot: &Slot) {
    slot.shut();
    if slot.is_bounded() {
        refuse_waiters(slot);
    }
}

#[cold]
fn refuse_waiters(slot: &Slot) {
    let waiting = slot.with_bound(|bound| bound.line.close(&bound.bounded.gate));
    let _ = drop_with_fate(waiting, WaitEnd::Stopped);
}

/// Queues a sender for room, behind those that wait already.
pub(crate) fn wait_for_capacity(shard: &Shard, key: Key, ticket: u64, grant: Grant) {
    let slot = shard.tenant(key).filter(|slot| slot.is_open_for(key));
    let mut grant = Some(grant);
    let listed = slot.and_then(|slot| {
        slot.with_bound(|bound| {
            if let Some(grant) = grant.take() {
                bound.line.join(&bound.bounded.gate, ticket, grant);
            }
        })
    });
    if listed.is_some() {
        return serve(shard, key);
    }
    let _ = drop_with_fate(grant, WaitEnd::Stopped);
}

/// A sender no longer waits.
pub(crate) fn give_up(shard: &Shard, key: Key, ticket: u64) {
    let Some(slot) = shard.tenant(key) else {
        return;
    };
    let gone = slot.with_bound(|bound| bound.line.give_up(ticket));
    // Its wait has ended, so nothing is told of this.
    let _ = drop_with_fate(gone, WaitEnd::TimedOut);
    serve(shard, key);
}

/// Gives room to the waiting senders, as long as there is any.
pub(super) fn serve(shard: &Shard, key: Key) {
    let Some(slot) = shard.tenant(key) else {
        return;
    };
    let begun = slot.with_bound(|bound| bound.line.begin_to_serve());
    if begun != Some(true) {
        return;
    }
    while let Some((grant, room)) = slot.with_bound(|bound| bound.next(&shard.core)).flatten() {
        grant(room);
    }
    slot.with_bound(|bound| bound.line.has_served());
}

/// A message was taken out of the mailbox of an actor: returns its permit.
pub(super) fn return_permit(shard: &Shard, key: Key, bounded: &BoundedMailbox) {
    if bounded.counts() && !is_mutated(Mutant::PlaceLeaked) && bounded.leave() {
        serve(shard, key);
    }
}

/// Passes the permit of the next message to handle on to the first waiter, unless that was done. A sender
/// that is admitted may withdraw a question at once, this one or another, and the permit then came from that
/// one. Returns whether that is not so.
fn pass_permit_ahead(shard: &Shard, key: Key, bounded: &BoundedMailbox) -> bool {
    if !bounded.counts() || is_mutated(Mutant::PlaceLeaked) {
        return true;
    }
    if bounded.leave_ahead() {
        serve(shard, key);
    }
    bounded.is_ahead()
}

/// As [`pass_permit_ahead`], for a message that leaves the mailbox right after.
fn return_permit_ahead(shard: &Shard, key: Key, bounded: &BoundedMailbox) -> bool {
    let stays = pass_permit_ahead(shard, key, bounded);
    if stays && bounded.counts() {
        let _ = bounded.leave_after();
    }
    stays
}

/// For a caller that must know whether an actor will handle its next message: makes sure that no sender
/// that is admitted for it can withdraw it afterwards. Returns whether it is still there.
pub(crate) fn is_still_next(shard: &Shard, key: Key) -> bool {
    let bounded = shard.slot(key.slot()).bounded();
    bounded.is_none_or(|bounded| pass_permit_ahead(shard, key, &bounded))
}

/// The body of an actor whose mailbox is bounded: it returns the permit of each message before the message
/// is handled, so that no other actor need check whether it has a bound.
pub(super) struct BoundedBody {
    pub(super) inner: NewBody,
    pub(super) bounded: Arc<BoundedMailbox>,
}

/// The body of an actor, which returns permits if its mailbox is bounded.
pub(crate) fn with_bound(shard: &Shard, key: Key, body: NewBody) -> NewBody {
    match shard.slot(key.slot()).bounded() {
        Some(bounded) => NewBody::new(BoundedBody {
            inner: body,
            bounded,
        }),
        None => body,
    }
}

impl BoundedBody {
    /// Its successor has the same mailbox.
    pub(super) fn end_of(&self, end: TurnEnd) -> TurnEnd {
        end.with_next(|inner| {
            let bounded = Arc::clone(&self.bounded);
            NewBody::new(Self { inner, bounded })
        })
    }
}

impl Body for BoundedBody {
    fn turn(&mut self, shard: &Shard, slot: &Slot, actor: Key, of: TurnOf) -> TurnEnd {
        let end = match of {
            // It has left the mailbox long ago.
            TurnOf::Own(_) => self.inner.turn(shard, slot, actor, of),
            TurnOf::Mail | TurnOf::ObservedMail => {
                // If another message is next after that, it has a turn of its own.
                let before = || return_permit_ahead(shard, actor, &self.bounded);
                one_by_one(&mut *self.inner, shard, slot, actor, of, before)
            }
        };
        self.end_of(end)
    }

    fn signal(&mut self, shard: &Shard, actor: Key, signal: &Signal) -> TurnEnd {
        let end = self.inner.signal(shard, actor, signal);
        self.end_of(end)
    }

    fn hears_signals(&self) -> bool {
        self.inner.hears_signals()
    }
}
