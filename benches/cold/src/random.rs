//! Pseudo-random numbers, the same for the same seed.

/// A xorshift generator.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// Returns a number from 0 to 1.
    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }

    /// Returns one of `count` numbers, a few of which are drawn often: roughly by Zipf's law with the
    /// exponent 1, as the logarithm of the rank is uniform. The frequent numbers lie anywhere.
    pub(crate) fn zipf(&mut self, count: u64) -> u64 {
        let rank = (count as f64).powf(self.fraction()) as u64 - 1;
        // A prime above any count here, so that ranks are spread and no two coincide.
        (rank * 1_000_000_007) % count
    }
}
