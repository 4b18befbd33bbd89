//! Tasks: work that an actor runs beside its handlers, on a fiber of its worker.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use super::context::{Context, sleep};
use super::reference::ActorRef;
use crate::address::{ActorPath, Envelope, Home, Key};
use crate::failure::{
    BoxError, Cause, TaskError, Unwound, WaitEnd, WaitError, catch_user, drop_with_fate,
};
use crate::lifecycle::{self, cancel_task};
use crate::shard::{JobEnd, Shard, TaskJob, path_of, with_current};
use crate::suspend::{wait_for, yield_now};

impl<M: Send + 'static> Context<'_, M> {
    /// Runs work beside this actor's handlers, on this worker: it begins soon, on a stack of its own, and
    /// can wait as a handler can, by all calls that wait: asks, `send`, and the methods of its
    /// [`TaskContext`]. While it waits the actor handles its mail. Nothing in it need be `Send`.
    ///
    /// A task is bound to its actor. When the actor stops, passivates or is restarted, the task ends where
    /// it waits, with its destructors run, before the actor receives `PostStop`, or before the next
    /// instance is built; a task that has not begun is dropped. A task that runs without waiting continues
    /// until it waits or returns, and its actor waits for that.
    ///
    /// Use the [`Task`] to get the result, or to cancel the task. Dropping it detaches the task. A panic in
    /// the task is reported to the failure hook and to the code that waits for the task; if nothing holds
    /// the [`Task`], the actor fails with the panic, at [`Stage::Task`](crate::failure::Stage::Task), as if a
    /// handler of its own had panicked. An error that the task returns is a result like any other; a
    /// closure that uses `?` names its type, as in `|task| -> Result<(), BoxError> { .. }`.
    ///
    /// What a task sends has the ids of the message under which it was spawned, as its cause, and the task
    /// as its sender, called `$task-…` under its actor's path.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use std::time::Duration;
    ///
    /// enum Shop { Restock(ActorRef<Reply<u32>>), Stocked(u32), Stock(Reply<u32>) }
    ///
    /// let pool = WorkerPool::builder().workers(1).start()?;
    /// let depot = pool.spawn("depot", Props::new(|| {
    ///     Behavior::receive(|ctx, reply: Reply<u32>| {
    ///         ctx.sleep(Duration::from_millis(20))?;
    ///         reply.send(12);
    ///         Ok(())
    ///     })
    /// }))?;
    /// let shop = pool.spawn("shop", Props::new(|| Behavior::with_state(0, |stock, ctx, message| {
    ///     match message {
    ///         Shop::Restock(depot) => {
    ///             // The depot takes its time; the shop serves others meanwhile.
    ///             ctx.spawn_task(move |task| {
    ///                 let answer = depot.ask(|reply| reply, Duration::from_secs(5)).wait();
    ///                 task.actor().tell(Shop::Stocked(answer.unwrap_or(0)));
    ///             });
    ///         }
    ///         Shop::Stocked(more) => *stock += more,
    ///         Shop::Stock(reply) => reply.send(*stock),
    ///     }
    /// })))?;
    /// let stock = || shop.ask(Shop::Stock, Duration::from_secs(5)).wait();
    /// shop.tell(Shop::Restock(depot));
    /// assert_eq!(stock()?, 0);
    /// while stock()? != 12 {}
    /// pool.shutdown(Duration::from_secs(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn spawn_task<R, F>(&mut self, work: F) -> Task<R>
    where
        R: 'static,
        F: FnOnce(&mut TaskContext<'_, M>) -> R + 'static,
    {
        spawn_task(self.shard(), self.self_ref(), None, work)
    }
}

/// Starts a task of an actor; `by` is the task that spawns it, if one does.
fn spawn_task<M, R, F>(shard: &Shard, actor: ActorRef<M>, by: Option<Key>, work: F) -> Task<R>
where
    M: Send + 'static,
    R: 'static,
    F: FnOnce(&mut TaskContext<'_, M>) -> R + 'static,
{
    let (task, done) = lifecycle::spawn_task::<F>(shard, actor.id().key, by, |done| {
        Box::new(Work {
            work,
            actor,
            done,
            result: PhantomData,
        })
    });
    Task {
        home: shard.home,
        task,
        done,
        result: PhantomData,
    }
}

/// The context of a task: what it can do and find out. It is lent to the task, and cannot be stored.
pub struct TaskContext<'a, M> {
    shard: &'a Shard,
    task: Key,
    actor: ActorRef<M>,
}

impl<M: Send + 'static> TaskContext<'_, M> {
    /// Returns the actor that the task belongs to.
    pub fn actor(&self) -> ActorRef<M> {
        self.actor
    }

