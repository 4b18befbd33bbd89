//! Asks: a message that carries the way back for its answer, and the wait for it, in a handler, on a thread
//! outside or as a future; and whatever else waits for an answer, such as a call of a worker, a send that
//! waits for a permit, and a watch. Users call it, and the drivers for their own calls; it never handles a
//! message, and every wait of a worker that it begins is in the table of [`wait`](crate::wait).

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
mod race;
mod recipient;
mod reply;
mod send;
mod sending;
mod unsent;
mod watch;

pub(crate) use self::call::{begin_call, begin_call_of, call, can_call};
pub use self::deadline::Deadline;
pub(crate) use self::deadline::TimeLimit;
pub(crate) use self::driven::{Drive, can_drive, enlist};
pub use self::error::{AskDetails, AskError};
pub use self::handle::Ask;
pub use self::join::{All, AndThen, Map, Pending, Together, all};
pub use self::question::Question;
pub use self::race::{First, first};
pub use self::reply::Reply;
#[cfg(feature = "async")]
pub(crate) use self::send::QueueEntry;
pub use self::send::SendError;
#[cfg(feature = "async")]
pub(crate) use self::send::{may_wait, queue_for_permit};
pub use self::sending::Sending;
pub(crate) use self::watch::{path_of_actor, watch};
pub use crate::failure::AskErrorKind;
