//! The shard whose worker this thread is at the moment.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr;
use std::rc::Rc;

use super::shard::Shard;

thread_local! {
    static CURRENT: Cell<*const Shard> = const { Cell::new(ptr::null()) };
}

/// Runs `code` with the shard of this thread's worker, `None` on a thread outside of any pool.
#[inline(always)]
pub(crate) fn with_current<R>(code: impl FnOnce(Option<&Shard>) -> R) -> R {
    code(Here::now().shard())
}

/// This thread, as long as a function runs on it: kept in a local variable, and nowhere else. For where
/// [`with_current`] would do, but for the closure: whether that is inlined is the compiler's choice, and
/// where it is not, what goes in and out of it goes through memory.
pub(crate) struct Here(PhantomData<*const ()>);

impl Here {
    #[inline(always)]
    pub(crate) const fn now() -> Self {
        Self(PhantomData)
    }

    /// The shard of this thread's worker, `None` on a thread outside of any pool.
    #[inline(always)]
    pub(crate) fn shard(&self) -> Option<&Shard> {
        let shard = CURRENT.get();
        // SAFETY: the pointer was set by `enter`, whose `Rc` outlives the time for which it is set.
        // A fiber that suspends in a function which has this keeps the reference longer than that, but
        // the fiber belongs to that shard's set, whose fibers are ended, or never resumed, before it
        // goes.
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
