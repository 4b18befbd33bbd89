//! One ask whose reply has several holders: the first answer counts.

use parking_lot::Mutex;
use std::sync::Arc;

use super::failing::Unanswered;
use super::reply::Asker;
use crate::failure::{Failure, WaitEnd, drop_with_fate};

/// The asker, until one holder has answered.
///
/// Each holder has one count of an `Arc` of this; dropping the last one ends the ask.
pub(super) struct SharedReply<R: Send + 'static> {
    asker: Mutex<Option<Asker<R>>>,
    /// Why the last holder that gave its reply up did so.
    end: Mutex<Unanswered>,
}

impl<R: Send + 'static> SharedReply<R> {
    pub(super) fn new(asker: Asker<R>) -> Self {
        Self {
            asker: Mutex::new(Some(asker)),
            end: Mutex::new(Unanswered::For(WaitEnd::NoReply)),
        }
    }

    /// Whether a holder has answered.
    pub(super) fn is_over(&self) -> bool {
        self.asker.lock().is_none()
    }

    /// One holder answers, or gives its reply up.
    #[cold]
    pub(super) fn end(&self, answer: Result<R, WaitEnd>) {
        match answer {
            Ok(answer) => {
                // Taken in a statement of its own: the rest runs without the lock.
                let asker = self.asker.lock().take();
                match asker {
                    Some(asker) => asker.end(Ok(answer)),
                    // The others are expected to answer too, so this is no late reply.
                    None => drop(drop_with_fate(answer, WaitEnd::NoReply)),
                }
            }
            Err(end) => self.note(Unanswered::For(end)),
        }
    }

    /// One holder gives its reply up because of a failure.
    pub(super) fn fail(&self, failure: Arc<Failure>) {
        self.note(Unanswered::Failed(failure));
    }

    fn note(&self, end: Unanswered) {
        let before = std::mem::replace(&mut *self.end.lock(), end);
        // Without the lock: a failure may hold an error of the user's.
        let _ = drop_with_fate(before, WaitEnd::Failed);
    }
}

impl<R: Send + 'static> Drop for SharedReply<R> {
    fn drop(&mut self) {
        if let Some(asker) = self.asker.get_mut().take() {
            let end = std::mem::replace(self.end.get_mut(), Unanswered::For(WaitEnd::NoReply));
            match end {
                Unanswered::For(end) => asker.end(Err(end)),
                Unanswered::Failed(failure) => asker.fail(failure),
            }
        }
    }
}

/// Dropping it must be sound on any thread that has the last count.
const _: fn() = || {
    fn sent<T: Send + Sync>() {}
    sent::<Arc<SharedReply<std::cell::Cell<u8>>>>();
};
