//! What is published, against what the pool itself counts.

#[path = "../expected/mod.rs"]
mod expected;
mod lives;
mod recorded;

mod catalogue;
mod counts;
mod longest_mailbox;
mod publication;
mod samples;
