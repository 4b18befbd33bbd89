//! Withdrawn questions: taken out of the mail before they are handled, as their answers are no longer
//! awaited.
//!
//! A withdrawn question may be anywhere in its actor's mailbox. A mailbox is not searched, except the
//! oldest messages of a bounded one, where removing the question makes room at once. For any other
//! mailbox, a notice is stored beside the slot until as many messages have left the mailbox as it held
//! when the notice came; during that time, each message is checked before its turn. An actor without
//! withdrawn questions checks nothing. An actor with a stash has the notice there too, until the question
//! comes out.

use crate::address::{ActorId, Envelope, Home, Key, MessageId};
use crate::failure::{DeadLetterReason, WaitEnd};
use crate::pool_core::PoolCore;
use crate::shard::{Parcel, Shard, Slot, dispatch};

/// The number of messages of a bounded mailbox in which a question is searched for, as others may want
/// its place.
const MOST_SEARCHED: usize = 1024;

/// The notice that the answer to a question is no longer awaited.
pub(crate) struct Withdrawal {
    pub(crate) question: MessageId,
    pub(crate) reason: DeadLetterReason,
    /// The wait that the answer was to end, if it was a worker's.
    pub(crate) wait: Option<(Home, Key)>,
}

/// A withdrawal, and its target.
type NextWithdrawal = (ActorId, Withdrawal);

impl Withdrawal {
    /// Delivers it to the actor of this worker that was asked. If that actor waits on behalf of the
    /// withdrawn question, the actor's own question is withdrawn in turn. That is returned for the caller
    /// to do: a chain of such waits may be longer than a stack is deep.
    fn arrive(self, shard: &Shard, to: Key) -> Option<NextWithdrawal> {
        let slot = shard.tenant(to)?;
        let next = match (self.wait, slot.wait()) {
            (Some(on_behalf), Some(wait)) if shard.waits.on_behalf(wait) == Some(on_behalf) => {
                // A wait that only serves to answer it is not needed either.
                end_for(shard, wait, WaitEnd::Cancelled, DeadLetterReason::Cancelled)
            }
            _ => None,
        };
        self.take_from_mail(shard, slot, to);
        next
    }

    fn take_from_mail(self, shard: &Shard, slot: &Slot, to: Key) {
        if slot.has_system() {
            slot.with_system(|system| {
                if let Some(store) = &mut system.store {
                    store.withdraw(self.question, self.reason);
                }
            });
        }
        let waiting = slot.mailbox_len();
        if waiting == 0 {
            return; // it is being handled, or has been, or was stashed
        }
        if slot.is_bounded() && slot.advance_message(shard.slabs(), self.question, MOST_SEARCHED) {
            return slot.bury_next(shard, shard.id_of(to), self.reason);
        }
        let mut withdrawn = shard.withdrawn.borrow_mut();
        let of_this = withdrawn.entry(to.slot()).or_default();
        of_this.add(self.question, self.reason, waiting);
        slot.attention.screen(true);
    }
}

impl Parcel for Withdrawal {
    fn deliver(self, shard: &Shard, to: Key, _envelope: &Envelope) {
        let mut next = self.arrive(shard, to);
        while let Some((to, withdrawal)) = next {
            next = if to.home == shard.home {
                withdrawal.arrive(shard, to.key)
            } else {
                withdraw(to, withdrawal);
                None
            };
        }
    }

    fn bounce(self, _: &PoolCore, _: ActorId, _: Envelope, _: DeadLetterReason) {}

    fn bounce_without_pool(self, _: ActorId) {}
}

/// Ends a wait whose time is over.
pub(crate) fn time_out(shard: &Shard, key: Key) {
    end_and_withdraw(shard, key, WaitEnd::TimedOut, DeadLetterReason::Expired);
}

/// Ends a wait for a reason other than its value or its time.
pub(crate) fn give_up_waiting(shard: &Shard, key: Key, end: WaitEnd) {
    end_and_withdraw(shard, key, end, DeadLetterReason::Cancelled);
}

fn end_and_withdraw(shard: &Shard, key: Key, end: WaitEnd, reason: DeadLetterReason) {
    if let Some((target, withdrawal)) = end_for(shard, key, end, reason) {
        withdraw(target, withdrawal);
    }
}

