//! How an ask can fail.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::address::{ActorId, ActorPath, MessageType};
use crate::failure::{AskErrorKind, Cycle, Failure, WaitEnd, WaitError};
use crate::shard::{Shard, path_of_asked};
use crate::wait::Asked;

/// Why an ask has no answer. The first event that makes an answer impossible ends the ask at once; only
/// [`AskError::Timeout`] comes with the time.
///
/// The error prints the target of the ask, how long the ask lasted, and the [failure](AskDetails::failure)
/// that ended it; its source is the source of that failure.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AskError {
    /// No answer came in time. A later answer is dropped, and a question that has not been handled by then
    /// never will be.
    Timeout(AskDetails),
    /// The reply was dropped unanswered, so no answer can come.
    NoReply(AskDetails),
    /// The actor had stopped, or stopped with the question unanswered.
    TargetStopped(AskDetails),
    /// The actor failed with the question unanswered. [`AskDetails::failure`] returns the failure.
    TargetFailed(AskDetails),
    /// The actor's mailbox was full: it did not take the question, or dropped it for a later one.
    MailboxFull(AskDetails),
    /// The actor that was asked waits, itself or by way of others, for the asker. It will never come to the
    /// question.
    ///
    /// This is reported only if it is certain: each actor of the [cycle](AskDetails::cycle) either has not
    /// come to the question of the one before, or [waits on its behalf](crate::Ask::wait_on_behalf_of). An
    /// actor that another one starts, and waits for, is a link as well, and so is a
    /// [task](crate::Task::wait). If a reply may be elsewhere by now, the cycle is only suspected; the
    /// [`Timeout`](Self::Timeout) names it, if it comes to that.
    Deadlock(AskDetails),
    /// The ask was on [behalf](crate::Ask::wait_on_behalf_of) of a reply whose asker has given up.
    Cancelled(AskDetails),
    /// The actor's pool has ended.
    PoolClosed(AskDetails),
    /// The caller cannot wait at this point. The question was sent, and is withdrawn as if the ask had been
    /// dropped.
    CannotWait(WaitError),
}

/// The target of an ask, and how long the ask lasted.
#[derive(Clone)]
pub struct AskDetails(Box<Details>);

#[derive(Clone)]
struct Details {
    target: ActorId,
    path: Option<ActorPath>,
    mail: Option<&'static MessageType>,
    waited: Duration,
    cycle: Option<Cycle>,
    failure: Option<Arc<Failure>>,
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self {
            Self::Timeout(_) => "no answer came in time; wait longer, or ask again later",
            Self::NoReply(_) => {
                "the reply was dropped without an answer; have the actor answer each question"
            }
            Self::TargetStopped(_) => "the actor has stopped; look it up again, or do without",
            Self::TargetFailed(_) => {
                "the actor failed before it answered; ask again if it is restarted"
            }
            Self::MailboxFull(_) => {
                "the actor's mailbox had no room for the question; ask again later, or less often"
            }
            Self::Deadlock(_) => "a deadlock: one actor of the cycle must not wait",
            Self::Cancelled(_) => {
                "the asker on whose behalf it waited has given up; no one wants the answer"
            }
            Self::PoolClosed(_) => "the actor's pool has ended; start another one, or do without",
            Self::CannotWait(error) => return error.fmt(f),
        };
        f.write_str(what)?;
        match self.details() {
            Some(details) => write!(f, ": {details}"),
            None => Ok(()),
        }
    }
}

impl Error for AskError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::CannotWait(error) => error.source(),
            _ => self.details()?.failure()?.source(),
        }
    }
}

impl From<WaitError> for AskError {
    fn from(error: WaitError) -> Self {
        Self::CannotWait(error)
    }
}

impl AskError {
    pub(super) fn from_end(end: WaitEnd, details: AskDetails) -> Self {
        match end {
            WaitEnd::NoReply => Self::NoReply(details),
            WaitEnd::Stopped => Self::TargetStopped(details),
            WaitEnd::Failed => Self::TargetFailed(details),
            WaitEnd::NoRoom => Self::MailboxFull(details),
            WaitEnd::PoolClosed => Self::PoolClosed(details),
            WaitEnd::TimedOut => Self::Timeout(details),
            WaitEnd::Cancelled => Self::Cancelled(details),
            WaitEnd::Deadlock => Self::Deadlock(details),
        }
    }

    /// The error of a wait of that worker.
    pub(super) fn of_worker(
        shard: &Shard,
        end: WaitEnd,
        asked: Option<Asked>,
        cycle: Option<Cycle>,
        failure: Option<Arc<Failure>>,
    ) -> Self {
        let Some(Asked {
            target,
            mail,
            began,
            ..
        }) = asked
        else {
            return Self::from_end(end, AskDetails::unknown().because_of(failure));
        };
        let details = Details {
            target,
            path: path_of_asked(shard, target),
            mail,
            waited: Duration::from_nanos(shard.now.get().saturating_sub(began)),
            cycle,
            failure,
        };
        Self::from_end(end, AskDetails(Box::new(details)))
    }

    /// Returns the kind of the error.
    pub fn kind(&self) -> AskErrorKind {
        match self {
            Self::Timeout(_) => AskErrorKind::Timeout,
            Self::NoReply(_) => AskErrorKind::NoReply,
            Self::TargetStopped(_) => AskErrorKind::TargetStopped,
            Self::TargetFailed(_) => AskErrorKind::TargetFailed,
            Self::MailboxFull(_) => AskErrorKind::MailboxFull,
            Self::Deadlock(_) => AskErrorKind::Deadlock,
            Self::Cancelled(_) => AskErrorKind::Cancelled,
            Self::PoolClosed(_) => AskErrorKind::PoolClosed,
            Self::CannotWait(_) => AskErrorKind::CannotWait,
        }
    }

