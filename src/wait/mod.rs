//! TODO

mod dropped_replies;
mod interrupts;
mod join_waits;
mod table;
pub(crate) use self::dropped_replies::{Failed, Verdicts};
pub(crate) use self::interrupts::Interrupts;
pub(crate) use self::join_waits::{Several, WaitSet};
pub(crate) use self::table::{Asked, Ending, Wait, Waits};
