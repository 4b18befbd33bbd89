//! The mailbox of an actor: the queue of its messages in the memory of its worker's slabs, and the public
//! description of its capacity. Only [`shard`](crate::shard) pushes and pops; it knows neither permits nor
//! threads, and wakes no one.

mod config;
mod raw;

pub use self::config::{Mailbox, MailboxError, Overflow};

pub(crate) use self::raw::{MailItem, MailPlace, RawMailbox};
