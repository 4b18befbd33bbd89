//! The seam for an observer of working actors: the simulation, which traces every step and injects faults
//! at chosen ones.
//!
//! For a worker without an observer it costs one comparison a turn.

use crate::address::{ActorId, ActorPath, Envelope};

/// Observes one worker, message by message.
///
/// No method may run code of the user's, nor call back into the shard.
pub(crate) trait Observer {
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
