//! The asker's handle: the question is sent at the call, and the answer awaited when it is needed.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::answering::lent_here;
use super::block_on::block_on_for;
use super::deadline::{Deadline, nanos};
use super::driven::{can_drive, driver_at, driver_of};
use super::error::AskError;
use super::outcome::{failure_of, note_given_up, outcome_of, tell_of_asking};
use super::outside::OutsideAsk;
use super::polling::{Lent, has_ended, has_polled, lent};
use super::reply::{Asker, NEVER, Reply};
use super::unsent::Unsent;
use crate::actor::ActorRef;
use crate::address::{ActorId, Home, Key, MessageId, MessageType};
use crate::cancel::{give_up_wait, give_up_waiting};
use crate::failure::{WaitEnd, WaitError, catch_user, is_polled};
use crate::fiber::{free_fiber, running_fiber};
use crate::pool_core::last_message_from_outside;
use crate::shard::{Here, Shard, WorkerWait, with_current};
use crate::suspend::{wait_at, wait_for};

impl<M: Send + 'static> ActorRef<M> {
    /// Asks the actor: sends it, now, the message that `question` makes of a [`Reply`], and returns a
    /// handle to wait with.
    ///
    /// The time counts from the call: give a [`Duration`], or an [`Instant`](std::time::Instant). In a
    /// handler, waiting suspends only the actor that asks: its state stays borrowed, its messages wait, and
    /// its worker runs other actors. On any other thread, waiting parks the thread, after a spin of 20 µs
    /// at most, unless the question had to wake the worker. On the thread that drives the actor's
    /// [`ActorSystem`](crate::ActorSystem), waiting drives the system. The handle is also a [`Future`], for
    /// any executor.
    ///
    /// The reply belongs in the message: the search for [cycles](AskError::Deadlock) takes it for granted
    /// that the actor asked is the one that holds the reply.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use std::time::Duration;
    ///
    /// struct Double(u32, Reply<u32>);
    ///
    /// let pool = WorkerPool::builder().workers(1).start()?;
    /// let doubler = pool.spawn("doubler", Props::new(|| {
    ///     Behavior::receive(|_ctx, Double(number, reply)| reply.send(number * 2))
    /// }))?;
    /// let asked = doubler.ask(|reply| Double(21, reply), Duration::from_secs(5));
    /// assert_eq!(asked.wait()?, 42);
    /// pool.shutdown(Duration::from_secs(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    // Inlined only in optimised builds: in others, each call would cost its caller kilobytes of stack.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn ask<R: Send + 'static>(
        self,
        question: impl FnOnce(Reply<R>) -> M,
        within: impl Into<Deadline>,
    ) -> Ask<R> {
        let (asked, mail, within) = (self.id(), MessageType::of::<M>(), within.into());
        let here = Here::now();
        let Some(shard) = here.shard() else {
            return Ask::of_outside(asked, mail, within, |reply| {
                self.tell_question(question(reply));
            });
        };
        shard.counts.asks.add(1);
        let begun = Begun::on(shard, within, asked, mail);
        if self.is_bounded() {
            return self.ask_bounded(shard, question, begun);
        }
        let unsent = begun.unsent(shard);
        self.tell_question(question(begun.reply()));
        unsent.sent();
        begun.has_asked(shard, asked)
    }

    #[cold]
    #[inline(never)]
    fn ask_bounded<R: Send + 'static>(
        self,
        shard: &Shard,
        question: impl FnOnce(Reply<R>) -> M,
        begun: Begun<'_>,
    ) -> Ask<R> {
        let unsent = begun.unsent(shard);
        let sent = self.tell_question_noted(question(begun.reply()));
        unsent.sent();
        begun.has_asked_as(sent)
    }
}

/// An ask under way: wait for its answer, or drop it to give up.
///
/// It can be waited for, and awaited, anywhere; best where it was made. A question that is given up before
/// the actor has come to it is not handled: it becomes a dead letter.
#[must_use = "an ask that is dropped is cancelled: wait for its answer, or use `tell`"]
pub struct Ask<R> {
    pub(super) waiting: PendingAsk<R>,
}

