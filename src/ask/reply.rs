//! The way back: a value that answers one ask, once.

use std::any::TypeId;
use std::fmt;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::deadline::as_nanos;
use super::driven::driver_at;
use super::failing::Unanswered;
use super::first::SharedReply;
use super::polling::Lent;
use crate::actor::ActorRef;
use crate::address::{ActorId, Envelope, Home, Key, MessageId};
use crate::cancel::withdraw_late;
use crate::deadlock::look_again_for_cycle;
use crate::failure::{DeadLetterReason, Failure, WaitEnd, catch_user};
use crate::pool_core;
use crate::pool_core::{MailPermit, PoolCore};
use crate::queue::once;
use crate::shard::{
    Here, Parcel, Route, Shard, dispatch, drop_lost, fate_of_dropped_reply, with_current,
};

/// The right, and the duty, to answer one ask.
///
/// Answering consumes it. It can be stored, or sent to another actor or thread, and answered from there. If
/// it is dropped unanswered, the ask ends at once: with [`NoReply`](crate::AskError::NoReply(_)), or with
/// the reason why its holder is gone.
///
/// ```
/// use nexus_actors::prelude::*;
/// use std::time::Duration;
///
/// let pool = WorkerPool::builder().workers(1).start()?;
/// let forgetful = pool.spawn("forgetful", Props::new(|| {
///     Behavior::receive(|_ctx, reply: Reply<u32>| drop(reply))
/// }))?;
/// let answer = forgetful.ask(|reply| reply, Duration::from_secs(60)).wait();
/// assert!(matches!(answer, Err(AskError::NoReply(_))));
/// pool.shutdown(Duration::from_secs(5))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping a reply tells the asker that there is no answer"]
pub struct Reply<R: Send + 'static> {
    asker: Option<Asker<R>>,
}

/// No deadline.
pub(super) const NEVER: u64 = u64::MAX;

/// The asker that waits for the answer.
pub(super) enum Asker<R: Send + 'static> {
    /// A handler, or a task, of that worker.
    Worker {
        home: Home,
        wait: Key,
        /// By its pool's clock.
        deadline: u64,
        /// How often the question was forwarded.
        times: u32,
    },
    /// A thread outside, which asked an actor of that worker.
    Thread {
        sender: once::Sender<Result<R, Unanswered>>,
        asked: Home,
        /// See [`as_nanos`].
        deadline: u64,
    },
    /// One of the above, with several holders of the reply.
    Shared(Arc<SharedReply<R>>),
}

impl<R: Send + 'static> Asker<R> {
    /// Ends the ask, if nothing has ended it before.
    #[inline(always)]
    pub(super) fn end(self, answer: Result<R, WaitEnd>) {
        if let Self::Worker { home, wait, .. } = self {
            return dispatch(ActorId::new(home, wait), Answer(answer));
        }
        self.end_outside(answer);
    }

    #[cold]
    fn end_outside(self, answer: Result<R, WaitEnd>) {
        match self {
            Self::Thread { sender, asked, .. } => {
                // A panic of the waker does not concern the one that answers.
                let sent = catch_user(|| sender.send(answer.map_err(Unanswered::from)));
                if let Ok(Err(answer)) = sent {
                    if answer.is_ok() && is_missed::<R>() {
                        count_late_reply(asked);
                    }
                    drop_lost(answer, WaitEnd::NoReply);
                }
            }
            Self::Shared(shared) => shared.end(answer),
            Self::Worker { .. } => unreachable!("it is looked at before"),
        }
    }
}

/// Sends an answer to another worker.
#[inline(never)]
fn send_answer<R: Send + 'static>(route: Route<'_>, to: ActorId, answer: R) {
    route.send_away(to, Answer(Ok(answer)));
}

/// Whether a late answer counts as a late reply. A mailbox permit does not: it goes back by itself.
fn is_missed<R: 'static>() -> bool {
    TypeId::of::<R>() != TypeId::of::<MailPermit>()
}

