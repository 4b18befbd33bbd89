//! The seam to side threads, which run work that blocks its thread.

/// A piece of work that was handed over.
pub(crate) type OffloadJob = Box<dyn FnOnce() + Send>;

/// Runs work beside the workers. Shared by all threads.
pub(crate) trait Offload: Send + Sync {
    /// Runs the work at some time, or drops it once no more is accepted.
    ///
    /// The work itself catches the panics of the user's code in it.
    fn submit(&self, job: OffloadJob);

    /// Accepts no more work, and drops what has not begun.
    fn close(&self);
}