pub(super) enum PendingAsk<R> {
    /// A wait of that worker.
    Worker { home: Home, wait: Key },
    /// A wait of a thread that is no worker. Boxed, so that handlers do not carry it about.
    Outside(Box<OutsideAsk<R>>),
    /// The outcome has been taken.
    Over,
}

impl<R: Send + 'static> Ask<R> {
    /// Makes the two ends of something like an ask that no actor's message carries, to be waited for on
    /// this thread.
    #[inline]
    pub(crate) fn begin(timeout: Option<Duration>, asked: ActorId) -> (Self, Reply<R>) {
        let within = timeout.map_or(Deadline::NEVER, Deadline::from);
        let mail = MessageType::of_no_question();
        with_current(|shard| match shard {
            Some(shard) => Begun::on(shard, within, asked, mail).ends(),
            None => Self::begin_outside(within, asked, mail),
        })
    }

    /// Asks an actor from a thread that is no worker; `send` sends the question.
    #[cold]
    #[inline(never)]
    pub(super) fn of_outside(
        asked: ActorId,
        mail: &'static MessageType,
        within: Deadline,
        send: impl FnOnce(Reply<R>),
    ) -> Self {
        let (mut ask, reply) = Self::begin_outside(within, asked, mail);
        send(reply);
        ask.has_asked(asked, last_message_from_outside(asked.home));
        ask
    }

    #[cold]
    fn begin_outside(
        within: Deadline,
        asked: ActorId,
        mail: &'static MessageType,
    ) -> (Self, Reply<R>) {
        if let Some(driver) = driver_of(asked.home.pool()) {
            let shard = driver.shard();
            let begun = Begun::on(&shard, within, asked, mail);
            driver.has_begun_a_wait();
            return begun.ends();
        }
        let (outside, reply) = OutsideAsk::begin(within, asked, mail);
        (Self::new(PendingAsk::Outside(Box::new(outside))), reply)
    }

    #[inline(always)]
    fn new(waiting: PendingAsk<R>) -> Self {
        Self { waiting }
    }

    /// The question has been sent as this message.
    fn has_asked(&mut self, target: ActorId, question: MessageId) {
        match &mut self.waiting {
            PendingAsk::Outside(outside) => outside.has_asked(question),
            PendingAsk::Worker { home, wait } => {
                if let Some(driver) = driver_at(*home) {
                    driver.shard().waits.has_asked(*wait, target, question);
                }
            }
            PendingAsk::Over => {}
        }
    }

    /// Waits for the answer.
    ///
    /// Other handlers of this worker run on this thread meanwhile. State that a handler has set on its
    /// thread for the time of a call is removed by a [`SwitchHook`](crate::scope::SwitchHook); a lock of the
    /// standard library that the handler holds stops the worker for ever when another handler wants it.
    /// Code that relies on its thread-locals or its scopes until it returns must not wait: see
    /// [`no_wait`](crate::actor::no_wait).
    ///
    /// # Errors
    ///
    /// [`AskError`] says why there is no answer, as soon as that is certain.
    // Inlined, as the return after a switch may be mispredicted: see `fiber::suspend`; but see `ask`.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn wait(self) -> Result<R, AskError> {
        let PendingAsk::Worker { home, wait } = self.waiting else {
            return self.wait_elsewhere();
        };
        let here = Here::now();
        let Some(shard) = here.shard().filter(|shard| shard.home == home) else {
            return self.wait_elsewhere();
        };
        // The handle stays in place during the wait, so that it gives up even if this stack is unwound.
        let place = shard.waits.place(wait);
        if let Some(place) = place.filter(|place| place.is_pending(wait)) {
            let Some(fiber) = free_fiber() else {
                return self.wait_held(shard, wait);
            };
            wait_at(shard, fiber, place, wait).map_err(WaitError::from)?;
        } else if shard.tells_of_asks() {
            return self.wait_held(shard, wait);
        }
        // The outcome is taken, and with it the wait: nothing is left to give up.
        std::mem::forget(self);
        let answer = place.and_then(|place| shard.waits.take_value_of(place, wait));
        answer.ok_or_else(|| failure_of(shard, wait))
    }

    /// As [`wait`](Self::wait), if there is something to do first, or nothing can wait.
    #[cold]
    #[inline(never)]
    fn wait_held(mut self, shard: &Shard, wait: Key) -> Result<R, AskError> {
        if let Some(lent) = lent_here() {
            self.put_on_behalf(lent)?;
        }
        wait_for(shard, wait).map_err(WaitError::from)?;
        std::mem::forget(self);
        outcome_of(shard, wait)
    }

    /// Waits for the answer on behalf of the asker that waits for `reply`: no longer than that asker, if
    /// [`Reply::time_left`] is known here, and not if it has given up. If that asker is a handler or a
    /// task, and gives up during a wait in a handler, that wait ends too; if it is a thread outside, this
    /// is noticed only when the wait begins.
    ///
    /// That the reply is borrowed for so long proves that nothing else can send it. So if the actor that is
    /// asked here waits, in the end, for that same reply, the cycle is certain, and this fails at once.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use std::time::Duration;
    ///
    /// type Question = (u32, Reply<u32>);
    ///
    /// let pool = WorkerPool::builder().workers(1).start()?;
    /// let inner = pool.spawn("inner", Props::new(|| {
    ///     Behavior::receive(|_ctx, (number, reply): Question| reply.send(number + 1))
    /// }))?;
    /// let outer = pool.spawn("outer", Props::new(move || {
    ///     Behavior::receive(move |_ctx, (number, reply): Question| {
    ///         let asked = inner.ask(|reply| (number * 2, reply), Duration::from_secs(5));
    ///         let answer = asked.wait_on_behalf_of(&reply)?;
    ///         reply.send(answer);
    ///         Ok(())
    ///     })
    /// }))?;
    /// assert_eq!(outer.ask(|reply| (20, reply), Duration::from_secs(5)).wait()?, 41);
    /// pool.shutdown(Duration::from_secs(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`wait`](Self::wait), and [`AskError::Cancelled`].
    pub fn wait_on_behalf_of<S: Send + 'static>(mut self, reply: &Reply<S>) -> Result<R, AskError> {
        if let PendingAsk::Worker { home, .. } = self.waiting
            && !with_current(|shard| shard.is_some_and(|shard| shard.home == home))
        {
            // Its outcome comes from elsewhere; it can be given up here all the same.
            return block_on_for(self.pool(), self, true, || Some(reply.lent()))?;
        }
        self.put_on_behalf(reply.lent())?;
        self.wait()
    }

    /// Makes it wait on behalf of the asker that waits for a reply, and no longer. A wait of another worker
    /// is moved here first, or the waiting code sees to that.
    ///
    /// # Errors
    ///
    /// [`AskError::Cancelled`] if that asker has given up; a wait of this worker then ends by itself.
    pub(super) fn put_on_behalf(&mut self, lent: Lent) -> Result<(), AskError> {
        match &mut self.waiting {
            PendingAsk::Outside(outside) => {
                if lent.is_given_up {
                    return Err(outside.cancelled());
                }
                outside.shorten(lent.left);
            }
            PendingAsk::Worker { home, wait } => with_shard_at(*home, |shard| {
                let wait = *wait;
                if lent.wait.is_none() || shard.waits.on_behalf(wait) != lent.wait {
                    if let Some(left) = lent.left {
                        // The rest of a thread's time is by the clock of this moment: counted from the
                        // worker's last reading it would be over too early.
                        let now = match lent.wait {
                            Some(_) => shard.now.get(),
                            None => shard.read_clock(),
                        };
                        shard.end_wait_by(wait, now.saturating_add(nanos(left)));
                    }
                    if let Some(other) = lent.wait {
                        shard.waits.wait_on_behalf(wait, other);
                    }
                }
                if lent.is_given_up {
                    give_up_waiting(shard, wait, WaitEnd::Cancelled);
                }
            }),
            PendingAsk::Over => {}
        }
        Ok(())
    }

    /// Returns the number of the pool whose wait it is, for a thread that drives it.
    pub(super) fn pool(&self) -> u32 {
        match &self.waiting {
            PendingAsk::Worker { home, .. } => home.pool(),
            PendingAsk::Outside(outside) if driver_of(outside.pool()).is_some() => outside.pool(),
            PendingAsk::Outside(_) | PendingAsk::Over => 0,
        }
    }

    /// Gives up, as dropping the handle does: the question is not handled any more, unless its turn has
    /// come already, and an answer is dropped.
    pub fn cancel(self) {
        drop(self);
    }

    /// Has the outcome of a worker's wait sent to this thread, whichever it is.
    pub(super) fn move_outside(&mut self, home: Home, wait: Key) {
        self.waiting = PendingAsk::Outside(Box::new(OutsideAsk::of_wait(home, wait)));
    }

    /// Prepares for a poll by another executor in a handler of that worker. Such an executor may block the
    /// worker's thread: while it does, no answer comes, and no deadline fires there.
    #[cold]
    fn leave_to_another_executor(&mut self, shard: &Shard, wait: Key) {
        let left = shard.waits.time_left(wait, shard.read_clock());
        shard.outboxes.flush();
        let mut outside = OutsideAsk::of_wait(shard.home, wait);
        outside.end_in(left.map(Duration::from_nanos));
        self.waiting = PendingAsk::Outside(Box::new(outside));
    }

    fn poll_on_worker(
        &mut self,
        shard: &Shard,
        wait: Key,
        cx: &mut Context<'_>,
    ) -> Poll<Result<R, AskError>> {
        let waker = cx.waker().clone();
        let callback = Box::new(move |_: &Shard| {
            // A panic of the waker does not concern the one that answered.
            let _ = catch_user(|| waker.wake());
        });
        if shard.waits.attend_by_call(wait, callback) {
            has_polled(shard.home, wait, cx.waker());
            return Poll::Pending;
        }
        has_ended(shard.home, wait, cx.waker());
        self.waiting = PendingAsk::Over;
        Poll::Ready(outcome_of(shard, wait))
    }
}

