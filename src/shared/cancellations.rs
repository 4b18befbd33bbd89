//! Which asks were given up: written by the worker that asked, read by whoever holds the reply.
//!
//! For each place of a wait there is the number of the generation before which all are over. It is
//! written when somebody gives up, and only then: the reply of an ask that was answered is gone.
//!
//! Numbers of one place only go up. The worker gives a place to the next wait after it has forgotten the one
//! before, and what it notes of an earlier one after that changes nothing. So whoever reads an old number takes nobody for given up who has not given up; and whoever was told
//! of it by a message sent after it was noted, as by a withdrawal, reads it.
//!
//! **Orderings.** A number says nothing about anything else, so that it is stored and loaded relaxed;
//! the memory it lies in is handed over by a `OnceLock`. Checked by `loom-tests/tests/cancellations.rs`.

use crate::sync::{AtomicU32, Mutant, OnceLock, is_mutated};
use std::sync::atomic::Ordering::Relaxed;

#[cfg(not(nexus_loom))]
const FIRST_CHUNK: usize = 256;
#[cfg(nexus_loom)]
const FIRST_CHUNK: usize = 1;
#[cfg(not(nexus_loom))]
const CHUNKS: usize = 24;
#[cfg(nexus_loom)]
const CHUNKS: usize = 2;

/// The asks of one worker that were given up.
pub struct Cancellations([OnceLock<Box<[AtomicU32]>>; CHUNKS]);

impl Default for Cancellations {
    fn default() -> Self {
        Self(std::array::from_fn(|_| OnceLock::new()))
    }
}

impl Cancellations {
    /// The chunk of a place, twice as large as the one before, and where in it.
    fn position(place: u32) -> (usize, usize) {
        let shifted = place as usize + FIRST_CHUNK;
        let chunk = (shifted / FIRST_CHUNK).ilog2() as usize;
        (chunk, shifted - (FIRST_CHUNK << chunk))
    }

    /// Whoever asked has given up: the wait of that generation in that place. The worker's.
    pub fn note(&self, place: u32, generation: u32) {
        let (chunk, at) = Self::position(place);
        let numbers = self.0[chunk].get_or_init(|| {
            std::iter::repeat_with(|| AtomicU32::new(0))
                .take(FIRST_CHUNK << chunk)
                .collect()
        });
        if is_mutated(Mutant::CancellationClearedFirst) {
            // As long as it is written, nothing in this place is to be taken for given up.
            numbers[at].store(0, Relaxed);
        }
        // A waker that is called as the wait ends may give up the next one in its place before this is noted.
        let number = generation.saturating_add(1);
        if numbers[at].load(Relaxed) < number {
            numbers[at].store(number, Relaxed);
        }
    }

    /// Whether whoever asked has given up.
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
        // Word of an earlier one, which comes late.
        cancellations.note(1, 3);
        assert!(cancellations.has(1, 7) && cancellations.has(1, 3) && !cancellations.has(1, 8));
    }
}
