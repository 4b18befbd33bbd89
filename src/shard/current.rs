//! The shard of the worker that currently runs on this thread.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr;
use std::rc::Rc;

use super::state::Shard;

thread_local! {
    static CURRENT: Cell<*const Shard> = const { Cell::new(ptr::null()) };
}

/// Runs `code` with the shard of this thread's worker, or with `None` on a thread outside any pool.
#[inline(always)]
pub(crate) fn with_current<R>(code: impl FnOnce(Option<&Shard>) -> R) -> R {
    code(Here::now().shard())
}

/// A token for the current thread, held in a local variable of a running function and nowhere else. It
/// replaces [`with_current`] where the closure costs too much: whether the closure is inlined is the
/// compiler's choice, and if it is not, its inputs and outputs go through memory.
pub(crate) struct Here(PhantomData<*const ()>);

impl Here {
    #[inline(always)]
    pub(crate) const fn now() -> Self {
        Self(PhantomData)
    }

    /// Returns the shard of this thread's worker, or `None` on a thread outside any pool.
    #[inline(always)]
    pub(crate) fn shard(&self) -> Option<&Shard> {
        let shard = CURRENT.get();
        // SAFETY: the pointer was set by `enter`, whose `Rc` outlives the time for which it is set. If a
        // fiber suspends in a function that holds this token, it keeps the reference for longer than
        // that. But the fiber belongs to that shard's set, whose fibers are ended, or never resumed,
        // before the shard is dropped.
        unsafe { shard.as_ref() }
    }
}

/// Runs `code` as the worker of `shard`.
pub(crate) fn enter<R>(shard: &Rc<Shard>, code: impl FnOnce(&Shard) -> R) -> R {
    struct Restore(*const Shard);
    impl Drop for Restore {
        fn drop(&mut self) {
            CURRENT.set(self.0);
        }
    }
    let keep = Rc::clone(shard);
    let _restore = Restore(CURRENT.replace(&raw const *keep));
    code(&keep)
}