    /// Returns the path of this task: that of its actor, and a generated name.
    pub fn path(&self) -> ActorPath {
        path_of(self.shard, self.task.slot())
    }

    /// Returns the index of the worker that the task runs on.
    pub fn worker(&self) -> usize {
        self.shard.home.worker() as usize
    }

    /// Returns the time since the pool's clock began.
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.shard.read_clock())
    }

    /// Runs work beside this task, as [`Context::spawn_task`] does. The new task belongs to the same actor,
    /// and is not bound to this task: it continues after this one ends, unless the actor ends.
    ///
    /// If this task has been cancelled, the new one does not begin.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use nexus_actors::{Task, WaitError};
    /// use std::time::Duration;
    ///
    /// let pool = WorkerPool::builder().workers(1).start()?;
    /// let actor = pool.spawn("actor", Props::new(|| {
    ///     Behavior::receive(|ctx, reply: Reply<u32>| {
    ///         drop(ctx.spawn_task(|task| -> Result<(), BoxError> {
    ///             let halves = [3, 4].map(|half| task.spawn_task(move |task| {
    ///                 task.sleep(Duration::from_millis(1))?;
    ///                 Ok::<u32, WaitError>(half)
    ///             }));
    ///             let [one, other] = halves.map(Task::wait);
    ///             reply.send(one?? + other??);
    ///             Ok(())
    ///         }));
    ///     })
    /// }))?;
    /// assert_eq!(actor.ask(|reply| reply, Duration::from_secs(5)).wait()?, 7);
    /// pool.shutdown(Duration::from_secs(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn spawn_task<R, F>(&mut self, work: F) -> Task<R>
    where
        R: 'static,
        F: FnOnce(&mut TaskContext<'_, M>) -> R + 'static,
    {
        spawn_task(self.shard, self.actor, Some(self.task), work)
    }

    /// Returns the envelope of the message under which the task was spawned: it is the cause of what the task
    /// sends.
    pub fn envelope(&self) -> Envelope {
        self.shard.envelope()
    }

    /// Waits for a duration. Only this task waits.
    ///
    /// # Errors
    ///
    /// [`WaitError`] if this function cannot wait.
    pub fn sleep(&mut self, duration: Duration) -> Result<(), WaitError> {
        sleep(self.shard, duration)
    }

    /// Lets all that is due on this worker have its turn first. Use it in tasks that compute for long: one
    /// that never waits holds its worker.
    ///
    /// # Errors
    ///
    /// [`WaitError`] if this function cannot wait.
    pub fn yield_now(&mut self) -> Result<(), WaitError> {
        Ok(yield_now(self.shard)?)
    }

    pub(crate) fn shard(&self) -> &Shard {
        self.shard
    }
}

impl<M> fmt::Debug for TaskContext<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskContext")
            .field("task", &self.shard.id_of(self.task))
            .finish()
    }
}

/// A task of an actor: wait for its result, cancel it, or drop this handle to detach it.
///
/// It stays on its worker.
pub struct Task<R> {
    home: Home,
    task: Key,
    /// The wait that ends with the task.
    done: Key,
    result: PhantomData<*const R>,
}

