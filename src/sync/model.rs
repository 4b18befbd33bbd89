//! The primitives of the model checker.

pub(crate) use loom::cell::UnsafeCell;
pub(crate) use loom::sync::Arc;
pub(crate) use loom::sync::atomic::{AtomicPtr, AtomicU8};

use loom::sync::{Condvar, Mutex};
use std::time::Duration;

/// A parker with a token, as `crossbeam_utils::sync::Parker`, over loom's lock and condition.
pub(crate) struct Parker {
    unparker: Unparker,
}

/// The half of a [`Parker`] that others hold.
#[derive(Clone)]
pub(crate) struct Unparker {
    inner: Arc<(Mutex<bool>, Condvar)>,
}

impl Parker {
    pub(crate) fn new() -> Self {
        let inner = Arc::new((Mutex::new(false), Condvar::new()));
        Self {
            unparker: Unparker { inner },
        }
    }

    pub(crate) fn unparker(&self) -> &Unparker {
        &self.unparker
    }

    pub(crate) fn park(&self) {
        let (token, condition) = &*self.unparker.inner;
        let mut token = token.lock().unwrap();
        while !*token {
            token = condition.wait(token).unwrap();
        }
        *token = false;
    }

    /// Loom has no clock: a time-out is a return that may come before any token.
    pub(crate) fn park_timeout(&self, _timeout: Duration) {
        let (token, _) = &*self.unparker.inner;
        *token.lock().unwrap() = false;
    }
}

impl Unparker {
    pub(crate) fn unpark(&self) {
        let (token, condition) = &*self.inner;
        *token.lock().unwrap() = true;
        condition.notify_one();
    }
}

/// Parking of whole threads.
pub(crate) mod thread {
    pub(crate) use loom::thread::{Thread, current, park};

    /// Loom has no clock: a time-out is a return that may come before any token.
    pub(crate) fn park_timeout(_timeout: std::time::Duration) {
        loom::thread::yield_now();
    }
}
