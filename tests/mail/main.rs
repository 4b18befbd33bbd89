//! The ways of a message: mailboxes, threads outside, routers and topics, dead letters.

#[path = "../common/mod.rs"]
mod common;

mod bounded;
mod dead_letters;
mod ingress;
mod mailboxes;
mod routing;
mod topics;