impl<R: 'static> Task<R> {
    /// Waits for its result. Only the calling handler, or task, waits: while a handler does, its actor
    /// handles no mail, as for any wait.
    ///
    /// # Errors
    ///
    /// [`TaskError`] says why there is none.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use nexus_actors::{Task, WaitError};
    /// use std::time::Duration;
    ///
    /// let pool = WorkerPool::builder().workers(1).start()?;
    /// let actor = pool.spawn("actor", Props::new(|| {
    ///     Behavior::receive(|ctx, reply: Reply<u64>| {
    ///         let halves = [1_u64..500, 500..1000].map(|half| {
    ///             ctx.spawn_task(move |task| {
    ///                 task.sleep(Duration::from_millis(1))?;
    ///                 Ok::<u64, WaitError>(half.sum())
    ///             })
    ///         });
    ///         let [one, other] = halves.map(Task::wait);
    ///         reply.send(one?? + other??);
    ///         Ok(())
    ///     })
    /// }))?;
    /// assert_eq!(actor.ask(|reply| reply, Duration::from_secs(5)).wait()?, 499_500);
    /// pool.shutdown(Duration::from_secs(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait(self) -> Result<R, TaskError> {
        with_current(|shard| {
            let shard = shard.filter(|shard| shard.home == self.home);
            let shard = shard.ok_or(WaitError::OutsideHandler)?;
            wait_for(shard, self.done).map_err(WaitError::from)?;
            if let Some(outcome) = shard.waits.take_value::<TaskOutcome<R>>(self.done) {
                return outcome;
            }
            let cycle = shard.waits.take_cycle(self.done);
            match (shard.waits.take_end(self.done), cycle) {
                (Some(WaitEnd::Deadlock), Some(cycle)) => Err(TaskError::Deadlock(cycle)),
                // Besides its task, only the end of the pool ends this wait.
                _ => Err(TaskError::Cancelled),
            }
        })
    }

    /// Ends the task: where it waits, or else at its next wait, with its destructors run. Does nothing to a
    /// task that has ended. The result is then [`TaskError::Cancelled`], unless the task returns before it
    /// waits.
    ///
    /// Under `panic = "abort"` only a task that has not begun can be ended.
    pub fn cancel(&self) {
        self.look(|shard| cancel_task(shard, self.task, WaitEnd::NoReply));
    }

    /// Returns whether it has ended, so that [`wait`](Self::wait) returns at once.
    pub fn is_finished(&self) -> bool {
        self.look(|shard| !shard.waits.is_pending(self.done))
            .unwrap_or(true)
    }
}

impl<R> Task<R> {
    fn look<T>(&self, look: impl FnOnce(&Shard) -> T) -> Option<T> {
        with_current(|shard| shard.filter(|shard| shard.home == self.home).map(look))
    }
}

impl<R> Drop for Task<R> {
    fn drop(&mut self) {
        self.look(|shard| shard.waits.forget(self.done));
    }
}

impl<R> fmt::Debug for Task<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Task<{}>", std::any::type_name::<R>())
    }
}

/// The outcome of the wait for a task.
type TaskOutcome<R> = Result<R, TaskError>;

struct Work<M, R, F> {
    work: F,
    actor: ActorRef<M>,
    done: Key,
    result: PhantomData<fn() -> R>,
}

impl<M, R, F> TaskJob for Work<M, R, F>
where
    M: Send + 'static,
    R: 'static,
    F: FnOnce(&mut TaskContext<'_, M>) -> R + 'static,
{
    fn run(self: Box<Self>, shard: &Shard, task: Key) -> JobEnd {
        let Self {
            work, actor, done, ..
        } = *self;
        let mut ctx = TaskContext { shard, task, actor };
        match catch_user(|| work(&mut ctx)) {
            Ok(result) if shard.waits.is_pending(done) => {
                tell(shard, done, Ok(result));
                JobEnd::Quiet
            }
            Ok(result) => match drop_with_fate(result, WaitEnd::NoReply) {
                Some(Unwound::Panicked(payload)) => JobEnd::Noted(Cause::Panic(payload)),
                _ => JobEnd::Quiet,
            },
            Err(Unwound::Forced) => {
                tell::<R>(shard, done, Err(TaskError::Cancelled));
                JobEnd::Quiet
            }
            Err(Unwound::Panicked(payload)) => {
                let error = TaskError::Panicked(payload.clone());
                failed(tell::<R>(shard, done, Err(error)), Cause::Panic(payload))
            }
        }
    }

    fn refuse(self: Box<Self>, shard: &Shard, why: TaskError, end: WaitEnd) -> JobEnd {
        let Self { work, done, .. } = *self;
        if let Some(Unwound::Panicked(payload)) = drop_with_fate(work, end) {
            tell::<R>(shard, done, Err(why));
            return JobEnd::Noted(Cause::Panic(payload));
        }
        match why {
            TaskError::Cancelled => {
                tell::<R>(shard, done, Err(why));
                JobEnd::Quiet
            }
            why => {
                let cause: BoxError = Box::new(why.clone());
                failed(tell::<R>(shard, done, Err(why)), Cause::Error(cause))
            }
        }
    }
}

/// Tells the holder of the [`Task`]. Returns whether there is one.
fn tell<R: 'static>(shard: &Shard, done: Key, outcome: TaskOutcome<R>) -> bool {
    let held = shard.waits.is_pending(done);
    if held {
        shard.follow_up(shard.waits.fulfil(done, outcome));
    }
    held
}

fn failed(told: bool, cause: Cause) -> JobEnd {
    if told {
        JobEnd::Noted(cause)
    } else {
        JobEnd::Failed(cause)
    }
}
