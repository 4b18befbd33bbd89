//! Which worker of a pool owns a name: consistent hashing (Karger et al.,
//! "Consistent Hashing and Random Trees", STOC 1997) with XXH3.

use std::fmt;
use std::num::NonZeroU32;

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// Seed of the workers' points: the ASCII text `nexus`, then the layout version.
const SEED: u64 = 0x6e65_7875_7300_0000 | ConsistentHashRing::LAYOUT_VERSION as u64;

/// Assigns each name to one of the workers `0..workers`, so that adding a
/// worker to `n` moves about one name in `n + 1`, each to the new worker.
///
/// The owner of a name depends on nothing but the name, the number of workers
/// and [`LAYOUT_VERSION`](Self::LAYOUT_VERSION): it is the same in every run on every machine.
///
/// - The point of a name is the XXH3-64 hash, with seed 0, of its UTF-8 bytes.
/// - The points of a worker are, for each replica in `0..VIRTUAL_NODES`, the
///   XXH3-64 hash of 8 bytes: the worker's index and the replica, each a
///   little-endian `u32`. The seed is `0x6e65_7875_7300_0000 | LAYOUT_VERSION`.
/// - A name's owner is the worker of the first point at or after the name's
///   own, going round from the largest to the smallest. Of workers that share
///   a point, the one with the lowest index owns it.
///
/// ```
/// use nexus_actors::pool::ConsistentHashRing;
/// use std::num::NonZeroU32;
///
/// let three = ConsistentHashRing::new(NonZeroU32::new(3).unwrap());
/// let four = three.with_worker_added();
/// let before = three.owner("order-123");
/// let after = four.owner("order-123");
/// assert!(before < 3);
/// assert!(after == before || after == 3);
/// ```
#[derive(Clone)]
pub struct ConsistentHashRing {
    workers: NonZeroU32,
    /// The points of all workers, ascending.
    points: Box<[u64]>,
    /// The worker of each point.
    owners: Box<[u32]>,
}

impl ConsistentHashRing {
    /// The version of the rule that places names. It changes if, and only if, a
    /// name's owner can change for the same number of workers; holders of rings of
    /// different layout versions disagree about owners.
    pub const LAYOUT_VERSION: u32 = 1;

    /// Points of each worker on the ring.
    ///
    /// More points spread the names more evenly and take more memory. The load of
    /// the fullest worker over the mean load, for 100 000 names `order-0`,
    /// `order-1`, ..., at its worst over all pools of 1 to 32 workers:
    ///
    /// | points a worker | fullest / mean |
    /// |----------------:|---------------:|
    /// |              64 |           1.36 |
    /// |             128 |           1.32 |
    /// |             256 |           1.21 |
    /// |             512 |           1.12 |
    /// |            1024 |           1.08 |
    ///
    /// At 512 points a worker takes 6 KiB of the ring.
    pub const VIRTUAL_NODES: u32 = 512;

    /// A ring of `workers` workers.
    ///
    /// ```
    /// # use nexus_actors::pool::ConsistentHashRing;
    /// # use std::num::NonZeroU32;
    /// let ring = ConsistentHashRing::new(NonZeroU32::MIN);
    /// assert_eq!(ring.workers(), 1);
    /// ```
    #[must_use]
    pub fn new(workers: NonZeroU32) -> Self {
        Self::of(0..workers.get()).expect("there is one worker at least")
    }

    /// A ring of members with these numbers, each at the points of the worker with that number.
    /// `None` if there are no members.
    pub(crate) fn of(members: impl ExactSizeIterator<Item = u32>) -> Option<Self> {
        let workers = NonZeroU32::new(u32::try_from(members.len()).ok()?)?;
        let mut nodes: Vec<(u64, u32)> = members
            .flat_map(|worker| points_on_ring(worker).map(move |point| (point, worker)))
            .collect();
        // Sorting by worker within a point settles which worker owns the point.
        nodes.sort_unstable();
        Some(Self {
            workers,
            points: nodes.iter().map(|node| node.0).collect(),
            owners: nodes.iter().map(|node| node.1).collect(),
        })
    }

    /// A ring with one more worker.
    ///
    /// # Panics
    ///
    /// If the ring has `u32::MAX` workers.
    ///
    /// ```
    /// # use nexus_actors::pool::ConsistentHashRing;
    /// # use std::num::NonZeroU32;
    /// let ring = ConsistentHashRing::new(NonZeroU32::MIN).with_worker_added();
    /// assert_eq!(ring.workers(), 2);
    /// ```
    #[must_use]
    pub fn with_worker_added(&self) -> Self {
        let workers = self.workers.checked_add(1).expect("too many workers");
        Self::new(workers)
    }

