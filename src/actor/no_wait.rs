//! Code in which nothing may wait.

use crate::fiber::forbid_waits;

/// Runs code in which nothing can wait: a call that would make the handler wait returns an error there, the
/// variant [`WaitError::Forbidden`](crate::WaitError::Forbidden).
///
/// While a handler waits, other handlers run on its thread. They find what it has left in a thread-local, a
/// scope that it has entered, a lock of the standard library that it holds. Use this function for code that
/// must not be interrupted in this way. Above all, that is the initialiser of a `thread_local!` that calls
/// code which might wait, and the scopes of crates that store one in a thread-local until a function
/// returns: to wait in one of these is undefined behaviour in safe code, as such a function relies on what
/// it has set.
///
/// There is no need to forbid waits around what other crates hold in thread-locals for the time of a call,
/// or around what is merely wrong in another handler: see [`SwitchHook`](crate::scope::SwitchHook) and
/// [`FiberLocal`](crate::actor::FiberLocal).
///
/// On a thread that is no worker it forbids driving an [`ActorSystem`](crate::ActorSystem) or a simulation,
/// whose handlers would run meanwhile. Any other wait of such a thread works as usual.
///
/// ```
/// use nexus_actors::prelude::*;
/// use nexus_actors::WaitError;
/// use nexus_actors::actor::no_wait;
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
