//! A directory in plain memory, in order: which names a simulated pool has.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::actor::{ActorId, ActorPath, Directory, DirectoryEntry};

/// The names of one pool, each with its actor once that lives.
#[derive(Clone, Default)]
pub(super) struct Names(Arc<Mutex<BTreeMap<ActorPath, Option<DirectoryEntry>>>>);

impl Names {
    pub(super) fn len(&self) -> usize {
        self.0.lock().len()
    }
}

impl Directory for Names {
    fn reserve(&self, path: &ActorPath) -> bool {
        let mut names = self.0.lock();
        let free = !names.contains_key(path);
        if free {
            names.insert(path.clone(), None);
        }
        free
    }

    fn publish(&self, path: &ActorPath, entry: DirectoryEntry) {
        self.0.lock().insert(path.clone(), Some(entry));
    }

    fn release(&self, path: &ActorPath) {
        self.0.lock().remove(path);
    }

    fn name_of(&self, actor: ActorId) -> Option<ActorPath> {
        let names = self.0.lock();
        let named =
            |entry: &Option<DirectoryEntry>| entry.is_some_and(|entry| entry.actor() == actor);
        let mut named = names.iter().filter(|(_, entry)| named(entry));
        named.next().map(|(path, _)| path.clone())
    }

    fn find(&self, path: &str) -> Option<DirectoryEntry> {
        let path = ActorPath::parse(path).ok()?;
        self.0.lock().get(&path).copied().flatten()
    }
}
