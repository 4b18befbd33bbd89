//! Code in which nothing may wait.

use crate::fiber::forbid_waits;

/// Runs code in which nothing can wait: what would have the handler wait returns an error there, the variant
/// [`WaitError::Forbidden`](crate::WaitError::Forbidden).
///
/// While a handler waits, other handlers run on its thread. They find what it has left in a thread-local, a
/// scope that it has entered, a lock of the standard library that it holds. Put code into this that must not be
/// interrupted so, above all the initialiser of a `thread_local!` that calls code which might wait, and the
/// scopes of crates that keep one in a thread-local until a function returns: to wait in one of these is
/// undefined behaviour in safe code, as a function of theirs relies on what it has set.
///
/// What other crates keep in thread-locals for the time of a call, and what is merely wrong in the hands of
/// another handler, need not be kept from waiting: see [`SwitchHook`](crate::SwitchHook) and
/// [`FiberLocal`](crate::FiberLocal).
///
/// On a thread that is no worker it forbids to drive an [`ActorSystem`](crate::ActorSystem) or a simulation,
/// whose handlers would run meanwhile. What else such a thread waits for it waits for.
///
/// ```
/// use nexus_actors::prelude::*;
/// use nexus_actors::no_wait;
/// use std::time::Duration;
///
/// let pool = WorkerPool::builder().workers(1).start()?;
/// let careful = pool.spawn("careful", Props::new(|| {
///     Behavior::receive(|ctx, reply: Reply<bool>| {
///         let slept = no_wait(|| ctx.sleep(Duration::from_secs(1)));
///         reply.send(slept == Err(WaitError::Forbidden));
///     })
/// }))?;
/// assert!(careful.ask(|reply| reply, Duration::from_secs(5)).wait()?);
/// pool.shutdown(Duration::from_secs(5))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn no_wait<R>(code: impl FnOnce() -> R) -> R {
    forbid_waits(code)
}
