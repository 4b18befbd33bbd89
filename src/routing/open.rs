//! How an actor that exists once in a pool is found by name, or started.

use crate::actor::{ActorRef, Props, SpawnError};
use crate::pool::{LookupError, WorkerNode};

/// How often it is tried, when others start and stop the same actor meanwhile.
const TRIES: usize = 16;

/// Why a topic or a group was not opened.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is one of that name, for other messages.
    #[error(transparent)]
    WrongType(LookupError),
    /// It could not be started.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
}

/// The top-level actor of that name, which is started where there is none.
pub(super) fn open<M: Send + 'static>(
    node: &WorkerNode,
    name: &str,
    props: &Props<M>,
) -> Result<ActorRef<M>, OpenError> {
    let path = format!("/user/{name}");
    let mut tries = 1;
    loop {
        match node.lookup(&path) {
            Ok(found) => return Ok(found),
            Err(LookupError::NotFound(_)) => {}
            Err(other) => return Err(OpenError::WrongType(other)),
        }
        match node.spawn(name, props.clone()) {
            Ok(started) => return Ok(started),
            // Somebody else was first, or the one before is still about to stop.
            Err(SpawnError::NameTaken(_)) if tries < TRIES => tries += 1,
            Err(error) => return Err(error.into()),
        }
    }
}
