//! The directory of a pool: a concurrent map (flurry, after Java's `ConcurrentHashMap`) of the
//! named actors.

use crate::actor::{ActorId, ActorPath, Directory, DirectoryEntry};

/// A name that is taken: reserved while its actor starts, then live.
type Place = Option<DirectoryEntry>;

/// The named actors of a pool, for all its threads.
#[derive(Default)]
pub(crate) struct WorkerDirectory(flurry::HashMap<Path, Place>);

/// A path as a key that can be looked up by its text.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Path(ActorPath);

impl std::borrow::Borrow<str> for Path {
    /// A path hashes and compares as its text does.
    fn borrow(&self) -> &str {
        self.0.as_str()
    }
}

impl Directory for WorkerDirectory {
    fn reserve(&self, path: &ActorPath) -> bool {
        self.0.pin().try_insert(Path(path.clone()), None).is_ok()
    }

    fn publish(&self, path: &ActorPath, entry: DirectoryEntry) {
        self.0.pin().insert(Path(path.clone()), Some(entry));
    }

    fn release(&self, path: &ActorPath) {
        self.0.pin().remove(path.as_str());
    }

    fn name_of(&self, actor: ActorId) -> Option<ActorPath> {
        let names = self.0.pin();
        let named = |place: &Place| place.is_some_and(|entry| entry.actor == actor);
        let mut named = names.iter().filter(|(_, place)| named(place));
        named.next().map(|(path, _)| path.0.clone())
    }

    fn find(&self, path: &str) -> Option<DirectoryEntry> {
        self.0.pin().get(path).copied().flatten()
    }
}
