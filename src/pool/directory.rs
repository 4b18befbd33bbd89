//! The directory of a pool: a concurrent map (flurry, after Java's `ConcurrentHashMap`) of the
//! named actors.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::{Acquire, Release};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::address::ActorPath;
use crate::pool_core::{Directory, DirectoryEntry, NamePhase};

/// A taken name: reserved while its actor starts, then live.
#[derive(Default)]
struct NamePlace {
    entry: OnceLock<DirectoryEntry>,
    /// A [`NamePhase`].
    phase: AtomicU8,
}

impl NamePlace {
    fn phase(&self) -> NamePhase {
        // Acquire pairs with the release in `enter`: a reader that sees `Live` sees the entry, and
        // a reader that sees `Ending` no longer finds it `Live`.
        match self.phase.load(Acquire) {
            phase if phase == NamePhase::Starting as u8 => NamePhase::Starting,
            phase if phase == NamePhase::Live as u8 => NamePhase::Live,
            _ => NamePhase::Ending,
        }
    }

    /// Called only by the actor's own worker.
    fn enter(&self, phase: NamePhase) {
        self.phase.store(phase as u8, Release);
    }

    /// The actor, once it is live.
    fn shown(&self) -> Option<&DirectoryEntry> {
        self.entry
            .get()
            .filter(|_| self.phase() != NamePhase::Starting)
    }
}

/// The named actors of a pool, shared by all its threads.
#[derive(Default)]
pub(crate) struct WorkerDirectory(flurry::HashMap<Path, NamePlace, HashSeed>);

/// A path as a key that can be looked up by its text.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Path(ActorPath);

impl Borrow<str> for Path {
    /// A path hashes and compares as its text does.
    fn borrow(&self) -> &str {
        self.0.as_str()
    }
}

/// The seed of the hash of a path. Each directory draws its own, so that names chosen outside the
/// process cannot easily be made to collide; for the case that they do, the map keeps long chains
/// as trees.
#[derive(Clone)]
struct HashSeed(u64);

impl Default for HashSeed {
    fn default() -> Self {
        Self(RandomState::new().build_hasher().finish())
    }
}

impl BuildHasher for HashSeed {
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

    /// Ignores the extra byte that ends a `str`: it would only separate the text from a following
    /// one.
    fn write_u8(&mut self, _: u8) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Directory for WorkerDirectory {
    fn reserve(&self, path: &ActorPath) -> bool {
        let names = self.0.pin();
        names
            .try_insert(Path(path.clone()), NamePlace::default())
            .is_ok()
    }

    fn begins(&self, path: &ActorPath, entry: DirectoryEntry) {
        let names = self.0.pin();
        let begun = names.get(path.as_str()).map(|place| place.entry.set(entry));
        debug_assert!(matches!(begun, Some(Ok(()))), "{path} is not reserved");
    }

    fn publish(&self, path: &ActorPath) {
        let names = self.0.pin();
        if let Some(place) = names.get(path.as_str()) {
            place.enter(NamePhase::Live);
        }
    }

    fn ends(&self, path: &ActorPath) {
        let names = self.0.pin();
        // An actor that has not started yet is not shown before it has, and starts like any other.
        if let Some(place) = names.get(path.as_str())
            && place.phase() == NamePhase::Live
        {
            place.enter(NamePhase::Ending);
        }
    }

    fn release(&self, path: &ActorPath) {
        self.0.pin().remove(path.as_str());
    }

    fn find(&self, path: &str) -> Option<DirectoryEntry> {
        self.0.pin().get(path).and_then(NamePlace::shown).copied()
    }

    fn look(&self, path: &ActorPath) -> Option<(NamePhase, Option<DirectoryEntry>)> {
        let names = self.0.pin();
        let place = names.get(path.as_str())?;
        Some((place.phase(), place.entry.get().copied()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::{ActorId, Home, Key, MessageType};
    use std::sync::Barrier;
    use std::thread;

    fn path(name: usize) -> ActorPath {
        let name = format!("a{name}");
        ActorPath::user().child(&name).expect("a name")
    }

    #[test]
    fn s1_9_one_of_many_threads_reserves_a_name() {
        const THREADS: u32 = 4;
        const NAMES: usize = 200;
        let (directory, start) = (WorkerDirectory::default(), Barrier::new(THREADS as usize));
        let reserve_all = |worker| {
            start.wait();
            let won = (0..NAMES).filter(|name| {
                let path = path(*name);
                let won = directory.reserve(&path);
                if won {
                    let key = Key::new(u32::try_from(*name).expect("few names"), 1);
                    let address = ActorId::new(Home::new(1, worker), key);
                    let message = MessageType::of::<u8>();
                    directory.begins(&path, DirectoryEntry { address, message });
                    directory.publish(&path);
                }
                won
            });
            won.count()
        };
        let won: usize = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|worker| {
                    scope.spawn({
                        let reserve_all = &reserve_all;
                        move || reserve_all(worker)
                    })
                })
                .collect();
            let won = threads.into_iter().map(|thread| thread.join());
            won.map(|won| won.expect("it does not panic")).sum()
        });
        assert_eq!(won, NAMES);
        for name in 0..NAMES {
            let found = directory.find(path(name).as_str()).expect("published");
            assert_eq!(found.actor().key.slot() as usize, name);
        }
    }

    #[test]
    fn a_path_hashes_as_its_text_and_otherwise_in_each_directory() {
        let (one, other) = (HashSeed::default(), HashSeed::default());
        let key = Path(path(1));
        let text: &str = key.borrow();
        assert_eq!(one.hash_one(&key), one.hash_one(text));
        assert_eq!(one.hash_one(&key), one.clone().hash_one(text));
        assert_ne!(one.hash_one(text), other.hash_one(text));
        let hash = xxh3_64_with_seed(text.as_bytes(), one.0);
        assert_eq!(one.hash_one(text), hash);
    }
}