#[cold]
fn count_late_reply(asked: Home) {
    if let Some(core) = pool_core::find(asked) {
        core.count_late_reply();
    }
}

impl<R: Send + 'static> Reply<R> {
    #[inline(always)]
    pub(super) fn to(asker: Asker<R>) -> Self {
        Self { asker: Some(asker) }
    }

    /// Sends the answer. If the ask has ended meanwhile, the answer is dropped.
    #[inline(always)]
    pub fn send(self, answer: R) {
        // Read in place, field by field: a copy of the whole, made right after it was written in other
        // pieces, would have to wait for those writes.
        let this = ManuallyDrop::new(self);
        if let Some(Asker::Worker { home, wait, .. }) = &this.asker {
            let (home, wait, here) = (*home, *wait, Here::now());
            return match Route::new(here.shard(), home) {
                Route::Here(shard) => answer_wait(shard, wait, answer),
                route => send_answer(route, ActorId::new(home, wait), answer),
            };
        }
        ManuallyDrop::into_inner(this).send_outside(answer);
    }

    #[cold]
    fn send_outside(mut self, answer: R) {
        if let Some(asker) = self.asker.take() {
            asker.end(Ok(answer));
        }
    }

    /// Returns whether nothing waits for the answer any more: the asker has given up, or its time is over.
    /// An answer would be dropped.
    ///
    /// A long handler can check this from time to time, and save itself the rest.
    pub fn is_cancelled(&self) -> bool {
        let over = self.time_left().is_some_and(|left| left.is_zero());
        over || match &self.asker {
            None => true,
            Some(Asker::Worker { home, wait, .. }) => has_given_up(*home, *wait),
            Some(Asker::Thread { sender, .. }) => sender.is_unwanted(),
            Some(Asker::Shared(shared)) => shared.is_over(),
        }
    }

    /// Returns how long the asker still waits, by the clock of its worker as of the present round; zero
    /// once the time is over. `None` if there is no deadline, or if it cannot be known here: outside the
    /// pool of the asker, for an asker in a pool.
    pub fn time_left(&self) -> Option<Duration> {
        let left = |deadline: u64, now: u64| Duration::from_nanos(deadline.saturating_sub(now));
        match self.asker.as_ref()? {
            Asker::Worker { home, deadline, .. } if *deadline != NEVER => with_current(|shard| {
                let shard = shard.filter(|shard| shard.home.pool() == home.pool())?;
                Some(left(*deadline, shard.now.get()))
            }),
            Asker::Thread { deadline, .. } if *deadline != NEVER => {
                Some(left(*deadline, as_nanos(Instant::now())))
            }
            _ => None,
        }
    }

    /// Forwards the question to another actor, which is to answer it instead.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use std::time::Duration;
    ///
    /// let pool = WorkerPool::builder().workers(1).start()?;
    /// let clerk = pool.spawn("clerk", Props::new(|| {
    ///     Behavior::receive(|_ctx, (number, reply): (u32, Reply<u32>)| reply.send(number * 2))
    /// }))?;
    /// let desk = pool.spawn("desk", Props::new(move || {
    ///     Behavior::receive(move |_ctx, reply: Reply<u32>| reply.forward(clerk, |reply| (21, reply)))
    /// }))?;
    /// assert_eq!(desk.ask(|reply| reply, Duration::from_secs(5)).wait()?, 42);
    /// pool.shutdown(Duration::from_secs(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn forward<M: Send + 'static>(mut self, to: ActorRef<M>, question: impl FnOnce(Self) -> M) {
        let of = self.count_as_handed_on();
        let question = to.tell_question_noted(question(self));
        let target = to.id();
        with_current(|shard| {
            let shard = shard.filter(|shard| shard.home.pool() == target.home.pool());
            if let (Some(shard), Some((asker, deadline, times))) = (shard, of) {
                let word = HandedOn {
                    target,
                    question,
                    times,
                    deadline,
                };
                say_handed_on(shard, asker, word);
            }
        });
    }

    /// Counts one more forwarding. Returns the wait that the reply ends, if that is a worker's, its
    /// deadline, and the count.
    fn count_as_handed_on(&mut self) -> Option<(ActorId, u64, u32)> {
        let Some(Asker::Worker {
            home,
            wait,
            deadline,
            times,
        }) = &mut self.asker
        else {
            return None;
        };
        *times = times.saturating_add(1);
        Some((ActorId::new(*home, *wait), *deadline, *times))
    }

    /// What a wait on behalf of this reply needs to know of it.
    pub(super) fn lent(&self) -> Lent {
        Lent {
            left: self.time_left(),
            wait: self.wait_of_a_worker(),
            is_given_up: self.is_cancelled(),
        }
    }

    /// The wait that it ends, if that is a worker's.
    pub(super) fn wait_of_a_worker(&self) -> Option<(Home, Key)> {
        match self.asker {
            Some(Asker::Worker { home, wait, .. }) => Some((home, wait)),
            _ => None,
        }
    }

    /// Shares the right to answer among this many holders: the first answer counts, and the others are
    /// dropped. If all of them are dropped unanswered, the ask ends with the last one.
    pub(crate) fn share(mut self, hands: usize) -> impl Iterator<Item = Self> {
        let shared = self
            .asker
            .take()
            .map(|asker| Arc::new(SharedReply::new(asker)));
        // The iterator's own count is gone with its last item.
        let all = shared
            .into_iter()
            .flat_map(move |shared| std::iter::repeat_n(shared, hands));
        all.map(|shared| Self::to(Asker::Shared(shared)))
    }

    /// Ends the ask without an answer, at once, for askers to which its end alone says enough. If it comes
    /// late, it is not counted as a late reply, as an answer would be.
    pub(crate) fn let_go(mut self) {
        if let Some(asker) = self.asker.take() {
            asker.end(Err(WaitEnd::NoReply));
        }
    }

    #[cold]
    fn end_unanswered(asker: Asker<R>) {
        let (end, is_certain) = fate_of_dropped_reply();
        let end_it = move |end, failure: Option<&Arc<Failure>>| match failure {
            Some(failure) if end == WaitEnd::Failed => asker.fail(Arc::clone(failure)),
            _ => asker.end(Err(end)),
        };
        with_current(|shard| match shard {
            Some(shard) if is_certain => end_it(end, shard.dropped_replies.failure().as_ref()),
            // It is not yet known whether the handler returns well or fails, and with which failure.
            Some(shard) if shard.is_handling() => {
                let message = shard.envelope().message_id();
                shard.dropped_replies.keep(message, end, end_it);
            }
            _ => end_it(end, None),
        });
    }
}

