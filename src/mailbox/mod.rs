//! TODO

mod config;
mod raw;
pub use self::config::{Mailbox, MailboxError, Overflow};
pub(crate) use self::raw::MailItem;
pub(crate) use self::raw::MailPlace;
pub(crate) use self::raw::RawMailbox;
