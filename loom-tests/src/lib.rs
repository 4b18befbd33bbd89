//! Model checks of the protocols between threads; the models are in `tests/`, and run with
//! `cargo loom`. This is what they share: how to explore a model, and what to put into a queue.

#[cfg(nexus_loom)]
mod explore;
#[cfg(nexus_loom)]
mod letter;
#[cfg(nexus_loom)]
mod outcomes;

#[cfg(nexus_loom)]
pub use explore::{explore, rejected};
#[cfg(nexus_loom)]
pub use letter::{Letter, Lines, Tally};
#[cfg(nexus_loom)]
pub use outcomes::Outcomes;
