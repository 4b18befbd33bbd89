//! Waiting for a name: for the start of the actor that is to have it, or for the end of the actor that has
//! it.
//!
//! A name's phase is in the [directory](crate::pool_core::directory). A waiter reads the phase and registers
//! itself under one lock; each change of the phase is followed by taking the same lock. So either the waiter
//! sees the change, or the change finds the waiter.

use parking_lot::Mutex;
use std::collections::HashMap;

use super::directory::{Directory, DirectoryEntry, NamePhase};
use crate::address::ActorPath;
use crate::failure::SpawnError;

/// What has become of a name that was waited for.
pub(crate) enum Heard {
    /// Its actor lives.
    Started(DirectoryEntry),
    /// Its actor could not be started.
    NotStarted(SpawnError),
    /// It is free.
    Freed,
}

/// Receives what has become of a name.
type NameWaiter = Box<dyn FnOnce(Heard) + Send>;

/// What a caller that wants a name has to do.
pub(crate) enum NameLookup {
    Free,
    Live(DirectoryEntry),
    /// Wait for its actor, which is starting or ending.
    Wait,
    /// Try again: the name was reserved this moment, and it is not yet known for which actor.
    Again,
}

/// The waiters for the names of one pool.
#[derive(Default)]
pub(crate) struct NameWaiters(Mutex<HashMap<ActorPath, Vec<NameWaiter>>>);

impl NameWaiters {
    /// Looks up how far the actor of a name has come. If it is starting or ending, registers the waiter
    /// that `wait_for` makes.
    pub(crate) fn look(
        &self,
        directory: &dyn Directory,
        path: &ActorPath,
        wait_for: impl FnOnce(NamePhase, DirectoryEntry) -> Option<NameWaiter>,
    ) -> NameLookup {
        let mut waiting = self.0.lock();
        let (phase, entry) = match directory.look(path) {
            None => return NameLookup::Free,
            Some((_, None)) => return NameLookup::Again,
            Some((NamePhase::Live, Some(entry))) => return NameLookup::Live(entry),
            Some((phase, Some(entry))) => (phase, entry),
        };
        if let Some(waiter) = wait_for(phase, entry) {
            waiting.entry(path.clone()).or_default().push(waiter);
        }
        NameLookup::Wait
    }

    /// Removes the waiters for a name whose phase has changed.
    pub(crate) fn take(&self, path: &ActorPath) -> Vec<NameWaiter> {
        let mut waiting = self.0.lock();
        if waiting.is_empty() {
            return Vec::new();
        }
        waiting.remove(path).unwrap_or_default()
    }
}
