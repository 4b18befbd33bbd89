//! The primitives of every build that ships, with the interface of loom's.

pub(crate) use arc_swap::{ArcSwapOption, Guard};
pub(crate) use crossbeam::sync::{Parker, Unparker};
pub(crate) use parking_lot::{Condvar, Mutex};
pub(crate) use std::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, fence,
};
pub(crate) use std::sync::{Arc, OnceLock};

/// [`std::cell::UnsafeCell`] with loom's closures, so that one source serves both.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    #[inline(always)]
    pub(crate) fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        read(self.0.get())
    }

    #[inline(always)]
    pub(crate) fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        write(self.0.get())
    }
}

/// Parking of whole threads.
pub(crate) mod thread {
    pub(crate) use std::thread::{Thread, current, park, park_timeout};
}

/// Rounds of a wait for another thread before the waiting thread yields.
const ROUNDS: u32 = 64;

/// Passes the time in the given round of a wait for another thread that is about to complete a
/// step.
pub(crate) fn relax(round: u32) {
    if round < ROUNDS {
        std::hint::spin_loop();
    } else {
        std::thread::yield_now();
    }
}
