//! Why a handler could not wait.

/// Why a function cannot wait at this point.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError {
    /// The code does not run in a handler, but in a destructor that the runtime runs outside of one.
    #[error("only a handler, a setup or a signal handler can wait; this code runs outside of one")]
    OutsideHandler,
    /// The thread is panicking: this code runs in a destructor during the unwinding.
    #[error("a destructor that runs because of a panic cannot wait; send a message instead")]
    Unwinding,
    /// The code runs in a function that was passed to [`no_wait`](crate::actor::no_wait).
    #[error("this code runs inside of `no_wait`, where nothing may wait; wait before or after it")]
    Forbidden,
    /// The thread drives the pool itself, and no work is left that could end the wait.
    #[error("nothing is left to do that could end this wait; begin what ends it first")]
    NothingLeft,
    /// The code runs in a handler, but the wait began outside of one, on a thread that drives a pool.
    #[error("a handler cannot wait for what was begun outside of it; ask again in the handler")]
    InHandler,
    /// The code runs in a handler, and is polled there by an executor other than
    /// [`Context::block_on`](crate::Context::block_on). That executor blocks the worker's thread, on which
    /// the answer would come.
    #[error(
        "another executor polls it in a handler, whose worker stands still; use `ctx.block_on`"
    )]
    OtherExecutor,
    /// The pool ends, and the wait with it.
    #[error("the pool ends, and with it what was waited for; do without, or start another pool")]
    PoolClosed,
    /// The operating system granted no memory for another stack.
    #[error("{0}; raise the limit on memory or mappings, or let fewer handlers wait at a time")]
    NoStack(String),
}