    /// Returns the target and the duration of the ask; `None` if it never began to wait.
    pub fn details(&self) -> Option<&AskDetails> {
        match self {
            Self::Timeout(details)
            | Self::NoReply(details)
            | Self::TargetStopped(details)
            | Self::TargetFailed(details)
            | Self::MailboxFull(details)
            | Self::Deadlock(details)
            | Self::Cancelled(details)
            | Self::PoolClosed(details) => Some(details),
            Self::CannotWait(_) => None,
        }
    }
}

impl AskDetails {
    pub(super) fn new(
        target: ActorId,
        path: Option<ActorPath>,
        mail: &'static MessageType,
        waited: Duration,
    ) -> Self {
        Self(Box::new(Details {
            target,
            path,
            mail: Some(mail),
            waited,
            cycle: None,
            failure: None,
        }))
    }

    /// Details of an ask whose pool is gone, and with it all that was known of the ask.
    pub(super) fn unknown() -> Self {
        Self(Box::new(Details {
            target: ActorId::NOBODY,
            path: None,
            mail: None,
            waited: Duration::ZERO,
            cycle: None,
            failure: None,
        }))
    }

    /// The same details, for an ask that this failure has ended.
    pub(super) fn because_of(mut self, failure: Option<Arc<Failure>>) -> Self {
        self.0.failure = failure;
        self
    }

    /// Returns the actor that was asked; `None` if no actor was asked, or nothing is left of the ask.
    pub fn target(&self) -> Option<ActorId> {
        self.0.target.known()
    }

    /// Returns the path of that actor, wherever the ask came from, and even if the actor has ended since.
    ///
    /// An actor that was given a name always has a path here, unless it ended long ago: each worker keeps a
    /// thousand paths of actors that have ended. An actor with a generated name has none in two cases. In
    /// the first, it was asked from another worker, or by a thread outside, and its worker took up no such
    /// question, this one included, while the actor lived. In the second, it was asked on its own worker,
    /// and ended after it had handed the reply on. See [`ActorId::path`].
    pub fn path(&self) -> Option<&ActorPath> {
        self.0.path.as_ref()
    }

    /// Returns the name of the type of the actor's messages.
    pub fn message_type(&self) -> &'static str {
        self.0.mail.map_or("()", MessageType::name)
    }

    /// Returns how long the ask lasted, by the clock of the asker.
    pub fn waited(&self) -> Duration {
        self.0.waited
    }

    /// Returns the failure that ended the ask, in a [`TargetFailed`](AskError::TargetFailed): that of the
    /// actor that was asked, of the actor that had the question then, or of an actor above with which that
    /// one ended.
    ///
    /// `None` if the actor failed in its start or in its handling of its own end, and if the reply was lost
    /// in an unwinding that was no actor's.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use std::time::Duration;
    ///
    /// let pool = WorkerPool::builder().workers(1).on_failure(|_| {}).start()?;
    /// let square = pool.spawn("square", Props::new(|| {
    ///     Behavior::receive(|_ctx, (number, reply): (&str, Reply<u64>)| {
    ///         let number: u64 = number.parse()?;
    ///         reply.send(number * number);
    ///         Ok(())
    ///     })
    /// }))?;
    /// let asked = square.ask(|reply| ("seven", reply), Duration::from_secs(5)).wait();
    /// let error = asked.unwrap_err();
    /// let failure = error.details().and_then(|details| details.failure()).unwrap();
    /// assert_eq!(failure.path.as_str(), "/user/square");
    /// assert_eq!(failure.cause.to_string(), "invalid digit found in string");
    /// assert!(error.to_string().ends_with("invalid digit found in string"));
    /// pool.shutdown(Duration::from_secs(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn failure(&self) -> Option<&Arc<Failure>> {
        self.0.failure.as_ref()
    }

    /// Returns the cycle of waits that the ask was part of: certain in a [`Deadlock`](AskError::Deadlock),
    /// and suspected in any other error.
    pub fn cycle(&self) -> Option<&Cycle> {
        self.0.cycle.as_ref()
    }
}

impl fmt::Display for AskDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.0.path, self.target()) {
            (Some(path), _) => write!(f, "asked {path}")?,
            (None, Some(target)) => write!(f, "asked the actor {target}")?,
            (None, None) if self.0.mail.is_none() => {
                return f.write_str("no details of the question are left");
            }
            (None, None) => write!(f, "asked")?,
        }
        write!(f, " ({})", self.message_type())?;
        if !self.waited().is_zero() {
            write!(f, ", waited {:?}", self.waited())?;
        }
        if let Some(failure) = &self.0.failure {
            write!(f, "; {failure}")?;
        }
        match &self.0.cycle {
            Some(cycle) => write!(f, "; {cycle}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for AskDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AskDetails({self})")
    }
}

/// Equal if the target, the type of the message and the time are the same.
impl PartialEq for AskDetails {
    fn eq(&self, other: &Self) -> bool {
        self.0.target == other.0.target
            && self.0.waited == other.0.waited
            && self.message_type() == other.message_type()
    }
}

impl Eq for AskDetails {}
