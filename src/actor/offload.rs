//! The seam to side threads: where work is done that blocks its thread.

/// Work that was handed over.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// Does work beside the workers. Shared by all threads.
pub(crate) trait Offload: Send + Sync {
    /// Does the work, some time; or drops it, when no more is taken.
    ///
    /// The work catches the panics of the user's code in it.
    fn submit(&self, job: Job);

    /// Takes no more work, and drops what has not begun.
    fn close(&self);
}