impl<R: Send + 'static> Drop for Reply<R> {
    #[inline]
    fn drop(&mut self) {
        if let Some(asker) = self.asker.take() {
            Self::end_unanswered(asker);
        }
    }
}

impl<R: Send + 'static> fmt::Debug for Reply<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply<{}>", std::any::type_name::<R>())
    }
}

pub(super) fn has_given_up(home: Home, wait: Key) -> bool {
    let here = with_current(|shard| {
        let shard = shard.filter(|shard| shard.home == home)?;
        Some(!shard.waits.is_pending(wait))
    });
    here.unwrap_or_else(|| {
        let core = pool_core::find(home);
        core.is_none_or(|core| {
            let cancellations = &core.cancellations[home.worker() as usize];
            cancellations.has(wait.slot(), wait.generation())
        })
    })
}

/// Tells the asker that this worker has forwarded a question.
fn say_handed_on(shard: &Shard, asker: ActorId, word: HandedOn) {
    let to = word.target.home;
    if to == shard.home {
        if asker.home != to {
            shard.make_known(word.target.key);
        }
    } else if asker.home != to {
        // By way of the worker that has the question now, behind the question: a search for a cycle that
        // starts from this word comes no sooner than the question.
        return dispatch(word.target, Passed { asker, word });
    }
    dispatch(asker, word);
}

