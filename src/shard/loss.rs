//! How a message is lost: it is recorded as a dead letter, the subscribers are called, and it is dropped with
//! the reason that a reply in it ends with. Also how a reply ends that is dropped here and now, by any code.
//!
//! The reason lies in the [marks](DropMarks) of the thread for the duration of the drop. Losses within losses
//! nest only so deep; deeper ones are put on a list of the thread and dropped later.

use std::cell::RefCell;
use std::collections::VecDeque;

use super::current::with_current;
use crate::address::{ActorId, Envelope, message_name};
use crate::failure::{
    DeadLetter, DeadLetterReason, DeadLetters, DropMarks, LOSING, MOST_LOSING, TELLING, WaitEnd,
    drop_with_fate,
};
use crate::fiber::running_fiber;
use crate::pool_core::{PoolCore, dead_letters_without_pool};

type Later = Box<dyn FnOnce()>;

thread_local! {
    /// Messages lost in the destructors of lost messages, too deep to be dropped there.
    static LATER: RefCell<VecDeque<Later>> = const { RefCell::new(VecDeque::new()) };
}

impl PoolCore {
    /// Records a message of type `M` as lost.
    #[cold]
    pub(crate) fn bury<M: 'static>(
        &self,
        target: ActorId,
        envelope: Envelope,
        reason: DeadLetterReason,
    ) {
        let message_type = message_name::<M>();
        let letter = DeadLetter {
            target,
            message_type,
            reason,
            envelope,
        };
        record(&self.dead_letters, letter);
    }
}

/// Records a message whose pool no longer exists.
#[cold]
pub(crate) fn bury_without_pool<M: 'static>(target: ActorId, envelope: Envelope) {
    let (message_type, reason) = (message_name::<M>(), DeadLetterReason::PoolClosed);
    let letter = DeadLetter {
        target,
        message_type,
        reason,
        envelope,
    };
    record(&dead_letters_without_pool(), letter);
}

/// Records a dead letter, and calls the subscribers.
pub(crate) fn record(letters: &DeadLetters, letter: DeadLetter) {
    letters.record(letter, as_subscriber);
}

/// Runs `tell` such that everything it sends has [`ActorId::SUBSCRIBER`] as its sender.
pub(super) fn as_subscriber(tell: &mut dyn FnMut()) {
    let outer = DropMarks::current();
    outer.with(TELLING).put_back();
    with_current(|shard| match shard {
        Some(shard) => shard.acting_as(ActorId::SUBSCRIBER, tell),
        None => tell(),
    });
    outer.put_back();
}

/// Drops a lost message, as [`drop_with_fate`] does. Its destructor may lose another message, and that
/// one's destructor the next. The stack is finite, so losses that nest too deeply are put on a list,
/// until this thread has returned from the first of them, or has [nothing else to do](drop_deferred).
pub(crate) fn drop_lost<M: 'static>(message: M, end: WaitEnd) {
    if !std::mem::needs_drop::<M>() {
        return;
    }
    let outer = DropMarks::current();
    if outer.doing >= MOST_LOSING {
        return defer(Box::new(move || drop(drop_with_fate(message, end))));
    }
    outer.deeper().put_back();
    let _ = drop_with_fate(message, end);
    outer.put_back();
    if outer.doing < LOSING {
        drop_deferred();
    }
}

/// Puts a drop on the list. The destructor that runs on a worker may wait, and may wait for that very
/// drop; so the worker also processes the list when it does something else.
fn defer(later: Later) {
    // When the thread ends, and the list no longer exists, the value is dropped here after all.
    let first = LATER.try_with(|list| {
        let mut list = list.borrow_mut();
        list.push_back(later);
        list.len() == 1
    });
    if first == Ok(true) {
        have_dropped_meanwhile();
    }
}

/// Drops the messages on the list of this thread. Call it before the thread parks. Does nothing if it is
/// nested too deeply in the destructors of other messages.
pub(crate) fn drop_deferred() {
    let outer = DropMarks::current();
    if outer.doing >= MOST_LOSING {
        return;
    }
    outer.deeper().put_back();
    while let Some((later, is_last)) = next_later() {
        if !is_last {
            // It may wait for one of them.
            have_dropped_meanwhile();
        }
        later();
    }
    outer.put_back();
}

/// Returns the next one on the list, and whether it is the last.
fn next_later() -> Option<(Later, bool)> {
    let next = LATER.try_with(|list| {
        let mut list = list.borrow_mut();
        let next = list.pop_front()?;
        Some((next, list.is_empty()))
    });
    next.ok().flatten()
}

/// If this thread is a worker, has it process the list when it does something else.
fn have_dropped_meanwhile() {
    with_current(|shard| {
        shard.inspect(|shard| shard.add_task(Box::new(|_| drop_deferred())));
    });
}

/// Returns how a reply ends that is dropped here and now, and whether that is certain. It is not certain
/// while a handler runs or unwinds: whether the handler fails, and of what, is known only when it has
/// ended.
pub(crate) fn fate_of_dropped_reply() -> (WaitEnd, bool) {
    let interrupted = || end_by_force(std::thread::panicking());
    match DropMarks::current().fate.or_else(interrupted) {
        Some(end) => (end, true),
        None if std::thread::panicking() => (WaitEnd::Failed, false),
        None => (WaitEnd::NoReply, false),
    }
}

/// Returns how a reply ends if this worker ends its handlers by force, or ends the task that unwinds
/// here. Such an unwinding is no failure.
fn end_by_force(unwinding: bool) -> Option<WaitEnd> {
    with_current(|shard| {
        let interrupts = &shard?.interrupts;
        if !interrupts.any() {
            None
        } else if interrupts.is_forcing() {
            Some(WaitEnd::Stopped)
        } else {
            interrupts.end_on(running_fiber().filter(|_| unwinding)?)
        }
    })
}
