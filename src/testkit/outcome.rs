//! How a behaviour has taken a message.

/// How a behaviour has taken a message that it was [told](super::BehaviorTest::tell).
///
/// What happened in consequence, to messages that it then sent itself, counts as well.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it says whether the message was handled at all"]
pub enum Outcome {
    /// It has handled the message, and goes on.
    Handled,
    /// It has answered [`Next::Unhandled`](crate::Next::Unhandled): the message is a dead letter.
    Unhandled,
    /// It has handled the message, and stops.
    Stopped,
    /// Its handler has returned this error, or panicked: then the text begins with `panic: `.
    Failed(String),
    /// Its handler waits, in this message or in one before it: for time, which
    /// [`advance`](super::BehaviorTest::advance) lets pass, or for an answer.
    Waiting,
    /// It takes no messages any more: this one is a dead letter.
    Refused,
}
