//! Pseudo-random numbers that follow from a seed.

/// A small deterministic generator (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
/// Generators", OOPSLA 2014: SplitMix64).
#[derive(Clone, Debug)]
pub(super) struct Rng(u64);

impl Rng {
    /// One of the generators of a seed, by its number. Generators of one seed are independent.
    pub(super) fn of(seed: u64, number: u64) -> Self {
        Self(Self(seed ^ number.wrapping_mul(0xd6e8_feb8_6659_fd93)).next())
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is at least 1.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// As [`below`](Self::below), for an index.
    #[allow(clippy::cast_possible_truncation)] // it is below a length
    pub(super) fn index(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    /// True one time in `times`, on average.
    pub(super) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// A length of time up to `most` nanoseconds, mostly far shorter.
    pub(super) fn span(&mut self, most: u64) -> u64 {
        let most = most >> self.below(8);
        self.below(most + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s9_1_a_seed_gives_the_same_numbers_and_its_generators_differ() {
        let draw = |number| {
            std::array::from_fn::<_, 8, _>({
                let mut rng = Rng::of(7, number);
                move |_| rng.next()
            })
        };
        assert_eq!(draw(0), draw(0));
        assert_ne!(draw(0), draw(1));
    }

    #[test]
    fn a_span_stays_below_its_bound_and_reaches_into_its_upper_half() {
        let mut rng = Rng::of(1, 1);
        let spans: Vec<u64> = (0..1000).map(|_| rng.span(1000)).collect();
        assert!(spans.iter().all(|span| *span <= 1000));
        assert!(spans.iter().any(|span| *span > 500));
        assert!(spans.iter().filter(|span| **span < 100).count() > 500);
    }
}
