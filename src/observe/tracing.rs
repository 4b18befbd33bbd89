//! What happens to actors as events of `tracing`, and a span for each message that is handled.

use tracing::{Level, Span, debug, error, event, info_span, warn};

use super::event::ActorSupervised;
use super::observer::{Observer, Sampling};
use super::slow_handler::SlowHandler;
use crate::address::{ActorPath, Envelope};
use crate::failure::{Cycle, DeadLetter, Failure};
use crate::supervision::Directive;

/// Writes what happens as events.
pub(super) struct EventWriter {
    /// Of which handlings there are spans.
    pub(super) spans: Sampling,
}

impl Observer for EventWriter {
    fn sampling(&self) -> Sampling {
        self.spans
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

fn name(path: Option<ActorPath>, id: crate::address::ActorId) -> String {
    path.map_or_else(|| id.to_string(), |path| path.to_string())
}

/// Makes the span of a handling, unless the subscriber has no interest in it.
pub(crate) fn span_of_handling(
    path: impl FnOnce() -> ActorPath,
    message_type: &'static str,
    envelope: &Envelope,
) -> Span {
    let sender = || envelope.sender().map(|sender| name(sender.path(), sender));
    // The fields are made only if the span is enabled.
    info_span!(
        "handle",
        actor = %path(),
        message_type,
        message_id = %envelope.message_id(),
        correlation = %envelope.correlation_id(),
        causation = envelope.causation_id().map(|id| id.to_string()),
        sender = sender(),
    )
}
