//! A table in which copied references find what they are to, by a number.
//!
//! | step                | by whom    | place of the number                            | next number |
//! |---------------------|------------|------------------------------------------------|-------------|
//! | [`Table::register`] | any thread | entered, if it is free; else the next is tried | one more    |
//! | [`Table::forget`]   | any thread | emptied, if that number has it                 | –           |
//! | [`Table::find`]     | any thread | read, and its number compared                  | –           |
//!
//! **Nothing else is found.** A number is used once, and whoever finds something compares its number, as the
//! place may be another one's by then. What was found lives for as long as it is held.
//!
//! **One has each place.** Those who register and forget have a lock, under which they look at the place before
//! they write it: something may be forgotten twice, when the place is another one's.
//!
//! **Orderings** are those of the lock, and of the places themselves, each of which hands over what is
//! entered to whoever finds it. Checked by `loom-tests/tests/table.rs`.

use crate::sync::{ArcSwapOption, Guard, Mutant, Mutex, is_mutated};
use std::ops::Deref;
use std::sync::Arc;

/// What has a number.
pub trait Numbered {
    /// That number.
    fn number(&self) -> u32;
}

/// So many places for what is to be found.
pub struct Table<T, const PLACES: usize> {
    places: [ArcSwapOption<T>; PLACES],
    next: Mutex<u32>,
}

impl<T, const PLACES: usize> Table<T, PLACES> {
    /// An empty table, of which the first number is 1.
    #[cfg(not(nexus_loom))]
    #[allow(clippy::new_without_default)] // there is one, and it is static
    pub const fn new() -> Self {
        Self {
            places: [const { ArcSwapOption::const_empty() }; PLACES],
            next: Mutex::new(1),
        }
    }

    /// An empty table, of which the first number is 1.
    #[cfg(nexus_loom)]
    #[allow(clippy::new_without_default)] // as for the other one
    pub fn new() -> Self {
        Self {
            places: std::array::from_fn(|_| ArcSwapOption::empty()),
            next: Mutex::new(1),
        }
    }

    fn place_of(&self, number: u32) -> &ArcSwapOption<T> {
        &self.places[number as usize % PLACES]
    }
}

impl<T: Numbered, const PLACES: usize> Table<T, PLACES> {
    /// Makes something, and enters it under a number below `end` that nothing before it had. `None` where all
    /// places are taken, or no number is left: an old reference must not fit.
    pub fn register(&self, end: u32, make: impl FnOnce(u32) -> T) -> Option<Arc<T>> {
        let mut next = self.next.lock();
        let number = (0..PLACES).find_map(|_| {
            let number = *next;
            *next = (number < end).then_some(number + 1)?;
            self.place_of(number).load().is_none().then_some(number)
        })?;
        let _others_wait = (!is_mutated(Mutant::TableUnlockedEarly)).then_some(next);
        let made = Arc::new(make(number));
        self.place_of(number).store(Some(Arc::clone(&made)));
        Some(made)
    }

    /// Empties the place of that number, if it still has it. Returns what was there, which is to be dropped
    /// outside of the lock.
    pub fn forget(&self, number: u32) -> Option<Arc<T>> {
        let _others_wait = self.next.lock();
        if is_mutated(Mutant::TableForgetsAnother) || self.find(number).is_some() {
            return self.place_of(number).swap(None);
        }
        None
    }

    /// What has that number, while it is entered.
    #[inline]
    pub fn find(&self, number: u32) -> Option<Found<T>> {
        let guard = self.place_of(number).load();
        let found = guard
            .as_ref()
            .is_some_and(|found| found.number() == number || is_mutated(Mutant::TableNumberUnseen));
        found.then_some(Found(guard))
    }
}

/// Something that was found, and is held.
pub struct Found<T>(Guard<Option<Arc<T>>>);

impl<T> Deref for Found<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("`find` looked")
    }
}
