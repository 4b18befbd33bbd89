//! What this crate promises, row by row. This module contains only text.
//!
//! Each row has a number and says in a few sentences what you may build on. Tests check each row and fail
//! when it is broken. **A row without a test is not on this page**, and a row says no more than what
//! holds today. The rows are grouped by what you do, so their numbers are not in order. The numbers have
//! gaps, and nothing is promised in them. What you may miss is listed in [`limits`](super::limits). If
//! the documentation of an item, this page and the code disagree, please report it: one of the three is
//! wrong.
//!
//! The names of the tests begin with the number of their row. This command runs all tests of row 1.6:
//!
//! ```text
//! cargo test s1_6_
//! ```
//!
//! In the repository, the file `tests/house/guarantees.txt` lists for each row the tests that show it
//! best.

#![doc = include_str!("guarantees/messages.md")]
#![doc = include_str!("guarantees/actors.md")]
#![doc = include_str!("guarantees/waiting.md")]
#![doc = include_str!("guarantees/lifecycle.md")]
#![doc = include_str!("guarantees/pools.md")]
#![doc = include_str!("guarantees/inside.md")]
