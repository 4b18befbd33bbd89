//! Values that one thread enters under keys, for others to find: also for a while after they have ended.
//!
//! One lock protects everything. The owner enters a value before it resumes any thread that may look for it,
//! for example by a reply; so a thread that looks because of that finds it. A value that has ended is
//! forgotten only when as many others as are remembered have ended after it. Checked by
//! `loom-tests/tests/retained_map.rs`.

use crate::sync::{Mutant, Mutex, is_mutated};
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Values under keys, each until it has ended, and for a while after that.
pub struct RetainedMap<K, V> {
    all: Mutex<RetainedEntries<K, V>>,
    /// How many ended values are remembered.
    most: usize,
}

struct RetainedEntries<K, V> {
    values: HashMap<K, V>,
    /// The keys of values that have ended, the first one first.
    ended: VecDeque<K>,
}

impl<K: Copy + Eq + Hash, V: Clone> RetainedMap<K, V> {
    /// Makes an empty store that will remember `most` ended values.
    pub fn new(most: usize) -> Self {
        Self {
            all: Mutex::new(RetainedEntries {
                values: HashMap::new(),
                ended: VecDeque::new(),
            }),
            most,
        }
    }

    /// Enters a value. For the owner only.
    pub fn insert(&self, key: K, value: V) {
        self.all.lock().values.insert(key, value);
    }

    /// Notes that the value under that key has ended. For the owner only.
    pub fn end(&self, key: K) {
        let mut all = self.all.lock();
        all.ended.push_back(key);
        if (all.ended.len() > self.most || is_mutated(Mutant::EndedForgotten))
            && let Some(oldest) = all.ended.pop_front()
        {
            all.values.remove(&oldest);
            // The memory of a peak is freed, in proportion to what ends.
            let need = all.values.len().max(self.most);
            if all.values.capacity() > 4 * need {
                all.values.shrink_to(2 * need);
            }
        }
    }

    /// Returns the value that was entered under that key.
    pub fn find(&self, key: K) -> Option<V> {
        self.all.lock().values.get(&key).cloned()
    }

    #[cfg(all(test, not(nexus_loom)))]
    fn len(&self) -> usize {
        self.all.lock().values.len()
    }

    #[cfg(all(test, not(nexus_loom)))]
    fn capacity(&self) -> usize {
        self.all.lock().values.capacity()
    }
}

#[cfg(all(test, not(nexus_loom)))]
mod tests {
    use super::*;

    #[test]
    fn s5_3_no_more_than_so_many_are_remembered_that_have_ended() {
        const MOST: u32 = 1024;
        let known = RetainedMap::new(MOST as usize);
        known.insert(0, ());
        for key in 1..=MOST + 2 {
            known.insert(key, ());
            known.end(key);
        }
        assert_eq!(known.len(), MOST as usize + 1);
        assert!(known.find(0).is_some(), "it lives");
        assert!(known.find(2).is_none(), "it ended long ago");
        assert!(known.find(3).is_some() && known.find(MOST + 2).is_some());
    }

    #[test]
    fn s9_5_what_a_peak_took_goes_back_as_they_end() {
        const MOST: usize = 100;
        let known = RetainedMap::new(MOST);
        (0..100_000).for_each(|key| known.insert(key, ()));
        assert!(known.capacity() >= 100_000);
        for key in 0..100_000_usize {
            known.end(key);
            let need = known.len().max(MOST);
            assert!(known.capacity() <= 4 * need, "for {need}");
        }
        assert_eq!(known.len(), MOST);
    }
}
