//! Named ways to break a protocol, so that a model check can be shown able to fail.
//!
//! In a normal build [`ordering`] and [`is_mutated`] are constants that the compiler removes.
//! Under `--cfg nexus_loom` a test may switch one [`Mutant`] on for its thread (loom runs a whole
//! model on the thread that called it) and expects the model checker to reject the result.

use std::sync::atomic::Ordering;

/// One deliberate mistake in one protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(nexus_loom), allow(dead_code, unreachable_pub))]
pub enum Mutant {
    /// A push publishes its node without a release, so the consumer may see it half written.
    InboxPublishRelaxed,
    /// The consumer takes the list without an acquire.
    InboxTakeRelaxed,
    /// Closing stores over the word instead of swapping it, losing what was queued.
    InboxCloseByStore,
    /// Going to sleep stores the sleeping mark without looking at what is queued.
    SleepWithoutLooking,
    /// A push that finds the sleeping mark does not wake the sleeper.
    PushWithoutWaking,
    /// The one-shot's value is announced before it is certain to be visible.
    OneshotPublishRelaxed,
    /// The one-shot's waiter gives up without looking whether the value came first.
    OneshotTimeoutByStore,
    /// The one-shot's sender does not wake a waiter that has announced itself.
    OneshotSendWithoutWaking,
}

#[cfg(not(nexus_loom))]
mod active {
    use super::{Mutant, Ordering};

    /// The ordering that a site uses: the strong one, in every build that ships.
    #[inline(always)]
    pub(crate) const fn ordering(strong: Ordering, _weakened_by: Mutant) -> Ordering {
        strong
    }

    /// Whether a mistake is switched on: never, in every build that ships.
    #[inline(always)]
    pub(crate) const fn is_mutated(_mutant: Mutant) -> bool {
        false
    }
}

#[cfg(nexus_loom)]
mod active {
    use super::{Mutant, Ordering};
    use std::cell::Cell;

    thread_local! {
        static ACTIVE: Cell<Option<Mutant>> = const { Cell::new(None) };
    }

    pub(crate) fn ordering(strong: Ordering, weakened_by: Mutant) -> Ordering {
        if is_mutated(weakened_by) {
            Ordering::Relaxed
        } else {
            strong
        }
    }

    pub(crate) fn is_mutated(mutant: Mutant) -> bool {
        ACTIVE.get() == Some(mutant)
    }

    /// Runs `model` with `mutant` switched on, on this thread only.
    pub fn with_mutant<R>(mutant: Mutant, model: impl FnOnce() -> R) -> R {
        struct Reset;
        impl Drop for Reset {
            fn drop(&mut self) {
                ACTIVE.set(None);
            }
        }
        ACTIVE.set(Some(mutant));
        let _reset = Reset;
        model()
    }
}

#[cfg(nexus_loom)]
pub use active::with_mutant;
pub(crate) use active::{is_mutated, ordering};
