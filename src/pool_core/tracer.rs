//! The seam for the simulation, which traces every step of its workers and injects faults at chosen ones.
//!
//! Observers of users are told by another way: see `observe`.

use crate::address::{ActorId, ActorPath, Envelope};

/// Traces one worker, message by message.
///
/// No method may run code of the user's, nor call back into the shard.
pub(crate) trait Tracer {
    /// An actor starts: its setup is about to run.
    fn starts(&self, actor: ActorId, path: &ActorPath);

    /// An actor is about to handle a message.
    fn handles(&self, actor: ActorId, envelope: &Envelope, message: &'static str) -> Intervention;

    /// An actor has become passive: its instance is gone.
    fn passivates(&self, actor: ActorId);

    /// A passive actor is about to be built again.
    fn wakes(&self, actor: ActorId);

    /// An actor has stopped, and its slot is free.
    fn stopped(&self, actor: ActorId);
}

/// What is to happen instead of a handling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Intervention {
    /// Nothing: the handler runs.
    None,
    /// The handler panics with this text before it has done anything.
    Panic(String),
    /// The actor is killed: it handles neither this message nor any other.
    Kill,
}
