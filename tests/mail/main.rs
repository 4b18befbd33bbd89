//! The paths of a message: mailboxes, outside threads, routers and topics, dead letters.

#[path = "../common/mod.rs"]
mod common;

mod bounded;
mod dead_letters;
mod ingress;
mod mailboxes;
mod routing;
mod topics;
