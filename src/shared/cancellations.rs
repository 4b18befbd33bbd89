//! The asks that were given up: written by the worker that asked, read by the holder of the reply.
//!
//! Each place of a wait has a generation number: all waits of earlier generations in that place are over. The
//! number is written only when an ask is given up: the reply of an ask that was answered is gone.
//!
//! The number of a place only grows. The worker assigns a place to the next wait after it has forgotten the
//! previous one, and a later note about an earlier wait changes nothing. So a reader of an old number never
//! takes an ask for given up that was not. A reader that was told of it by a message sent after the note,
//! such as a withdrawal, reads the new number.
//!
//! **Orderings.** A number says nothing about anything else, so it is stored and loaded relaxed. A `OnceLock`
//! hands over the memory that it lies in. Checked by `loom-tests/tests/cancellations.rs`.

use crate::sync::{AtomicU32, Mutant, OnceLock, is_mutated};
use std::sync::atomic::Ordering::Relaxed;

const FIRST_CHUNK: usize = if cfg!(nexus_loom) { 1 } else { 256 };
const CHUNKS: usize = if cfg!(nexus_loom) { 2 } else { 24 };

/// The asks of one worker that were given up.
pub struct Cancellations([OnceLock<Box<[AtomicU32]>>; CHUNKS]);

impl Default for Cancellations {
    fn default() -> Self {
        Self(std::array::from_fn(|_| OnceLock::new()))
    }
}

impl Cancellations {
    /// Returns the chunk of a place, each twice as large as the one before, and the position in it.
    fn position(place: u32) -> (usize, usize) {
        let shifted = place as usize + FIRST_CHUNK;
        let chunk = (shifted / FIRST_CHUNK).ilog2() as usize;
        (chunk, shifted - (FIRST_CHUNK << chunk))
    }

    /// Notes that the ask of that generation in that place was given up. For the worker only.
    pub fn note(&self, place: u32, generation: u32) {
        let (chunk, at) = Self::position(place);
        let numbers = self.0[chunk].get_or_init(|| {
            std::iter::repeat_with(|| AtomicU32::new(0))
                .take(FIRST_CHUNK << chunk)
                .collect()
        });
        if is_mutated(Mutant::CancellationClearedFirst) {
            // While it is being written, nothing in this place must be taken for given up.
            numbers[at].store(0, Relaxed);
        }
        // A waker that is called as a wait ends may give up the next wait in its place before this one is
        // noted.
        let number = generation.saturating_add(1);
        if numbers[at].load(Relaxed) < number {
            numbers[at].store(number, Relaxed);
        }
    }

    /// Whether the ask was given up.
    pub fn has(&self, place: u32, generation: u32) -> bool {
        let (chunk, at) = Self::position(place);
        let numbers = self.0[chunk].get();
        numbers.is_some_and(|numbers| {
            let number = numbers[at].load(Relaxed);
            number > generation || (is_mutated(Mutant::CancellationOfAnyWait) && number > 0)
        })
    }
}

#[cfg(all(test, not(nexus_loom)))]
mod tests {
    use super::*;

    #[test]
    fn s5_4_what_was_given_up_is_known_of_each_place_and_generation() {
        let cancellations = Cancellations::default();
        for place in [0, 1, 255, 256, 767, 768, 100_000] {
            assert!(!cancellations.has(place, 7));
            cancellations.note(place, 7);
            assert!(cancellations.has(place, 7) && cancellations.has(place, 6));
            assert!(!cancellations.has(place, 8));
        }
        assert!(!cancellations.has(2, 0));
        // A late note about an earlier one.
        cancellations.note(1, 3);
        assert!(cancellations.has(1, 7) && cancellations.has(1, 3) && !cancellations.has(1, 8));
    }
}
