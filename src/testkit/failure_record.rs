//! What a failure log stores of a failure.

use std::fmt;

use crate::address::{ActorId, ActorPath};
use crate::failure::{Failure, Stage};

/// What a [`FailureLog`](super::FailureLog) stores of a [`Failure`]; the error itself stays with
/// the receiver of the failure. It is displayed as the failure's own line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailureRecord {
    /// The actor that failed.
    pub actor: ActorId,
    /// Its path.
    pub path: ActorPath,
    /// The type of its messages.
    pub message_type: &'static str,
    /// The stage of its life in which it failed.
    pub during: Stage,
    /// What happened: the error as displayed, or `panic: ` and the text of the panic.
    pub cause: String,
    line: String,
}

impl FailureRecord {
    pub(super) fn line(&self) -> &str {
        &self.line
    }

    pub(super) fn of(failure: &Failure) -> Self {
        Self {
            actor: failure.actor,
            path: failure.path.clone(),
            message_type: failure.message_type,
            during: failure.during,
            cause: failure.cause.to_string(),
            line: failure.to_string(),
        }
    }
}

impl fmt::Display for FailureRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}
