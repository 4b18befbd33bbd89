//! Waiting for actors to stop.

use std::time::Duration;

use super::error::ProbeError;
use super::probe::met;
use crate::actor::ActorRef;
use crate::address::message_name;
use crate::ask::Deadline;
use crate::ask::watch;
use crate::ask::{AskError, path_of_actor};

/// How long a test waits, beyond its time limit, for the path of an actor that it is to name.
const FOR_A_NAME: Duration = Duration::from_secs(1);

/// Waits until an actor has stopped: by itself, with a failure, or with its pool. By then its
/// children have stopped, and its name is free. The actor may live on any worker of any pool, and
/// may have stopped long ago.
///
/// ```
/// use nexus_actors::prelude::*;
/// use nexus_actors::testkit::expect_terminated;
/// use std::time::Duration;
///
/// let pool = WorkerPool::builder().workers(2).start()?;
/// let once = pool.spawn("once", Props::new(|| Behavior::receive(|_ctx, _: u8| Next::Stop)))?;
/// once.tell(1);
/// expect_terminated(once, Duration::from_secs(5));
/// assert!(pool.lookup::<u8>("/user/once").is_err());
/// pool.shutdown(Duration::from_secs(5))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
///
/// If the actor has not stopped in time.
#[track_caller]
pub fn expect_terminated<M: Send + 'static>(actor: ActorRef<M>, within: impl Into<Deadline>) {
    met(try_expect_terminated(actor, within));
}

/// As [`expect_terminated`], for tests that continue regardless.
///
/// # Errors
///
/// [`ProbeError::Alive`] if the actor has not stopped in time, and [`ProbeError::CannotWait`].
pub fn try_expect_terminated<M: Send + 'static>(
    actor: ActorRef<M>,
    within: impl Into<Deadline>,
) -> Result<(), ProbeError> {
    let within = within.into().left();
    match watch(actor.id(), within) {
        Ok(()) => Ok(()),
        Err(AskError::CannotWait(error)) => Err(ProbeError::CannotWait(error)),
        Err(_) => Err(ProbeError::Alive {
            actor: actor.id(),
            path: path_of_actor(actor.id(), FOR_A_NAME),
            message: message_name::<M>(),
            within,
        }),
    }
}
