//! Work for a fiber of the worker (a [`Chore`]) that belongs to no actor, or that needs another stack than
//! its caller's: queued, counted, and dropped at the end.

use super::run_queue::Runnable;
use super::state::{Chore, Shard};
use crate::failure::{WaitEnd, drop_with_fate};
use crate::fiber::StackClass;

impl Shard {
    /// Queues a chore for a fiber of this worker.
    pub(crate) fn add_task(&self, task: Chore) {
        self.tasks_open.set(self.tasks_open.get() + 1);
        self.queue_task(None, task);
    }

    pub(crate) fn queue_task(&self, stack: Option<StackClass>, task: Chore) {
        self.tasks.borrow_mut().push_back((stack, task));
        self.due.push(Runnable::Task);
    }

    /// Queues again what could not be handed over to a larger stack.
    pub(super) fn put_back_apart(&self, stack: StackClass) {
        match self.task_apart.take() {
            Some(task) => self.queue_task(Some(stack), task),
            None => self.due.push(Runnable::Turn(self.apart.get())),
        }
    }

    /// Notes that a task is done, or was ended by force.
    pub(crate) fn task_done(&self) {
        self.tasks_open.set(self.tasks_open.get() - 1);
    }

    /// Drops the tasks that will not be done any more.
    pub(crate) fn drop_tasks(&self) {
        while let Some((_, task)) = self.next_task() {
            let _ = drop_with_fate(task, WaitEnd::PoolClosed);
            self.task_done();
        }
    }

    pub(crate) fn next_task(&self) -> Option<(Option<StackClass>, Chore)> {
        self.tasks.borrow_mut().pop_front()
    }
}
