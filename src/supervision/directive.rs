//! What a supervisor may answer to a failure.

/// What is to become of an actor that has failed.
///
/// ```
/// use nexus_actors::{Directive, Strategy};
/// use std::io::{Error, ErrorKind};
///
/// // What may pass is worth another try; what will not change is not.
/// let strategy = Strategy::one_for_one().decide(|error: &Error| match error.kind() {
///     ErrorKind::TimedOut | ErrorKind::ConnectionReset => Directive::Restart,
///     ErrorKind::NotFound => Directive::Stop,
///     _ => Directive::Escalate,
/// });
/// # let _ = strategy;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Directive {
    /// Begin again with a new state, and keep the mailbox; the message that failed is not tried
    /// again. Over the strategy's limit this means [`Stop`](Self::Stop).
    Restart,
    /// End it.
    Stop,
    /// Go on with the same state and the next message, as if the failing one had never come. Only
    /// right where a failure leaves the state whole.
    Resume,
    /// Leave the decision to the next supervisor above.
    Escalate,
}
