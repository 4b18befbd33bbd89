//! The cause of a message: the part of its envelope that all messages of one handler share.

#![allow(unsafe_code)]

use super::envelope::Envelope;
use super::id::{ActorId, MessageId};

/// The part of an envelope that all messages of one handler share.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct MessageCause {
    sender: ActorId,
    /// `NONE` if the message begins a correlation of its own.
    correlation: MessageId,
    causation: MessageId,
}

impl Default for MessageCause {
    fn default() -> Self {
        Self::NONE
    }
}

impl MessageCause {
    /// The cause before the first entry of a batch, and of messages that begin outside any handler.
    pub(crate) const NONE: Self = Self::of(Envelope::NONE);

    #[inline(always)]
    pub(crate) const fn of(envelope: Envelope) -> Self {
        let Envelope {
            sender,
            message,
            correlation,
            causation,
        } = envelope;
        let root = correlation.get() == message.get();
        Self {
            sender,
            correlation: if root { MessageId::NONE } else { correlation },
            causation,
        }
    }

    /// The cause of what an actor sends while it handles a message with that envelope.
    #[inline(always)]
    pub(crate) const fn of_sent(handled: Envelope, by: ActorId) -> Self {
        Self {
            sender: by,
            correlation: handled.correlation,
            causation: handled.message,
        }
    }

    /// Whether its messages have a context.
    pub(crate) const fn is_of_context(&self) -> bool {
        self.correlation.is_of_context()
    }

    /// Copies a cause, reading each id as narrow as it was written, maybe just before: a wide load over two
    /// narrow stores that are still under way waits for both.
    ///
    /// # Safety
    ///
    /// The pointer is valid for reading.
    #[inline(always)]
    pub(crate) unsafe fn copy_of(cause: *const Self) -> Self {
        // SAFETY: the caller's promise.
        unsafe {
            Self {
                sender: ActorId {
                    home: (&raw const (*cause).sender.home).read_volatile(),
                    key: (&raw const (*cause).sender.key).read_volatile(),
                },
                correlation: (&raw const (*cause).correlation).read_volatile(),
                causation: (&raw const (*cause).causation).read_volatile(),
            }
        }
    }

    #[inline(always)]
    pub(crate) fn envelope_of(self, message: MessageId) -> Envelope {
        let Self {
            sender,
            correlation,
            causation,
        } = self;
        let root = correlation == MessageId::NONE;
        Envelope {
            sender,
            message,
            correlation: if root { message } else { correlation },
            causation,
        }
    }
}
