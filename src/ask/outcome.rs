//! The outcome of a worker's wait, for the asker, and what observers are told of it.

use std::any::Any;
use std::time::Duration;

use super::error::{AskDetails, AskError};
use crate::address::{ActorId, Key, MessageId, MessageType};
use crate::failure::AskErrorKind;
use crate::observe::{AskBegun, AskEnded};
use crate::shard::Shard;
use crate::wait::Asked;

/// Takes the outcome of a wait that has ended.
pub(super) fn outcome_of<R: 'static>(shard: &Shard, wait: Key) -> Result<R, AskError> {
    if shard.tells_of_asks() {
        return observed_outcome_of(shard, wait);
    }
    taken_outcome_of(shard, wait)
}

fn taken_outcome_of<R: 'static>(shard: &Shard, wait: Key) -> Result<R, AskError> {
    let answer = shard.waits.take_value(wait);
    answer.ok_or_else(|| failure_of(shard, wait))
}

/// Says why a wait has ended without a value.
#[cold]
pub(super) fn failure_of(shard: &Shard, wait: Key) -> AskError {
    let asked = shard.waits.asked(wait);
    let cycle = shard.waits.take_cycle(wait);
    let failure = shard.waits.take_failure(wait);
    let error = match shard.waits.take_end(wait) {
        Some(end) => AskError::of_worker(shard, end, asked, cycle, failure),
        None => AskError::PoolClosed(AskDetails::unknown()),
    };
    if asked.is_some_and(|asked| is_of_actor(shard, &asked)) {
        shard.counts.ask_has_ended(error.kind());
    }
    error
}

/// Whether a wait is an ask by an actor of another one, and not for a start, a permit or another worker.
fn is_of_actor(shard: &Shard, asked: &Asked) -> bool {
    let is_question = asked.mail.is_some_and(|mail| !mail.is_no_question());
    let is_other = asked.question.is_work() || asked.question == MessageId::ROOM;
    is_question && !is_other && shard.acting().known().is_some()
}

#[cold]
fn observed_outcome_of<R: 'static>(shard: &Shard, wait: Key) -> Result<R, AskError> {
    let told = ToldAsk::of(shard, wait);
    let outcome = taken_outcome_of::<R>(shard, wait);
    let answer = outcome.as_ref().map(|answer| answer as &dyn Any);
    let answer = answer.map_err(AskError::kind);
    told.inspect(|told| told.ended(shard, answer));
    outcome
}

/// Counts an ask that is given up, and tells the observers.
#[cold]
pub(super) fn note_given_up(shard: &Shard, wait: Key) {
    let Some(told) = ToldAsk::of(shard, wait) else {
        return;
    };
    shard.counts.ask_has_ended(AskErrorKind::Cancelled);
    if shard.tells_of_asks() {
        told.ended(shard, Err(AskErrorKind::Cancelled));
    }
}

/// Tells the observers that an ask begins.
#[cold]
pub(super) fn tell_of_asking(
    shard: &Shard,
    target: ActorId,
    mail: &'static MessageType,
    timeout: Option<u64>,
) {
    // A thread that drives the pool is no actor.
    if mail.is_no_question() || shard.acting().known().is_none() {
        return;
    }
    let message_type = mail.name();
    let asking = AskBegun {
        asker: shard.acting(),
        target,
        message_type,
        timeout: timeout.map(Duration::from_nanos),
        within: shard.envelope(),
    };
    shard.tell_of_ask(shard.core.observers.of_asks(), |observer| {
        observer.asking(&asking)
    });
}

/// An ask of whose end observers are told.
struct ToldAsk(Asked);

impl ToldAsk {
    /// `None` if the wait is no ask, but for work of another worker.
    fn of(shard: &Shard, wait: Key) -> Option<Self> {
        let asked = shard.waits.asked(wait)?;
        is_of_actor(shard, &asked).then_some(Self(asked))
    }

    fn ended(&self, shard: &Shard, answer: Result<&dyn Any, AskErrorKind>) {
        let took = shard.read_clock().saturating_sub(self.0.began);
        let asked = AskEnded {
            asker: shard.acting(),
            target: self.0.target,
            question: self.0.asked_first,
            outcome: answer.map(drop),
            answer: answer.ok(),
            took: Duration::from_nanos(took),
        };
        #[cfg(feature = "tracing")]
        shard.current.end_ask_span(asked.question);
        // Those that are told of what is sent here, and those that are told of all asks.
        let told = shard.current.told_of_sends();
        let told = told.and(shard.core.observers.of_asks());
        shard.tell_of_ask(told, |observer| observer.asked(&asked));
    }
}
