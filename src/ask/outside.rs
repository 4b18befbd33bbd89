//! The asks of threads that are no workers: the thread parks, or a task of an executor is woken.

use futures_timer::Delay;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::deadline::{Deadline, as_nanos};
use super::error::{AskDetails, AskError};
use super::failing::Unanswered;
use super::outcome::failure_of;
use super::reply::{Asker, NEVER, Reply};
use crate::address::MessageType;
use crate::address::{ActorId, Envelope, Home, Key, MessageId};
use crate::cancel::Withdrawal;
use crate::cancel::give_up_wait;
use crate::cancel::withdraw;
use crate::failure::DeadLetterReason;
use crate::failure::WaitEnd;
use crate::failure::WaitError;
use crate::failure::catch_user;
use crate::failure::drop_with_fate;
use crate::pool_core::{PoolCore, last_post_has_woken};
use crate::queue::oneshot;
use crate::queue::{RecvError, once};
use crate::shard::{Parcel, Shard, dispatch, drop_deferred, path_elsewhere};

/// An ask that waits outside all workers.
pub(super) struct OutsideAsk<R> {
    /// `None` once the outcome is taken.
    outcome: Option<ThreadOutcome<R>>,
    deadline: Option<Instant>,
    /// Wakes the task at the deadline.
    timer: Option<Delay>,
    asked: ActorId,
    question: MessageId,
    /// Whether the question had to wake the worker that it went to.
    has_woken: bool,
    mail: &'static MessageType,
    began: Instant,
}

enum ThreadOutcome<R> {
    /// From the holder of the reply.
    Answer(once::Receiver<Result<R, Unanswered>>),
    /// From the worker that the wait belongs to.
    Forwarded(once::Receiver<Result<R, AskError>>, Home, Key),
}

impl<R: Send + 'static> OutsideAsk<R> {
    pub(super) fn begin(
        within: Deadline,
        asked: ActorId,
        mail: &'static MessageType,
    ) -> (Self, Reply<R>) {
        let (sender, receiver) = oneshot();
        let deadline = within.instant();
        let reply = Reply::to(Asker::Thread {
            sender,
            asked: asked.home,
            deadline: deadline.map_or(NEVER, as_nanos),
        });
        let mut outside = Self::of(ThreadOutcome::Answer(receiver));
        outside.deadline = deadline;
        outside.asked = asked;
        outside.mail = mail;
        (outside, reply)
    }

    /// The outcome of a worker's wait, received elsewhere. The worker sees to the deadline.
    pub(super) fn of_wait(home: Home, wait: Key) -> Self {
        let (sender, receiver) = oneshot();
        dispatch(ActorId::new(home, wait), Forward::<R>(sender));
        Self::of(ThreadOutcome::Forwarded(receiver, home, wait))
    }

    fn of(outcome: ThreadOutcome<R>) -> Self {
        Self {
            outcome: Some(outcome),
            deadline: None,
            timer: None,
            asked: ActorId::NOBODY,
            question: MessageId::NONE,
            has_woken: false,
            mail: MessageType::of::<()>(),
            began: Instant::now(),
        }
    }

    /// Sets the deadline for an ask that another executor polls in a handler: this long from now.
    pub(super) fn end_in(&mut self, left: Option<Duration>) {
        self.deadline = left.and_then(|left| Instant::now().checked_add(left));
    }

    /// Waits no longer than this, from now.
    pub(super) fn shorten(&mut self, left: Option<Duration>) {
        let other = left.and_then(|left| Instant::now().checked_add(left));
        self.deadline = self.deadline.into_iter().chain(other).min();
    }

    /// The error of an ask that is given up because the asker it is for has given up.
    pub(super) fn cancelled(&self) -> AskError {
        AskError::from_end(WaitEnd::Cancelled, self.details())
    }

    fn details(&self) -> AskDetails {
        let path = path_elsewhere(self.asked);
        AskDetails::new(self.asked, path, self.mail, self.began.elapsed())
    }

    pub(super) fn has_asked(&mut self, question: MessageId) {
        self.question = question;
        self.has_woken = last_post_has_woken();
    }

    pub(super) fn wait(mut self) -> Result<R, AskError> {
        // This may run in the destructor of a lost message, and wait for one that was lost after it.
        drop_deferred();
        match self.outcome.take() {
            Some(ThreadOutcome::Answer(receiver)) => {
                // A thread that is being woken may be given this thread's core, which had better be free.
                if !self.has_woken {
                    receiver.look_for_a_while(self.deadline);
                }
                let received = receiver.recv(self.deadline);
                self.settle(received)
            }
            Some(ThreadOutcome::Forwarded(receiver, ..)) => forwarded(receiver.recv(None)),
            None => unreachable!("an outcome is taken once"),
        }
    }

    /// Polls the ask; the flag says whether another executor does so, in a handler.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        by_another_executor: bool,
    ) -> Poll<Result<R, AskError>> {
        let polled = match self.outcome.as_mut() {
            Some(ThreadOutcome::Answer(receiver)) => receiver.poll_recv(cx),
            Some(ThreadOutcome::Forwarded(receiver, ..)) => {
                let polled = receiver.poll_recv(cx).map(forwarded);
                if polled.is_ready() {
                    self.outcome = None;
                    return polled;
                }
                // Otherwise its worker sees to its end.
                if !by_another_executor || self.poll_timer(cx).is_pending() {
                    return Poll::Pending;
                }
                self.give_up_forwarded();
                return Poll::Ready(Err(WaitError::OtherExecutor.into()));
            }
            None => unreachable!("an outcome is taken once"),
        };
        if let Poll::Ready(received) = polled {
            self.outcome = None;
            return Poll::Ready(self.settle(received));
        }
        if self.poll_timer(cx).is_pending() {
            return Poll::Pending;
        }
        let Some(ThreadOutcome::Answer(receiver)) = self.outcome.take() else {
            unreachable!("it was looked at before");
        };
        let received = receiver.give_up_polling();
        Poll::Ready(self.settle(received))
    }

    /// Waits for the deadline, if there is one.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.deadline else {
            return Poll::Pending;
        };
        let left = || deadline.saturating_duration_since(Instant::now());
        let timer = self.timer.get_or_insert_with(|| Delay::new(left()));
        Pin::new(timer).poll(cx)
    }

    fn give_up_forwarded(&mut self) {
        if let Some(ThreadOutcome::Forwarded(_, home, wait)) = self.outcome.take() {
            give_up(home, wait);
        }
    }

    fn settle(&self, received: Result<Result<R, Unanswered>, RecvError>) -> Result<R, AskError> {
        let (end, failure) = match received {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(end)) => end.into_parts(),
            Err(RecvError::Closed) => (WaitEnd::NoReply, None),
            Err(RecvError::Timeout) => {
                self.withdraw(DeadLetterReason::Expired);
                (WaitEnd::TimedOut, None)
            }
        };
        Err(AskError::from_end(end, self.details().because_of(failure)))
    }
}

