//! Work that blocks its thread: done on a side thread, while the handler waits.

use super::handle::Ask;
use crate::actor::{Context, TaskContext};
use crate::address::ActorId;
use crate::failure::{Unwound, WaitError, catch_user};
use crate::shard::Shard;
use crate::suspend::can_wait;

impl<M: Send + 'static> Context<'_, M> {
    /// Runs work that computes for long, or blocks its thread, on a thread beside the workers, and waits
    /// for its result. Only this actor waits.
    ///
    /// A pool has as many such threads as
    /// [`blocking_threads`](crate::pool::WorkerPoolBuilder::blocking_threads) says, an
    /// [`ActorSystem`](crate::ActorSystem) as many as a pool has by default; work that arrives while all of
    /// them are busy waits for its turn. In a simulation the work runs at once, on the simulation's thread,
    /// and takes no time.
    ///
    /// # Errors
    ///
    /// [`WaitError`] if this function cannot wait; the work is then not run.
    ///
    /// # Panics
    ///
    /// Panics if the work does: its panic continues in the handler.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use std::time::Duration;
    ///
    /// let pool = WorkerPool::builder().workers(1).start()?;
    /// let reader = pool.spawn("reader", Props::new(|| {
    ///     Behavior::receive(|ctx, (path, reply): (String, Reply<bool>)| {
    ///         let file = ctx.run_blocking(move || std::fs::read(path))?;
    ///         reply.send(file.is_ok());
    ///         Ok(())
    ///     })
    /// }))?;
    /// let asked = reader.ask(|reply| ("/no/such/file".to_owned(), reply), Duration::from_secs(5));
    /// assert!(!asked.wait()?);
    /// pool.shutdown(Duration::from_secs(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn run_blocking<R: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, WaitError> {
        run_blocking(self.shard(), work)
    }
}

impl<M: Send + 'static> TaskContext<'_, M> {
    /// Runs work on a thread beside the workers, as [`Context::run_blocking`] does. Only this task waits;
    /// if it is cancelled meanwhile, the work continues and its result is dropped.
    ///
    /// # Errors
    ///
    /// [`WaitError`] if this function cannot wait; the work is then not run.
    ///
    /// # Panics
    ///
    /// Panics if the work does: its panic continues in the task.
    pub fn run_blocking<R: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, WaitError> {
        run_blocking(self.shard(), work)
    }
}

fn run_blocking<R: Send + 'static>(
    shard: &Shard,
    work: impl FnOnce() -> R + Send + 'static,
) -> Result<R, WaitError> {
    can_wait(shard)?;
    let (ask, reply) = Ask::<Result<R, Unwound>>::begin(None, ActorId::NOBODY);
    let job = Box::new(move || reply.send(catch_user(work)));
    // The offload may run the job at once, on this thread; even then it does not belong to the handler.
    shard.in_own_scopes(|| shard.core.offload.submit(job));
    match ask.wait() {
        Ok(Ok(result)) => Ok(result),
        // The panic hook has reported it already, on the thread where it happened.
        Ok(Err(Unwound::Panicked(payload))) => payload.resume(),
        Ok(Err(Unwound::Forced)) | Err(_) => Err(WaitError::PoolClosed),
    }
}
