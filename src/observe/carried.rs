//! The spans that messages carry from their senders to their receivers.

use parking_lot::Mutex;
use std::sync::OnceLock;
use tracing::Span;

use crate::address::MessageId;

/// The spans that are kept, for the newest messages on their way. A message that is older has lost its span.
const KEPT: usize = 1 << 14;

/// What a message carries.
#[derive(Clone)]
pub(super) enum Carried {
    /// The span of the ask of which it is the question. Kept until the ask has ended.
    Ask(Span),
    /// The span in which it was told.
    Tell(Span),
}

/// What the messages of a pool carry.
#[derive(Default)]
pub(super) struct CarriedSpans(OnceLock<Box<[Mutex<Option<(MessageId, Carried)>>]>>);

impl CarriedSpans {
    #[allow(clippy::cast_possible_truncation)] // the low bits count
    fn place(&self, message: MessageId) -> &Mutex<Option<(MessageId, Carried)>> {
        let places = self
            .0
            .get_or_init(|| (0..KEPT).map(|_| Mutex::new(None)).collect());
        // The ids of each worker are consecutive, and those of all begin alike.
        let drawer = message.get().wrapping_shr(48).wrapping_mul(0x9e37_79b9);
        &places[message.get().wrapping_add(drawer) as usize % KEPT]
    }

    /// Keeps what a message carries.
    pub(super) fn keep(&self, message: MessageId, carried: Carried) {
        let before = self.place(message).lock().replace((message, carried));
        // Outside of the lock, as the subscriber is told of the end of a span.
        drop(before);
    }

    /// Returns what a message carries that has arrived.
    pub(super) fn arrived(&self, message: MessageId) -> Option<Carried> {
        let mut place = self.place(message).lock();
        match &*place {
            Some((id, Carried::Ask(span))) if *id == message => Some(Carried::Ask(span.clone())),
            Some((id, Carried::Tell(_))) if *id == message => place.take().map(|(_, told)| told),
            _ => None,
        }
    }

    /// Forgets a message that was lost, or a question whose ask has ended.
    pub(super) fn forget(&self, message: MessageId) {
        let mut place = self.place(message).lock();
        let forgotten = place.take_if(|(id, _)| *id == message);
        drop(place);
        drop(forgotten);
    }
}
