//! The single source of concurrency primitives: the standard library's, or loom's under `--cfg nexus_loom`.
//!
//! Code in [`queue`](crate::queue) and [`shared`](crate::shared) takes its atomics, locks, cells, parker and
//! time-outs from here, so that the model checker sees every step it takes. The code that ships is the code
//! that is checked: only the primitives differ.

mod mutant;
#[cfg(not(nexus_loom))]
#[path = "native.rs"]
mod primitive;
#[cfg(nexus_loom)]
#[path = "model.rs"]
mod primitive;

#[cfg(any(nexus_loom, nexus_mutants))]
pub use mutant::{Mutant, with_mutant};

#[cfg(not(any(nexus_loom, nexus_mutants)))]
pub(crate) use mutant::Mutant;
pub(crate) use mutant::{is_mutated, ordering};
pub(crate) use primitive::{
    Arc, ArcSwapOption, AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize,
    Condvar, Guard, Mutex, OnceLock, Parker, Unparker, UnsafeCell, fence, relax, thread,
};