/// Ends a wait for that reason. Returns the withdrawal of its question, which the caller passes on.
fn end_for(
    shard: &Shard,
    key: Key,
    end: WaitEnd,
    reason: DeadLetterReason,
) -> Option<NextWithdrawal> {
    let question = shard.waits.open_question(key);
    // Ended first: if the question is dropped at once, so is its reply. And followed up first: a
    // destructor may wait then, and a fiber whose wait has ended must be in the run queue.
    let ending = shard.waits.end(key, end);
    shard.follow_up(ending);
    withdrawal_of(shard, key, question?, reason)
}

/// Gives a wait up for its waiter: forgets the wait, and withdraws its question.
pub(crate) fn give_up_wait(shard: &Shard, key: Key) {
    let question = shard.waits.open_question(key);
    shard.waits.forget(key);
    if let Some(question) = question
        && let Some((target, withdrawal)) =
            withdrawal_of(shard, key, question, DeadLetterReason::Cancelled)
    {
        withdraw(target, withdrawal);
    }
}

/// A notice that the question was handed on came late, after the wait had ended. If the wait ended
/// because the waiter gave up or the time was over, withdraws the question from its new target.
#[cold]
pub(crate) fn withdraw_late(
    shard: &Shard,
    key: Key,
    target: ActorId,
    question: MessageId,
    is_over: bool,
) {
    let cancellations = &shard.core.cancellations[shard.home.worker() as usize];
    let given_up = cancellations.has(key.slot(), key.generation());
    if !given_up || shard.interrupts.is_forcing() {
        return;
    }
    let reason = if is_over {
        DeadLetterReason::Expired
    } else {
        DeadLetterReason::Cancelled
    };
    let wait = Some((shard.home, key));
    let withdrawal = Withdrawal {
        question,
        reason,
        wait,
    };
    withdraw(target, withdrawal);
}

/// Returns the withdrawal for a wait that was given up, and its target. `None` while everything is
/// ended by force.
#[cold]
fn withdrawal_of(
    shard: &Shard,
    key: Key,
    (target, question): (ActorId, MessageId),
    reason: DeadLetterReason,
) -> Option<NextWithdrawal> {
    let cancellations = &shard.core.cancellations[shard.home.worker() as usize];
    cancellations.note(key.slot(), key.generation());
    let wait = Some((shard.home, key));
    let withdrawal = Withdrawal {
        question,
        reason,
        wait,
    };
    (!shard.interrupts.is_forcing()).then_some((target, withdrawal))
}

/// Tells the actor that was asked that the answer to a question is no longer awaited.
#[cold]
pub(crate) fn withdraw(target: ActorId, withdrawal: Withdrawal) {
    dispatch(target, withdrawal);
}

/// Returns why the next message in the mailbox of a slot is not to be handled, if it is not.
pub(crate) fn screen(shard: &Shard, slot: u32, message: MessageId) -> Option<DeadLetterReason> {
    let mut withdrawn = shard.withdrawn.borrow_mut();
    let of_this = withdrawn.get_mut(&slot)?;
    let reason = of_this.take(message);
    if of_this.until.is_empty() {
        withdrawn.remove(&slot);
        shard.slot(slot).attention.screen(false);
    }
    reason
}

/// As [`screen`], for a message that stays the next one if it is to be handled.
pub(crate) fn screen_withdrawn(
    shard: &Shard,
    slot: u32,
    message: MessageId,
) -> Option<DeadLetterReason> {
    let withdrawn = shard.withdrawn.borrow();
    let is_withdrawn = withdrawn
        .get(&slot)
        .is_some_and(|of_this| of_this.reasons.contains_key(&message));
    drop(withdrawn);
    is_withdrawn.then(|| screen(shard, slot, message)).flatten()
}

/// Drops the notices of a slot whose mail is gone.
#[inline(always)]
pub(crate) fn forget_withdrawn(shard: &Shard, slot: &Slot, index: u32) {
    if slot.attention.screened() {
        forget_notices(shard, slot, index);
    }
}

#[cold]
fn forget_notices(shard: &Shard, slot: &Slot, index: u32) {
    shard.withdrawn.borrow_mut().remove(&index);
    slot.attention.screen(false);
}
