//! Waiting for a future in a handler. Its waker, which may be called on any thread, is a reply.
//!
//! The search for cycles needs to know which actors the handler waits for. That is known if the only copy of
//! the waker lies in a wait of the same worker, such as that of an ask: then only the end of that wait lets
//! the handler continue, however the future is made. It is also known of a future that is known to need each
//! ask that it polls, such as one of [`all`](super::all).

use parking_lot::Mutex;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, Wake, Waker};

use super::answering::lent_here;
use super::error::AskError;
use super::handle::Ask;
use super::polling::{Lent, PollSeen, Polled, Poller, blocking_on};
use super::reply::Reply;
use crate::actor::{Context, TaskContext};
use crate::address::{ActorId, Home, Key};
use crate::failure::WaitError;
use crate::fiber::forbid_waits;
use crate::shard::with_current;
use crate::suspend::{wait_by_way_of, wait_for_all};
use crate::wait::WaitSet;

/// Ends the wait of one poll, once.
struct EndWait(Mutex<Option<Reply<()>>>);

impl EndWait {
    fn take(&self) -> Option<Reply<()>> {
        self.0.lock().take()
    }
}

impl Wake for EndWait {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(reply) = self.take() {
            reply.send(());
        }
    }
}

impl Drop for EndWait {
    /// A waker that can no longer be called wakes nothing.
    fn drop(&mut self) {
        self.take().into_iter().for_each(Reply::let_go);
    }
}

impl<M: Send + 'static> Context<'_, M> {
    /// Waits for a future. Only this actor waits: its messages queue, and its worker continues with other
    /// actors.
    ///
    /// The future is polled here, on the handler's fiber, so it need not be `Send`. Its waker may be called
    /// on any thread. Of what it waits for, only asks are found in a [cycle](crate::AskError::Deadlock).
    ///
    /// A future that needs a runtime of its own, such as a socket or a timer of tokio's, needs that runtime
    /// on other threads: pass its handle to the builder of the pool, with the feature `tokio`
    /// (`WorkerPoolBuilder::tokio`). Without it such a future panics, and tokio says that "there is no
    /// reactor running". Do not hold a guard of `Handle::enter` over this call: other handlers would be in
    /// the runtime, and the guards of two handlers that wait in turn are dropped out of order, which panics.
    ///
    /// In a simulation such a socket or timer follows the real clock, and the run is not the same each time.
    /// Use [`sleep`](Self::sleep) for time, and let an actor answer for what is outside, so that a test can
    /// replace it.
    ///
    /// Meanwhile other handlers of this worker run on this thread. A [`SwitchHook`](crate::scope::SwitchHook)
    /// removes what a handler has entered on its thread for the duration of a call. If the handler holds a
    /// lock of the standard library, the worker stops forever when another handler wants that lock. Code that
    /// relies on its thread-locals or its scopes until it returns must not wait: see
    /// [`no_wait`](crate::actor::no_wait).
    ///
    /// # Errors
    ///
    /// [`WaitError`] if this function cannot wait. The future is then dropped unfinished.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use std::time::Duration;
    ///
    /// type Numbers = tokio::sync::oneshot::Receiver<u32>;
    ///
    /// let pool = WorkerPool::builder().workers(1).start()?;
    /// let actor = pool.spawn("actor", Props::new(|| {
    ///     Behavior::receive(|ctx, (numbers, reply): (Numbers, Reply<u32>)| {
    ///         reply.send(ctx.block_on(numbers)??);
    ///         Ok(())
    ///     })
    /// }))?;
    /// let (sender, numbers) = tokio::sync::oneshot::channel();
    /// let asked = actor.ask(|reply| (numbers, reply), Duration::from_secs(5));
    /// sender.send(7).unwrap();
    /// assert_eq!(asked.wait()?, 7);
    /// pool.shutdown(Duration::from_secs(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn block_on<F: Future>(&mut self, future: F) -> Result<F::Output, WaitError> {
        block_on(self.shard().home.pool(), future)
    }
}

impl<M: Send + 'static> TaskContext<'_, M> {
    /// Waits for a future, as [`Context::block_on`] does. Only this task waits.
    ///
    /// # Errors
    ///
    /// [`WaitError`] if this function cannot wait. The future is then dropped unfinished.
    pub fn block_on<F: Future>(&mut self, future: F) -> Result<F::Output, WaitError> {
        block_on(self.shard().home.pool(), future)
    }
}

/// Whether there is one copy of a waker, beside those of `block_on`: the wake-up itself, and the waker. A
/// copy can only be made of a copy, and a wait makes none of its own.
fn is_held_once(end: &Arc<EndWait>) -> bool {
    Arc::strong_count(end) == 2 + 1
}

