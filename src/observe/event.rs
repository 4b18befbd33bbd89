//! What an observer is told.

use std::any::Any;
use std::fmt;
use std::time::Duration;

use crate::address::{ActorId, ActorPath, Envelope, MessageId};
use crate::failure::{AskErrorKind, Failure, TerminationReason};
use crate::supervision::Directive;

/// The actor of an event.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct ObservedActor<'a> {
    /// Its id.
    pub id: ActorId,
    /// The type of its messages.
    pub message_type: &'static str,
    path: &'a dyn Fn() -> ActorPath,
}

impl<'a> ObservedActor<'a> {
    pub(crate) fn new(
        id: ActorId,
        message_type: &'static str,
        path: &'a dyn Fn() -> ActorPath,
    ) -> Self {
        Self {
            id,
            message_type,
            path,
        }
    }

    /// Returns its path. The path of an actor without a given name is made by this call.
    pub fn path(&self) -> ActorPath {
        (self.path)()
    }
}

impl fmt::Debug for ObservedActor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObservedActor")
            .field("id", &self.id)
            .field("path", &self.path())
            .field("message_type", &self.message_type)
            .finish()
    }
}

/// Where a message came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MessageSource {
    /// The actor's mailbox.
    Mailbox,
    /// A timer of the actor.
    Timer,
    /// The actor's stash.
    Stash,
}

/// A message that is about to be handled.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Handling<'a> {
    /// The actor.
    pub actor: ObservedActor<'a>,
    /// The message's ids, and its sender.
    pub envelope: Envelope,
    /// Where it came from.
    pub source: MessageSource,
    /// The message itself, of the type of the actor's messages.
    pub message: &'a dyn Any,
    /// The messages that wait in the mailbox behind it.
    pub mailbox: usize,
}

impl fmt::Debug for Handling<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handling")
            .field("actor", &self.actor)
            .field("envelope", &self.envelope)
            .field("source", &self.source)
            .field("mailbox", &self.mailbox)
            .finish_non_exhaustive()
    }
}

/// How the handling of a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The handler returned, and the actor continues.
    Handled,
    /// The handler left the message unhandled: it became a dead letter.
    Unhandled,
    /// The handler has put the message into its stash. It is told again when it comes out.
    Stashed,
    /// The actor continues with another behaviour.
    Became,
    /// The handler stopped its actor.
    Stopped,
    /// The handler passivated its actor.
    Passivated,
    /// The handler returned an error.
    Failed,
    /// The handler panicked.
    Panicked,
    /// The handler was ended by the deadline of a shutdown, in the middle of a wait.
    Forced,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Handled => "handled",
            Self::Unhandled => "unhandled",
            Self::Stashed => "stashed",
            Self::Became => "became",
            Self::Stopped => "stopped",
            Self::Passivated => "passivated",
            Self::Failed => "failed",
            Self::Panicked => "panicked",
            Self::Forced => "forced",
        })
    }
}

/// A message whose handling has ended.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Handled<'a> {
    /// The actor.
    pub actor: ObservedActor<'a>,
    /// The message's ids, and its sender.
    pub envelope: Envelope,
    /// Where it came from.
    pub source: MessageSource,
    /// How the handling ended.
    pub outcome: Outcome,
    /// Whether the handler has put the message into its stash, however it ended: it is told again when it comes out.
    pub stashed: bool,
    /// The time from its begin to its end by the pool's clock, including the time for which it waited.
    pub took: Duration,
}

/// A message that is about to be sent.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct SendBegun<'a> {
    /// The actor to which it goes.
    pub target: ActorId,
    /// The envelope that it has: its ids, and the actor or the task that sends it. The causation is the id of
    /// the message that is handled.
    pub envelope: Envelope,
    /// Whether it is the question of an ask.
    pub is_question: bool,
    /// The type of the message.
    pub message_type: &'static str,
    /// The message itself.
    pub message: &'a dyn Any,
}

impl fmt::Debug for SendBegun<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendBegun")
            .field("target", &self.target)
            .field("envelope", &self.envelope)
            .field("is_question", &self.is_question)
            .field("message_type", &self.message_type)
            .finish_non_exhaustive()
    }
}

/// How long a message has waited.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Waited<'a> {
    /// The actor.
    pub actor: ObservedActor<'a>,
    /// The message's ids, and its sender.
    pub envelope: Envelope,
    /// The time in the mailbox, by the pool's clock: from the arrival at the worker of its actor until its
    /// handling begins.
    pub waited: Duration,
    /// The messages that wait in the mailbox, with this one.
    pub mailbox: usize,
}

/// Which start it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StartKind {
    /// The first one of this actor.
    First,
    /// A restart after a failure: this many so far.
    Restart(u64),
    /// It was passive, and a message has woken it.
    WokenUp,
}

/// An actor that has started.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ActorStarted<'a> {
    /// The actor.
    pub actor: ObservedActor<'a>,
    /// Which start it is.
    pub kind: StartKind,
}

/// An actor that has stopped.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ActorStopped<'a> {
    /// The actor.
    pub actor: ObservedActor<'a>,
    /// Why it has stopped: what its watchers are told.
    pub reason: TerminationReason,
}

/// A decision of a supervisor about an actor.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ActorSupervised<'a> {
    /// The actor.
    pub actor: ObservedActor<'a>,
    /// The failure: the actor's own, or that of a sibling if the strategy is not one-for-one.
    pub failure: &'a Failure,
    /// What was decided. A restart over the strategy's limit is [`Directive::Stop`].
    pub directive: Directive,
    /// The time before a restart: that of a [backoff](crate::supervision::Backoff).
    pub delay: Duration,
    /// The restarts of the actor so far, without this one.
    pub restarts: u64,
}

/// An ask that has begun.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AskBegun {
    /// The actor that asks.
    pub asker: ActorId,
    /// The actor that is asked.
    pub target: ActorId,
    /// The type of the question.
    pub message_type: &'static str,
    /// The time limit, if there is one.
    pub timeout: Option<Duration>,
    /// The envelope of the message that the asker handles.
    pub within: Envelope,
}

/// An ask that has ended.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct AskEnded<'a> {
    /// The actor that asked.
    pub asker: ActorId,
    /// The actor that was asked.
    pub target: ActorId,
    /// The id of the question.
    pub question: MessageId,
    /// How it ended: with an answer, or without.
    pub outcome: Result<(), AskErrorKind>,
    /// The answer, if there is one.
    pub answer: Option<&'a dyn Any>,
    /// The time from the question to the end, by the pool's clock.
    pub took: Duration,
}

impl fmt::Debug for AskEnded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AskEnded")
            .field("asker", &self.asker)
            .field("target", &self.target)
            .field("question", &self.question)
            .field("outcome", &self.outcome)
            .field("took", &self.took)
            .finish_non_exhaustive()
    }
}
