//! Model checks of the protocols between threads; the models are in `tests/`, and run with `cargo loom`. This
//! is what they share: how to explore a model, and what to put into a queue.
//!
//! Loom keeps only the last access to an atomic. If a thread loads what it is about to store, that load hides
//! that another thread has loaded it before, and loom does not try the two in the other order. Such a model
//! must be shown to reach all outcomes that it names. It reaches them if the thread that stores runs first,
//! as the model's own thread does.

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
