//! The contract of this crate, as text: [`guarantees`] lists what is promised, row by row, and [`limits`]
//! what is not. Every row is checked by tests.

pub mod guarantees;
pub mod limits;