/// A question was forwarded, with its reply: word of it, on its way to the wait. If it was forwarded again,
/// word of that comes from another worker, and may come first.
struct HandedOn {
    target: ActorId,
    question: MessageId,
    times: u32,
    deadline: u64,
}

impl Parcel for HandedOn {
    fn deliver(self, shard: &Shard, wait: Key, _envelope: &Envelope) {
        let Self {
            target,
            question,
            times,
            deadline,
        } = self;
        if !shard.waits.is_pending(wait) {
            // The asker that gave up meanwhile has told an actor that no longer had the question.
            let is_over = deadline <= shard.now.get();
            return withdraw_late(shard, wait, target, question, is_over);
        }
        if shard.waits.is_handed_on(wait, target, question, times) {
            look_again_for_cycle(shard, wait);
        }
    }

    fn bounce(self, _: &PoolCore, _: ActorId, _: Envelope, _: DeadLetterReason) {}

    fn bounce_without_pool(self, _: ActorId) {}
}

/// The same word, on its way to be passed on.
struct Passed {
    asker: ActorId,
    word: HandedOn,
}

impl Parcel for Passed {
    fn deliver(self, _: &Shard, _: Key, _: &Envelope) {
        dispatch(self.asker, self.word);
    }

    fn bounce(self, _: &PoolCore, _: ActorId, _: Envelope, _: DeadLetterReason) {}

    fn bounce_without_pool(self, _: ActorId) {}
}

/// Makes an actor that ended with an answer owed known by name, for an asker on its own worker too.
#[cold]
pub(super) fn keep_name(shard: &Shard, wait: Key, end: WaitEnd) {
    if matches!(end, WaitEnd::Stopped | WaitEnd::Failed)
        && let Some(target) = shard.waits.pending_target(wait)
        && target.home == shard.home
    {
        shard.make_known(target.key);
    }
}

/// An answer on its way to a worker.
struct Answer<R>(Result<R, WaitEnd>);

/// Ends a wait of this worker with an answer.
#[inline(always)]
fn answer_wait<R: Send + 'static>(shard: &Shard, wait: Key, answer: R) {
    let late = |answer| Answer(Ok(answer)).come_late(shard);
    shard.follow_up(shard.waits.fulfil_or(wait, answer, late));
}

impl<R: Send + 'static> Answer<R> {
    fn end_wait(self, shard: &Shard, wait: Key) {
        match self.0 {
            Ok(answer) => answer_wait(shard, wait, answer),
            Err(end) => {
                keep_name(shard, wait, end);
                shard.follow_up(shard.waits.end(wait, end));
            }
        }
    }

    #[cold]
    fn come_late(self, shard: &Shard) {
        if self.0.is_ok() && is_missed::<R>() {
            shard.core.count_late_reply();
        }
        drop_lost(self.0, WaitEnd::NoReply);
    }
}

impl<R: Send + 'static> Parcel for Answer<R> {
    fn deliver(self, shard: &Shard, to: Key, _envelope: &Envelope) {
        self.end_wait(shard, to);
    }

    /// Without its pool, nothing is left that could wait.
    fn bounce_without_pool(self, _: ActorId) {
        drop_lost(self.0, WaitEnd::PoolClosed);
    }

    /// An answer to a worker that is closing, or has closed, still reaches its wait if this thread is that
    /// worker, or if this thread drives it and the wait is pending.
    fn bounce(self, _: &PoolCore, to: ActorId, _: Envelope, reason: DeadLetterReason) {
        with_current(|shard| match shard {
            Some(shard) if shard.home == to.home => self.end_wait(shard, to.key),
            _ => match driver_at(to.home).map(|driver| driver.shard()) {
                Some(shard) if shard.waits.is_pending(to.key) => self.end_wait(&shard, to.key),
                _ => drop_lost(self.0, WaitEnd::from(reason)),
            },
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use static_assertions::assert_eq_size;

    // It is part of each question.
    assert_eq_size!(Reply<u64>, [u64; 4]);
}
