//! Asks: each ends once, with what has happened to its question.

use parking_lot::Mutex;

use super::{Check, ensure};
use crate::rng::mix;

/// How an ask ended, as its asker was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With an answer.
    Answer(u64),
    /// With its time over.
    Timeout,
    /// With a reply that was dropped.
    NoReply,
    /// With a target that had stopped.
    TargetStopped,
    /// With a target that failed.
    TargetFailed,
    /// With a mailbox that had no room for it.
    MailboxFull,
    /// With a pool that had ended.
    PoolClosed,
    /// With a target that waits for the asker.
    Deadlock,
}

/// An ask from its beginning to its end. Times are nanoseconds, where they are known.
#[derive(Clone, Copy, Debug, Default)]
struct Asking {
    asked_at: Option<u64>,
    timeout: u64,
    /// The target had stopped before it was asked.
    in_vain: bool,
    /// It goes through a router, which may not know anybody to send it to.
    is_routed: bool,
    /// A handler has seen the question.
    arrived: bool,
    answered: bool,
    /// A handler let go of it.
    given_up: bool,
    /// A handler failed with it in its hands.
    failed: bool,
    /// The question is gone.
    gone: bool,
    /// When the asker was as good as told.
    ended_at: Option<u64>,
    outcome: Option<Outcome>,
    cancelled: bool,
}

/// All asks of a run.
#[derive(Debug, Default)]
pub struct Asks(Mutex<Vec<Asking>>);

/// What the answers of a run come to: how many came late for certain, and how many may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LateAnswers {
    /// Answered, and the asker's time was over.
    pub certain: u64,
    /// Answered, and the asker had let go, or was told of a deadlock.
    pub possible: u64,
}

/// In which time whoever waits on a simulated worker goes on, however unlucky it is.
const SLACK: u64 = 200_000_000;

impl Asks {
    /// The answer to the ask of that number.
    pub fn answer_to(ask: usize) -> u64 {
        mix(ask as u64 ^ 0xa5a5)
    }

    /// An ask begins. Answers its number.
    pub fn begins(&self, asked_at: Option<u64>, timeout: u64, in_vain: bool) -> usize {
        let mut asks = self.0.lock();
        asks.push(Asking {
            asked_at,
            timeout,
            in_vain,
            ..Asking::default()
        });
        asks.len() - 1
    }

    /// The question goes through a router.
    pub fn is_routed(&self, ask: usize) {
        self.0.lock()[ask].is_routed = true;
    }

    /// A handler has the question before it.
    ///
    /// # Errors
    ///
    /// When a handler had it before.
    pub fn arrives(&self, ask: usize) -> Check {
        let before = std::mem::replace(&mut self.0.lock()[ask].arrived, true);
        ensure(!before, || format!("question {ask} was handled twice"))
    }

    /// The question is answered.
    ///
    /// # Errors
    ///
    /// When it was answered before.
    pub fn is_answered(&self, ask: usize, at: Option<u64>) -> Check {
        let asking = &mut self.0.lock()[ask];
        asking.ended_at = at;
        let before = std::mem::replace(&mut asking.answered, true);
        ensure(!before, || format!("question {ask} was answered twice"))
    }

    /// The question is given up by a handler, on purpose.
    pub fn is_given_up(&self, ask: usize, at: Option<u64>) {
        let asking = &mut self.0.lock()[ask];
        (asking.ended_at, asking.given_up) = (at, true);
    }

    /// The handler that has the question in its hands is about to fail.
    pub fn is_failed(&self, ask: usize, at: Option<u64>) {
        let asking = &mut self.0.lock()[ask];
        (asking.ended_at, asking.failed) = (at, true);
    }

    /// The question is no more, answered or not.
    pub fn is_gone(&self, ask: usize) {
        self.0.lock()[ask].gone = true;
    }

    /// Whether the question is no more, and no handler has had to do with that: it was taken back.
    pub fn is_taken_back(&self, ask: usize) -> bool {
        let Asking {
            answered,
            given_up,
            failed,
            gone,
            ..
        } = self.0.lock()[ask];
        gone && !answered && !given_up && !failed
    }

    /// The asker lets go of the ask.
    pub fn is_cancelled(&self, ask: usize) {
        self.0.lock()[ask].cancelled = true;
    }

    /// The asker is told how the ask ended. `prompt` says whether the clock is so exact that a
    /// delay means something.
    ///
    /// # Errors
    ///
    /// When it cannot have ended so, or not then.
    pub fn ends(&self, ask: usize, outcome: Outcome, at: Option<u64>, prompt: bool) -> Check {
        let asking = &mut self.0.lock()[ask];
        let before = asking.outcome.replace(outcome);
        let state = *asking;
        ensure(before.is_none(), || format!("ask {ask} ended twice"))?;
        check_outcome(ask, &state, outcome)?;
        check_time(ask, &state, outcome, at)?;
        if prompt {
            check_promptness(ask, &state, outcome, at)?;
        }
        Ok(())
    }

