//! What happens to actors as events of `tracing`, and spans for the messages that are handled and for asks.

use parking_lot::Mutex;
use std::sync::Arc;
use tracing::{Level, Span, debug, error, event, info_span, warn};

use super::carried::{Carried, CarriedSpans};
use super::event::{ActorSupervised, SendBegun};
use super::observer::{Observer, Sampling};
use super::slow_handler::SlowHandler;
use crate::address::{ActorId, ActorPath, Envelope, MessageId};
use crate::failure::{Cycle, DeadLetter, Failure};
use crate::supervision::Directive;

/// A span outside of the pool under which a message is sent: a context for
/// [`with_context`](crate::actor::with_context).
///
/// Of the messages that are sent under it outside of any handler, the first one to be handled is handled in a child of
/// the span, which is not closed before. That is enough for a request that is one ask; what follows from it is traced
/// from there. Give each request one of its own, in a pool with [spans](crate::pool::WorkerPoolBuilder::tracing) by
/// [`Sampling::UnderContext`] or [`Sampling::All`]. If its message is lost, or its handling has no span, the span is
/// not closed until 65,536 newer contexts have come.
///
/// ```
/// use nexus_actors::actor::with_context;
/// use nexus_actors::observe::{RequestSpan, Sampling};
/// use nexus_actors::prelude::*;
/// use tracing::info_span;
///
/// let pool = WorkerPool::builder().workers(1).tracing(Sampling::UnderContext).start()?;
/// let double = pool.spawn("double", Props::new(|| {
///     Behavior::receive(|_ctx, (number, reply): (u32, Reply<u32>)| reply.send(number * 2))
/// }))?;
/// let request = info_span!("request");
/// let asked = with_context(RequestSpan::new(&request), || {
///     double.ask(|reply| (21, reply), Duration::from_secs(5))
/// });
/// assert_eq!(asked.wait()?, 42);
/// pool.shutdown(Duration::from_secs(5))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RequestSpan(Mutex<Option<Span>>);

impl RequestSpan {
    /// The context of that span.
    pub fn new(span: &Span) -> Self {
        Self(Mutex::new(Some(span.clone())))
    }

    pub(crate) fn take(&self) -> Option<Span> {
        self.0.lock().take()
    }
}

/// The span of a handling, and what its message has carried.
pub(crate) struct HandlingSpan {
    pub(crate) span: Span,
    carried: Option<Carried>,
}

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

    /// Whether the handling of a message with that envelope has a span for certain. If it is drawn by chance, a
    /// message that is told carries none: hardly any would arrive where it is asked for.
    fn are_certain_for(&self, envelope: &Envelope) -> bool {
        match self.sampling {
            Sampling::All => true,
            Sampling::UnderContext => envelope.correlation_id().is_of_context(),
            Sampling::None | Sampling::OneIn(_) | Sampling::PerSecond(_) => false,
        }
    }

    /// Has a message carry the span in which it is sent, or that of its ask, which is made here and returned.
    pub(super) fn depart(&self, sent: &SendBegun<'_>, within: &Span) -> Option<Span> {
        let (envelope, message) = (&sent.envelope, sent.envelope.message_id());
        if sent.is_question {
            let span = info_span!(
                parent: within,
                "ask",
                actor = name(sent.target.path(), sent.target),
                message_type = sent.message_type,
                message_id = %message,
                correlation = %envelope.correlation_id(),
            );
            if span.is_disabled() {
                return None;
            }
            self.carried.keep(message, Carried::Parent(span.clone()));
            return Some(span);
        }
        if self.are_certain_for(envelope) && !within.is_none() {
            self.carried.keep(message, Carried::Cause(within.clone()));
        }
        None
    }

    /// Makes the span of a handling, unless the subscriber has no interest in it. `outside` returns the span
    /// under which a message was sent that comes from outside.
    pub(super) fn of_handling(
        &self,
        path: impl FnOnce() -> ActorPath,
        message_type: &'static str,
        envelope: &Envelope,
        outside: impl FnOnce() -> Option<Span>,
    ) -> HandlingSpan {
        let carried = self.carried.take(envelope.message_id());
        let carried = carried.or_else(|| outside().map(Carried::Parent));
        let parent = match &carried {
            Some(Carried::Parent(parent)) => parent.id(),
            Some(Carried::Cause(_)) | None => None,
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
        if let Some(Carried::Cause(cause)) = &carried {
            span.follows_from(cause);
        }
        HandlingSpan { span, carried }
    }

    /// The message was put into a stash, and is handled again.
    pub(super) fn put_back(&self, message: MessageId, span: HandlingSpan) {
        if let Some(carried) = span.carried {
            self.carried.keep(message, carried);
        }
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
        drop(self.spans.carried.take(letter.envelope.message_id()));
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

fn name(path: Option<ActorPath>, id: ActorId) -> String {
    path.map_or_else(|| id.to_string(), |path| path.to_string())
}
