//! Asking: a message that carries the way back for its answer, and the wait for it.

mod call;
mod driven;
mod error;
mod handle;
mod reply;
mod send;

pub use self::error::AskError;
pub use self::handle::Ask;
pub use self::reply::Reply;
pub use self::send::SendError;

pub(crate) use self::call::{begin_call, call, nudge, order};
pub(crate) use self::driven::{Drive, can_drive, enlist};