/// Runs code on a worker if this thread is that worker, or drives it and is at none.
fn with_shard_at(home: Home, code: impl FnOnce(&Shard)) {
    with_current(|shard| match shard {
        Some(shard) if shard.home == home => code(shard),
        Some(_) => {}
        None => {
            if let Some(driver) = driver_at(home) {
                code(&driver.shard());
            }
        }
    });
}

/// A worker's wait for the answer to a question.
#[derive(Clone, Copy)]
pub(super) struct Begun<'a> {
    place: &'a WorkerWait,
    home: Home,
    wait: Key,
    deadline: u64,
}

impl<'a> Begun<'a> {
    #[inline(always)]
    pub(super) fn on(
        shard: &'a Shard,
        within: Deadline,
        asked: ActorId,
        mail: &'static MessageType,
    ) -> Self {
        if shard.budget.get().is_slow {
            return Self::exactly_on(shard, within, asked, mail);
        }
        let (timeout, now) = (within.nanos_left(), shard.now.get());
        let (place, wait) = shard.waits.begin_ask(timeout, asked, mail, now);
        Self {
            place,
            home: shard.home,
            wait,
            deadline: timeout.map_or(NEVER, |timeout| now.saturating_add(timeout)),
        }
    }

    /// As [`on`](Self::on), by the clock of this moment.
    #[cold]
    fn exactly_on(
        shard: &'a Shard,
        within: Deadline,
        asked: ActorId,
        mail: &'static MessageType,
    ) -> Self {
        let (timeout, now) = (within.nanos_left(), shard.read_clock());
        if shard.observation.is_of_asks() {
            tell_of_asking(shard, asked, mail, timeout);
        }
        let deadline = timeout.map_or(NEVER, |timeout| now.saturating_add(timeout));
        let (place, wait) = shard.waits.begin_ask(None, asked, mail, now);
        if let Some(timeout) = timeout {
            place.lasts(timeout);
            shard.end_wait_by(wait, deadline);
        }
        Self {
            place,
            home: shard.home,
            wait,
            deadline,
        }
    }

