//! A bounded table by message id, in shards that are locked one by one.

use nexus_actors::address::MessageId;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, MutexGuard, PoisonError};

const SHARDS: usize = 16;

/// What a table is searched by.
pub(crate) trait Id: Copy + Eq + Hash {
    /// The number of it.
    fn number(self) -> u64;
}

impl Id for MessageId {
    fn number(self) -> u64 {
        self.get()
    }
}

/// Mixes the bits of an id. Ids are drawn by the pool, so nobody can choose ones that collide.
#[derive(Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(byte.into()));
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ mixed >> 32;
    }
}

/// Holds the newest entries, at most `capacity` of them.
///
/// The bound is that of each shard, so with unevenly spread ids an entry may go a little earlier.
pub(crate) struct Table<V, K = MessageId> {
    shards: Box<[Mutex<Shard<V, K>>]>,
    of_shard: usize,
    /// Entries in all shards. Read before a lock is taken: most lookups are in a table that is empty, as most
    /// messages are in no trace. Relaxed, because a thread that looks for an entry has received the message
    /// under which it was made, and so sees its insertion.
    entries: AtomicU64,
    displaced: AtomicU64,
}

struct Shard<V, K> {
    entries: HashMap<K, Entry<V>, BuildHasherDefault<IdHasher>>,
    /// The order of insertion, with entries that were removed since.
    order: VecDeque<(u64, K)>,
    inserted: u64,
}

struct Entry<V> {
    number: u64,
    value: V,
}

impl<V, K: Id> Shard<V, K> {
    fn has(&self, number: u64, id: K) -> bool {
        self.entries
            .get(&id)
            .is_some_and(|entry| entry.number == number)
    }

    fn oldest(&mut self) -> Option<V> {
        while let Some((number, id)) = self.order.pop_front() {
            if self.has(number, id) {
                return self.entries.remove(&id).map(|entry| entry.value);
            }
        }
        None
    }

    /// Forgets removed entries when they are more than half of the order, so that an insertion costs the same
    /// on the average, and the order is not longer than twice the capacity and a little.
    fn tidy(&mut self) {
        if self.order.len() > 2 * self.entries.len() + 16 {
            let mut order = std::mem::take(&mut self.order);
            order.retain(|&(number, id)| self.has(number, id));
            self.order = order;
        }
    }
}

impl<V, K: Id> Table<V, K> {
    pub(crate) fn new(capacity: usize) -> Self {
        let shard = || Shard {
            entries: HashMap::default(),
            order: VecDeque::new(),
            inserted: 0,
        };
        Self {
            shards: (0..SHARDS).map(|_| Mutex::new(shard())).collect(),
            of_shard: capacity.div_ceil(SHARDS).max(1),
            entries: AtomicU64::new(0),
            displaced: AtomicU64::new(0),
        }
    }

    /// Inserts an entry, in place of one with that id, and removes the oldest one if there are too many. Returns
    /// the entries that are gone, for the caller to drop: that may run code of the tracer.
    pub(crate) fn insert(&self, id: K, value: V) -> (Option<V>, Option<V>) {
        let mut shard = self.shard(id);
        shard.inserted += 1;
        let number = shard.inserted;
        let replaced = shard.entries.insert(id, Entry { number, value });
        shard.order.push_back((number, id));
        let displaced = if shard.entries.len() > self.of_shard {
            shard.oldest()
        } else {
            None
        };
        shard.tidy();
        self.displaced
            .fetch_add(u64::from(displaced.is_some()), Relaxed);
        if replaced.is_none() && displaced.is_none() {
            self.entries.fetch_add(1, Relaxed);
        }
        (replaced.map(|entry| entry.value), displaced)
    }

    pub(crate) fn remove(&self, id: K) -> Option<V> {
        if self.is_empty() {
            return None;
        }
        let mut shard = self.shard(id);
        let removed = shard.entries.remove(&id)?;
        shard.tidy();
        self.entries.fetch_sub(1, Relaxed);
        Some(removed.value)
    }

    pub(crate) fn get<R>(&self, id: K, read: impl FnOnce(&V) -> R) -> Option<R> {
        if self.is_empty() {
            return None;
        }
        self.shard(id)
            .entries
            .get(&id)
            .map(|entry| read(&entry.value))
    }

    pub(crate) fn update<R>(&self, id: K, change: impl FnOnce(&mut V) -> R) -> Option<R> {
        let mut shard = self.shard(id);
        let entry = shard.entries.get_mut(&id)?;
        Some(change(&mut entry.value))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn len(&self) -> u64 {
        self.entries.load(Relaxed)
    }

    /// Entries that were removed because they were the oldest.
    pub(crate) fn displaced(&self) -> u64 {
        self.displaced.load(Relaxed)
    }

    /// Ids are drawn in sequence, with the number of the worker in the upper bits.
    #[allow(clippy::cast_possible_truncation)] // the low bits count
    fn shard(&self, id: K) -> MutexGuard<'_, Shard<V, K>> {
        let bits = id.number() ^ id.number() >> 48;
        let shard = &self.shards[bits as usize % SHARDS];
        // Nothing of a user's or of a tracer's runs under the lock, so nothing is half done.
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Id for u64 {
        fn number(self) -> u64 {
            self
        }
    }

    /// Ids of one shard.
    fn id(number: u64) -> u64 {
        number * SHARDS as u64
    }

    fn order(table: &Table<u64, u64>) -> usize {
        table.shard(0).order.len()
    }

    #[test]
    fn the_oldest_entry_makes_room() {
        let table = Table::new(3 * SHARDS);
        for number in 0..3 {
            assert_eq!(table.insert(id(number), number), (None, None));
        }
        assert_eq!(table.remove(id(1)), Some(1));
        assert_eq!(table.insert(id(3), 3), (None, None), "there is room");
        assert_eq!(table.insert(id(4), 4), (None, Some(0)));
        // Inserted again, it is the newest one.
        assert_eq!(table.insert(id(2), 20), (Some(2), None));
        assert_eq!(table.insert(id(5), 5), (None, Some(3)));
        let left = [2, 4, 5].map(|number| table.get(id(number), |value| *value));
        assert_eq!(left, [Some(20), Some(4), Some(5)]);
        assert_eq!((table.len(), table.displaced()), (3, 2));
    }

    #[test]
    fn entries_that_come_and_go_leave_nothing() {
        let table = Table::new(1000 * SHARDS);
        table.insert(id(0), 0);
        for number in 1..10_000 {
            table.insert(id(number), number);
            table.insert(id(number), number);
            assert_eq!(table.remove(id(number)), Some(number));
            assert!(order(&table) <= 20);
        }
        assert_eq!(table.remove(id(0)), Some(0));
        assert_eq!(table.remove(id(0)), None);
        assert!(table.is_empty() && table.displaced() == 0);
    }

    #[test]
    fn ids_of_one_worker_and_of_several_are_spread() {
        let table: Table<(), u64> = Table::new(16 * SHARDS);
        for worker in 0..4 {
            (0..64).for_each(|number| {
                assert_eq!(table.insert(worker << 48 | number, ()), (None, None))
            });
        }
        assert_eq!((table.len(), table.displaced()), (256, 0));
    }
}
