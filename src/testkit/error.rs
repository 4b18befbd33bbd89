//! Why an expectation was not met.

use std::time::Duration;

use crate::actor::{ActorId, ActorPath, WaitError};

/// Why something that was expected of a probe, or of an actor, did not come about. Printed, it is
/// what the panicking methods say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// It did not come in time.
    #[error("{probe}: {expected} did not come within {within:?} ({count})", count = messages(*.there))]
    Timeout {
        /// The probe's path.
        probe: ActorPath,
        /// What was waited for.
        expected: String,
        /// How long.
        within: Duration,
        /// Messages that are there: too few, or others.
        there: usize,
    },
    /// A message came where none was expected. It is still there.
    #[error("{probe}: no {message} was to come within {within:?} ({count})", count = messages(*.there))]
    Unexpected {
        /// The probe's path.
        probe: ActorPath,
        /// The type of the message.
        message: &'static str,
        /// How long none was to come.
        within: Duration,
        /// Messages that are there.
        there: usize,
    },
    /// The probe has stopped, or its pool has ended, so that nothing can come any more.
    #[error("{probe} has stopped, and {expected} can come no more ({count})", count = messages(*.there))]
    Ended {
        /// The probe's path.
        probe: ActorPath,
        /// What was waited for.
        expected: String,
        /// Messages that are there: too few, or others.
        there: usize,
    },
    /// The actor did not stop in time.
    #[error("{name} ({actor}), which handles {message}, did not stop within {within:?}", name = name(.path))]
    Alive {
        /// The actor.
        actor: ActorId,
        /// Its path, where that could be found out.
        path: Option<ActorPath>,
        /// The type of its messages.
        message: &'static str,
        /// How long it was waited for.
        within: Duration,
    },
    /// The caller cannot wait where it stands.
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
