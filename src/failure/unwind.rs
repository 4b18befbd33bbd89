//! Where panics of user code are caught.
//!
//! Handlers, factories, signal handlers, hooks and the destructors of messages and state all run through
//! [`catch_user`] or [`drop_quietly`]. Two other files catch for themselves: `panic.rs` the text and the
//! destructor of a payload, and `ask/block_on.rs` the poll of a future, whose panic it resumes. A panic of
//! the runtime itself is caught nowhere: it ends in [`abort_on_panic`], since a worker whose own bookkeeping
//! failed can promise nothing more.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::panic::PanicPayload;

/// How user code ended when it did not return.
pub(crate) enum Unwound {
    /// It panicked.
    Panicked(PanicPayload),
    /// The runtime ended it: see [`force_unwind`].
    Forced,
}

/// The payload of an unwinding that the runtime began; no panic hook runs for it.
struct Forced;

/// Runs user code and catches its panic.
pub(crate) fn catch_user<R>(code: impl FnOnce() -> R) -> Result<R, Unwound> {
    // Unwind safety: what user code leaves half changed is the state of its own actor, which is
    // dropped after a failure; the runtime's cells are not borrowed while user code runs.
    catch(code).map_err(Caught::classify)
}

/// A panic of user code that was caught, or an end that the runtime forced on it.
pub(crate) struct Caught(Box<dyn Any + Send>);

/// As [`catch_user`], for the hottest callers: as long as nothing panics, the return value stays in
/// registers.
#[inline(always)]
pub(crate) fn catch<R>(code: impl FnOnce() -> R) -> Result<R, Caught> {
    catch_unwind(AssertUnwindSafe(code)).map_err(Caught)
}

impl Caught {
    #[cold]
    pub(crate) fn classify(self) -> Unwound {
        classify(self.0)
    }
}

#[cold]
fn classify(payload: Box<dyn Any + Send>) -> Unwound {
    if payload.is::<Forced>() {
        return Unwound::Forced;
    }
    Unwound::Panicked(PanicPayload::of(payload))
}

/// Drops a value of the user's; a panic of its destructor stops here, and is returned.
pub(crate) fn drop_quietly<T>(value: T) -> Option<Unwound> {
    if std::mem::needs_drop::<T>() {
        catch_user(move || drop(value)).err()
    } else {
        None
    }
}

/// Unwinds the stack of a waiting handler, running its destructors, up to [`catch_user`].
pub(crate) fn force_unwind() -> ! {
    resume_unwind(Box::new(Forced))
}

/// Runs one of the runtime's own loops. A panic that escapes it ends the process.
#[inline]
pub(crate) fn abort_on_panic<R>(run: impl FnOnce() -> R) -> R {
    // Only an unwinding of `run` drops it. A check whether the thread is panicking would not do: it may be
    // already, as when a panic drops a system, and that is no panic of this loop.
    let armed = AbortOnPanic;
    let answer = run();
    std::mem::forget(armed);
    answer
}

struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        eprintln!(
            "nexus-actors: the runtime itself panicked (see above); this is a bug in it, and \
             continuing could lose messages, so the process ends here"
        );
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s4_9_panics_are_told_apart_from_forced_ends() {
        assert!(matches!(catch_user(|| 7), Ok(7)));
        let text = |result: Result<(), Unwound>| match result {
            Err(Unwound::Panicked(payload)) => payload.to_string(),
            _ => unreachable!("it panics"),
        };
        assert_eq!(text(catch_user(|| panic!("planned"))), "planned");
        assert_eq!(text(catch_user(|| panic!("planned {}", 2))), "planned 2");
        let odd = text(catch_user(|| std::panic::panic_any(7_u8)));
        assert_eq!(odd, "a payload that is not text");
        assert!(matches!(
            catch_user(|| force_unwind()),
            Err::<(), _>(Unwound::Forced)
        ));
    }

    #[test]
    fn s4_9_a_destructor_that_panics_goes_no_further() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("planned");
            }
        }
        assert!(matches!(drop_quietly(Bomb), Some(Unwound::Panicked(_))));
        assert!(drop_quietly(7).is_none());
        let caught = catch_user(|| std::panic::panic_any(Bomb));
        assert!(matches!(caught, Err(Unwound::Panicked(_))));
    }
}
