//! The names and attributes of spans, by the conventions for messaging where they fit.

use nexus_actors::address::{ActorId, ActorPath, Envelope};
use nexus_actors::failure::AskErrorKind;
use nexus_actors::observe::{Handling, Outcome, SendBegun};
use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanBuilder, SpanKind};

pub(crate) const ERROR_TYPE: &str = "error.type";
pub(crate) const OUTCOME: &str = "nexus.outcome";
pub(crate) const LOST: &str = "nexus.message.lost";
pub(crate) const REASON: &str = "nexus.reason";

const SYSTEM: &str = "messaging.system";
const OPERATION_NAME: &str = "messaging.operation.name";
const OPERATION_TYPE: &str = "messaging.operation.type";
const DESTINATION: &str = "messaging.destination.name";
const MESSAGE_ID: &str = "messaging.message.id";
const CONVERSATION_ID: &str = "messaging.message.conversation_id";
const ACTOR_ID: &str = "nexus.actor.id";
pub(crate) const MESSAGE_TYPE: &str = "nexus.message_type";

/// For what this version does not know yet.
const OTHER: &str = "_OTHER";

/// The span of a handling.
pub(crate) fn of_handling(event: &Handling<'_>, question: bool) -> SpanBuilder {
    let kind = if question {
        SpanKind::Server
    } else {
        SpanKind::Consumer
    };
    let actor = event.actor;
    let to = (actor.id, Some(actor.path()), actor.message_type);
    span("process", "process", kind, to, &event.envelope)
}

/// The span of an ask.
pub(crate) fn of_ask(event: &SendBegun<'_>) -> SpanBuilder {
    let target = event.target;
    let to = (target, target.path(), event.message_type);
    span("ask", "send", SpanKind::Client, to, &event.envelope)
}

/// A name with the type of the message has few values, which the path of an actor has not.
fn span(
    operation: &'static str,
    operation_type: &'static str,
    kind: SpanKind,
    (actor, path, message_type): (ActorId, Option<ActorPath>, &'static str),
    envelope: &Envelope,
) -> SpanBuilder {
    let mut attributes = vec![
        KeyValue::new(SYSTEM, "nexus"),
        KeyValue::new(OPERATION_NAME, operation),
        KeyValue::new(OPERATION_TYPE, operation_type),
        KeyValue::new(MESSAGE_ID, envelope.message_id().to_string()),
        KeyValue::new(CONVERSATION_ID, envelope.correlation_id().to_string()),
        KeyValue::new(ACTOR_ID, actor.to_string()),
        KeyValue::new(MESSAGE_TYPE, message_type),
    ];
    attributes.extend(path.map(|path| KeyValue::new(DESTINATION, path.to_string())));
    SpanBuilder::from_name(format!("{operation} {message_type}"))
        .with_kind(kind)
        .with_attributes(attributes)
}

/// Returns the name of an outcome, and whether it is an error.
pub(crate) fn outcome(outcome: Outcome) -> (&'static str, bool) {
    match outcome {
        Outcome::Handled => ("handled", false),
        Outcome::Stashed => ("stashed", false),
        Outcome::Became => ("became", false),
        Outcome::Stopped => ("stopped", false),
        Outcome::Passivated => ("passivated", false),
        Outcome::Unhandled => ("unhandled", true),
        Outcome::Failed => ("failed", true),
        Outcome::Panicked => ("panicked", true),
        Outcome::Forced => ("forced", true),
        _ => (OTHER, false),
    }
}

/// Returns the `error.type` of an ask, and a description.
pub(crate) fn ask_error(kind: AskErrorKind) -> (&'static str, &'static str) {
    match kind {
        AskErrorKind::Timeout => ("timeout", "no reply in time"),
        AskErrorKind::NoReply => ("no_reply", "the question was dropped without a reply"),
        AskErrorKind::TargetStopped => ("target_stopped", "the actor had stopped"),
        AskErrorKind::TargetFailed => ("target_failed", "the actor failed at the question"),
        AskErrorKind::MailboxFull => ("mailbox_full", "the actor's mailbox was full"),
        AskErrorKind::Deadlock => ("deadlock", "the actor waits for the asker"),
        AskErrorKind::Cancelled => ("cancelled", "the asker gave up"),
        AskErrorKind::PoolClosed => ("pool_closed", "the pool had ended"),
        AskErrorKind::CannotWait => ("cannot_wait", "the asker could not wait"),
        _ => (OTHER, "no reply"),
    }
}
