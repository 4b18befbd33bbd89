//! TODO

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
pub use self::cycle::{Cycle, CycleLink};
pub use self::dead_letter::{DeadLetter, DeadLetterReason, DeadLetters, Subscription};
pub use self::description::{BoxError, Cause, Failure, Stage};
pub(crate) use self::drop_marks::DropMarks;
pub(crate) use self::drop_marks::LOSING;
pub(crate) use self::drop_marks::MOST_LOSING;
pub(crate) use self::drop_marks::TELLING;
pub(crate) use self::drop_marks::as_polled;
pub(crate) use self::drop_marks::drop_with_fate;
pub(crate) use self::drop_marks::is_polled;
pub(crate) use self::drop_marks::outside_sender;
pub use self::panic::PanicPayload;
pub use self::spawn_error::SpawnError;
pub use self::task_error::TaskError;
pub use self::termination::TerminationReason;
pub(crate) use self::unwind::{
    Caught, Unwound, abort_on_panic, catch, catch_user, drop_quietly, force_unwind,
};
pub(crate) use self::wait_end::WaitEnd;
pub use self::wait_error::WaitError;