impl<R> OutsideAsk<R> {
    /// The number of the pool that is to end it.
    pub(super) fn pool(&self) -> u32 {
        match &self.outcome {
            Some(ThreadOutcome::Forwarded(_, home, _)) => home.pool(),
            Some(ThreadOutcome::Answer(_)) | None => self.asked.home.pool(),
        }
    }

    fn withdraw(&self, reason: DeadLetterReason) {
        let (question, wait) = (self.question, None);
        if self.question != MessageId::NONE {
            withdraw(
                self.asked,
                Withdrawal {
                    question,
                    reason,
                    wait,
                },
            );
        }
    }
}

impl<R> Drop for OutsideAsk<R> {
    /// An ask that is dropped before its outcome was taken is given up.
    fn drop(&mut self) {
        match &self.outcome {
            Some(ThreadOutcome::Answer(receiver)) if !receiver.has_ended() => {
                self.withdraw(DeadLetterReason::Cancelled);
            }
            Some(ThreadOutcome::Forwarded(receiver, home, wait)) if !receiver.has_ended() => {
                give_up(*home, *wait);
            }
            _ => {}
        }
    }
}

fn forwarded<R>(received: Result<Result<R, AskError>, RecvError>) -> Result<R, AskError> {
    received.unwrap_or_else(|_| Err(AskError::PoolClosed(AskDetails::unknown())))
}

/// A request for the outcome of a wait, on its way to the worker that has the wait.
struct Forward<R>(once::Sender<Result<R, AskError>>);

impl<R: Send + 'static> Forward<R> {
    fn send(self, shard: &Shard, wait: Key) {
        let outcome = shard.waits.take_value(wait);
        let outcome = outcome.ok_or_else(|| failure_of(shard, wait));
        // As for a waker on the worker itself: it may panic.
        let sent = catch_user(|| self.0.send(outcome));
        if let Ok(Err(outcome)) = sent {
            let _ = drop_with_fate(outcome, WaitEnd::NoReply);
        }
    }
}

impl<R: Send + 'static> Parcel for Forward<R> {
    fn deliver(self, shard: &Shard, wait: Key, _envelope: &Envelope) {
        if !shard.waits.is_pending(wait) {
            return self.send(shard, wait);
        }
        let callback = Box::new(move |shard: &Shard| self.send(shard, wait));
        let attended = shard.waits.attend_by_call(wait, callback);
        debug_assert!(attended, "it is pending");
    }

    fn bounce(self, _: &PoolCore, _: ActorId, _: Envelope, _: DeadLetterReason) {}

    fn bounce_without_pool(self, _: ActorId) {}
}

/// Gives up a wait of a worker that is not this thread.
pub(super) fn give_up(home: Home, wait: Key) {
    dispatch(ActorId::new(home, wait), GiveUp);
}

struct GiveUp;

impl Parcel for GiveUp {
    fn deliver(self, shard: &Shard, wait: Key, _envelope: &Envelope) {
        give_up_wait(shard, wait);
    }

    fn bounce(self, _: &PoolCore, _: ActorId, _: Envelope, _: DeadLetterReason) {}

    fn bounce_without_pool(self, _: ActorId) {}
}
