//! Who waits for a name: for the start of the actor that is to have it, or for the end of the one that has it.
//!
//! A name's phase stands in the [directory](super::directory). A waiter looks there, and notes that it
//! waits, under one lock; a change of the phase is followed by the same lock. So either the
//! change is seen, or the waiter is found.

use parking_lot::Mutex;
use std::collections::HashMap;

use super::directory::{Directory, DirectoryEntry, Phase};
use super::lifecycle::SpawnError;
use super::path::ActorPath;

/// What has become of a name that somebody waits for.
pub(crate) enum Heard {
    /// Its actor lives.
    Started(DirectoryEntry),
    /// Its actor could not be started.
    NotStarted(SpawnError),
    /// It is free.
    Freed,
}

/// Is told what has become of a name.
type Waiter = Box<dyn FnOnce(Heard) + Send>;

/// What is to be done about a name that somebody wants.
pub(crate) enum Looked {
    Free,
    Live(DirectoryEntry),
    /// Wait for its actor, which starts, or ends.
    Wait,
    /// Ask again: it was reserved this moment, and it is not yet known for whom.
    Again,
}

/// Those who wait for the names of one pool.
#[derive(Default)]
pub(crate) struct Names(Mutex<HashMap<ActorPath, Vec<Waiter>>>);

impl Names {
    /// Looks how far the actor of a name has come. If it starts or ends, `wait_for` makes somebody who waits
    /// for that.
    pub(crate) fn look(
        &self,
        directory: &dyn Directory,
        path: &ActorPath,
        wait_for: impl FnOnce(Phase, DirectoryEntry) -> Option<Waiter>,
    ) -> Looked {
        let mut waiting = self.0.lock();
        let (phase, entry) = match directory.look(path) {
            None => return Looked::Free,
            Some((_, None)) => return Looked::Again,
            Some((Phase::Live, Some(entry))) => return Looked::Live(entry),
            Some((phase, Some(entry))) => (phase, entry),
        };
        if let Some(waiter) = wait_for(phase, entry) {
            waiting.entry(path.clone()).or_default().push(waiter);
        }
        Looked::Wait
    }

    /// Takes out those who wait for a name, of which something has become.
    pub(crate) fn take(&self, path: &ActorPath) -> Vec<Waiter> {
        let mut waiting = self.0.lock();
        if waiting.is_empty() {
            return Vec::new();
        }
        waiting.remove(path).unwrap_or_default()
    }
}
