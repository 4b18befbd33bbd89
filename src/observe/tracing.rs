//! What happens to actors as events of `tracing`, and spans for the messages that are handled and for asks.

use std::sync::Arc;
use tracing::span::Id;
use tracing::{Level, Span, debug, error, event, info_span, warn};

use super::carried::{Carried, CarriedSpans};
use super::event::{ActorSupervised, AskEnded};
use super::observer::{Observer, Sampling};
use super::slow_handler::SlowHandler;
use crate::address::{ActorId, ActorPath, Envelope};
use crate::failure::{Cycle, DeadLetter, Failure};
use crate::supervision::Directive;

/// The spans of a pool.
#[derive(Clone)]
pub(super) struct PoolSpans {
    /// Of which handlings there are spans.
    sampling: Sampling,
    carried: Arc<CarriedSpans>,
}

impl PoolSpans {
    pub(super) fn new(sampling: Sampling) -> Self {
        Self {
            sampling,
            carried: Arc::default(),
        }
    }

    /// Whether there is a span for whatever a message with a span leads to. If there is not, no told message
    /// carries one: hardly any would arrive where it is asked for.
    fn are_whole(&self) -> bool {
        matches!(self.sampling, Sampling::All | Sampling::UnderContext)
    }

    /// Has a message carry the present span, or that of its ask, which is made here.
    pub(super) fn depart(
        &self,
        target: ActorId,
        envelope: &Envelope,
        is_question: bool,
        message_type: &'static str,
    ) {
        let message = envelope.message_id();
        if is_question {
            let span = info_span!(
                "ask",
                actor = name(target.path(), target),
                message_type,
                message_id = %message,
                correlation = %envelope.correlation_id(),
            );
            if !span.is_disabled() {
                self.carried.keep(message, Carried::Ask(span));
            }
        } else if self.are_whole() {
            let span = Span::current();
            if !span.is_none() {
                self.carried.keep(message, Carried::Tell(span));
            }
        }
    }

    /// Makes the span of a handling, unless the subscriber has no interest in it. `outside` is the span under
    /// which a message was sent that comes from outside.
    pub(super) fn of_handling(
        &self,
        path: impl FnOnce() -> ActorPath,
        message_type: &'static str,
        envelope: &Envelope,
        outside: Option<Id>,
    ) -> Span {
        let carried = self.carried.arrived(envelope.message_id());
        let parent = match &carried {
            Some(Carried::Ask(ask)) => ask.id(),
            Some(Carried::Tell(_)) => None,
            None => outside,
        };
        let sender = || envelope.sender().map(|sender| name(sender.path(), sender));
        // The fields are made only if the span is enabled.
        let span = info_span!(
            parent: parent,
            "handle",
            actor = %path(),
            message_type,
            message_id = %envelope.message_id(),
            correlation = %envelope.correlation_id(),
            causation = envelope.causation_id().map(|id| id.to_string()),
            sender = sender(),
        );
        if let Some(Carried::Tell(cause)) = &carried {
            span.follows_from(cause);
        }
        span
    }
}

/// Writes what happens as events.
pub(super) struct EventWriter {
    pub(super) spans: PoolSpans,
}

impl Observer for EventWriter {
    fn sampling(&self) -> Sampling {
        self.spans.sampling
    }

    // For the spans that messages carry.
    fn observes_sends(&self) -> bool {
        self.spans.sampling != Sampling::None
    }

    fn observes_asks(&self) -> bool {
        self.spans.sampling != Sampling::None
    }

    fn asked(&self, ask: &AskEnded<'_>) {
        self.spans.carried.forget(ask.question);
    }

    fn supervised(&self, decided: &ActorSupervised<'_>) {
        let (actor, restarts) = (decided.actor.path(), decided.restarts);
        match decided.directive {
            Directive::Restart => {
                let delay_ms = u64::try_from(decided.delay.as_millis()).unwrap_or(u64::MAX);
                warn!(%actor, restarts, delay_ms, "an actor is restarted");
            }
            Directive::Stop => warn!(%actor, restarts, "an actor is stopped after a failure"),
            Directive::Resume => debug!(%actor, "an actor is resumed after a failure"),
            Directive::Escalate => debug!(%actor, "a failure is escalated"),
        }
    }

    fn failed(&self, failure: &Failure) {
        let (actor, message_type) = (&failure.path, failure.message_type);
        let during = failure.during;
        error!(%actor, message_type, ?during, cause = %failure.cause, "an actor has failed");
    }

    fn dead_letter(&self, letter: &DeadLetter) {
        let message = letter.envelope.message_id();
        let actor = name(letter.path(), letter.target);
        let sender = letter.envelope.sender();
        let sender = sender.map(|sender| name(sender.path(), sender));
        let (message_type, reason) = (letter.message_type, letter.reason);
        let correlation = letter.envelope.correlation_id();
        event!(
            Level::WARN,
            actor,
            message_type,
            %reason,
            sender,
            %correlation,
            "a message was lost"
        );
        self.spans.carried.forget(message);
    }

    fn slow_handler(&self, slow: &SlowHandler) {
        let actor = name(slow.path.clone(), slow.actor);
        let running_ms = u64::try_from(slow.running_for.as_millis()).unwrap_or(u64::MAX);
        let message_type = slow.message_type;
        warn!(actor, message_type, running_ms, "{slow}");
    }

    fn suspected_deadlock(&self, cycle: &Cycle) {
        warn!(%cycle, "handlers wait for each other, perhaps for ever");
    }

    fn deadlock(&self, cycle: &Cycle) {
        error!(%cycle, "a deadlock: one of its asks fails");
    }
}

fn name(path: Option<ActorPath>, id: ActorId) -> String {
    path.map_or_else(|| id.to_string(), |path| path.to_string())
}
