//! A map in the order of insertion, from which any entry can be removed without a search.
//!
//! Few entries are a list that is searched linearly, as small as a vector. Many entries have an index. A
//! removed entry leaves a gap, so that the others stay where the index says; when there are more gaps than
//! entries, the list is rebuilt. So each operation takes about the same time however many entries there are,
//! except for one in as many as there are.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::mem;

/// Up to this many entries are searched linearly.
const FEW: usize = 16;
/// Many entries become few again when no more than this are left.
const FEW_AGAIN: usize = FEW / 2;

/// A map that keeps its entries in the order of insertion.
pub(crate) struct OrderedMap<K, V>(Entries<K, V>);

enum Entries<K, V> {
    Few(Vec<(K, V)>),
    Many(Box<ManyEntries<K, V>>),
}

struct ManyEntries<K, V> {
    /// Neither the first nor the last is a gap.
    entries: VecDeque<Option<(K, V)>>,
    /// How many were removed from the front of `entries` since they were few.
    gone: usize,
    /// The position of each entry, counted from when they were few.
    places: HashMap<K, usize, BuildHasherDefault<NumberHasher>>,
}

/// Hashes numbers that no outsider chooses, such as ids, with one multiplication each.
#[derive(Default)]
struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn write_u64(&mut self, number: u64) {
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15; // odd, and without a pattern: the golden ratio
        let product = u128::from(self.0 ^ number) * u128::from(FACTOR);
        #[allow(clippy::cast_possible_truncation)] // the two halves
        let (high, low) = ((product >> 64) as u64, product as u64);
        self.0 = high ^ low;
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes
            .iter()
            .for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl<K, V> Default for OrderedMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, V> OrderedMap<K, V> {
    /// Makes an empty map, which owns no memory.
    pub(crate) const fn new() -> Self {
        Self(Entries::Few(Vec::new()))
    }

    pub(crate) fn len(&self) -> usize {
        match &self.0 {
            Entries::Few(few) => few.len(),
            Entries::Many(many) => many.places.len(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entries while they are few.
    fn few(&self) -> &[(K, V)] {
        match &self.0 {
            Entries::Few(few) => few,
            Entries::Many(_) => &[],
        }
    }

    fn many(&self) -> Option<&ManyEntries<K, V>> {
        match &self.0 {
            Entries::Few(_) => None,
            Entries::Many(many) => Some(many),
        }
    }

    /// Returns the entries, the first one first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        let many = self.many().into_iter().flat_map(|many| &many.entries);
        let entries = self.few().iter().chain(many.flatten());
        entries.map(|(key, value)| (key, value))
    }

    pub(crate) fn values(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }
}

impl<K: Copy + Eq + Hash, V> OrderedMap<K, V> {
    /// The position of an entry in the list, gaps included.
    fn place(&self, key: &K) -> Option<usize> {
        match &self.0 {
            Entries::Few(few) => few.iter().position(|(known, _)| known == key),
            Entries::Many(many) => many.places.get(key).map(|place| place - many.gone),
        }
    }

    pub(crate) fn contains(&self, key: &K) -> bool {
        self.place(key).is_some()
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let place = self.place(key)?;
        let entry = match &mut self.0 {
            Entries::Few(few) => few.get_mut(place),
            Entries::Many(many) => many.entries.get_mut(place)?.as_mut(),
        };
        entry.map(|(_, value)| value)
    }

    /// Appends an entry. Returns `false`, and changes nothing, if the key is there already.
    pub(crate) fn insert(&mut self, key: K, value: V) -> bool {
        match &mut self.0 {
            Entries::Few(few) if few.iter().any(|(known, _)| *known == key) => false,
            Entries::Few(few) if few.len() < FEW => {
                // A single entry allocates no more than its own size.
                if few.len() == few.capacity() {
                    few.reserve_exact(few.len().max(1));
                }
                few.push((key, value));
                true
            }
            Entries::Few(few) => {
                let mut many = ManyEntries::of(mem::take(few).into_iter());
                many.push(key, value);
                self.0 = Entries::Many(Box::new(many));
                true
            }
            Entries::Many(many) => many.push(key, value),
        }
    }

    /// Removes an entry.
    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let removed = match &mut self.0 {
            Entries::Few(few) => {
                let place = few.iter().position(|(known, _)| known == key)?;
                return Some(few.remove(place).1);
            }
            Entries::Many(many) => many.remove(key)?,
        };
        self.close_gaps();
        Some(removed)
    }

    /// Removes the first entry.
    pub(crate) fn pop_first(&mut self) -> Option<(K, V)> {
        let first = *self.iter().next()?.0;
        Some((first, self.remove(&first)?))
    }

    /// Removes the last entry.
    pub(crate) fn pop_last(&mut self) -> Option<(K, V)> {
        let last = *self.iter().next_back()?.0;
        Some((last, self.remove(&last)?))
    }

    /// Returns the entries from that of `first` on, followed by those before it; all entries in order if
    /// `first` is not in the map.
    pub(crate) fn cycle_from(&self, first: Option<&K>) -> impl Iterator<Item = (&K, &V)> {
        let place = first.and_then(|first| self.place(first)).unwrap_or(0);
        let few = self.few();
        let (before, few) = few.split_at(place.min(few.len()));
        let many = self.many().into_iter().flat_map(move |many| {
            let (from, before) = (many.entries.range(place..), many.entries.range(..place));
            from.chain(before)
        });
        let entries = few.iter().chain(before).chain(many.flatten());
        entries.map(|(key, value)| (key, value))
    }

    /// Returns the entry that a number selects. If the number is uniform over its range, each entry is
    /// equally likely.
    pub(crate) fn by_chance(&self, mut number: u64) -> Option<(&K, &V)> {
        let scaled = |number: u64, length: usize| {
            let scaled = u128::from(number) * length as u128;
            usize::try_from(scaled >> 64).expect("it is less than the length")
        };
        let Some(many) = self.many() else {
            let few = self.few();
            let entry = few.get(scaled(number, few.len()))?;
            return Some((&entry.0, &entry.1));
        };
        // At most every second position is a gap. After a gap, another position by a generator of full
        // period.
        loop {
            if let Some((key, value)) = &many.entries[scaled(number, many.entries.len())] {
                return Some((key, value));
            }
            number = number
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
        }
    }

    /// Rebuilds the list if it has more gaps than entries, or far more memory than it needs.
    fn close_gaps(&mut self) {
        let Entries::Many(many) = &mut self.0 else {
            return;
        };
        let left = many.places.len();
        let is_sparse = many.entries.len() > 2 * left || many.entries.capacity() / 4 > left;
        if left <= FEW_AGAIN {
            let left = mem::take(&mut many.entries).into_iter().flatten();
            self.0 = Entries::Few(left.collect());
        } else if is_sparse {
            let left = mem::take(&mut many.entries).into_iter().flatten();
            **many = ManyEntries::of(left);
        }
    }
}

impl<K: Copy + Eq + Hash, V> ManyEntries<K, V> {
    fn of(entries: impl Iterator<Item = (K, V)>) -> Self {
        let entries: VecDeque<_> = entries.map(Some).collect();
        let keys = entries.iter().flatten().map(|(key, _)| *key);
        Self {
            gone: 0,
            places: keys.zip(0..).collect(),
            entries,
        }
    }

    fn push(&mut self, key: K, value: V) -> bool {
        let Entry::Vacant(place) = self.places.entry(key) else {
            return false;
        };
        place.insert(self.gone + self.entries.len());
        self.entries.push_back(Some((key, value)));
        true
    }

    fn remove(&mut self, key: &K) -> Option<V> {
        let place = self.places.remove(key)? - self.gone;
        let removed = self.entries[place].take().map(|(_, value)| value);
        while let Some(None) = self.entries.front() {
            self.entries.pop_front();
            self.gone += 1;
        }
        while let Some(None) = self.entries.back() {
            self.entries.pop_back();
        }
        removed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cell::Cell;

    #[test]
    fn it_is_as_small_as_a_vector_and_one_entry_takes_no_more_than_its_size() {
        assert_eq!(
            size_of::<OrderedMap<u64, u64>>(),
            size_of::<Vec<(u64, u64)>>()
        );
        let mut map = OrderedMap::new();
        map.insert(1_u64, 2_u64);
        assert!(matches!(&map.0, Entries::Few(few) if few.capacity() == 1));
    }

    thread_local! {
        static LOOKS: Cell<u64> = const { Cell::new(0) };
    }

    /// A key that counts how often it is compared or hashed.
    #[derive(Clone, Copy)]
    struct Looked(u32);

    impl PartialEq for Looked {
        fn eq(&self, other: &Self) -> bool {
            LOOKS.set(LOOKS.get() + 1);
            self.0 == other.0
        }
    }

    impl Eq for Looked {}

    impl Hash for Looked {
        fn hash<H: Hasher>(&self, state: &mut H) {
            LOOKS.set(LOOKS.get() + 1);
            self.0.hash(state);
        }
    }

    /// Returns how often keys were looked at per entry, when that many are inserted, and removed in that
    /// order.
    fn looks(count: u32, order: impl Fn(u32) -> u32) -> u64 {
        let mut map = OrderedMap::new();
        LOOKS.set(0);
        for number in 0..count {
            assert!(map.insert(Looked(number), number));
        }
        for number in 0..count {
            let number = order(number);
            assert_eq!(map.remove(&Looked(number)), Some(number));
        }
        LOOKS.get() / u64::from(count)
    }

    #[test]
    fn s9_4_an_entry_is_found_at_a_few_looks_however_many_there_are() {
        for count in [1_000, 100_000] {
            let orders: [&dyn Fn(u32) -> u32; 3] = [
                &|number| number,
                &|number| count - 1 - number,
                &|number| number * 7 % count, // 7 has no divisor in common with it
            ];
            for order in orders {
                let looks = looks(count, order);
                assert!(looks <= 12, "{looks} for each of {count}");
            }
        }
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Insert(u8),
        Remove(u8),
        PopFirst,
        PopLast,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => any::<u8>().prop_map(Step::Insert),
            5 => any::<u8>().prop_map(Step::Remove),
            1 => Just(Step::PopFirst),
            1 => Just(Step::PopLast),
        ]
    }

    proptest! {
        /// Compared with a list.
        #[test]
        fn it_is_a_list_without_repetitions(
            steps in prop::collection::vec(step(), 0..600),
            number in any::<u64>(),
        ) {
            let (mut map, mut model) = (OrderedMap::new(), Vec::<(u8, usize)>::new());
            for (time, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Insert(key) => {
                        let is_new = model.iter().all(|entry| entry.0 != key);
                        prop_assert_eq!(map.insert(key, time), is_new);
                        if is_new {
                            model.push((key, time));
                        }
                    }
                    Step::Remove(key) => {
                        let place = model.iter().position(|entry| entry.0 == key);
                        let removed = place.map(|place| model.remove(place).1);
                        prop_assert_eq!(map.remove(&key), removed);
                    }
                    Step::PopFirst => {
                        let first = (!model.is_empty()).then(|| model.remove(0));
                        prop_assert_eq!(map.pop_first(), first);
                    }
                    Step::PopLast => prop_assert_eq!(map.pop_last(), model.pop()),
                }
                prop_assert_eq!(map.len(), model.len());
                let listed: Vec<_> = map.iter().map(|(key, value)| (*key, *value)).collect();
                prop_assert_eq!(&listed, &model);
                prop_assert_eq!(map.iter().next_back().map(|(key, _)| *key), model.last().map(|it| it.0));
                if let Entries::Many(many) = &map.0 {
                    prop_assert!(many.entries.len() <= 2 * model.len());
                    prop_assert!(many.entries.capacity() <= 4 * model.len() + FEW);
                }
            }
            for (at, (key, value)) in model.iter().enumerate() {
                prop_assert!(map.contains(key));
                prop_assert_eq!(map.get_mut(key), Some(&mut value.clone()));
                let round: Vec<u8> = map.cycle_from(Some(key)).map(|(key, _)| *key).collect();
                let (before, from) = model.split_at(at);
                let expected: Vec<u8> = from.iter().chain(before).map(|it| it.0).collect();
                prop_assert_eq!(round, expected);
            }
            let chosen = map.by_chance(number).map(|(key, _)| *key);
            prop_assert_eq!(chosen.is_some(), !model.is_empty());
            prop_assert!(chosen.is_none_or(|key| map.contains(&key)));
        }
    }

    #[test]
    fn chance_falls_on_each_as_often() {
        let mut map = OrderedMap::new();
        (0..40_u64).for_each(|key| assert!(map.insert(key, ())));
        (10..29).for_each(|key| assert!(map.remove(&key).is_some()));
        let mut times = HashMap::<u64, u32>::new();
        let mut number = 1_u64;
        for _ in 0..21_000 {
            // The mixing function of SplitMix64.
            number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let (key, ()) = map.by_chance(mixed ^ (mixed >> 31)).unwrap();
            *times.entry(*key).or_default() += 1;
        }
        assert_eq!(times.len(), 21);
        assert!(
            times.values().all(|times| (850..1150).contains(times)),
            "{times:?}"
        );
    }
}
