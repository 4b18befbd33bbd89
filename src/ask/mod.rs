//! Asking: a message that carries the way back for its answer, and the wait for it.

mod answering;
mod block_on;
mod blocking;
mod call;
mod deadline;
mod driven;
mod elsewhere;
mod error;
mod failing;
mod first;
mod handle;
mod join;
mod outcome;
mod outside;
mod parts;
mod polling;
mod question;
mod recipient;
mod reply;
mod send;
mod sending;
mod watch;

pub use self::deadline::Deadline;
pub use self::error::{AskDetails, AskError, AskErrorKind};
pub use self::handle::Ask;
pub use self::join::{All, AndThen, First, Map, Pending, Together, all, first};
pub use self::question::Question;
pub use self::reply::Reply;
pub use self::send::SendError;
pub use self::sending::Sending;

pub(crate) use self::call::{begin_call, begin_call_of, call, can_call};
pub(crate) use self::deadline::TimeLimit;
pub(crate) use self::driven::{Drive, can_drive, enlist};
#[cfg(feature = "async")]
pub(crate) use self::send::QueueEntry;
pub(crate) use self::send::may_wait;
pub(crate) use self::send::queue_for_permit;
pub(crate) use self::watch::{path_of_actor, watch};
