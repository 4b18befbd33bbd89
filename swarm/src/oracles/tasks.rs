//! The tasks of an actor: none begins or continues when it is not to, and none outlives its
//! instance.

use parking_lot::Mutex;

use super::{Check, ensure};
use crate::rng::mix;

/// How a task has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Returned,
    Panicked,
    /// It was ended while it waited, or has never begun.
    Cut,
}

#[derive(Clone, Copy, Debug)]
struct TaskLife {
    incarnation: u32,
    /// Its actor had received its stop signal when it spawned the task.
    late: bool,
    begun: bool,
    cancelled: bool,
    /// Whether its end is to be reported to a holder.
    held: bool,
    /// How it is about to end.
    ends: Ended,
    gone: bool,
}

/// How a task ended, as a waiter is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskOutcome {
    /// It returned this result.
    Result(u64),
    /// It panicked.
    Panicked,
    /// It was cancelled.
    Cancelled,
}

/// The tasks that one actor has had.
#[derive(Debug, Default)]
pub struct Tasks(Mutex<Vec<TaskLife>>);

impl Tasks {
    /// Records that a task is spawned. Returns its number.
    pub fn is_spawned(&self, incarnation: u32, late: bool) -> usize {
        let mut tasks = self.0.lock();
        tasks.push(TaskLife {
            incarnation,
            late,
            begun: false,
            cancelled: false,
            held: true,
            ends: Ended::Cut,
            gone: false,
        });
        tasks.len() - 1
    }

    /// The result of a task.
    pub fn result_of(task: usize) -> u64 {
        mix(task as u64 ^ 0x7a5c)
    }

    /// Records that a task begins.
    ///
    /// # Errors
    ///
    /// If it has begun before, or was not to begin.
    pub fn begins(&self, task: usize, incarnation: u32) -> Check {
        let before = std::mem::replace(&mut self.0.lock()[task].begun, true);
        ensure(!before, || format!("task {task} began twice"))?;
        self.goes_on(task, incarnation)
    }

    /// Records that a task begins, or continues after it has waited.
    ///
    /// # Errors
    ///
    /// If it was cancelled, or belongs to another instance.
    pub fn goes_on(&self, task: usize, incarnation: u32) -> Check {
        let cancelled = self.0.lock()[task].cancelled;
        ensure(!cancelled, || {
            format!("task {task} goes on, and was cancelled")
        })?;
        self.is_its_actors(task, incarnation)
    }

    /// Records that a task continues after it may have waited in a destructor, which may be all
    /// that its cancellation has ended.
    ///
    /// # Errors
    ///
    /// If it belongs to another instance.
    pub fn is_its_actors(&self, task: usize, incarnation: u32) -> Check {
        let life = self.0.lock()[task];
        ensure(!life.gone && life.incarnation == incarnation, || {
            format!("task {task} goes on in incarnation {incarnation}: {life:?}")
        })
    }

    /// Whether it was spawned by an actor that had received its stop signal: it may continue for a
    /// while, but not once the end of that actor is reported to others.
    pub fn is_late(&self, task: usize) -> bool {
        self.0.lock()[task].late
    }

    /// Records that it is cancelled.
    pub fn is_cancelled(&self, task: usize) {
        self.0.lock()[task].cancelled = true;
    }

    /// Records that its actor receives its stop signal: the tasks that are left were cancelled.
    pub fn are_cancelled(&self) {
        let mut tasks = self.0.lock();
        tasks.iter_mut().for_each(|task| task.cancelled = true);
    }

    /// Records that another task of its actor waits for it. If the actor leaves, both are
    /// cancelled, and the waiting one may learn of the other's cancellation if its own has ended
    /// only a destructor.
    pub fn is_waited_for_by_task(&self, task: usize) {
        let task = &mut self.0.lock()[task];
        task.cancelled |= task.gone && task.ends == Ended::Cut;
    }

    /// Records that its end is no longer to be reported to a holder.
    pub fn is_left_alone(&self, task: usize) {
        self.0.lock()[task].held = false;
    }

    /// Records that it is about to return.
    pub fn returns(&self, task: usize) {
        self.0.lock()[task].ends = Ended::Returned;
    }

    /// Records that it is about to panic. Returns whether no holder is told, so that its actor
    /// fails.
    pub fn panics(&self, task: usize) -> bool {
        let task = &mut self.0.lock()[task];
        task.ends = Ended::Panicked;
        !task.held
    }

    /// Records that everything it owns is dropped.
    pub fn is_gone(&self, task: usize) {
        self.0.lock()[task].gone = true;
    }

    /// Checks whether it is finished, as its actor is told.
    ///
    /// # Errors
    ///
    /// If that is wrong.
    pub fn is_finished(&self, task: usize, finished: bool) -> Check {
        let life = self.0.lock()[task];
        ensure(life.gone == finished, || {
            format!("task {task} is finished: {finished}, but: {life:?}")
        })
    }

    /// Checks the outcome that a waiter received. `pool_ends` says whether the whole pool ends.
    ///
    /// # Errors
    ///
    /// If it has not ended that way.
    pub fn is_told(&self, task: usize, outcome: &TaskOutcome, pool_ends: bool) -> Check {
        let life = self.0.lock()[task];
        let so = match outcome {
            TaskOutcome::Result(result) => {
                life.ends == Ended::Returned && *result == Self::result_of(task)
            }
            TaskOutcome::Panicked => life.ends == Ended::Panicked,
            TaskOutcome::Cancelled => pool_ends || (life.cancelled && life.ends == Ended::Cut),
        };
        ensure(so && (life.gone || pool_ends), || {
            format!("task {task} is said to have ended with {outcome:?}, but: {life:?}")
        })
    }

    /// Checks that nothing is left of the tasks when the actor receives its stop signal, when its
    /// end is reported to others, or when it is built again.
    ///
    /// # Errors
    ///
    /// If something is.
    pub fn are_gone(&self) -> Check {
        let tasks = self.0.lock();
        match tasks.iter().position(|task| !task.gone) {
            Some(number) => Err(format!("task {number} is left: {:?}", tasks[number])),
            None => Ok(()),
        }
    }
}
