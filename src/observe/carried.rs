//! The spans that messages carry from their senders to their receivers.

use parking_lot::Mutex;
use std::sync::OnceLock;
use tracing::Span;

use crate::address::MessageId;

/// The places for messages on their way. A message whose place another one has taken has lost its span.
const PLACES: usize = 1 << 14;

/// What a message carries.
pub(super) enum Carried {
    /// The span of which its handling is a child: that of the ask of which it is the question.
    Parent(Span),
    /// The span from which its handling follows: that in which it was told.
    Cause(Span),
}

/// A place for a message on its way.
type CarriedPlace = Mutex<Option<(MessageId, Carried)>>;

/// What the messages of a pool carry.
#[derive(Default)]
pub(super) struct CarriedSpans(OnceLock<Box<[CarriedPlace]>>);

impl CarriedSpans {
    #[allow(clippy::cast_possible_truncation)] // the low bits count
    fn number(message: MessageId) -> usize {
        // The ids of each worker are consecutive, and those of all begin alike.
        let drawer = message.get().wrapping_shr(48).wrapping_mul(0x9e37_79b9);
        message.get().wrapping_add(drawer) as usize % PLACES
    }

    /// Keeps what a message carries.
    pub(super) fn keep(&self, message: MessageId, carried: Carried) {
        let make = || (0..PLACES).map(|_| Mutex::new(None)).collect();
        let places = self.0.get_or_init(make);
        let before = places[Self::number(message)]
            .lock()
            .replace((message, carried));
        // Outside of the lock, as the subscriber is told of the end of a span.
        drop(before);
    }

    /// Takes out what a message carries that has arrived, or was lost.
    pub(super) fn take(&self, message: MessageId) -> Option<Carried> {
        let mut place = self.0.get()?[Self::number(message)].lock();
        let taken = place.take_if(|(id, _)| *id == message);
        drop(place);
        taken.map(|(_, carried)| carried)
    }
}
