//! Chores: work for a fiber of the worker that belongs to no actor, or that needs another stack than its
//! caller's.

use super::fate::{End, drop_with_fate};
use super::id::ActorId;
use super::run_queue::Due;
use super::shard::Shard;
use super::waiter::{CannotWait, ForgetAtEnd};
use crate::fiber::StackClass;

/// Work for a fiber of the worker that belongs to no actor.
pub(crate) type Chore = Box<dyn FnOnce(&Shard)>;

impl Shard {
    /// Queues a chore for a fiber of this worker.
    pub(crate) fn add_task(&self, task: Chore) {
        self.tasks_open.set(self.tasks_open.get() + 1);
        self.queue_task(None, task);
    }

    fn queue_task(&self, stack: Option<StackClass>, task: Chore) {
        self.tasks.borrow_mut().push_back((stack, task));
        self.due.push(Due::Task);
    }

    /// Queues again what could not be handed over to a larger stack.
    pub(crate) fn put_back_apart(&self, stack: StackClass) {
        match self.task_apart.take() {
            Some(task) => self.queue_task(Some(stack), task),
            None => self.due.push(Due::Turn(self.apart.get())),
        }
    }

    /// Does work on a larger stack, which has been claimed, while the caller waits for it; or right here
    /// if the caller cannot wait.
    ///
    /// # Errors
    ///
    /// Returns an error if the caller found out too late that it could not wait: the work is done without
    /// it.
    pub(crate) fn do_apart<R: 'static>(
        &self,
        stack: Option<StackClass>,
        actor: ActorId,
        work: impl FnOnce(&Shard) -> R + 'static,
    ) -> Result<R, CannotWait> {
        if stack.is_none() || self.can_wait().is_err() {
            return Ok(work(self));
        }
        let mail = self.slot(actor.key.slot()).mail_kind();
        let wait = ForgetAtEnd(self, self.waits.begin_work(actor, mail));
        let (key, envelope) = (wait.1, self.envelope());
        let task = move |shard: &Shard| {
            // What the work sends has the same cause as if the caller had sent it.
            let outcome = shard.with_envelope(envelope, || work(shard));
            if shard.waits.is_pending(key) {
                shard.follow_up(shard.waits.fulfil(key, outcome));
            } else {
                let _ = drop_with_fate(outcome, End::NoReply);
            }
        };
        self.tasks_open.set(self.tasks_open.get() + 1);
        self.queue_task(stack, Box::new(task));
        self.wait_for(key)?;
        match self.waits.take(key) {
            Some(Ok(outcome)) => Ok(outcome),
            _ => unreachable!("nothing but its task ends this wait"),
        }
    }

    /// Notes that a task is done, or was ended by force.
    pub(crate) fn task_done(&self) {
        self.tasks_open.set(self.tasks_open.get() - 1);
    }

    /// Drops the tasks that will not be done any more.
    pub(crate) fn drop_tasks(&self) {
        while let Some((_, task)) = self.next_task() {
            let _ = drop_with_fate(task, End::PoolClosed);
            self.task_done();
        }
    }

    pub(crate) fn next_task(&self) -> Option<(Option<StackClass>, Chore)> {
        self.tasks.borrow_mut().pop_front()
    }
}
