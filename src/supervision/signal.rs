//! Signals: what the system tells an actor about its own life, and that of others.

use std::sync::Arc;

use crate::address::ActorId;
use crate::failure::{Failure, TerminationReason};

/// Why an instance of an actor receives [`Signal::PostStop`].
///
/// ```
/// use nexus_actors::prelude::*;
/// use nexus_actors::supervision::StopReason;
///
/// let counter: Behavior<u32> = Behavior::with_state(0, |sum, _ctx, number| *sum += number)
///     .on_signal(|ctx, signal| match signal {
///         Signal::PostStop(StopReason::Passivated) => println!("{} sleeps", ctx.path()),
///         Signal::PostStop(reason) => println!("{} has {reason}", ctx.path()),
///         _ => {}
///     });
/// # let _ = counter;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StopReason {
    /// The actor passivates: it stays alive, and is built again for the next message.
    Passivated,
    /// The actor has ended because it was asked to or chose to: see [`TerminationReason::Stopped`].
    Stopped,
    /// The actor has ended because of a failure, its own or that of an actor above or beside it: see
    /// [`TerminationReason::Failed`].
    Failed,
    /// The actor was killed, or a shutdown's deadline came: see [`TerminationReason::Killed`].
    Killed,
}

impl From<TerminationReason> for StopReason {
    fn from(reason: TerminationReason) -> Self {
        match reason {
            TerminationReason::Stopped | TerminationReason::Unknown => Self::Stopped,
            TerminationReason::Failed => Self::Failed,
            TerminationReason::Killed => Self::Killed,
        }
    }
}

impl std::fmt::Display for StopReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Passivated => "passivated",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Killed => "been killed",
        })
    }
}

/// An event that concerns an actor, which it handles in its own turn, ahead of its mail.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Signal {
    /// The actor starts, or is built again after it was passive. Sent once, after its setup and before its
    /// first message.
    PreStart,
    /// The actor has stopped, or passivates. Sent once, with the reason, after its children have stopped. It
    /// is the last thing that the instance handles.
    PostStop(StopReason),
    /// The actor is to be restarted because of this failure. Sent to the instance that failed, as the last
    /// thing that it handles.
    PreRestart(Arc<Failure>),
    /// The actor has been restarted because of this failure. Sent to the new instance, in place of
    /// [`PreStart`](Self::PreStart).
    PostRestart(Arc<Failure>),
    /// A child has failed and is not restarted: it stops.
    ChildFailed {
        /// The child.
        child: ActorId,
        /// What happened to it.
        failure: Arc<Failure>,
    },
    /// An actor that this one [watches](crate::Context::watch) has stopped.
    Terminated {
        /// The actor that was watched.
        actor: ActorId,
        /// Why it has stopped.
        reason: TerminationReason,
        /// The failure that it has stopped for, its own or that of the parent it has stopped with, if the
        /// reason is [`Failed`](TerminationReason::Failed).
        failure: Option<Arc<Failure>>,
    },
    /// No message came for the time that the actor has [set](crate::Context::set_receive_timeout).
    ReceiveTimeout,
}

/// Signals are equal if their contents are. Failures are compared by identity.
impl PartialEq for Signal {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::PreStart, Self::PreStart) | (Self::ReceiveTimeout, Self::ReceiveTimeout) => true,
            (Self::PostStop(one), Self::PostStop(other)) => one == other,
            (Self::PreRestart(one), Self::PreRestart(other))
            | (Self::PostRestart(one), Self::PostRestart(other)) => Arc::ptr_eq(one, other),
            (
                Self::ChildFailed { child, failure },
                Self::ChildFailed {
                    child: other,
                    failure: same,
                },
            ) => child == other && Arc::ptr_eq(failure, same),
            (
                Self::Terminated {
                    actor,
                    reason,
                    failure,
                },
                Self::Terminated {
                    actor: other,
                    reason: same,
                    failure: cause,
                },
            ) => {
                let causes = (failure.as_ref(), cause.as_ref());
                let is_same_cause = match causes {
                    (Some(failure), Some(cause)) => Arc::ptr_eq(failure, cause),
                    (failure, cause) => failure.is_none() && cause.is_none(),
                };
                actor == other && reason == same && is_same_cause
            }
            _ => false,
        }
    }
}
