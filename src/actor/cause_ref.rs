//! The cause of messages that wait: written once for all that one handler sends.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::ptr::NonNull;

use super::parcel::Cause;
use crate::memory::{SizeClass, Slabs, slabs_of};

/// What several messages of one worker have in common.
struct Shared {
    messages: Cell<u64>,
    cause: Cause,
}

/// A share in a cause, in the slabs of its worker; none in that of what begins outside of any handler.
///
/// It is dropped before the slabs are.
pub(crate) struct CauseRef(Option<NonNull<Shared>>);

impl CauseRef {
    /// That of what begins outside of any handler.
    pub(crate) const OUTSIDE: Self = Self(None);

    pub(crate) fn new(cause: Cause, slabs: &Slabs) -> Self {
        if cause == Cause::NONE {
            return Self::OUTSIDE;
        }
        let place = slabs.allocate(const { SizeClass::of(size_of::<Shared>()) });
        let place = place.cast::<Shared>();
        // SAFETY: the cell is new, large enough, and aligned.
        unsafe {
            place.write(Shared {
                messages: Cell::new(1),
                cause,
            });
        }
        Self(Some(place))
    }

    #[inline(always)]
    pub(crate) fn is_outside(&self) -> bool {
        self.0.is_none()
    }

    #[inline(always)]
    pub(crate) fn get(&self) -> Cause {
        match self.0 {
            None => Cause::NONE,
            // SAFETY: it is there as long as anybody has a share.
            Some(shared) => unsafe { Cause::copy_of(&raw const (*shared.as_ptr()).cause) },
        }
    }
}

impl Default for CauseRef {
    fn default() -> Self {
        Self::OUTSIDE
    }
}

impl Clone for CauseRef {
    #[inline(always)]
    fn clone(&self) -> Self {
        if let Some(shared) = self.0 {
            // SAFETY: as in `get`; only its worker's thread uses it.
            let messages = unsafe { &(*shared.as_ptr()).messages };
            messages.set(messages.get() + 1);
        }
        Self(self.0)
    }
}

impl Drop for CauseRef {
    #[inline(always)]
    fn drop(&mut self) {
        let Some(shared) = self.0 else {
            return;
        };
        // SAFETY: as in `clone`. The last one gives the cell back, in which nothing needs to be dropped.
        unsafe {
            let messages = &(*shared.as_ptr()).messages;
            let left = messages.get() - 1;
            messages.set(left);
            if left == 0 {
                slabs_of(shared.cast()).free(shared.cast());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor::envelope::Envelope;
    use crate::actor::id::{ActorId, MessageId};

    #[test]
    fn s7_3_messages_share_their_cause_and_the_last_one_drops_it() {
        let slabs = Slabs::new();
        let first = MessageId::start_of_worker(1).next();
        let root = Envelope::NONE.next(ActorId::NOBODY, first);
        assert!(CauseRef::new(Cause::of(root), &slabs).is_outside());
        let envelope = root.next(ActorId::SUBSCRIBER, first.next());
        let one = CauseRef::new(Cause::of(envelope), &slabs);
        let other = one.clone();
        drop(one);
        assert_eq!(other.get().envelope_of(first.next()), envelope);
        let place = other.0;
        drop(other);
        let again = CauseRef::new(Cause::of(envelope), &slabs);
        assert_eq!(again.0, place, "the cell is used again");
    }
}
