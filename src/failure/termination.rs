//! Why an actor has stopped.

use super::dead_letter::DeadLetterReason;

/// Why an actor has stopped.
///
/// All watchers are told the same reason: on the actor's own worker, on another one, in another pool; and
/// so is its parent. An actor that ends with its parent ends for the parent's reason, however many levels
/// above the end began.
///
/// | how it ends | it | those below it |
/// |---|---|---|
/// | its handler returns [`Next::Stop`], or becomes [`stopped`](crate::Behavior::stopped) | `Stopped` | `Stopped` |
/// | [`ActorRef::stop`](crate::ActorRef::stop), also while it is passive or waits to be restarted | `Stopped` | `Stopped` |
/// | [`ActorRef::kill`](crate::ActorRef::kill) | `Killed` | `Killed` |
/// | it fails, and its supervisor decides [`Directive::Stop`](crate::Directive::Stop) | `Failed` | `Failed` |
/// | it fails more often than its supervisor restarts it, or cannot be rebuilt | `Failed` | `Failed` |
/// | a sibling fails, and the strategy stops it too | `Failed` | `Failed` |
/// | its failure is escalated, and ends its parent or restarts it | `Failed` | `Failed` |
/// | it fails, and is restarted | continues | `Failed` |
/// | it fails, and is resumed | continues | continue |
/// | it [passivates](crate::ActorRef::passivate) | continues | `Stopped` |
/// | it is restarted or wakes up, and its behaviour is `stopped` then | `Stopped` | |
/// | a shutdown, in time | `Stopped` | `Stopped` |
/// | a shutdown's deadline comes before it has stopped, or started | `Killed` | `Killed` |
/// | it ends [in its start](crate::SpawnError::EndedInStart) | `Stopped` | `Stopped` |
/// | its factory, its setup or its handling of `PreStart` fails | `Failed` | `Failed` |
///
/// The first cause holds: an actor that was asked to stop, and still handles the mail that it has, stops
/// for that reason, whatever happens to its parent meanwhile. But if it fails or is killed in between,
/// the reason is `Failed` or `Killed`.
///
/// Callers that wait for an answer whose reply such an actor holds get the same reason:
/// [`AskError::TargetFailed`](crate::AskError::TargetFailed) if it has `Failed`, and
/// [`AskError::TargetStopped`](crate::AskError::TargetStopped) otherwise.
///
/// [`Next::Stop`]: crate::Next::Stop
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TerminationReason {
    /// It was asked to stop, or decided to, or ended with a parent that stopped for this reason.
    Stopped,
    /// It failed, and was not restarted, or ended with a parent that failed.
    Failed,
    /// It was killed, or a shutdown's deadline came, or it ended with a parent that was killed.
    Killed,
    /// It had stopped before it was watched, or its pool had ended. The reason is no longer known.
    Unknown,
}

impl TerminationReason {
    /// Returns why the mail of an actor that ends so is lost.
    pub(crate) fn of_mail(self) -> DeadLetterReason {
        match self {
            Self::Failed => DeadLetterReason::Failed,
            Self::Stopped | Self::Killed | Self::Unknown => DeadLetterReason::Stopped,
        }
    }
}

impl std::fmt::Display for TerminationReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Killed => "killed",
            Self::Unknown => "gone before it was watched",
        })
    }
}
