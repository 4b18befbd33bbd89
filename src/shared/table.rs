//! A table in which copied references find their target by a number.
//!
//! | step                | by         | place of the number                            | next number |
//! |---------------------|------------|------------------------------------------------|-------------|
//! | [`Table::register`] | any thread | entered, if it is free; else the next is tried | one more    |
//! | [`Table::forget`]   | any thread | emptied, if that number has it                 | –           |
//! | [`Table::find`]     | any thread | read, and its number compared                  | –           |
//!
//! **Nothing else is found.** A number is used once, and a reader compares the number of what it finds, as
//! the place may belong to another number by then. What was found lives as long as it is held.
//!
//! **A place has one owner.** Registering and forgetting take a lock, and read the place under it before they
//! write it: something may be forgotten a second time, when the place belongs to another one.
//!
//! **Orderings** are those of the lock, and of the places themselves, each of which hands over what is
//! entered to its readers. Checked by `loom-tests/tests/table.rs`.

use crate::sync::{ArcSwapOption, Guard, Mutant, Mutex, is_mutated};
use std::ops::Deref;
use std::sync::Arc;

/// Something with a number.
pub trait Numbered {
    /// Its number.
    fn number(&self) -> u32;
}

/// A table with `PLACES` places.
pub struct Table<T, const PLACES: usize> {
    places: [ArcSwapOption<T>; PLACES],
    next: Mutex<u32>,
}

impl<T, const PLACES: usize> Table<T, PLACES> {
    /// Makes an empty table, whose first number is 1.
    #[cfg(not(nexus_loom))]
    #[allow(clippy::new_without_default)] // there is one, and it is static
    pub const fn new() -> Self {
        Self {
            places: [const { ArcSwapOption::const_empty() }; PLACES],
            next: Mutex::new(1),
        }
    }

    /// Makes an empty table, whose first number is 1.
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
    /// Makes a value, and enters it under a number below `end` that no earlier value had. Returns `None` if
    /// all places are taken, or no number is left: an old reference must not match.
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

    /// Empties the place of that number, if the number still has it. Returns what was there, which is to be
    /// dropped outside of the lock.
    pub fn forget(&self, number: u32) -> Option<Arc<T>> {
        let _others_wait = self.next.lock();
        if is_mutated(Mutant::TableForgetsAnother) || self.find(number).is_some() {
            return self.place_of(number).swap(None);
        }
        None
    }

    /// Returns the value with that number, while it is entered.
    #[inline]
    pub fn find(&self, number: u32) -> Option<TableGuard<T>> {
        let guard = self.place_of(number).load();
        let found = guard
            .as_ref()
            .is_some_and(|found| found.number() == number || is_mutated(Mutant::TableNumberUnseen));
        found.then_some(TableGuard(guard))
    }
}

/// A value that was found, and is held.
pub struct TableGuard<T>(Guard<Option<Arc<T>>>);

impl<T> Deref for TableGuard<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("`find` looked")
    }
}
