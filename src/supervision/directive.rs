//! What a supervisor may decide about a failure.

/// What happens to an actor that has failed. These four are all that a supervisor can decide: code that
/// matches on them need not expect others.
///
/// ```
/// use nexus_actors::Directive;
/// use nexus_actors::supervision::Strategy;
/// use std::io::{Error, ErrorKind};
///
/// // A transient error is worth another try; a permanent one is not.
/// let strategy = Strategy::one_for_one().decide(|error: &Error| match error.kind() {
///     ErrorKind::TimedOut | ErrorKind::ConnectionReset => Directive::Restart,
///     ErrorKind::NotFound => Directive::Stop,
///     _ => Directive::Escalate,
/// });
/// # let _ = strategy;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Directive {
    /// Start again with a new state, and keep the mailbox; the message that failed is not tried
    /// again. Over the strategy's limit this means [`Stop`](Self::Stop).
    Restart,
    /// Stop the actor.
    Stop,
    /// Continue with the same state and the next message, as if the failing one had never come.
    /// Only right if a failure leaves the state intact.
    Resume,
    /// Leave the decision to the next supervisor above.
    Escalate,
}
