//! TODO

mod dropped_replies;
mod interrupts;
mod join_waits;
mod table;
pub(crate) use self::dropped_replies::DroppedReplies;
pub(crate) use self::dropped_replies::Failed;
pub(crate) use self::interrupts::Interrupts;
pub(crate) use self::join_waits::JoinWaits;
pub(crate) use self::join_waits::WaitSet;
pub(crate) use self::table::Asked;
pub(crate) use self::table::Wait;
pub(crate) use self::table::WaitOutcome;
pub(crate) use self::table::Waits;
