//! The marks of a thread while values of the user's are dropped, or other user code runs in the middle of the
//! runtime's: above all, how an ask ends if its reply is dropped.
//!
//! A reply that is dropped unanswered ends its ask at once. The reason is known to the code that drops
//! the message or the state that holds the reply, so that code records it for the duration of the drop.

use std::cell::Cell;

use super::unwind::{Unwound, drop_quietly};
use super::wait_end::WaitEnd;
use crate::address::{ActorId, Envelope, MessageId};

thread_local! {
    static MARKS: Cell<DropMarks> = const { Cell::new(DropMarks { fate: None, doing: 0 }) };
    /// The correlation of what this thread sends, if that is marked.
    static CORRELATION: Cell<MessageId> = const { Cell::new(MessageId::NONE) };
}

/// The marks of a thread while user code runs in the middle of the runtime's.
///
/// A fiber that suspends meanwhile takes its marks with it: they do not apply to the next fiber.
#[derive(Clone, Copy, Default)]
pub(crate) struct DropMarks {
    /// How the replies in a value that is being dropped end.
    pub(crate) fate: Option<WaitEnd>,
    /// Flags for what is in progress and, in the bits above, the depth of messages lost while others are
    /// lost. All in one byte, as each suspension copies it.
    pub(crate) doing: u8,
}

/// Subscribers to dead letters are being called.
pub(crate) const TELLING: u8 = 1;

/// A future is being polled by code that drives what it waits for.
const POLLING: u8 = 1 << 1;

/// What this thread sends from outside of all pools has a correlation from elsewhere.
const CORRELATED: u8 = 1 << 2;

/// A message is being lost.
pub(crate) const LOSING: u8 = 1 << 3;

/// The depth to which losses within losses are followed at once.
pub(crate) const MOST_LOSING: u8 = 8 * LOSING;

impl DropMarks {
    /// Returns these marks with a flag set.
    pub(crate) fn with(self, doing: u8) -> Self {
        let doing = self.doing | doing;
        Self { doing, ..self }
    }

    /// Returns these marks, one loss of a message deeper.
    pub(crate) fn deeper(self) -> Self {
        let doing = self.doing + LOSING;
        Self { doing, ..self }
    }

    /// Returns the marks of this thread.
    #[inline]
    pub(crate) fn current() -> Self {
        MARKS.get()
    }

    /// Takes the marks off this thread.
    #[inline]
    pub(crate) fn take() -> Self {
        MARKS.take()
    }

    /// Sets the correlation of what this thread sends from outside of all pools. Returns the one before.
    pub(crate) fn correlate(correlation: Option<MessageId>) -> Option<MessageId> {
        let marks = MARKS.get();
        let before = CORRELATION.replace(correlation.unwrap_or(MessageId::NONE));
        let doing = match correlation {
            Some(_) => marks.doing | CORRELATED,
            None => marks.doing & !CORRELATED,
        };
        MARKS.set(Self { doing, ..marks });
        (marks.doing & CORRELATED != 0).then_some(before)
    }

    /// Restores the marks.
    #[inline]
    pub(crate) fn put_back(self) {
        MARKS.set(self);
    }
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

/// Whether what this thread sends, which is no worker, has another envelope than usual.
#[inline]
pub(crate) fn is_marked_outside() -> bool {
    MARKS.get().doing & (TELLING | CORRELATED) != 0
}

/// Returns the envelope from which the next one of this thread, which is no worker, follows.
pub(crate) fn outside_origin() -> Envelope {
    if MARKS.get().doing & CORRELATED == 0 {
        return Envelope::NONE;
    }
    Envelope {
        correlation: CORRELATION.get(),
        ..Envelope::NONE
    }
}

/// Drops a user's value that may contain replies, which then end with `end`. A panic of its destructor is
/// caught, and returned for the caller to report.
pub(crate) fn drop_with_fate<T>(value: T, end: WaitEnd) -> Option<Unwound> {
    if !std::mem::needs_drop::<T>() {
        return None;
    }
    under_fate(end, || drop_quietly(value))
}

/// Runs `drop_it`, which must not panic; replies that it drops end with `end`.
pub(super) fn under_fate<R>(end: WaitEnd, drop_it: impl FnOnce() -> R) -> R {
    let outer = MARKS.get();
    MARKS.set(DropMarks {
        fate: Some(end),
        ..outer
    });
    let dropped = drop_it();
    MARKS.set(outer);
    dropped
}
