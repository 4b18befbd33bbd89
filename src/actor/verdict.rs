//! Replies that a handler drops unanswered: whether it has failed, or just does not answer, is
//! known when it has returned.

use std::cell::{Cell, RefCell};

use super::fate::End;
use super::id::MessageId;

/// A reply that was dropped in a handler, with the message that the handler was at.
struct Unanswered {
    during: MessageId,
    end: Box<dyn FnOnce(End)>,
}

/// The replies that the handlers of one worker have dropped and whose end is still open.
#[derive(Default)]
pub(crate) struct Verdicts {
    /// Whether there is anything in `unanswered`.
    any: Cell<bool>,
    unanswered: RefCell<Vec<Unanswered>>,
}

impl Verdicts {
    /// Keeps the end of a reply that is dropped in the handler of `during`, until the handler
    /// [waits](Self::settle) or [ends](Self::close).
    pub(crate) fn keep(&self, during: MessageId, end: impl FnOnce(End) + 'static) {
        self.any.set(true);
        self.unanswered.borrow_mut().push(Unanswered {
            during,
            end: Box::new(end),
        });
    }

    /// A handler has ended well: what it has dropped is unanswered.
    #[inline(always)]
    pub(crate) fn settle(&self) {
        if self.any.get() {
            self.end_all(None);
        }
    }

    /// Ends the replies that were kept: those dropped by the handler of the message that failed
    /// as failed, the others as unanswered.
    #[inline]
    pub(crate) fn close(&self, failed: Option<MessageId>) {
        if self.any.get() {
            self.end_all(failed);
        }
    }

    #[cold]
    fn end_all(&self, failed: Option<MessageId>) {
        // Whoever is told may be a waker of the user's, which drops replies in its turn.
        while self.any.replace(false) {
            for Unanswered { during, end } in self.unanswered.take() {
                end(if failed == Some(during) {
                    End::Failed
                } else {
                    End::NoReply
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;

    #[test]
    fn s5_3_only_the_replies_of_the_message_that_failed_end_as_failed() {
        let verdicts = Verdicts::default();
        let ends: Rc<RefCell<Vec<End>>> = Rc::default();
        let noting = |ends: &Rc<RefCell<Vec<End>>>| {
            let ends = Rc::clone(ends);
            move |end| ends.borrow_mut().push(end)
        };
        let first = MessageId::start_of_worker(0).next();
        verdicts.keep(first, noting(&ends));
        verdicts.keep(first.next(), noting(&ends));
        assert!(ends.borrow().is_empty());
        verdicts.close(Some(first.next()));
        assert_eq!(*ends.borrow(), [End::NoReply, End::Failed]);
        verdicts.close(None);
        assert_eq!(ends.borrow().len(), 2, "each ends once");
    }
}