    /// Returns a guard to hold until the question is sent, as the user's code makes it.
    #[inline(always)]
    pub(super) fn unsent(self, shard: &'a Shard) -> Unsent<'a> {
        Unsent::of(shard, self.wait)
    }

    /// The question has been sent, here and now.
    #[inline(always)]
    pub(super) fn has_asked<R: Send + 'static>(self, shard: &Shard, asked: ActorId) -> Ask<R> {
        self.has_asked_as(if shard.home.pool() == asked.home.pool() {
            shard.last_message()
        } else {
            last_message_from_outside(asked.home)
        })
    }

    /// The question has been sent as this message.
    #[inline(always)]
    pub(super) fn has_asked_as<R: Send + 'static>(self, sent: MessageId) -> Ask<R> {
        self.place.has_asked(self.wait, sent);
        self.handle()
    }

    #[inline(always)]
    fn handle<R: Send + 'static>(self) -> Ask<R> {
        let Self { home, wait, .. } = self;
        Ask::new(PendingAsk::Worker { home, wait })
    }

    #[inline(always)]
    pub(super) fn reply<R: Send + 'static>(self) -> Reply<R> {
        let Self {
            home,
            wait,
            deadline,
            ..
        } = self;
        Reply::to(Asker::Worker {
            home,
            wait,
            deadline,
            times: 0,
        })
    }

    fn ends<R: Send + 'static>(self) -> (Ask<R>, Reply<R>) {
        let Self { home, wait, .. } = self;
        (Ask::new(PendingAsk::Worker { home, wait }), self.reply())
    }
}

