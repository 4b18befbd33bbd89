//! The envelope that travels with every message: its sender, its id, and its cause.

use super::id::{ActorId, MessageId};

/// The metadata of a message.
///
/// A message sent from a handler inherits the correlation id of the message being handled and has that
/// message as its cause. A message sent from anywhere else begins a correlation of its own.
///
/// ```
/// use nexus_actors::prelude::*;
/// use std::time::Duration;
///
/// let pool = WorkerPool::builder().workers(1).start()?;
/// let echo = pool.spawn("echo", Props::new(|| {
///     Behavior::receive(|ctx, reply: Reply<bool>| {
///         reply.send(ctx.envelope().causation_id().is_none());
///     })
/// }))?;
/// assert!(echo.ask(|reply| reply, Duration::from_secs(5)).wait()?);
/// pool.shutdown(Duration::from_secs(5))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    pub(crate) sender: ActorId,
    pub(crate) message: MessageId,
    pub(crate) correlation: MessageId,
    pub(crate) causation: MessageId,
}

impl Envelope {
    /// The envelope of no message, used by everything that runs outside any handler.
    pub(crate) const NONE: Self = Self {
        sender: ActorId::NOBODY,
        message: MessageId::NONE,
        correlation: MessageId::NONE,
        causation: MessageId::NONE,
    };

    /// Returns the envelope of a message that `sender` sends while it handles the message of `self`.
    #[inline(always)]
    pub(crate) fn next(self, sender: ActorId, message: MessageId) -> Self {
        let root = self.correlation == MessageId::NONE;
        Self {
            sender,
            message,
            correlation: if root { message } else { self.correlation },
            causation: self.message,
        }
    }

    /// Returns the actor that sent the message, unless it came from outside any handler.
    pub fn sender(&self) -> Option<ActorId> {
        self.sender.known()
    }

    /// Returns the message's own id.
    pub fn message_id(&self) -> MessageId {
        self.message
    }

    /// Returns the id of the first message in the chain of causes to which this one belongs.
    pub fn correlation_id(&self) -> MessageId {
        self.correlation
    }

    /// Returns the id of the message whose handler sent this one.
    pub fn causation_id(&self) -> Option<MessageId> {
        self.causation.known()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s7_3_a_message_inherits_its_thread_and_names_its_cause() {
        let first = MessageId::start_of_worker(0).next();
        let root = Envelope::NONE.next(ActorId::NOBODY, first);
        assert_eq!(
            root.correlation_id(),
            first,
            "a root message begins a new thread"
        );
        assert_eq!(root.causation_id(), None);

        let second = first.next();
        let child = root.next(ActorId::NOBODY, second);
        assert_eq!(child.correlation_id(), first);
        assert_eq!(child.causation_id(), Some(first));
        assert_eq!(
            child.next(ActorId::NOBODY, second.next()).causation_id(),
            Some(second)
        );
    }
}
