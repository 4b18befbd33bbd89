//! Side threads: for work that computes for long or blocks, so that workers need not.
//!
//! A thread is started when there is work and all others are busy, up to a limit; one that has had
//! nothing to do for a while ends.

use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::actor::{End, Job, Offload, abort_on_panic, drop_with_fate};

/// How long a thread without work stays.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
    closed: bool,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    work: Condvar,
}

/// The side threads of one pool.
pub(crate) struct SideThreads {
    shared: Arc<Shared>,
    most: usize,
    name: String,
}

impl SideThreads {
    /// Up to `most` threads, whose names begin with the pool's.
    pub(crate) fn new(pool: &str, most: usize) -> Self {
        Self {
            shared: Arc::default(),
            most,
            name: format!("{pool}-blocking"),
        }
    }

    /// Starts another thread, if all are busy and there may be more. Where the system gives none, the
    /// work waits for one that there is.
    fn start_one(&self, queue: &mut Queue) -> bool {
        if queue.idle >= queue.jobs.len() || queue.threads == self.most {
            return true;
        }
        let shared = Arc::clone(&self.shared);
        let started = thread::Builder::new()
            .name(self.name.clone())
            .spawn(move || shared.serve());
        queue.threads += usize::from(started.is_ok());
        queue.threads > 0
    }
}

impl Offload for SideThreads {
    fn submit(&self, job: Job) {
        let mut queue = self.shared.queue.lock();
        if queue.closed {
            drop(queue);
            return lose(job);
        }
        queue.jobs.push_back(job);
        if self.start_one(&mut queue) {
            self.shared.work.notify_one();
            return;
        }
        // No thread at all: nobody would ever do it.
        let lost = queue.jobs.pop_back();
        drop(queue);
        lost.into_iter().for_each(lose);
    }

    fn close(&self) {
        let mut queue = self.shared.queue.lock();
        queue.closed = true;
        let left = std::mem::take(&mut queue.jobs);
        drop(queue);
        self.shared.work.notify_all();
        left.into_iter().for_each(lose);
    }
}

/// Drops work outside of all locks: what it has captured is the user's.
fn lose(job: Job) {
    let _ = drop_with_fate(job, End::PoolClosed);
}

impl Drop for SideThreads {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn serve(&self) {
        // Jobs catch their panics.
        abort_on_panic(|| {
            while let Some(job) = self.next() {
                job();
            }
        });
    }

    /// The next job; `None` when the thread is to end.
    fn next(&self) -> Option<Job> {
        let mut queue = self.queue.lock();
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                return Some(job);
            }
            queue.idle += 1;
            let waited = !queue.closed && !self.work.wait_for(&mut queue, PATIENCE).timed_out();
            queue.idle -= 1;
            if queue.jobs.is_empty() && (queue.closed || !waited) {
                queue.threads -= 1;
                return None;
            }
        }
    }
}
