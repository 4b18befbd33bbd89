//! One actor in a snapshot.

use std::fmt;
use std::time::Duration;

use crate::address::{ActorId, ActorPath, MessageId};
use crate::deadlock::WaitsFor;
use crate::failure::Cycle;

/// Where an actor is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ActorStatus {
    /// Its factory and its setup run.
    Starting,
    /// It handles messages as they come.
    Running,
    /// It was suspended, and its mail waits.
    Suspended,
    /// It failed, and its supervisor has not decided yet.
    Failed,
    /// It failed, and waits for the time of its restart.
    BackingOff,
    /// It failed, and is being restarted.
    Restarting,
    /// It has no instance, and wakes up for the next message.
    Passive,
    /// It takes no more mail, and stops when it has handled what it has.
    Draining,
    /// It waits for its children to stop.
    Stopping,
}

impl fmt::Display for ActorStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Suspended => "suspended",
            Self::Failed => "failed",
            Self::BackingOff => "backing off",
            Self::Restarting => "restarting",
            Self::Passive => "passive",
            Self::Draining => "draining",
            Self::Stopping => "stopping",
        })
    }
}

/// The message that an actor's handler is in the middle of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CurrentMessage {
    /// Its id.
    pub message: MessageId,
    /// The first message in the chain of its causes.
    pub correlation: MessageId,
    /// The actor that sent it.
    pub sender: Option<ActorId>,
}

/// An actor, as its worker found it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ActorSnapshot {
    /// Its id, which names its worker.
    pub id: ActorId,
    /// Its path.
    pub path: ActorPath,
    /// The type of its messages.
    pub message_type: &'static str,
    /// Where it is in its life.
    pub status: ActorStatus,
    /// The messages that wait in its mailbox.
    pub mailbox: u64,
    /// The capacity of its mailbox, if that is bounded.
    pub capacity: Option<u64>,
    /// The longest mailbox that was seen since the [watch](super::Watch) began; `None` if nobody watches.
    /// The worker looks at the beginning of turns, and not of all of them.
    pub deepest: Option<u64>,
    /// The messages in its stash.
    pub stashed: u64,
    /// Its timers that are active.
    pub timers: u64,
    /// Its tasks that have not ended.
    pub tasks: u64,
    /// Its children; if there are more than 10,000, that number.
    pub children: u64,
    /// How often it was restarted.
    pub restarts: u64,
    /// The messages that it has handled since the [watch](super::Watch) began; `None` if nobody watches. An
    /// estimate: the worker counts in one of 64 ticks.
    pub handled: Option<u64>,
    /// The time for which its handlers ran since the watch began, without waits: an estimate as well.
    pub busy: Option<Duration>,
    /// The time since it was started, in steps of a tenth of a second.
    pub age: Duration,
    /// The message that its handler is in the middle of, if it waits there.
    pub handling: Option<CurrentMessage>,
    /// What its handler waits for, if it does.
    pub waits_for: Option<WaitsFor>,
    /// The time for which it has waited, if that is known: for answers and for time to pass.
    pub waits_since: Option<Duration>,
    /// The cycle of waits that it is suspected to be part of.
    pub cycle: Option<Cycle>,
}

impl fmt::Display for ActorSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.status)?;
        match (self.mailbox, self.capacity) {
            (0, _) => {}
            (1, None) => f.write_str(", 1 message")?,
            (mailbox, None) => write!(f, ", {mailbox} messages")?,
            (mailbox, Some(capacity)) => write!(f, ", {mailbox} of {capacity} messages")?,
        }
        match self.restarts {
            0 => {}
            1 => f.write_str(", restarted once")?,
            restarts => write!(f, ", restarted {restarts} times")?,
        }
        if let Some(waits_for) = &self.waits_for {
            write!(f, ", waits for {waits_for}")?;
        }
        if let Some(since) = self.waits_since {
            write!(f, " since {since:.1?}")?;
        }
        match &self.cycle {
            Some(cycle) => write!(f, ", perhaps in a deadlock: {cycle}"),
            None => Ok(()),
        }
    }
}
