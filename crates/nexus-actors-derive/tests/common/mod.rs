//! Pools for tests.
#![allow(dead_code)] // each test binary uses only a part

use nexus_actors::prelude::*;
use std::time::Duration;

/// The pool sizes for tests that need no particular size.
pub(crate) const SIZES: [usize; 3] = [1, 2, 8];

/// Longer than anything takes that succeeds.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Runs a test on a pool of that many workers, and shuts the pool down.
pub(crate) fn with_pool(workers: usize, test: impl FnOnce(&WorkerPool)) {
    let pool = WorkerPool::builder().workers(workers).start().unwrap();
    test(&pool);
    pool.shutdown(SOON).unwrap();
}