/// What a future waits for, as far as is known: waits of the worker on which it is polled.
#[derive(Default)]
struct Causes {
    /// Whether the future needs each ask that it polls to end well. Otherwise there may be only one.
    needs_all: bool,
    only: Option<Key>,
    /// All of the waits, if there are any, and those that no search for cycles has seen.
    all: Option<WaitSet>,
    new: Vec<Key>,
    /// The wait by which they were waited for last.
    last: Option<Key>,
}

impl Causes {
    /// Records that the future was polled, on that worker and with that waker, and has polled these waits.
    fn note(&mut self, end: &Arc<EndWait>, home: Home, mut seen: PollSeen) {
        let own = |one: Polled| (one.home == home).then_some(one.wait);
        if !self.needs_all {
            let only = seen
                .waits
                .pop()
                .filter(|_| !seen.by_parts && is_held_once(end));
            self.only = only.and_then(own);
            return;
        }
        if let Some(all) = &self.all {
            let ended = seen.ended.into_iter().filter_map(own);
            ended.for_each(|one| all.remove(one));
        }
        for one in seen.waits.into_iter().filter_map(own) {
            if self.all.get_or_insert_default().add(one) {
                self.new.push(one);
            }
        }
    }

    /// Waits in a handler of that worker by that wait, so that the search for cycles finds what the handler
    /// waits for.
    fn wait(&mut self, (home, own): (Home, Key)) -> Result<(), WaitError> {
        with_current(|shard| {
            let Some(shard) = shard.filter(|shard| shard.home == home) else {
                return Ok(());
            };
            if let Some(cause) = self.only {
                return Ok(wait_by_way_of(shard, own, cause)?);
            }
            let Self { all, new, last, .. } = self;
            let Some(all) = all.as_ref().filter(|all| !all.is_empty()) else {
                return Ok(());
            };
            if wait_for_all(shard, own, all, new, *last)? {
                new.clear();
                *last = Some(own);
            }
            Ok(())
        })
    }
}

/// Polls a future on this thread. In a handler, the poll runs within the runtime of the pool, if there is
/// one. The thread is in the runtime for no longer than the poll.
fn poll_here<R>(poll: impl FnOnce() -> R) -> R {
    with_current(|shard| match shard {
        Some(shard) if shard.core.scopes.has_runtime() => {
            forbid_waits(|| shard.core.scopes.poll(poll))
        }
        _ => poll(),
    })
}

/// Waits for a future. In a handler, only that actor waits. On the thread that drives the pool of that
/// number, the pool is driven. On any other thread, the thread waits.
pub(super) fn block_on<F: Future>(pool: u32, future: F) -> Result<F::Output, WaitError> {
    block_on_for(pool, future, false, lent_here)
}

/// As [`block_on`], if it is known whether the future needs each ask that it polls to end well. The wait is
/// on behalf of the party that waits for a reply, if there is one.
pub(super) fn block_on_for<F: Future>(
    pool: u32,
    future: F,
    needs_all: bool,
    lent: impl Fn() -> Option<Lent>,
) -> Result<F::Output, WaitError> {
    let nobody_of_pool = ActorId::new(Home::new(pool, 0), Key::default());
    let mut future = pin!(future);
    let poller = Poller::new();
    let mut causes = Causes {
        needs_all,
        ..Causes::default()
    };
    loop {
        let (mut ask, reply) = Ask::<()>::begin(None, nobody_of_pool);
        let own = reply.wait_of_a_worker();
        // Held until the wait is over: a waker that is dropped everywhere else is not called.
        let end = Arc::new(EndWait(Mutex::new(Some(reply))));
        let waker = Waker::from(Arc::clone(&end));
        let mut cx = std::task::Context::from_waker(&waker);
        let poll = || poll_here(|| future.as_mut().poll(&mut cx));
        let poll = || catch_unwind(AssertUnwindSafe(poll));
        let lent = lent();
        let (outcome, seen) = blocking_on(Arc::as_ptr(&end).cast(), poller, lent, poll);
        match outcome {
            Ok(Poll::Ready(output)) => {
                // Wakers that are called from now on are late.
                end.take().into_iter().for_each(Reply::let_go);
                return Ok(output);
            }
            Ok(Poll::Pending) => {}
            Err(panic) => resume_unwind(panic),
        }
        // The lender wakes it by giving up, and time does.
        if let Some(lent) = lent.filter(|lent| !lent.is_given_up) {
            let _ = ask.put_on_behalf(lent);
        }
        if let Some((home, own)) = own {
            causes.note(&end, home, seen);
            causes.wait((home, own))?;
        }
        // Woken, or ended with the pool, which the next wait reports.
        if let Err(AskError::CannotWait(error)) = ask.wait() {
            return Err(error);
        }
    }
}
