//! Replies that a handler drops unanswered. Whether it has failed, and with which failure, or just does not
//! answer, is known only when it has returned.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use crate::address::MessageId;
use crate::failure::{Failure, WaitEnd};
use crate::fiber::{FiberId, running_fiber};

/// A reply that was dropped in a handler, with the message that the handler was handling.
struct DroppedReply {
    during: MessageId,
    /// How it ends unless the handler fails.
    end: WaitEnd,
    end_it: Box<EndIt>,
}

/// Ends a reply in this way, because of that failure if there is one.
type EndIt = dyn FnOnce(WaitEnd, Option<&Arc<Failure>>);

/// What is known of a handler that has failed: the message that it was handling, and its failure, unless it
/// was ended by force.
pub(crate) type Failed<'a> = (MessageId, Option<&'a Arc<Failure>>);

/// The replies that the handlers of one worker have dropped and whose end is still open.
#[derive(Default)]
pub(crate) struct DroppedReplies {
    /// Whether there is anything in `unanswered`.
    any: Cell<bool>,
    unanswered: RefCell<Vec<DroppedReply>>,
    /// The failure because of which replies are being dropped, and on which fiber: another fiber may run
    /// while a destructor waits.
    because: RefCell<Because>,
}

/// The failure because of which something is dropped, and the fiber that drops it.
type Because = Option<(Option<FiberId>, Arc<Failure>)>;

impl DroppedReplies {
    /// Stores the end of a reply that is dropped in the handler of `during`, until the handler
    /// [waits](Self::settle) or [ends](Self::close). `end_it` then receives how the reply ends, and because
    /// of which failure.
    pub(crate) fn keep(
        &self,
        during: MessageId,
        end: WaitEnd,
        end_it: impl FnOnce(WaitEnd, Option<&Arc<Failure>>) + 'static,
    ) {
        self.any.set(true);
        self.unanswered.borrow_mut().push(DroppedReply {
            during,
            end,
            end_it: Box::new(end_it),
        });
    }

    /// A handler has ended well: the replies that it has dropped are unanswered.
    #[inline(always)]
    pub(crate) fn settle(&self) {
        if self.any.get() {
            self.end_all(None);
        }
    }

    /// Ends the stored replies: those dropped by the handler of the message that failed as failed, the
    /// others as unanswered.
    #[inline]
    pub(crate) fn close(&self, failed: Option<Failed<'_>>) {
        if self.any.get() {
            self.end_all(failed);
        }
    }

    #[cold]
    fn end_all(&self, failed: Option<Failed<'_>>) {
        // The end may call a waker of the user's, which drops replies in its turn.
        while self.any.replace(false) {
            for DroppedReply {
                during,
                end,
                end_it,
            } in self.unanswered.take()
            {
                match failed {
                    Some((message, failure)) if message == during => {
                        end_it(WaitEnd::Failed, failure)
                    }
                    _ => end_it(end, None),
                }
            }
        }
    }

    /// Runs code that drops replies, because of a failure if there is one.
    #[inline]
    pub(crate) fn because_of<R>(
        &self,
        failure: Option<&Arc<Failure>>,
        drop_them: impl FnOnce() -> R,
    ) -> R {
        let outer = failure
            .map(|failure| self.replace_because(Some((running_fiber(), Arc::clone(failure)))));
        let dropped = drop_them();
        if let Some(outer) = outer {
            // The caller holds the failure too, so nothing of the user's is dropped here.
            self.replace_because(outer);
        }
        dropped
    }

    #[cold]
    fn replace_because(&self, because: Because) -> Because {
        self.because.replace(because)
    }

    /// Returns the failure because of which a reply is being dropped here and now, if a known one is the
    /// reason.
    pub(crate) fn failure(&self) -> Option<Arc<Failure>> {
        let because = self.because.borrow();
        let (fiber, failure) = because.as_ref()?;
        (*fiber == running_fiber()).then(|| Arc::clone(failure))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;

    #[test]
    fn s5_3_only_the_replies_of_the_message_that_failed_end_as_failed() {
        let verdicts = DroppedReplies::default();
        let ends: Rc<RefCell<Vec<WaitEnd>>> = Rc::default();
        let noting = |ends: &Rc<RefCell<Vec<WaitEnd>>>| {
            let ends = Rc::clone(ends);
            move |end, _: Option<&Arc<Failure>>| ends.borrow_mut().push(end)
        };
        let first = MessageId::start_of_worker(0).next();
        verdicts.keep(first, WaitEnd::NoReply, noting(&ends));
        verdicts.keep(first.next(), WaitEnd::NoReply, noting(&ends));
        assert!(ends.borrow().is_empty());
        verdicts.close(Some((first.next(), None)));
        assert_eq!(*ends.borrow(), [WaitEnd::NoReply, WaitEnd::Failed]);
        verdicts.close(None);
        assert_eq!(ends.borrow().len(), 2, "each ends once");
    }
}
