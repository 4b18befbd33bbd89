//! The asker's side: sent at the call, waited for when it is needed.

use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::driven::{Drive, can_drive, driver_of};
use super::error::AskError;
use super::reply::{Asker, Reply};
use crate::actor::{ActorId, ActorRef, End, Key, Shard, WaitError, with_current};
use crate::queue::{RecvError, once, oneshot};

impl<M: Send + 'static> ActorRef<M> {
    /// Asks the actor: sends it the message that `question` makes of a [`Reply`], now, and
    /// answers a handle with which to wait.
    ///
    /// The time counts from the call. In a handler, waiting suspends only the actor that asks:
    /// its state stays borrowed, its messages wait, and its worker goes on with other actors. On
    /// any other thread, waiting parks the thread; but on the thread that drives the actor's
    /// [`ActorSystem`](crate::ActorSystem), it drives the system.
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
    #[inline]
    pub fn ask<R: Send + 'static>(
        self,
        question: impl FnOnce(Reply<R>) -> M,
        timeout: Duration,
    ) -> Ask<R> {
        let (ask, reply) = Ask::begin(Some(timeout), self.id());
        self.tell(question(reply));
        ask
    }
}

/// An ask under way: wait for its answer, or drop it to let go of it.
///
/// It stays on the thread that asked.
#[must_use = "an ask that is dropped is cancelled: wait for its answer, or use `tell`"]
pub struct Ask<R> {
    waiting: Waiting<R>,
    timeout: Option<Duration>,
    on_one_thread: PhantomData<*const ()>,
}

enum Waiting<R> {
    Worker(Key),
    /// Of a thread that is no worker. Boxed, so that handlers do not carry it about.
    Outside(Box<Outside<R>>),
    /// The outcome has been taken.
    Over,
}

enum Outside<R> {
    Thread(once::Receiver<Result<R, End>>, Option<Instant>),
    /// A wait of the thread that drives the asked pool itself: waiting means driving it.
    Driver(Rc<dyn Drive>, Key),
}

impl<R: Send + 'static> Ask<R> {
    /// The two ends of an ask of `asked`, for whoever asks on this thread.
    #[inline]
    pub(crate) fn begin(timeout: Option<Duration>, asked: ActorId) -> (Self, Reply<R>) {
        with_current(|shard| match shard {
            Some(shard) => {
                let wait = shard.waits.begin(timeout.map(nanos), asked);
                let reply = Reply::to(Asker::Worker {
                    home: shard.home,
                    wait,
                });
                (Self::new(Waiting::Worker(wait), timeout), reply)
            }
            None => Self::begin_outside(timeout, asked),
        })
    }

    #[cold]
    fn begin_outside(timeout: Option<Duration>, asked: ActorId) -> (Self, Reply<R>) {
        if let Some(driver) = driver_of(asked.home.pool()) {
            let shard = driver.shard();
            let wait = shard.waits.begin(timeout.map(nanos), asked);
            let home = shard.home;
            driver.has_begun_a_wait();
            let ask = Self::outside(Outside::Driver(driver, wait), timeout);
            return (ask, Reply::to(Asker::Worker { home, wait }));
        }
        let (sender, receiver) = oneshot();
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let asked = asked.home;
        let reply = Reply::to(Asker::Thread { sender, asked });
        let ask = Self::outside(Outside::Thread(receiver, deadline), timeout);
        (ask, reply)
    }

    fn outside(outside: Outside<R>, timeout: Option<Duration>) -> Self {
        Self::new(Waiting::Outside(Box::new(outside)), timeout)
    }

    fn new(waiting: Waiting<R>, timeout: Option<Duration>) -> Self {
        Self {
            waiting,
            timeout,
            on_one_thread: PhantomData,
        }
    }

    /// Waits for the answer.
    ///
    /// # Errors
    ///
    /// [`AskError`] says why there is none, as soon as that is certain.
    // Inlined, as the return after a switch is mispredicted: see `fiber::suspend`.
    #[inline(always)]
    pub fn wait(self) -> Result<R, AskError> {
        let Waiting::Worker(wait) = self.waiting else {
            return self.wait_outside();
        };
        // Left in place while it waits, so that the wait is forgotten even if this stack is unwound.
        let outcome = with_current(|shard| wait_on_worker(shard, wait))?;
        let timeout = self.timeout;
        // The outcome was taken, and with it the wait: nothing is left to be forgotten.
        std::mem::forget(self);
        outcome.map_err(|end| AskError::from_end(end, timeout))
    }

    #[cold]
    fn wait_outside(mut self) -> Result<R, AskError> {
        let timeout = self.timeout;
        let Waiting::Outside(outside) = std::mem::replace(&mut self.waiting, Waiting::Over) else {
            unreachable!("waiting consumes the ask")
        };
        let outcome = match *outside {
            Outside::Driver(driver, wait) => {
                let forget = ForgetAtEnd(&driver, wait);
                wait_by_driving(&**forget.0, wait, timeout)?
            }
            Outside::Thread(receiver, deadline) => match receiver.recv(deadline) {
                Ok(answer) => answer,
                Err(RecvError::Timeout) => Err(End::TimedOut),
                Err(RecvError::Closed) => Err(End::NoReply),
            },
        };
        outcome.map_err(|end| AskError::from_end(end, timeout))
    }
}

/// Forgets a wait of a driver, however it ends; one whose outcome was taken is forgotten already.
struct ForgetAtEnd<'a>(&'a Rc<dyn Drive>, Key);

impl Drop for ForgetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.shard().waits.forget(self.1);
    }
}

#[inline(always)]
fn wait_on_worker<R: 'static>(
    shard: Option<&Shard>,
    wait: Key,
) -> Result<Result<R, End>, AskError> {
    // The destructor of a thread-local may hold an ask for longer than its worker lives.
    let Some(shard) = shard else {
        return Err(AskError::PoolClosed);
    };
    shard.wait_for(wait).map_err(WaitError::from)?;
    shard.waits.take(wait).ok_or(AskError::PoolClosed)
}

#[cold]
fn wait_by_driving<R: 'static>(
    driver: &dyn Drive,
    wait: Key,
    timeout: Option<Duration>,
) -> Result<Result<R, End>, AskError> {
    can_drive()?;
    driver.drive_until_ended(wait, timeout)?;
    driver.shard().waits.take(wait).ok_or(AskError::PoolClosed)
}

pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl<R> Drop for Ask<R> {
    #[inline]
    fn drop(&mut self) {
        match &self.waiting {
            Waiting::Worker(wait) => with_current(|shard| {
                if let Some(shard) = shard {
                    shard.waits.forget(*wait);
                }
            }),
            Waiting::Outside(outside) => outside.let_go(),
            Waiting::Over => {}
        }
    }
}

impl<R> Outside<R> {
    #[cold]
    fn let_go(&self) {
        if let Self::Driver(driver, wait) = self {
            driver.shard().waits.forget(*wait);
        }
    }
}

impl<R> fmt::Debug for Ask<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ask<{}>", std::any::type_name::<R>())
    }
}
