//! How an ask ends if its reply is dropped.
//!
//! A reply that is dropped unanswered ends its ask at once. The reason is known to the code that drops
//! the message or the state that holds the reply, so that code records it for the duration of the drop.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use super::current::with_current;
use super::dead_letter::DeadLetterReason;
use super::id::ActorId;
use super::unwind::{Unwound, drop_quietly};
use crate::fiber::running_fiber;

/// How a wait ends if it does not end with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The reply was dropped by code that could have answered.
    NoReply,
    /// The actor that held the reply had stopped.
    Stopped,
    /// The actor that held the reply failed.
    Failed,
    /// The mailbox of the actor had no room for the reply's message.
    NoRoom,
    /// The pool ended.
    PoolClosed,
    /// The time was over.
    TimedOut,
    /// It waited on behalf of another ask, which was given up.
    Cancelled,
    /// It could never have ended, as what would end it waits for the waiter.
    Deadlock,
}

impl From<DeadLetterReason> for End {
    fn from(reason: DeadLetterReason) -> Self {
        match reason {
            DeadLetterReason::Unhandled => Self::NoReply,
            DeadLetterReason::Cancelled | DeadLetterReason::Expired => Self::NoReply,
            DeadLetterReason::Stopped | DeadLetterReason::Forced => Self::Stopped,
            DeadLetterReason::Failed | DeadLetterReason::Restarted => Self::Failed,
            DeadLetterReason::PoolClosed => Self::PoolClosed,
            DeadLetterReason::Full
            | DeadLetterReason::DroppedNewest
            | DeadLetterReason::DroppedOldest => Self::NoRoom,
        }
    }
}

/// The marks of a thread while user code runs in the middle of the runtime's.
///
/// A fiber that suspends meanwhile takes its marks with it: they do not apply to the next fiber.
#[derive(Clone, Copy, Default)]
pub(crate) struct Marks {
    /// How the replies in a value that is being dropped end.
    fate: Option<End>,
    /// Flags for what is in progress and, in the bits above, the depth of messages lost while others are
    /// lost. All in one byte, as each suspension copies it.
    doing: u8,
}

/// Subscribers to dead letters are being called.
const TELLING: u8 = 1;
/// A future is being polled by code that drives what it waits for.
const POLLING: u8 = 1 << 1;
/// A message is being lost.
const LOSING: u8 = 1 << 2;
/// The depth to which losses within losses are followed at once.
const MOST_LOSING: u8 = 8 * LOSING;

type Later = Box<dyn FnOnce()>;

thread_local! {
    /// Messages lost in the destructors of lost messages, too deep to be dropped there.
    static LATER: RefCell<VecDeque<Later>> = const { RefCell::new(VecDeque::new()) };
}

thread_local! {
    static MARKS: Cell<Marks> = const { Cell::new(Marks { fate: None, doing: 0 }) };
}

impl Marks {
    /// Returns these marks with a flag set.
    fn with(self, doing: u8) -> Self {
        let doing = self.doing | doing;
        Self { doing, ..self }
    }

    /// Returns these marks, one loss of a message deeper.
    fn deeper(self) -> Self {
        let doing = self.doing + LOSING;
        Self { doing, ..self }
    }

    /// Takes the marks off this thread.
    #[inline]
    pub(crate) fn take() -> Self {
        MARKS.take()
    }

    /// Restores the marks.
    #[inline]
    pub(crate) fn put_back(self) {
        MARKS.set(self);
    }
}

/// Runs `tell` such that everything it sends has [`ActorId::SUBSCRIBER`] as its sender.
pub(crate) fn as_subscriber(tell: impl FnOnce()) {
    let outer = MARKS.get();
    MARKS.set(outer.with(TELLING));
    with_current(|shard| match shard {
        Some(shard) => shard.acting_as(ActorId::SUBSCRIBER, tell),
        None => tell(),
    });
    MARKS.set(outer);
}

/// Polls a future for code that drives what the future waits for. `poll` must not panic.
pub(crate) fn as_polled<R>(poll: impl FnOnce() -> R) -> R {
    let outer = MARKS.get();
    MARKS.set(outer.with(POLLING));
    let polled = poll();
    MARKS.set(outer);
    polled
}

/// Whether a future is being polled by [`as_polled`] on this thread.
pub(crate) fn is_polled() -> bool {
    MARKS.get().doing & POLLING != 0
}

/// Returns the sender of messages from this thread, which is no worker.
pub(crate) fn outside_sender() -> ActorId {
    if MARKS.get().doing & TELLING != 0 {
        ActorId::SUBSCRIBER
    } else {
        ActorId::NOBODY
    }
}

/// Drops a user's value that may contain replies, which then end with `end`. A panic of its destructor is
/// caught, and returned for the caller to report.
pub(crate) fn drop_with_fate<T>(value: T, end: End) -> Option<Unwound> {
    if !std::mem::needs_drop::<T>() {
        return None;
    }
    under_fate(end, || drop_quietly(value))
}

/// Runs `drop_it`, which must not panic; replies that it drops end with `end`.
pub(super) fn under_fate<R>(end: End, drop_it: impl FnOnce() -> R) -> R {
    let outer = MARKS.get();
    MARKS.set(Marks {
        fate: Some(end),
        ..outer
    });
    let dropped = drop_it();
    MARKS.set(outer);
    dropped
}

/// Drops a lost message, as [`drop_with_fate`] does. Its destructor may lose another message, and that
/// one's destructor the next. The stack is finite, so losses that nest too deeply are put on a list,
/// until this thread has returned from the first of them, or has [nothing else to do](drop_deferred).
pub(crate) fn drop_lost<M: 'static>(message: M, end: End) {
    if !std::mem::needs_drop::<M>() {
        return;
    }
    let outer = MARKS.get();
    if outer.doing >= MOST_LOSING {
        return defer(Box::new(move || drop(drop_with_fate(message, end))));
    }
    MARKS.set(outer.deeper());
    let _ = drop_with_fate(message, end);
    MARKS.set(outer);
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
    let outer = MARKS.get();
    if outer.doing >= MOST_LOSING {
        return;
    }
    MARKS.set(outer.deeper());
    while let Some((later, is_last)) = next_later() {
        if !is_last {
            // It may wait for one of them.
            have_dropped_meanwhile();
        }
        later();
    }
    MARKS.set(outer);
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
pub(crate) fn fate_of_dropped_reply() -> (End, bool) {
    let interrupted = || end_by_force(std::thread::panicking());
    match MARKS.get().fate.or_else(interrupted) {
        Some(end) => (end, true),
        None if std::thread::panicking() => (End::Failed, false),
        None => (End::NoReply, false),
    }
}

/// Returns how a reply ends if this worker ends its handlers by force, or ends the task that unwinds
/// here. Such an unwinding is no failure.
fn end_by_force(unwinding: bool) -> Option<End> {
    with_current(|shard| {
        let interrupts = &shard?.interrupts;
        if !interrupts.any() {
            None
        } else if interrupts.is_forcing() {
            Some(End::Stopped)
        } else {
            interrupts.end_on(running_fiber().filter(|_| unwinding)?)
        }
    })
}
