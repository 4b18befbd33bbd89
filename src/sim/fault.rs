//! Faults: what goes wrong in a simulation on request.

use std::fmt;
use std::time::Duration;

use crate::address::{ActorPath, PathError};

/// Something that goes wrong at a chosen point of a simulation: see
/// [`Sim::inject`](super::Sim::inject).
///
/// ```
/// use nexus_actors::prelude::*;
/// use nexus_actors::sim::{Fault, Sim};
///
/// let mut sim = Sim::new(1);
/// sim.inject(Fault::panic("/user/actor", 2))?;
/// let actor = sim.spawn("actor", Props::new(|| Behavior::receive(|_ctx, _: u8| ())))?;
/// (0..3).for_each(|number| actor.tell(number));
/// sim.run_until_idle();
/// assert_eq!(sim.stats().handled(), 3, "the second handling panics, and the third comes after a restart");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(pub(super) FaultKind);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FaultKind {
    Panic {
        actor: String,
        handling: u64,
    },
    Kill {
        actor: String,
        handling: u64,
    },
    Stall {
        worker: usize,
        at: Duration,
        length: Duration,
    },
    ClockJump {
        at: Duration,
        by: Duration,
    },
    SlowOutside {
        since: Duration,
        until: Duration,
        by: Duration,
    },
    SlowLink {
        from: usize,
        to: usize,
        since: Duration,
        until: Duration,
        by: Duration,
    },
    FullMailbox {
        actor: String,
        since: Duration,
        until: Duration,
    },
}

impl Fault {
    /// The actor at that path panics in its n-th handling, before the handler has done anything.
    /// Handlings are counted from 1, over all incarnations of the actor.
    pub fn panic(actor: impl Into<String>, handling: u64) -> Self {
        let actor = actor.into();
        Self(FaultKind::Panic { actor, handling })
    }

    /// The actor at that path is killed instead of handling its n-th message, counted as for
    /// [`panic`](Self::panic): that message and the rest of its mail become dead letters, and the
    /// actor stops.
    pub fn kill(actor: impl Into<String>, handling: u64) -> Self {
        let actor = actor.into();
        Self(FaultKind::Kill { actor, handling })
    }

    /// A worker stalls for that long, starting at that time.
    pub fn stall(worker: usize, at: Duration, length: Duration) -> Self {
        Self(FaultKind::Stall { worker, at, length })
    }

    /// The clock moves forward by that much in one jump, as when a machine has slept.
    pub fn clock_jump(at: Duration, by: Duration) -> Self {
        Self(FaultKind::ClockJump { at, by })
    }

    /// Messages sent from outside in that period take that much longer to arrive.
    pub fn slow_outside(since: Duration, until: Duration, by: Duration) -> Self {
        Self(FaultKind::SlowOutside { since, until, by })
    }

    /// Messages that one worker sends to another in that period take that much longer to arrive.
    pub fn slow_link(
        from: usize,
        to: usize,
        since: Duration,
        until: Duration,
        by: Duration,
    ) -> Self {
        Self(FaultKind::SlowLink {
            from,
            to,
            since,
            until,
            by,
        })
    }

    /// The bounded mailbox of the actor at that path accepts nothing in that period, as if it were
    /// full. The fault happens with the first message, or waiting sender, that is refused; waiting
    /// senders are let in when the period is over.
    pub fn full_mailbox(actor: impl Into<String>, since: Duration, until: Duration) -> Self {
        let actor = actor.into();
        Self(FaultKind::FullMailbox {
            actor,
            since,
            until,
        })
    }

    /// Checks whether the fault can happen at all in a simulation of that many workers.
    pub(super) fn check(&self, workers: usize) -> Result<(), FaultError> {
        let known = |worker: usize| match worker < workers {
            true => Ok(()),
            false => Err(FaultError::NoSuchWorker { worker, workers }),
        };
        let some_time = |since: &Duration, until: &Duration| match since < until {
            true => Ok(()),
            false => Err(FaultError::NoTime),
        };
        match &self.0 {
            FaultKind::Panic { actor, handling } | FaultKind::Kill { actor, handling } => {
                ActorPath::parse(actor)?;
                (*handling > 0).then_some(()).ok_or(FaultError::NoHandling)
            }
            FaultKind::Stall { worker, .. } => known(*worker),
            FaultKind::ClockJump { .. } => Ok(()),
            FaultKind::FullMailbox {
                actor,
                since,
                until,
            } => {
                ActorPath::parse(actor)?;
                some_time(since, until)
            }
            FaultKind::SlowOutside { since, until, .. } => some_time(since, until),
            FaultKind::SlowLink {
                from,
                to,
                since,
                until,
                ..
            } => {
                known(*from)?;
                known(*to)?;
                some_time(since, until)
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            FaultKind::Panic { actor, handling } => {
                write!(f, "panic in handling {handling} of {actor}")
            }
            FaultKind::Kill { actor, handling } => {
                write!(f, "kill at handling {handling} of {actor}")
            }
            FaultKind::Stall { worker, at, length } => {
                write!(f, "worker {worker} stands still from {at:?} for {length:?}")
            }
            FaultKind::ClockJump { at, by } => write!(f, "the clock jumps at {at:?} by {by:?}"),
            FaultKind::FullMailbox {
                actor,
                since,
                until,
            } => write!(
                f,
                "the mailbox of {actor} is full from {since:?} to {until:?}"
            ),
            FaultKind::SlowOutside { since, until, by } => write!(
                f,
                "what comes from outside takes {by:?} longer from {since:?} to {until:?}"
            ),
            FaultKind::SlowLink {
                from,
                to,
                since,
                until,
                by,
            } => write!(
                f,
                "messages of worker {from} to worker {to} take {by:?} longer from {since:?} to \
                 {until:?}"
            ),
        }
    }
}

/// Why a fault cannot happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultError {
    /// There is no worker with that index.
    #[error(
        "the simulation has {workers} workers, numbered from 0, so there is no worker {worker}"
    )]
    NoSuchWorker {
        /// The index that was given.
        worker: usize,
        /// The number of workers.
        workers: usize,
    },
    /// No actor can have that path.
    #[error(transparent)]
    InvalidPath(#[from] PathError),
    /// Handlings are counted from 1.
    #[error("handlings are counted from 1, so there is no handling 0; give at least 1")]
    NoHandling,
    /// The period ends before it begins.
    #[error("the fault's period ends before it begins; give the earlier time first")]
    NoTime,
}
