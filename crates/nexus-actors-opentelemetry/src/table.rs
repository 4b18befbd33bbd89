//! A bounded table by message id, in shards that are locked one by one.

use nexus_actors::address::MessageId;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, MutexGuard, PoisonError};

const SHARDS: usize = 16;

/// Holds the newest entries, at most `capacity` of them.
///
/// The bound is that of each shard, so with unevenly spread ids an entry may go a little earlier.
pub(crate) struct Table<V> {
    shards: Box<[Mutex<Shard<V>>]>,
    of_shard: usize,
    /// Entries in all shards. Read before a lock is taken: most lookups are in a table that is empty, as most
    /// messages are in no trace. Relaxed, because a thread that looks for an entry has received the message
    /// under which it was made, and so sees its insertion.
    entries: AtomicU64,
    displaced: AtomicU64,
}

struct Shard<V> {
    entries: HashMap<MessageId, Entry<V>>,
    /// The order of insertion, with entries that were removed since.
    order: VecDeque<(u64, MessageId)>,
    inserted: u64,
}

struct Entry<V> {
    number: u64,
    value: V,
}

impl<V> Shard<V> {
    fn has(&self, number: u64, id: MessageId) -> bool {
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

impl<V> Table<V> {
    pub(crate) fn new(capacity: usize) -> Self {
        let shard = || Shard {
            entries: HashMap::new(),
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
    pub(crate) fn insert(&self, id: MessageId, value: V) -> (Option<V>, Option<V>) {
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

    pub(crate) fn remove(&self, id: MessageId) -> Option<V> {
        if self.is_empty() {
            return None;
        }
        let mut shard = self.shard(id);
        let removed = shard.entries.remove(&id)?;
        shard.tidy();
        self.entries.fetch_sub(1, Relaxed);
        Some(removed.value)
    }

    pub(crate) fn get<R>(&self, id: MessageId, read: impl FnOnce(&V) -> R) -> Option<R> {
        if self.is_empty() {
            return None;
        }
        self.shard(id)
            .entries
            .get(&id)
            .map(|entry| read(&entry.value))
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
    fn shard(&self, id: MessageId) -> MutexGuard<'_, Shard<V>> {
        let bits = id.get() ^ id.get() >> 48;
        let shard = &self.shards[bits as usize % SHARDS];
        // Nothing of a user's or of a tracer's runs under the lock, so nothing is half done.
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
