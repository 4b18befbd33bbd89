//! Which asks were given up: written by the worker that asked, read by whoever holds the reply.
//!
//! For each place of a wait there is the number of the generation before which all are over. It is
//! written when somebody gives up, and only then: the reply of an ask that was answered is gone.
//!
//! **Orderings.** A number says nothing about anything else, so that it is stored and loaded relaxed;
//! the memory it lies in is made through a `OnceLock`.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use super::id::Key;

const FIRST_CHUNK: usize = 256;
const CHUNKS: usize = 24;

/// The asks of one worker that were given up.
pub(crate) struct Cancellations([OnceLock<Box<[AtomicU32]>>; CHUNKS]);

impl Default for Cancellations {
    fn default() -> Self {
        Self([const { OnceLock::new() }; CHUNKS])
    }
}

impl Cancellations {
    /// The chunk of a place, twice as large as the one before, and where in it.
    fn position(slot: u32) -> (usize, usize) {
        let shifted = slot as usize + FIRST_CHUNK;
        let chunk = (shifted / FIRST_CHUNK).ilog2() as usize;
        (chunk, shifted - (FIRST_CHUNK << chunk))
    }

    /// Whoever asked has given up.
    pub(crate) fn note(&self, wait: Key) {
        let (chunk, place) = Self::position(wait.slot());
        let numbers = self.0[chunk].get_or_init(|| {
            std::iter::repeat_with(|| AtomicU32::new(0))
                .take(FIRST_CHUNK << chunk)
                .collect()
        });
        numbers[place].store(wait.generation().saturating_add(1), Relaxed);
    }

    /// Whether whoever asked has given up.
    pub(crate) fn has(&self, wait: Key) -> bool {
        let (chunk, place) = Self::position(wait.slot());
        let numbers = self.0[chunk].get();
        numbers.is_some_and(|numbers| numbers[place].load(Relaxed) > wait.generation())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s5_4_what_was_given_up_is_known_of_each_place_and_generation() {
        let cancellations = Cancellations::default();
        for slot in [0, 1, 255, 256, 767, 768, 100_000] {
            let key = |generation| Key::new(slot, generation);
            assert!(!cancellations.has(key(7)));
            cancellations.note(key(7));
            assert!(cancellations.has(key(7)) && cancellations.has(key(6)));
            assert!(!cancellations.has(key(8)));
        }
        assert!(!cancellations.has(Key::new(2, 0)));
    }
}
