//! The tasks of an actor: what they do, and what becomes of them.

use nexus_actors::Task;
use nexus_actors::actor::TaskContext;
use nexus_actors::failure::TaskError;
use std::sync::Arc;
use std::time::Duration;

use super::{Ctx, DEPTH, KEPT, Member};
use crate::note::{Load, Note, Purse, Question};
use crate::oracles::{Counted, Failures, TaskOutcome, Tasks, When, never_early};
use crate::record::{Known, Record};
use crate::sender::{Sender, nanos};
use crate::world::World;

/// A task that may be waited for.
pub(super) struct Held<L: Load> {
    task: Option<Task<u64>>,
    number: usize,
    record: Arc<Record<L>>,
    world: Arc<World<L>>,
    _held: Counted,
}

impl<L: Load> Held<L> {
    /// Waits for its end, in a handler or in another task.
    fn wait(mut self, in_task: bool) {
        let Some(task) = self.task.take() else { return };
        let outcome = match task.wait() {
            Ok(result) => TaskOutcome::Result(result),
            Err(TaskError::Panicked(text)) if Failures::is_planned(&text) => TaskOutcome::Panicked,
            Err(TaskError::Cancelled) => TaskOutcome::Cancelled,
            Err(error) => {
                let text = format!("{}: task {}: {error}", self.record.who(), self.number);
                return self.world.oracles.violated(text);
            }
        };
        self.world.oracles.saw(match outcome {
            TaskOutcome::Result(_) => "result of a task",
            TaskOutcome::Panicked => "panic of a task",
            TaskOutcome::Cancelled => "cancelled task",
        });
        let tasks = &self.record.tasks;
        if in_task {
            tasks.is_waited_for_by_task(self.number);
        }
        let check = tasks.is_told(self.number, &outcome, self.world.ends());
        self.world.oracles.note(|| self.record.who(), check);
    }
}

impl<L: Load> Drop for Held<L> {
    fn drop(&mut self) {
        self.record.tasks.is_left_alone(self.number);
    }
}

/// What a task owns until it is done.
struct Work<L: Load> {
    world: Arc<World<L>>,
    record: Arc<Record<L>>,
    sender: Sender<L>,
    number: usize,
    purse: Purse,
    question: Option<Question>,
    /// Another task, for which it waits.
    other: Option<Held<L>>,
}

impl<L: Load> Drop for Work<L> {
    fn drop(&mut self) {
        // Dropped first, so that nothing of it is left when it is gone.
        drop((self.question.take(), self.other.take()));
        self.record.tasks.is_gone(self.number);
    }
}

impl<L: Load> Work<L> {
    fn judge(&self, check: crate::oracles::Check) {
        self.world.oracles.note(|| self.record.who(), check);
    }

    /// Checks that it may continue: it has waited, and was not ended there.
    fn goes_on(&self) {
        let incarnation = self.record.life.incarnation();
        self.judge(self.record.tasks.goes_on(self.number, incarnation));
        self.has_its_actor();
    }

    fn has_its_actor(&self) {
        let incarnation = self.record.life.incarnation();
        let check = self.record.tasks.is_its_actors(self.number, incarnation);
        self.judge(check);
        if self.record.life.is_told() && !self.record.tasks.is_late(self.number) {
            let number = self.number;
            self.judge(Err(format!("task {number} goes on after its actor's end")));
        }
    }

    fn run(mut self, task: &mut TaskContext<'_, Note<L>>) -> u64 {
        let incarnation = self.record.life.incarnation();
        self.judge(self.record.tasks.begins(self.number, incarnation));
        for _ in 0..self.purse.rng.below(4) {
            self.act(task);
        }
        if let Some(other) = self.other.take() {
            other.wait(true);
            self.has_its_actor();
        }
        if self.purse.rng.percent(15) {
            self.fail(task);
        }
        if let Some(question) = self.question.take() {
            question.answer(Some(nanos(task.now())));
        }
        self.record.tasks.returns(self.number);
        Tasks::result_of(self.number)
    }

    fn fail(&self, task: &TaskContext<'_, Note<L>>) -> ! {
        let oracles = &self.world.oracles;
        if let Some(question) = self.question.as_ref().filter(|_| !self.world.ends()) {
            oracles
                .asks
                .is_failed(question.ask, Some(nanos(task.now())));
        }
        let life = &self.record.life;
        let own = self.record.tasks.panics(self.number);
        if own {
            life.is_failing();
        }
        oracles.saw(match own {
            true => "failure in a task",
            false => "failure in a task that is held",
        });
        panic!("{}", oracles.failures.plan(life.number, When::Task))
    }