    /// The worker that owns `name`, less than [`workers`](Self::workers).
    ///
    /// ```
    /// # use nexus_actors::pool::ConsistentHashRing;
    /// # use std::num::NonZeroU32;
    /// let ring = ConsistentHashRing::new(NonZeroU32::MIN);
    /// assert_eq!(ring.owner("order-123"), 0);
    /// ```
    #[must_use]
    pub fn owner(&self, name: &str) -> u32 {
        self.owner_of_point(xxh3_64(name.as_bytes()))
    }

    /// The worker, or member, that owns a point of the ring.
    pub(crate) fn owner_of_point(&self, point: u64) -> u32 {
        let at = self.points.partition_point(|&node| node < point);
        // Past the largest point the ring starts again at the smallest.
        self.owners[at % self.owners.len()]
    }

    /// The number of workers.
    ///
    /// ```
    /// # use nexus_actors::pool::ConsistentHashRing;
    /// # use std::num::NonZeroU32;
    /// let ring = ConsistentHashRing::new(NonZeroU32::MIN);
    /// assert_eq!(ring.workers(), 1);
    /// ```
    #[must_use]
    pub fn workers(&self) -> u32 {
        self.workers.get()
    }
}

/// The points of the worker, or member, with that number.
pub(crate) fn points_on_ring(worker: u32) -> impl Iterator<Item = u64> {
    (0..ConsistentHashRing::VIRTUAL_NODES).map(move |node| node_point(worker, node))
}

/// The point of a virtual node of a worker.
fn node_point(worker: u32, replica: u32) -> u64 {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&worker.to_le_bytes());
    bytes[4..].copy_from_slice(&replica.to_le_bytes());
    xxh3_64_with_seed(&bytes, SEED)
}

