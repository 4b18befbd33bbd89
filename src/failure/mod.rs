//! Everything that says how something ended: failures and their payloads, dead letters, the errors of starts,
//! tasks and waits, and cycles; and the functions that catch the panics of user code. Any room above may use
//! it; it decides nothing about an actor, counts nothing for a worker, and knows no shard.
//!
//! How the replies end that a value holds when it is dropped is in the [marks](DropMarks) of the thread.

mod ask_error_kind;
mod cycle;
mod dead_letter;
mod description;
mod drop_marks;
mod panic;
mod spawn_error;
mod task_error;
mod termination;
mod unwind;
mod wait_end;
mod wait_error;

pub use self::ask_error_kind::AskErrorKind;
pub use self::cycle::{Cycle, CycleLink};
pub use self::dead_letter::{DeadLetter, DeadLetterReason, DeadLetters, Subscription};
pub use self::description::{BoxError, Cause, Failure, Stage};
pub use self::panic::PanicPayload;
pub use self::spawn_error::SpawnError;
pub use self::task_error::TaskError;
pub use self::termination::TerminationReason;
pub use self::wait_error::WaitError;

pub(crate) use self::drop_marks::{
    DropMarks, LOSING, MOST_LOSING, TELLING, as_polled, drop_with_fate, is_marked_outside,
    is_polled, outside_origin, outside_sender,
};
pub(crate) use self::unwind::{
    Caught, Unwound, abort_on_panic, catch, catch_user, drop_quietly, force_unwind,
};
pub(crate) use self::wait_end::WaitEnd;
