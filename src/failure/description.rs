//! Failures: a handler returned an error, or panicked.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::panic::PanicPayload;
use crate::address::{ActorId, ActorPath};

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
    /// The type of its messages, or that of its task if it failed in one.
    pub message_type: &'static str,
    /// The stage of its life in which it failed.
    pub during: Stage,
    /// The cause of the failure.
    pub cause: Cause,
}

/// A stage in an actor's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// While it was being built: in its factory, its setup, or the handling of `PreStart`.
    Starting,
    /// While it handled a message.
    Handling,
    /// While it handled a signal.
    Signalled,
    /// While it could not decide how to supervise a failed child.
    Supervising,
    /// While it was being rebuilt, or informed of that.
    Restarting,
    /// While it handled `PostStop`.
    Stopping,
    /// While one of its tasks ran.
    Task,
}

/// The cause of a failure.
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
            Stage::Handling => write!(f, "{path} failed while handling a {message_type}: {cause}"),
            Stage::Signalled => write!(f, "{path} failed while handling a signal: {cause}"),
            Stage::Supervising => write!(f, "{path} failed to supervise its child: {cause}"),
            Stage::Restarting => write!(f, "{path} failed while restarting: {cause}"),
            Stage::Stopping => write!(f, "{path} failed while stopping: {cause}"),
            Stage::Task => write!(f, "{path} failed in its task {message_type}: {cause}"),
        }
    }
}

impl Failure {
    /// Returns the failure at the root: that of the lowest child if this one was
    /// [escalated](Cause::Child), and this one otherwise.
    pub fn root(&self) -> &Self {
        let mut failure = self;
        while let Cause::Child(child) = &failure.cause {
            failure = child;
        }
        failure
    }
}

/// A failure is displayed with its cause, so its source is the source of that cause. The error that the
/// handler returned is in its [`cause`](Self::cause).
impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.cause {
            Cause::Error(error) => error.source(),
            Cause::Panic(payload) => payload.below(),
            Cause::Child(failure) => failure.source(),
        }
    }
}
