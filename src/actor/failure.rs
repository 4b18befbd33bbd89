//! A failure: an actor's handler returned an error, or panicked.

use std::error::Error;
use std::fmt;

use super::id::ActorId;
use super::path::ActorPath;

/// The error that a handler may return; any error type converts into it with `?`.
pub type BoxError = Box<dyn Error + Send + Sync + 'static>;

/// What went wrong in an actor, where, and with which message.
#[derive(Debug)]
#[non_exhaustive]
pub struct Failure {
    /// The actor that failed.
    pub actor: ActorId,
    /// Its path.
    pub path: ActorPath,
    /// The type of its messages.
    pub message_type: &'static str,
    /// Where in its life it failed.
    pub during: Stage,
    /// What happened.
    pub cause: Cause,
}

/// Where in an actor's life something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// While it was built: in its factory, its setup, or the handling of `PreStart`.
    Starting,
    /// While it handled a message.
    Handling,
    /// While it handled `PostStop`.
    Stopping,
}

/// What a failure consists of.
#[derive(Debug)]
#[non_exhaustive]
pub enum Cause {
    /// The handler returned this error.
    Error(BoxError),
    /// The handler panicked with this text.
    Panic(String),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => write!(f, "{error}"),
            Self::Panic(text) => write!(f, "panic: {text}"),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            message_type,
            cause,
            ..
        } = self;
        match self.during {
            Stage::Starting => write!(f, "{path} did not start: {cause}"),
            Stage::Handling => write!(f, "{path} failed handling a {message_type}: {cause}"),
            Stage::Stopping => write!(f, "{path} failed while stopping: {cause}"),
        }
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.cause {
            Cause::Error(error) => Some(&**error),
            Cause::Panic(_) => None,
        }
    }
}
