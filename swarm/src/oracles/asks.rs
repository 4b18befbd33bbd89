//! Asks: each ends once, in keeping with what happened to its question.

use parking_lot::Mutex;

use super::{Check, ensure};
use crate::rng::mix;

/// How an ask ended, as its asker was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There was an answer.
    Answer(u64),
    /// The time ran out.
    Timeout,
    /// The reply was dropped.
    NoReply,
    /// The target had stopped.
    TargetStopped,
    /// The target failed.
    TargetFailed,
    /// The mailbox had no capacity for it.
    MailboxFull,
    /// The pool had ended.
    PoolClosed,
    /// The target waits for the asker.
    Deadlock,
}

/// An ask from its beginning to its end. Times are nanoseconds, if they are known.
#[derive(Clone, Copy, Debug, Default)]
struct Asking {
    asked_at: Option<u64>,
    timeout: u64,
    /// The target had stopped before it was asked.
    in_vain: bool,
    /// It goes through a router, which may have no routee to send it to.
    is_routed: bool,
    /// A handler has seen the question.
    arrived: bool,
    answered: bool,
    /// A handler has given it up.
    given_up: bool,
    /// A handler has failed with it in hand.
    failed: bool,
    /// The question no longer exists.
    gone: bool,
    /// When the asker was notified, for practical purposes.
    ended_at: Option<u64>,
    outcome: Option<Outcome>,
    cancelled: bool,
}

/// All asks of a run.
#[derive(Debug, Default)]
pub struct Asks(Mutex<Vec<Asking>>);

/// How many answers of a run were certainly late, and how many may have been.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LateAnswers {
    /// Answered after the asker's time was over.
    pub certain: u64,
    /// Answered after the asker had let go, or was told of a deadlock.
    pub possible: u64,
}

/// The time in which a waiting actor on a simulated worker resumes, however unlucky it is.
const SLACK: u64 = 200_000_000;

impl Asks {
    /// The answer to the ask with that number.
    pub fn answer_to(ask: usize) -> u64 {
        mix(ask as u64 ^ 0xa5a5)
    }

    /// Records that an ask begins. Returns its number.
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

    /// Records that the question goes through a router.
    pub fn is_routed(&self, ask: usize) {
        self.0.lock()[ask].is_routed = true;
    }

    /// Records that a handler has received the question.
    ///
    /// # Errors
    ///
    /// If a handler had received it before.
    pub fn arrives(&self, ask: usize) -> Check {
        let before = std::mem::replace(&mut self.0.lock()[ask].arrived, true);
        ensure(!before, || format!("question {ask} was handled twice"))
    }

    /// Records that the question is answered.
    ///
    /// # Errors
    ///
    /// If it was answered before.
    pub fn is_answered(&self, ask: usize, at: Option<u64>) -> Check {
        let asking = &mut self.0.lock()[ask];
        asking.ended_at = at;
        let before = std::mem::replace(&mut asking.answered, true);
        ensure(!before, || format!("question {ask} was answered twice"))
    }

    /// Records that a handler gives the question up on purpose.
    pub fn is_given_up(&self, ask: usize, at: Option<u64>) {
        let asking = &mut self.0.lock()[ask];
        (asking.ended_at, asking.given_up) = (at, true);
    }

    /// Records that the handler with the question in hand is about to fail.
    pub fn is_failed(&self, ask: usize, at: Option<u64>) {
        let asking = &mut self.0.lock()[ask];
        (asking.ended_at, asking.failed) = (at, true);
    }

    /// Records that the question no longer exists, answered or not.
    pub fn is_gone(&self, ask: usize) {
        self.0.lock()[ask].gone = true;
    }

    /// Whether the question no longer exists and no handler was involved: it was taken back.
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

    /// Records that the asker lets go of the ask.
    pub fn is_cancelled(&self, ask: usize) {
        self.0.lock()[ask].cancelled = true;
    }

    /// Records how the ask ended, as its asker is told. `prompt` says whether the clock is exact
    /// enough for a delay to mean something.
    ///
    /// # Errors
    ///
    /// If it cannot have ended that way, or not at that time.
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

    /// Checks that an ask that ends while the pool runs has a reason for its outcome.
    ///
    /// # Errors
    ///
    /// If the outcome says that the pool has ended, that an actor has failed although none was to,
    /// or that the target has stopped although a handler had given the question up.
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

    /// The counts of late answers.
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

    /// Checks that nothing is open at the end.
    ///
    /// # Errors
    ///
    /// If a question still exists somewhere, or an asker was never told.
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
        // While the notice of a deadlock travels, the time-out of an actor in the cycle may let the
        // target continue. That there was a cycle is checked where it can be known, in
        // `tests/deadlock/`.
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
    // A handler may look at the outcome long after it has arrived.
    let _ = at;
    Ok(())
}
