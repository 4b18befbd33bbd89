//! The directory of a pool: a concurrent map (flurry, after Java's `ConcurrentHashMap`) of the
//! named actors.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::OnceLock;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::actor::{ActorId, ActorPath, Directory, DirectoryEntry};

/// A name that is taken: reserved while its actor starts, then live.
type Place = OnceLock<DirectoryEntry>;

/// The named actors of a pool, for all its threads.
#[derive(Default)]
pub(crate) struct WorkerDirectory(flurry::HashMap<Path, Place, Seed>);

/// A path as a key that can be looked up by its text.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Path(ActorPath);

impl Borrow<str> for Path {
    /// A path hashes and compares as its text does.
    fn borrow(&self) -> &str {
        self.0.as_str()
    }
}

/// Begins the hash of a path. Each directory draws its own, so that names chosen outside of the
/// process are not easily made to collide; the map keeps long chains as trees for the case that
/// they do.
#[derive(Clone)]
struct Seed(u64);

impl Default for Seed {
    fn default() -> Self {
        Self(RandomState::new().build_hasher().finish())
    }
}

impl BuildHasher for Seed {
    type Hasher = TextHasher;

    fn build_hasher(&self) -> TextHasher {
        TextHasher(self.0)
    }
}

/// Hashes one text with xxh3.
struct TextHasher(u64);

impl Hasher for TextHasher {
    fn write(&mut self, text: &[u8]) {
        self.0 = xxh3_64_with_seed(text, self.0);
    }

    /// A `str` ends with one byte more, which would tell it from a text that follows.
    fn write_u8(&mut self, _: u8) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Directory for WorkerDirectory {
    fn reserve(&self, path: &ActorPath) -> bool {
        let names = self.0.pin();
        names.try_insert(Path(path.clone()), Place::new()).is_ok()
    }

    fn publish(&self, path: &ActorPath, entry: DirectoryEntry) {
        let names = self.0.pin();
        let published = names.get(path.as_str()).map(|place| place.set(entry));
        debug_assert!(matches!(published, Some(Ok(()))), "{path} is not reserved");
    }

    fn release(&self, path: &ActorPath) {
        self.0.pin().remove(path.as_str());
    }

    fn name_of(&self, actor: ActorId) -> Option<ActorPath> {
        let names = self.0.pin();
        let named = |place: &Place| place.get().is_some_and(|entry| entry.actor() == actor);
        let mut named = names.iter().filter(|(_, place)| named(place));
        named.next().map(|(path, _)| path.0.clone())
    }

    fn find(&self, path: &str) -> Option<DirectoryEntry> {
        self.0.pin().get(path).and_then(OnceLock::get).copied()
    }
}
