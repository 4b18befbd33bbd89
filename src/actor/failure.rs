//! A failure: an actor's handler returned an error, or panicked.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::id::ActorId;
use super::panic::PanicPayload;
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
    /// The handler panicked, with this payload.
    Panic(PanicPayload),
    /// A child failed, and its failure was escalated.
    Child(Arc<Failure>),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => write!(f, "{error}"),
            Self::Panic(payload) => write!(f, "panic: {payload}"),
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

impl Failure {
    /// The failure with which it began: that of the child below all others, where it was
    /// [escalated](Cause::Child), and this one otherwise.
    pub fn root(&self) -> &Self {
        let mut failure = self;
        while let Cause::Child(child) = &failure.cause {
            failure = child;
        }
        failure
    }
}

/// It is printed with its cause, so that its source is what lies below that. The error that the handler
/// returned is found in its [`cause`](Self::cause).
impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.cause {
            Cause::Error(error) => error.source(),
            Cause::Panic(payload) => payload.below(),
            Cause::Child(failure) => failure.source(),
        }
    }
}
