//! Starts of actors in the middle of a handler: an actor that starts another one waits until that one runs.
//!
//! The search for cycles must find that wait. A start seldom gives the thread up, so nothing can look in
//! the meantime: the start is noted on the fiber, and becomes a wait only when code that runs within it is
//! about to wait.

use super::state::Shard;
use super::turn_record::{PendingStart, PendingStarts};
use crate::address::ActorId;
use crate::fiber::do_first;

impl Shard {
    /// Runs the start of an actor; if it is an actor's turn, that actor waits for the start.
    pub(crate) fn with_start_noted<R>(&self, actor: ActorId, start: impl FnOnce() -> R) -> R {
        let acting = self.acting();
        if acting.home != self.home {
            return start();
        }
        let starts = &self.current.record().starts;
        starts.0.borrow_mut().push(PendingStart {
            actor,
            mail: self.slot(actor.key.slot()).message_kind(),
            starter: acting.key.slot(),
            wait: None,
        });
        do_first(true);
        let _over = Over(self, starts);
        start()
    }

    /// Code within the starts is about to wait: makes them waits.
    pub(crate) fn make_starts_wait(&self) {
        let starts = &self.current.record().starts;
        let mut starts = starts.0.borrow_mut();
        // If a start has a wait, all starts further out have theirs too.
        let without = starts.iter_mut().rev().take_while(|it| it.wait.is_none());
        for start in without {
            let wait = self.waits.begin_work(start.actor, start.mail);
            self.slot(start.starter).note_wait(wait);
            start.wait = Some(wait);
        }
    }
}

/// Removes the innermost start, however it ends.
struct Over<'a>(&'a Shard, &'a PendingStarts);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        let mut starts = self.1.0.borrow_mut();
        let start = starts.pop();
        drop(starts);
        self.0.note_what_to_do_first();
        if let Some(wait) = start.and_then(|start| start.wait) {
            self.0.waits.forget(wait);
        }
    }
}