    fn act(&mut self, task: &mut TaskContext<'_, Note<L>>) {
        match self.purse.rng.below(7) {
            0 | 1 => self.sleep(task),
            2 => {
                let waited = task.yield_now();
                self.judge(waited.map_err(|error| format!("a task could not wait: {error}")));
                self.goes_on();
            }
            3 => {
                if let Some(target) = self.world.pick(&mut self.purse.rng) {
                    self.tell(&target);
                }
            }
            4 => {
                let (record, target) = (Arc::clone(&self.record), task.actor());
                self.tell(&Known { record, target });
            }
            _ => self.ask(task),
        }
    }

    fn tell(&mut self, target: &Known<L>) {
        if self.world.spend(1) {
            let part = self.purse.part();
            self.sender.tell(target, part);
        }
    }

    fn sleep(&mut self, task: &mut TaskContext<'_, Note<L>>) {
        let most = *self.purse.rng.pick(&[0, 10, 100, 2_000]);
        let time = Duration::from_micros(self.purse.rng.between(0, most));
        let began = nanos(task.now());
        let slept = task.sleep(time);
        self.judge(slept.map_err(|error| format!("a task could not sleep: {error}")));
        self.judge(never_early("sleep", began, nanos(task.now()), nanos(time)));
        self.goes_on();
    }

    fn ask(&mut self, task: &TaskContext<'_, Note<L>>) {
        if self.purse.depth >= DEPTH || !self.world.spend(1) {
            return;
        }
        let Some(target) = self.world.pick(&mut self.purse.rng) else {
            return;
        };
        let timeout = match self.purse.rng.percent(50) {
            true => self.world.patience,
            false => Duration::from_micros(self.purse.rng.between(0, 300)),
        };
        let mut part = self.purse.part();
        part.depth += 1;
        let clock = || Some(nanos(task.now()));
        // What is dropped with the ask may itself wait.
        self.sender.ask(&target, part, timeout, &clock).wait(&clock);
        self.has_its_actor();
    }
}

impl<L: Load> Member<L> {
    /// Spawns a task, and holds or detaches it.
    pub(super) fn spawn_task(&self, ctx: &mut Ctx<'_, L>, purse: &mut Purse) {
        if !self.world.spend(3) {
            return;
        }
        let world = Arc::clone(&self.world);
        let sender = Sender::new(Arc::clone(&world), world.next_number());
        sender.acts_as_task(ctx);
        let other = match purse.rng.percent(25) {
            true => self.tasks.borrow_mut().pop(),
            false => None,
        };
        let question = match purse.rng.percent(30) {
            true => self.take_kept(),
            false => None,
        };
        let life = &self.record.life;
        if life.is_told() {
            self.linger();
        }
        let number = self
            .record
            .tasks
            .is_spawned(life.incarnation(), life.is_told());
        let work = Work {
            world,
            record: Arc::clone(&self.record),
            sender,
            number,
            purse: purse.part(),
            question,
            other,
        };
        let held = Held {
            task: Some(ctx.spawn_task(move |task| work.run(task))),
            number,
            record: Arc::clone(&self.record),
            world: Arc::clone(&self.world),
            _held: self.world.oracles.held_tasks.one_more(),
        };
        match purse.rng.below(4) {
            0 => drop(held),
            1 => held.wait(false),
            _ if self.tasks.borrow().len() < KEPT => self.tasks.borrow_mut().push(held),
            _ => {}
        }
    }

    pub(super) fn wait_for_task(&self) {
        let held = self.tasks.borrow_mut().pop();
        if let Some(held) = held {
            held.wait(false);
        }
    }

    pub(super) fn cancel_task(&self, purse: &mut Purse) {
        let mut tasks = self.tasks.borrow_mut();
        if tasks.is_empty() {
            return;
        }
        let index = purse.rng.index(tasks.len());
        let held = tasks.swap_remove(index);
        drop(tasks);
        let Some(task) = &held.task else { return };
        self.judge(
            self.record
                .tasks
                .is_finished(held.number, task.is_finished()),
        );
        self.world.oracles.saw("cancellation");
        self.record.tasks.is_cancelled(held.number);
        task.cancel();
        if purse.rng.percent(50) {
            held.wait(false);
        }
    }
}
