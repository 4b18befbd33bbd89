//! The names of actors: reserved, published and released, and the callers that wait for them.

use crate::address::{ActorPath, Key};
use crate::failure::SpawnError;
use crate::pool_core::Heard;
use crate::shard::Shard;

/// Tells the callers that wait for the start of an actor.
pub(super) fn tell_of_start(shard: &Shard, key: Key, path: &ActorPath) {
    let waiting = shard.core.names.take(path);
    if waiting.is_empty() {
        return;
    }
    // It may have stopped since, and others wait for its end.
    let live = shard.core.directory.look(path);
    let entry = live.and_then(|(_, entry)| entry);
    let entry = entry.filter(|entry| entry.actor() == shard.id_of(key));
    for waiter in waiting {
        waiter(entry.map_or(Heard::Freed, Heard::Started));
    }
}

/// Frees a name, and tells the callers that wait for that.
pub(super) fn release(shard: &Shard, path: &ActorPath) {
    shard.core.directory.release(path);
    for waiter in shard.core.names.take(path) {
        waiter(Heard::Freed);
    }
}

pub(super) fn reserve(shard: &Shard, path: ActorPath) -> Result<ActorPath, SpawnError> {
    if shard.core.directory.reserve(&path) {
        Ok(path)
    } else {
        Err(SpawnError::NameTaken(path))
    }
}
