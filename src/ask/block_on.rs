//! Waiting for a future in a handler: its waker, called on any thread, is a reply.

use parking_lot::Mutex;
use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, Wake, Waker};

use super::error::AskError;
use super::handle::Ask;
use super::reply::Reply;
use crate::actor::{ActorId, Context, Home, Key, TaskContext, WaitError};

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
    /// A waker that nobody calls any more wakes nobody.
    fn drop(&mut self) {
        self.take().into_iter().for_each(Reply::let_go);
    }
}

impl<M: Send + 'static> Context<'_, M> {
    /// Waits for a future. Only this actor does: its messages wait, and its worker goes on with
    /// others.
    ///
    /// The future is polled here, on the handler's fiber, so it need not be `Send`; its waker may be
    /// called on any thread. What needs a runtime of its own, such as a socket or a timer of tokio's,
    /// needs that runtime on another thread: enter its handle first.
    ///
    /// # Errors
    ///
    /// [`WaitError`] where this function cannot wait, when the future is dropped unfinished.
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
    ///         Ok::<_, nexus_actors::BoxError>(())
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
    /// Waits for a future, as [`Context::block_on`] does. Only this task does.
    ///
    /// # Errors
    ///
    /// [`WaitError`] where this function cannot wait, when the future is dropped unfinished.
    pub fn block_on<F: Future>(&mut self, future: F) -> Result<F::Output, WaitError> {
        block_on(self.shard().home.pool(), future)
    }
}

thread_local! {
    static BLOCKING_ON: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread polls a future by [`block_on`], which drives what it waits for.
pub(super) fn is_blocking_on() -> bool {
    BLOCKING_ON.get()
}

/// Waits for a future: in a handler only that actor does; on the thread that drives the pool of that
/// number, it is driven; on any other thread, the thread does.
pub(super) fn block_on<F: Future>(pool: u32, future: F) -> Result<F::Output, WaitError> {
    let nobody_of_pool = ActorId::new(Home::new(pool, 0), Key::default());
    let mut future = pin!(future);
    loop {
        let (ask, reply) = Ask::<()>::begin(None, nobody_of_pool);
        // Kept until the wait is over: a waker that is dropped everywhere else is not called.
        let end = Arc::new(EndWait(Mutex::new(Some(reply))));
        let waker = Waker::from(Arc::clone(&end));
        let mut cx = std::task::Context::from_waker(&waker);
        let outer = BLOCKING_ON.replace(true);
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut cx)));
        BLOCKING_ON.set(outer);
        match polled {
            Ok(Poll::Ready(output)) => {
                // Wakers that are called from now on are late.
                end.take().into_iter().for_each(Reply::let_go);
                return Ok(output);
            }
            Ok(Poll::Pending) => {}
            Err(panic) => resume_unwind(panic),
        }
        // Woken; or ended with the pool, of which the next wait tells.
        if let Err(AskError::CannotWait(error)) = ask.wait() {
            return Err(error);
        }
    }
}
