//! A queue of jobs, and the threads that do them. A thread is started when there is work and all others are
//! busy; a thread that has had nothing to do for a while ends.
//!
//! One lock protects everything. A submitter starts a thread if there are more jobs than idle threads, and
//! notifies an idle one otherwise. A thread is idle from when it finds no job until it holds the lock again,
//! so a thread that was notified and does not hold the lock yet still counts as idle; the job that it was
//! notified of counts too.
//!
//! **No job is left.** A thread ends only if it finds no job under the lock, and leaves the count in the same
//! step. So a submitter finds either a thread that will look again, or none, and then starts one.
//!
//! Checked by `loom-tests/tests/jobs.rs`.

use crate::sync::{Condvar, Mutant, Mutex, is_mutated};
use std::collections::VecDeque;
use std::time::Duration;

struct Queue<J> {
    jobs: VecDeque<J>,
    threads: usize,
    idle: usize,
    closed: bool,
}

/// Jobs that wait for a thread.
pub struct Jobs<J> {
    queue: Mutex<Queue<J>>,
    work: Condvar,
    /// The most threads that may run.
    most: usize,
}

impl<J> Jobs<J> {
    /// Makes a queue without jobs and without threads.
    pub fn new(most: usize) -> Self {
        Self {
            queue: Mutex::new(Queue {
                jobs: VecDeque::new(),
                threads: 0,
                idle: 0,
                closed: false,
            }),
            work: Condvar::new(),
            most,
        }
    }

    /// Submits a job. `start` starts a thread that does jobs as long as there is a [`next`](Self::next) one,
    /// and returns whether it could; if it could not, the job waits for an existing thread.
    ///
    /// # Errors
    ///
    /// Returns the job if the queue is closed, or if there is no thread at all.
    pub fn submit(&self, job: J, start: impl FnOnce() -> bool) -> Result<(), J> {
        let mut queue = self.queue.lock();
        if queue.closed && !is_mutated(Mutant::JobTakenAfterClose) {
            return Err(job);
        }
        queue.jobs.push_back(job);
        let enough = if is_mutated(Mutant::JobsUncounted) {
            queue.idle > 0
        } else {
            queue.idle >= queue.jobs.len()
        };
        if !enough && queue.threads < self.most {
            queue.threads += usize::from(start());
        }
        if queue.threads > 0 {
            if !is_mutated(Mutant::JobUntold) {
                self.work.notify_one();
            }
            return Ok(());
        }
        // No thread would ever do it.
        queue.jobs.pop_back().map_or(Ok(()), Err)
    }

    /// Returns the next job, after a wait of at most `patience`, or without a limit. Returns `None` if the
    /// thread is to end.
    pub fn next(&self, patience: Option<Duration>) -> Option<J> {
        let mut queue = self.queue.lock();
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                return Some(job);
            }
            let mut over = queue.closed;
            if !over {
                queue.idle += 1;
                match patience {
                    None => self.work.wait(&mut queue),
                    Some(time) => over = self.work.wait_for(&mut queue, time).timed_out(),
                }
                queue.idle -= 1;
            }
            if over && (queue.jobs.is_empty() || is_mutated(Mutant::JobLeftAtTheEnd)) {
                queue.threads -= 1;
                return None;
            }
        }
    }

    /// Closes the queue. Returns the jobs that no thread has begun.
    pub fn close(&self) -> VecDeque<J> {
        let mut queue = self.queue.lock();
        queue.closed = true;
        let left = std::mem::take(&mut queue.jobs);
        drop(queue);
        if !is_mutated(Mutant::JobsEndUntold) {
            self.work.notify_all();
        }
        left
    }
}