impl fmt::Debug for ConsistentHashRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The points follow from the number of workers and run to thousands.
        f.debug_struct("ConsistentHashRing")
            .field("workers", &self.workers)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const POOLS: [u32; 5] = [1, 2, 3, 8, 64];

    /// Names and their owners in pools of `POOLS` workers.
    const PINNED: [(&str, [u32; 5]); 18] = [
        ("", [0, 0, 0, 0, 27]),
        ("a", [0, 0, 2, 2, 44]),
        ("order-0", [0, 0, 0, 6, 6]),
        ("order-1", [0, 1, 1, 5, 20]),
        ("order-2", [0, 1, 1, 1, 36]),
        ("order-3", [0, 0, 0, 0, 25]),
        ("order-123", [0, 1, 2, 2, 56]),
        ("user-42", [0, 0, 0, 7, 57]),
        ("cart", [0, 1, 1, 1, 10]),
        ("session-7f3a", [0, 1, 2, 7, 31]),
        ("Müller", [0, 0, 0, 5, 60]),
        ("注文", [0, 1, 2, 5, 13]),
        ("🦀", [0, 1, 1, 6, 12]),
        ("/user/orders/order-123", [0, 0, 2, 7, 62]),
        ("a.b_c-d", [0, 1, 2, 6, 23]),
        ("0123456789abcdef", [0, 1, 1, 1, 36]),
        ("tenant-7/region-eu/shard-19", [0, 1, 2, 2, 57]),
        ("customer 4711, order 2", [0, 0, 2, 5, 8]),
    ];

    fn ring(workers: u32) -> ConsistentHashRing {
        ConsistentHashRing::new(NonZeroU32::new(workers).unwrap())
    }

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|i| format!("order-{i}")).collect()
    }

    #[test]
    fn s8_1_placement_is_pinned() {
        for (pool, workers) in POOLS.into_iter().enumerate() {
            let ring = ring(workers);
            for (name, owners) in PINNED {
                assert_eq!(ring.owner(name), owners[pool], "{name:?} of {workers}");
            }
        }
    }

    #[test]
    fn s8_1_points_are_pinned() {
        assert_eq!(ConsistentHashRing::LAYOUT_VERSION, 1);
        assert_eq!(ConsistentHashRing::VIRTUAL_NODES, 512);
        assert_eq!(SEED, 0x6e65_7875_7300_0001);
        assert_eq!(node_point(0, 0), 0xbdcd_58b0_7f72_8c0e);
        assert_eq!(node_point(0, 1), 0x67db_9945_438e_60ee);
        assert_eq!(node_point(1, 0), 0xa13d_9566_a2cd_3134);
        assert_eq!(node_point(63, 511), 0x3f08_3fbe_39f3_aa24);
        assert_eq!(xxh3_64("".as_bytes()), 0x2d06_8005_38d3_94c2);
        assert_eq!(xxh3_64("a".as_bytes()), 0xe6c6_32b6_1e96_4e1f);
        assert_eq!(xxh3_64("order-123".as_bytes()), 0x4ad0_f280_dd17_79b0);
        assert_eq!(xxh3_64("注文".as_bytes()), 0x3a01_16b1_8743_ca7c);
        // XXH3 hashes texts of up to 16, 128, 240 and more bytes in different ways.
        for (length, point) in [
            (17, 0x8997_5e6b_7d2f_5a11),
            (129, 0xe4f9_7421_08fe_27dc),
            (241, 0x14da_9e5c_301a_6a1d),
            (2000, 0xb500_ad12_968c_7634),
        ] {
            assert_eq!(xxh3_64("x".repeat(length).as_bytes()), point);
        }
    }

    #[test]
    fn s8_1_a_point_belongs_to_the_first_node_at_or_after_it() {
        let ring = ring(5);
        let last = ring.points.len() - 1;
        for (at, &point) in ring.points.iter().enumerate() {
            assert_eq!(ring.owner_of_point(point), ring.owners[at]);
            let next = if at == last { 0 } else { at + 1 };
            assert_eq!(ring.owner_of_point(point + 1), ring.owners[next]);
        }
        assert_eq!(ring.owner_of_point(0), ring.owners[0]);
        assert_eq!(ring.owner_of_point(u64::MAX), ring.owners[0]);
    }

    #[test]
    fn s8_1_the_lowest_worker_owns_a_shared_point() {
        let mut ring = ring(3);
        ring.points = [10, 20, 20, 30].into();
        ring.owners = [0, 1, 2, 0].into();
        assert_eq!(
            [11, 20, 21].map(|point| ring.owner_of_point(point)),
            [1, 1, 0]
        );
    }

    #[test]
    fn s8_1_balance_is_within_an_eighth_of_the_mean() {
        let points: Vec<u64> = names(100_000)
            .iter()
            .map(|n| xxh3_64(n.as_bytes()))
            .collect();
        for workers in 1..=32 {
            let ring = ring(workers);
            let mut load = vec![0_u32; workers as usize];
            for &point in &points {
                load[ring.owner_of_point(point) as usize] += 1;
            }
            let fullest = f64::from(*load.iter().max().unwrap());
            let ratio = fullest * f64::from(workers) / points.len() as f64;
            assert!(ratio < 1.125, "{workers} workers: fullest / mean = {ratio}");
        }
    }

    #[test]
    fn s8_1_adding_a_worker_moves_about_one_in_n_plus_one() {
        let names = names(100_000);
        let mut ring = ring(1);
        for workers in 1..16 {
            let grown = ring.with_worker_added();
            let moved: Vec<u32> = names
                .iter()
                .map(|name| (ring.owner(name), grown.owner(name)))
                .filter(|(before, after)| before != after)
                .map(|(_, after)| after)
                .collect();
            assert!(moved.iter().all(|&owner| owner == workers));
            let share = moved.len() as f64 / names.len() as f64 * f64::from(workers + 1);
            assert!((0.85..1.15).contains(&share), "{workers}: {share}");
            ring = grown;
        }
    }

    #[test]
    fn s8_1_growing_step_by_step_gives_the_ring_made_at_once() {
        let grown = (1..8).fold(ring(1), |ring, _| ring.with_worker_added());
        let whole = ring(8);
        assert_eq!(grown.workers(), 8);
        assert_eq!(
            (&grown.points, &grown.owners),
            (&whole.points, &whole.owners)
        );
    }

    #[test]
    fn debug_leaves_the_points_out() {
        let text = format!("{:?}", ring(3));
        assert_eq!(text, "ConsistentHashRing { workers: 3, .. }");
    }

    proptest! {
        #[test]
        fn s8_1_names_only_move_to_the_new_worker(
            workers in 1_u32..40,
            names in prop::collection::vec(any::<String>(), 1..50),
        ) {
            let before = ring(workers);
            let after = before.with_worker_added();
            for name in names {
                let owner = before.owner(&name);
                prop_assert!(owner < workers);
                prop_assert!([owner, workers].contains(&after.owner(&name)));
            }
        }
    }
}
