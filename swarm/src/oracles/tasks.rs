//! The tasks of an actor: none begins or goes on when it is not to, and none outlives its instance.

use parking_lot::Mutex;

use super::{Check, ensure};
use crate::rng::mix;

/// How a task has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Returned,
    Panicked,
    /// It was ended where it waited, or has never begun.
    Cut,
}

#[derive(Clone, Copy, Debug)]
struct TaskLife {
    incarnation: u32,
    /// Its actor had been told of its end when it spawned it.
    late: bool,
    begun: bool,
    cancelled: bool,
    /// Whether somebody is to be told how it ends.
    held: bool,
    /// How it is about to end.
    ends: Ended,
    gone: bool,
}

/// How a task ended, as whoever waits for it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskOutcome {
    /// With that result.
    Result(u64),
    /// With a panic.
    Panicked,
    /// It was cancelled.
    Cancelled,
}

/// The tasks that one actor has had.
#[derive(Debug, Default)]
pub struct Tasks(Mutex<Vec<TaskLife>>);

impl Tasks {
    /// A task is spawned. Answers its number.
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

    /// What a task returns.
    pub fn result_of(task: usize) -> u64 {
        mix(task as u64 ^ 0x7a5c)
    }

    /// A task begins.
    ///
    /// # Errors
    ///
    /// When it has begun before, or was not to.
    pub fn begins(&self, task: usize, incarnation: u32) -> Check {
        let before = std::mem::replace(&mut self.0.lock()[task].begun, true);
        ensure(!before, || format!("task {task} began twice"))?;
        self.goes_on(task, incarnation)
    }

    /// A task begins, or goes on after it has waited.
    ///
    /// # Errors
    ///
    /// When it was cancelled, or belongs to another instance.
    pub fn goes_on(&self, task: usize, incarnation: u32) -> Check {
        let cancelled = self.0.lock()[task].cancelled;
        ensure(!cancelled, || {
            format!("task {task} goes on, and was cancelled")
        })?;
        self.is_its_actors(task, incarnation)
    }

    /// A task goes on after it may have waited in a destructor, which may be all that its cancellation
    /// has ended.
    ///
    /// # Errors
    ///
    /// When it belongs to another instance.
    pub fn is_its_actors(&self, task: usize, incarnation: u32) -> Check {
        let life = self.0.lock()[task];
        ensure(!life.gone && life.incarnation == incarnation, || {
            format!("task {task} goes on in incarnation {incarnation}: {life:?}")
        })
    }

    /// Whether it was spawned by an actor that had been told of its end: it may go on for a while, but not
    /// when others are told of that end.
    pub fn is_late(&self, task: usize) -> bool {
        self.0.lock()[task].late
    }

    /// Somebody cancels it.
    pub fn is_cancelled(&self, task: usize) {
        self.0.lock()[task].cancelled = true;
    }

    /// Its actor is told of its end: those that are left were cancelled.
    pub fn are_cancelled(&self) {
        let mut tasks = self.0.lock();
        tasks.iter_mut().for_each(|task| task.cancelled = true);
    }

    /// Another task of its actor waits for it. Where the actor leaves both are cancelled, and the one that
    /// waits may hear of that, if its own cancellation has ended no more than a destructor.
    pub fn is_waited_for_by_task(&self, task: usize) {
        let task = &mut self.0.lock()[task];
        task.cancelled |= task.gone && task.ends == Ended::Cut;
    }

    /// Nobody is to be told of it any more.
    pub fn is_left_alone(&self, task: usize) {
        self.0.lock()[task].held = false;
    }

    /// It is about to return.
    pub fn returns(&self, task: usize) {
        self.0.lock()[task].ends = Ended::Returned;
    }

    /// It is about to panic. Answers whether nobody is told, so that its actor fails.
    pub fn panics(&self, task: usize) -> bool {
        let task = &mut self.0.lock()[task];
        task.ends = Ended::Panicked;
        !task.held
    }

    /// All that it has is dropped.
    pub fn is_gone(&self, task: usize) {
        self.0.lock()[task].gone = true;
    }

    /// Its actor is told whether it is finished.
    ///
    /// # Errors
    ///
    /// When it is told otherwise than it is.
    pub fn is_finished(&self, task: usize, finished: bool) -> Check {
        let life = self.0.lock()[task];
        ensure(life.gone == finished, || {
            format!("task {task} is finished: {finished}, but: {life:?}")
        })
    }

    /// Somebody has waited for it; the whole pool ends or does not.
    ///
    /// # Errors
    ///
    /// When it has not ended so.
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

    /// Its actor is told of its end, or others are, or it is built again: nothing is left of them.
    ///
    /// # Errors
    ///
    /// When something is.
    pub fn are_gone(&self) -> Check {
        let tasks = self.0.lock();
        match tasks.iter().position(|task| !task.gone) {
            Some(number) => Err(format!("task {number} is left: {:?}", tasks[number])),
            None => Ok(()),
        }
    }
}
