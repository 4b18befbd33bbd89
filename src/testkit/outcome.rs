//! How a behaviour reacted to a message.

/// How a behaviour reacted to a message that it was [told](super::BehaviorTest::tell).
///
/// Consequences, such as messages that it then sent to itself, are included.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "it says whether the message was handled at all"]
pub enum Outcome {
    /// It handled the message, and continues.
    Handled,
    /// It returned [`Next::Unhandled`](crate::Next::Unhandled): the message is a dead letter.
    Unhandled,
    /// It handled the message, and stops.
    Stopped,
    /// Its handler returned this error, or panicked: then the text begins with `panic: `.
    Failed(String),
    /// Its handler waits, in this message or in an earlier one: for time, which
    /// [`advance`](super::BehaviorTest::advance) lets pass, or for an answer.
    Waiting,
    /// It no longer accepts messages: this one is a dead letter.
    Refused,
}