    /// While the pool goes on, an ask ends for a reason that there is.
    ///
    /// # Errors
    ///
    /// When the pool is said to have ended, or an actor to have failed though none was to, or to
    /// have stopped with a question that it had let go of.
    pub fn has_reason(&self, ask: usize, outcome: Outcome, any_failed: bool) -> Check {
        let asking = self.0.lock()[ask];
        let there = match outcome {
            Outcome::PoolClosed => false,
            Outcome::TargetFailed => any_failed,
            Outcome::TargetStopped => !asking.given_up,
            _ => true,
        };
        ensure(there, || {
            format!("ask {ask} ended with {outcome:?} for no reason: {asking:?}")
        })
    }

    /// What the answers came to.
    pub fn late_answers(&self) -> LateAnswers {
        let asks = self.0.lock();
        let answered = || asks.iter().filter(|asking| asking.answered);
        let timed_out = |asking: &&Asking| asking.outcome == Some(Outcome::Timeout);
        let let_go = |asking: &&Asking| matches!(asking.outcome, None | Some(Outcome::Deadlock));
        LateAnswers {
            certain: answered().filter(timed_out).count() as u64,
            possible: answered().filter(let_go).count() as u64,
        }
    }

    /// At the end nothing is open.
    ///
    /// # Errors
    ///
    /// When a question is still somewhere, or an asker was never told.
    pub fn are_over(&self) -> Check {
        let asks = self.0.lock();
        let open =
            |asking: &Asking| !asking.gone || (asking.outcome.is_none() && !asking.cancelled);
        match asks.iter().position(open) {
            Some(ask) => Err(format!("ask {ask} is not over: {:?}", asks[ask])),
            None => Ok(()),
        }
    }
}

fn check_outcome(ask: usize, asking: &Asking, outcome: Outcome) -> Check {
    let as_failed = matches!(
        outcome,
        Outcome::TargetFailed | Outcome::Timeout | Outcome::PoolClosed | Outcome::Deadlock
    );
    ensure(!asking.failed || as_failed, || {
        format!("ask {ask} ended with {outcome:?}, and its handler failed: {asking:?}")
    })?;
    match outcome {
        Outcome::Answer(answer) => {
            ensure(answer == Asks::answer_to(ask), || {
                format!("ask {ask} was given the answer to another one")
            })?;
            ensure(asking.answered, || format!("ask {ask} was never answered"))
        }
        // While word of a deadlock travels, the time-out of somebody in the cycle may let the target go
        // on. That there was a cycle is checked where it can be known, in `tests/deadlock/`.
        Outcome::Timeout | Outcome::Deadlock => Ok(()),
        Outcome::NoReply => {
            let arrived = asking.arrived || asking.is_routed;
            ensure(arrived && asking.gone && !asking.answered, || {
                format!("ask {ask} had no reply, but: {asking:?}")
            })
        }
        Outcome::TargetStopped
        | Outcome::TargetFailed
        | Outcome::MailboxFull
        | Outcome::PoolClosed => {
            let pool = outcome == Outcome::PoolClosed;
            ensure(pool || (asking.gone && !asking.answered), || {
                format!("ask {ask} ended with {outcome:?}, but: {asking:?}")
            })
        }
    }
}

fn check_time(ask: usize, asking: &Asking, outcome: Outcome, at: Option<u64>) -> Check {
    let (Some(asked_at), Some(at)) = (asking.asked_at, at) else {
        return Ok(());
    };
    let (took, timeout) = (at.saturating_sub(asked_at), asking.timeout);
    ensure(outcome != Outcome::Timeout || took >= timeout, || {
        format!("ask {ask} timed out after {took} ns of {timeout}")
    })
}

fn check_promptness(ask: usize, asking: &Asking, outcome: Outcome, at: Option<u64>) -> Check {
    let Some(asked_at) = asking.asked_at else {
        return Ok(());
    };
    let known_by = match asking.ended_at {
        Some(ended_at) => ended_at,
        None if asking.in_vain => asked_at,
        None => return Ok(()),
    };
    let over_at = asked_at.saturating_add(asking.timeout);
    let waited_in_vain = outcome == Outcome::Timeout && known_by.saturating_add(SLACK) < over_at;
    ensure(!waited_in_vain, || {
        format!("ask {ask} waited for its time-out, though its end was certain: {asking:?}")
    })?;
    // A handler may look at the outcome long after it has come.
    let _ = at;
    Ok(())
}
