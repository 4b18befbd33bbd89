//! Why an expectation was not met.

use std::time::Duration;

use crate::address::{ActorId, ActorPath};
use crate::failure::WaitError;

/// Why something that was expected of a probe, or of an actor, did not happen. Its text is the
/// message with which the panicking methods panic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// The message or messages did not arrive in time.
    #[error("{probe}: {expected} did not come within {within:?} ({count})", count = messages(*.there))]
    Timeout {
        /// The probe's path.
        probe: ActorPath,
        /// What was waited for.
        expected: String,
        /// The time limit.
        within: Duration,
        /// Messages that are there: too few, or different ones.
        there: usize,
    },
    /// A message arrived although none was expected. It is still there.
    #[error("{probe}: no {message} was to come within {within:?} ({count})", count = messages(*.there))]
    Unexpected {
        /// The probe's path.
        probe: ActorPath,
        /// The type of the message.
        message: &'static str,
        /// The time in which none was to arrive.
        within: Duration,
        /// Messages that are there.
        there: usize,
    },
    /// The probe has stopped, or its pool has ended, so nothing more can arrive.
    #[error("{probe} has stopped, and {expected} can come no more ({count})", count = messages(*.there))]
    Ended {
        /// The probe's path.
        probe: ActorPath,
        /// What was waited for.
        expected: String,
        /// Messages that are there: too few, or different ones.
        there: usize,
    },
    /// The actor did not stop in time.
    #[error("{name} ({actor}), which handles {message}, did not stop within {within:?}", name = name(.path))]
    Alive {
        /// The actor.
        actor: ActorId,
        /// Its path, if it could be determined.
        path: Option<ActorPath>,
        /// The type of its messages.
        message: &'static str,
        /// The time limit.
        within: Duration,
    },
    /// The caller cannot wait in its present place.
    #[error(transparent)]
    CannotWait(#[from] WaitError),
}

fn messages(there: usize) -> String {
    match there {
        0 => "no message is there".to_owned(),
        1 => "1 message is there".to_owned(),
        more => format!("{more} messages are there"),
    }
}

fn name(path: &Option<ActorPath>) -> &str {
    path.as_ref().map_or("the actor", ActorPath::as_str)
}
