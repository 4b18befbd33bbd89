//! The waits of one worker: the table of the places where handlers wait for a value, the sets of waits that
//! are needed together, the replies that a handler has dropped, and the handlers that may wait no more. The
//! shard owns all of them, and the rooms above begin and end waits through it; nothing here suspends a fiber
//! or knows a shard. What is called at the end of a wait is a type parameter.

mod asked;
mod dropped_replies;
mod interrupts;
mod join_waits;
mod notes;
mod table;
mod timers;

pub(crate) use self::dropped_replies::{DroppedReplies, Failed};
pub(crate) use self::interrupts::Interrupts;
pub(crate) use self::join_waits::{JoinWaits, WaitSet};
pub(crate) use self::table::{Asked, Wait, WaitOutcome, Waits};
