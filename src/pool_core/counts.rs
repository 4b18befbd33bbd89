//! The counts of one worker, which prove that every message is accounted for.
//!
//! Messages let into mailboxes are not counted, as that would add a cost to every message. Their number
//! is what was sent here, less what left for other workers, plus what came from elsewhere, less what was
//! refused.

use std::cell::Cell;

use crate::failure::AskErrorKind;

/// A number that only its worker changes.
#[derive(Default)]
pub(crate) struct Count(Cell<u64>);

impl Count {
    #[inline(always)]
    pub(crate) fn add(&self, more: u64) {
        self.0.set(self.0.get() + more);
    }

    pub(crate) fn take_away(&self, less: u64) {
        self.0.set(self.0.get() - less);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.get()
    }
}

/// The counts of a worker's work so far.
#[derive(Default)]
pub(crate) struct Counts {
    /// Messages that left for other workers of this pool.
    pub(crate) sent_across: Count,
    /// Messages that came from other workers, or from outside.
    pub(crate) received: Count,
    /// Messages that their actors no longer accepted.
    pub(crate) refused: Count,
    /// Messages that were taken from a mailbox to be handled.
    pub(crate) handled: Count,
    /// Messages that were counted as handled until their handler, at its end or before, said otherwise.
    pub(crate) not_handled: Count,
    /// Messages that were in a mailbox, or already taken from it, and became dead letters.
    pub(crate) buried: Count,
    /// Messages that were taken from a mailbox and stashed.
    pub(crate) stashed: Count,
    /// Actors that were ever started.
    pub(crate) started: Count,
    /// Restarts that have begun.
    pub(crate) restarts: Count,
    /// Actors that are alive.
    pub(crate) alive: Count,
    /// Asks of its handlers and tasks.
    pub(crate) asks: Count,
    /// Those that ended without an answer, in the order of [`ask_has_ended`](Self::ask_has_ended).
    pub(crate) asks_ended: [Count; 7],
    /// Batches that arrived, and takes of what threads outside have posted.
    pub(crate) batches: Count,
}

impl Counts {
    /// Counts an ask that has ended without an answer.
    #[cold]
    pub(crate) fn ask_has_ended(&self, end: AskErrorKind) {
        let number = match end {
            AskErrorKind::Timeout => 0,
            AskErrorKind::NoReply => 1,
            AskErrorKind::TargetStopped | AskErrorKind::PoolClosed => 2,
            AskErrorKind::TargetFailed => 3,
            AskErrorKind::MailboxFull => 4,
            AskErrorKind::Deadlock => 5,
            AskErrorKind::Cancelled | AskErrorKind::CannotWait => 6,
        };
        self.asks_ended[number].add(1);
    }

    /// Messages whose handling has begun. Unlike those that were handled, their number never decreases.
    pub(crate) fn begun(&self) -> u64 {
        self.handled.get() + self.not_handled.get()
    }

    /// Messages that wait in mailboxes; `sent` is the number of messages that this worker has sent.
    pub(crate) fn queued(&self, sent: u64) -> u64 {
        let let_in = sent - self.sent_across.get() + self.received.get() - self.refused.get();
        let_in - self.handled.get() - self.buried.get() - self.stashed.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s7_2_what_waits_is_what_was_let_in_and_not_taken_out() {
        let counts = Counts::default();
        counts.received.add(5);
        counts.sent_across.add(2);
        counts.refused.add(1);
        assert_eq!(counts.queued(10), 12);
        counts.handled.add(7);
        counts.buried.add(4);
        assert_eq!(counts.queued(10), 1);
        counts.handled.take_away(1);
        counts.not_handled.add(1);
        assert_eq!(counts.begun(), 7, "that does not go back");
        counts.stashed.add(1);
        assert_eq!(counts.queued(10), 1, "what is put aside does not wait");
        counts.stashed.take_away(1);
        counts.buried.add(1);
        assert_eq!(
            counts.queued(10),
            1,
            "unhandled messages are buried instead"
        );
    }
}
