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
    /// Whether a handler runs.
    open: Cell<bool>,
    /// Whether there is anything in `unanswered`.
    any: Cell<bool>,
    unanswered: RefCell<Vec<Unanswered>>,
}

impl Verdicts {
    /// A handler begins: replies that are dropped are kept, until [`close`](Self::close).
    #[inline]
    pub(crate) fn open(&self) {
        self.open.set(true);
    }

    /// Keeps the end of a reply that is dropped in the handler of `during`.
    ///
    /// # Errors
    ///
    /// Gives the end back where no handler runs.
    pub(crate) fn keep<F>(&self, during: MessageId, end: F) -> Result<(), F>
    where
        F: FnOnce(End) + 'static,
    {
        if !self.open.get() {
            return Err(end);
        }
        self.any.set(true);
        self.unanswered.borrow_mut().push(Unanswered {
            during,
            end: Box::new(end),
        });
        Ok(())
    }

    /// A handler has ended well: what it has dropped is unanswered.
    #[inline(always)]
    pub(crate) fn settle(&self) {
        if self.any.get() {
            self.end_all(None);
        }
    }

    /// Ends the replies that were kept: those dropped by the handler of the message that failed
    /// as failed, the others as unanswered. Answers whether a handler ran.
    #[inline]
    pub(crate) fn close(&self, failed: Option<MessageId>) -> bool {
        let was_open = self.open.replace(false);
        if self.any.get() {
            self.end_all(failed);
        }
        was_open
    }

    #[cold]
    fn end_all(&self, failed: Option<MessageId>) {
        self.any.set(false);
        for Unanswered { during, end } in self.unanswered.take() {
            end(if failed == Some(during) {
                End::Failed
            } else {
                End::NoReply
            });
        }
    }

    /// A handler that has waited goes on.
    #[inline]
    pub(crate) fn open_again(&self, was_open: bool) {
        self.open.set(was_open);
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
        assert!(
            verdicts.keep(first, noting(&ends)).is_err(),
            "no handler runs"
        );
        verdicts.open();
        assert!(verdicts.keep(first, noting(&ends)).is_ok());
        assert!(verdicts.keep(first.next(), noting(&ends)).is_ok());
        assert!(ends.borrow().is_empty());
        assert!(verdicts.close(Some(first.next())));
        assert_eq!(*ends.borrow(), [End::NoReply, End::Failed]);
        assert!(!verdicts.close(None));
    }
}