/// The answer, as soon as it is there, on any executor: nothing else has to run for it.
///
/// In a handler [`Context::block_on`](crate::Context::block_on) is that executor, and [`wait`](Ask::wait)
/// is simpler. Another executor, which blocks the thread as tokio's `Handle::block_on` does, blocks the
/// worker that the answer would come to: an ask polled by it ends by its time, with
/// [`WaitError::OtherExecutor`].
///
/// # Panics
///
/// When it is polled again after it was ready.
impl<R: Send + 'static> Future for Ask<R> {
    type Output = Result<R, AskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let lent = lent(cx.waker());
        if let Some(lent) = lent {
            self.put_on_behalf(lent)?;
        }
        let by_another_executor = !is_polled() && running_fiber().is_some();
        if let PendingAsk::Worker { home, wait } = self.waiting {
            let polled = with_current(|shard| match shard {
                Some(shard) if shard.home == home => {
                    if by_another_executor && shard.waits.is_pending(wait) {
                        self.leave_to_another_executor(shard, wait);
                        return None;
                    }
                    Some(self.poll_on_worker(shard, wait, cx))
                }
                _ => None,
            });
            if let Some(polled) = polled {
                return polled;
            }
        }
        if let PendingAsk::Worker { home, wait } = self.waiting
            && let Some(driver) = driver_at(home)
        {
            // An executor of another kind would let the driver's thread sleep; not in a handler, after
            // which the driver continues.
            if !is_polled() && with_current(|shard| shard.is_none()) {
                can_drive()?;
                driver.drive_until_ended(wait)?;
            }
            return self.poll_on_worker(&driver.shard(), wait, cx);
        }
        if !is_polled() && driver_of(self.pool()).is_some() && can_drive().is_ok() {
            let waiting = std::mem::replace(&mut self.waiting, PendingAsk::Over);
            return Poll::Ready(Self::new(waiting).wait_elsewhere());
        }
        if let PendingAsk::Worker { home, wait } = self.waiting {
            self.move_outside(home, wait);
            if let Some(lent) = lent {
                self.put_on_behalf(lent)?;
            }
        }
        let PendingAsk::Outside(outside) = &mut self.waiting else {
            panic!("`Ask` polled after completion");
        };
        let polled = outside.poll(cx, by_another_executor);
        if polled.is_ready() {
            self.waiting = PendingAsk::Over;
        }
        polled
    }
}

impl<R> Drop for Ask<R> {
    #[inline]
    fn drop(&mut self) {
        if let PendingAsk::Worker { home, wait } = self.waiting {
            with_current(|shard| match shard {
                Some(shard) if shard.home == home => {
                    note_given_up(shard, wait);
                    give_up_wait(shard, wait);
                }
                _ => give_up_elsewhere(home, wait),
            });
        }
    }
}

#[cold]
fn give_up_elsewhere(home: Home, wait: Key) {
    match driver_at(home) {
        Some(driver) => give_up_wait(&driver.shard(), wait),
        None => super::outside::give_up(home, wait),
    }
}

impl<R> fmt::Debug for Ask<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ask<{}>", std::any::type_name::<R>())
    }
}
