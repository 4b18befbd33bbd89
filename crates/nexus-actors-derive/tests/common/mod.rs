//! Pools for tests.
#![allow(dead_code)] // each test binary uses its own part

use nexus_actors::prelude::*;
use std::time::Duration;

/// The sizes of pool that a test of no particular size runs with.
pub(crate) const SIZES: [usize; 3] = [1, 2, 8];

/// Longer than anything takes that goes well.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Runs a test on a pool of that many workers, and shuts it down.
pub(crate) fn with_pool(workers: usize, test: impl FnOnce(&WorkerPool)) {
    let pool = WorkerPool::builder().workers(workers).start().unwrap();
    test(&pool);
    pool.shutdown(SOON).unwrap();
}
