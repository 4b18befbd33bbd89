//! What becomes of a question whose answer can no longer come.
//!
//! A reply that is dropped unanswered ends its ask at once. Why it was dropped is known to
//! whoever drops the message or the state that holds it, so that is noted around the drop.

use std::cell::Cell;

use super::current::with_current;
use super::dead_letter::DeadLetterReason;
use super::unwind::drop_quietly;

/// How a wait ends that no value ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The reply was dropped by somebody who could have answered.
    NoReply,
    /// The actor that held the reply had stopped.
    Stopped,
    /// The actor that held the reply failed.
    Failed,
    /// The pool ended.
    PoolClosed,
    /// The time was over.
    TimedOut,
}

impl From<DeadLetterReason> for End {
    fn from(reason: DeadLetterReason) -> Self {
        match reason {
            DeadLetterReason::Unhandled => Self::NoReply,
            DeadLetterReason::Stopped | DeadLetterReason::Forced => Self::Stopped,
            DeadLetterReason::Failed => Self::Failed,
            DeadLetterReason::PoolClosed => Self::PoolClosed,
        }
    }
}

thread_local! {
    static FATE: Cell<Option<End>> = const { Cell::new(None) };
}

/// Drops a value of the user's in which replies may lie, which end with `end`.
pub(crate) fn drop_with_fate<T>(value: T, end: End) {
    if std::mem::needs_drop::<T>() {
        let outer = FATE.replace(Some(end));
        drop_quietly(value);
        FATE.set(outer);
    }
}

/// The end of a reply that is dropped here and now.
pub(crate) fn fate_of_dropped_reply() -> End {
    match FATE.get() {
        Some(end) => end,
        None if is_forced() => End::Stopped,
        None if std::thread::panicking() => End::Failed,
        None => End::NoReply,
    }
}

/// Whether this worker ends its handlers by force, so that an unwinding is no failure.
fn is_forced() -> bool {
    with_current(|shard| shard.is_some_and(|shard| shard.forcing.get()))
}
