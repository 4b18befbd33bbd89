//! A failure: an actor's handler returned an error, or panicked.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::id::ActorId;
use super::path::ActorPath;
use crate::supervision::Strategy;

/// The error that a handler may return; any error type converts into it with `?`.
pub type BoxError = Box<dyn Error + Send + Sync + 'static>;

/// How the failures of actors are dealt with.
pub type SupervisorStrategy = Strategy<Failure>;

/// What went wrong in an actor, where, and with which message.
#[derive(Debug)]
#[non_exhaustive]
pub struct Failure {
    /// The actor that failed.
    pub actor: ActorId,
    /// Its path.
    pub path: ActorPath,
    /// The type of its messages; that of its task, where it failed in one.
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
    /// While it handled a signal.
    Signalled,
    /// While a child failed whose supervision it could not decide.
    Supervising,
    /// While it was built again, or told of that.
    Restarting,
    /// While it handled `PostStop`.
    Stopping,
    /// While a task of its ran.
    Task,
}

/// What a failure consists of.
#[derive(Debug)]
#[non_exhaustive]
pub enum Cause {
    /// The handler returned this error.
    Error(BoxError),
    /// The handler panicked with this text.
    Panic(String),
    /// A child failed, and its failure was escalated.
    Child(Arc<Failure>),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => write!(f, "{error}"),
            Self::Panic(text) => write!(f, "panic: {text}"),
            Self::Child(failure) => write!(f, "{failure}"),
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
            Stage::Signalled => write!(f, "{path} failed handling a signal: {cause}"),
            Stage::Supervising => write!(f, "{path} failed with its child: {cause}"),
            Stage::Restarting => write!(f, "{path} failed while restarting: {cause}"),
            Stage::Stopping => write!(f, "{path} failed while stopping: {cause}"),
            Stage::Task => write!(f, "{path} failed in its task {message_type}: {cause}"),
        }
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.cause {
            Cause::Error(error) => Some(&**error),
            Cause::Panic(_) => None,
            Cause::Child(failure) => Some(&**failure),
        }
    }
}
