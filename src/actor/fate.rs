//! What becomes of a question whose answer can no longer come.
//!
//! A reply that is dropped unanswered ends its ask at once. Why it was dropped is known to
//! whoever drops the message or the state that holds it, so that is noted around the drop.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use super::current::with_current;
use super::dead_letter::DeadLetterReason;
use super::id::ActorId;
use super::unwind::{Unwound, drop_quietly};
use crate::fiber::running_fiber;

/// How a wait ends that no value ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The reply was dropped by somebody who could have answered.
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
    /// It could never have ended, as its end waits for whoever waits.
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

/// What is noted of the thread while code of the user's runs in the middle of the runtime's.
///
/// A fiber that suspends meanwhile takes its marks with it: they are not the next fiber's.
#[derive(Clone, Copy, Default)]
pub(crate) struct Marks {
    /// The end of the replies in a value that is being dropped.
    fate: Option<End>,
    /// What is under way, and above that, how many losses of a message within losses: all in one byte, as each
    /// suspension copies it.
    doing: u8,
}

/// Subscribers to dead letters are being told of one.
const TELLING: u8 = 1;
/// A future is being polled by somebody who drives what it waits for.
const POLLING: u8 = 1 << 1;
/// A message is being lost.
const LOSING: u8 = 1 << 2;
/// So many losses within losses are followed at once.
const MOST_LOSING: u8 = 8 * LOSING;

type Later = Box<dyn FnOnce()>;

thread_local! {
    /// Messages that are lost in the destructors of lost messages, too deep to be dropped there.
    static LATER: RefCell<VecDeque<Later>> = const { RefCell::new(VecDeque::new()) };
}

thread_local! {
    static MARKS: Cell<Marks> = const { Cell::new(Marks { fate: None, doing: 0 }) };
}

impl Marks {
    /// These, and that something is under way.
    fn with(self, doing: u8) -> Self {
        let doing = self.doing | doing;
        Self { doing, ..self }
    }

    /// In one loss of a message more.
    fn deeper(self) -> Self {
        let doing = self.doing + LOSING;
        Self { doing, ..self }
    }

    /// Takes the marks off this thread.
    #[inline]
    pub(crate) fn take() -> Self {
        MARKS.take()
    }

    /// Puts them back where they were.
    #[inline]
    pub(crate) fn put_back(self) {
        MARKS.set(self);
    }
}

/// Runs `tell` so that whatever it sends bears [`ActorId::SUBSCRIBER`] as its sender.
pub(crate) fn as_subscriber(tell: impl FnOnce()) {
    let outer = MARKS.get();
    MARKS.set(outer.with(TELLING));
    with_current(|shard| match shard {
        Some(shard) => shard.acting_as(ActorId::SUBSCRIBER, tell),
        None => tell(),
    });
    MARKS.set(outer);
}

/// Polls a future for somebody who drives what it waits for, by a function that does not panic.
pub(crate) fn as_polled<R>(poll: impl FnOnce() -> R) -> R {
    let outer = MARKS.get();
    MARKS.set(outer.with(POLLING));
    let polled = poll();
    MARKS.set(outer);
    polled
}

/// Whether a future is being polled [so](as_polled) here.
pub(crate) fn is_polled() -> bool {
    MARKS.get().doing & POLLING != 0
}

/// The sender of what this thread sends, being no worker.
pub(crate) fn outside_sender() -> ActorId {
    if MARKS.get().doing & TELLING != 0 {
        ActorId::SUBSCRIBER
    } else {
        ActorId::NOBODY
    }
}

/// Drops a value of the user's in which replies may lie, which end with `end`. A panic of its
/// destructor goes no further; it is answered, for those who report it.
pub(crate) fn drop_with_fate<T>(value: T, end: End) -> Option<Unwound> {
    if !std::mem::needs_drop::<T>() {
        return None;
    }
    under_fate(end, || drop_quietly(value))
}

/// Drops something by a function that does not panic; replies that lie there end with `end`.
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

/// Drops a message that is lost, as [`drop_with_fate`] does. Its destructor may lose another one, and that one's
/// the next: where that goes deep it waits on a list, as the stack has an end, until this thread has come back
/// from the first of them, or has [nothing else to do](drop_deferred).
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

/// Puts something on the list. The destructor that a worker is in may wait, and for that very thing: so the
/// worker looks at the list as well when it does something else.
fn defer(later: Later) {
    // At the end of the thread, when there is no list any more, it is dropped here after all.
    let first = LATER.try_with(|list| {
        let mut list = list.borrow_mut();
        list.push_back(later);
        list.len() == 1
    });
    if first == Ok(true) {
        have_dropped_meanwhile();
    }
}

/// Drops the messages that wait on the list of this thread; to be called before the thread parks. None, if this
/// is too deep in the destructors of others.
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

/// The next one on the list, and whether that is the last.
fn next_later() -> Option<(Later, bool)> {
    let next = LATER.try_with(|list| {
        let mut list = list.borrow_mut();
        let next = list.pop_front()?;
        Some((next, list.is_empty()))
    });
    next.ok().flatten()
}

/// Has the worker that this thread is look at the list when it does something else.
fn have_dropped_meanwhile() {
    with_current(|shard| {
        shard.inspect(|shard| shard.add_task(Box::new(|_| drop_deferred())));
    });
}

/// The end of a reply that is dropped here and now, and whether it is certain. It is not where a handler
/// runs, or unwinds: that the handler fails, and of what, is known when it has ended.
pub(crate) fn fate_of_dropped_reply() -> (End, bool) {
    let interrupted = || end_by_force(std::thread::panicking());
    match MARKS.get().fate.or_else(interrupted) {
        Some(end) => (end, true),
        None if std::thread::panicking() => (End::Failed, false),
        None => (End::NoReply, false),
    }
}

/// How a reply ends where this worker ends its handlers by force, or the task that unwinds here, so
/// that an unwinding is no failure.
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
