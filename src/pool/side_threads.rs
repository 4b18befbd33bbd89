//! Side threads: for work that computes for long or blocks, so that workers do not have to.
//!
//! A thread is started when there is work and all others are busy, up to a limit; a thread that has
//! been idle for a while ends.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::failure::{WaitEnd, abort_on_panic, drop_with_fate};
use crate::pool_core::{Offload, OffloadJob};
use crate::shared::Jobs;

/// How long an idle thread stays.
const PATIENCE: Duration = Duration::from_secs(10);

/// The side threads of one pool.
pub(crate) struct SideThreads {
    jobs: Arc<Jobs<OffloadJob>>,
    name: String,
}

impl SideThreads {
    /// Creates the side threads: up to `most`, with names that begin with the pool's.
    pub(crate) fn new(pool: &str, most: usize) -> Self {
        Self {
            jobs: Arc::new(Jobs::new(most)),
            name: format!("{pool}-blocking"),
        }
    }

    fn start_one(&self) -> bool {
        let jobs = Arc::clone(&self.jobs);
        let started = thread::Builder::new()
            .name(self.name.clone())
            .spawn(move || serve(&jobs));
        started.is_ok()
    }
}

impl Offload for SideThreads {
    fn submit(&self, job: OffloadJob) {
        let submitted = self.jobs.submit(job, || self.start_one());
        submitted.unwrap_or_else(lose);
    }

    fn close(&self) {
        self.jobs.close().into_iter().for_each(lose);
    }
}

/// Drops work outside all locks: what it has captured is the user's.
fn lose(job: OffloadJob) {
    let _ = drop_with_fate(job, WaitEnd::PoolClosed);
}

impl Drop for SideThreads {
    fn drop(&mut self) {
        self.close();
    }
}

fn serve(jobs: &Jobs<OffloadJob>) {
    // Jobs catch their own panics.
    abort_on_panic(|| {
        while let Some(job) = jobs.next(Some(PATIENCE)) {
            job();
        }
    });
}
