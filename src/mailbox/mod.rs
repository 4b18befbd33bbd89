//! TODO

mod config;
mod raw;
pub use self::config::{Mailbox, MailboxError, Overflow};
pub(crate) use self::raw::{Item, Place, RawMailbox};
