//! The observers of one pool, and which of its handlings each of them is told of.

use std::fmt;
use std::sync::Arc;

#[cfg(feature = "tracing")]
use super::event::SendBegun;
use super::observer::{Observer, Sampling};
use super::sampling::SamplingState;
#[cfg(feature = "tracing")]
use super::tracing::{EventWriter, HandlingSpan, PoolSpans};
#[cfg(feature = "tracing")]
use crate::address::{ActorPath, Envelope, MessageId};
#[cfg(feature = "tracing")]
use ::tracing::Span;

/// The observers of a pool, in the order in which they were added.
#[derive(Clone, Default)]
pub(crate) struct Observers {
    all: Vec<Observing>,
    asks: bool,
    /// Those that are told of all asks.
    of_asks: Numbers,
    /// Those that are told how long messages have waited: all but the one that makes spans.
    waits: Numbers,
    /// Those that are told of what is sent.
    sends: Numbers,
    /// The spans, with the number of the one for whose handlings there are.
    #[cfg(feature = "tracing")]
    spans: Option<(usize, PoolSpans)>,
}

#[derive(Clone)]
struct Observing {
    observer: Arc<dyn Observer>,
    sampling: Sampling,
}

impl Observers {
    pub(crate) fn add(&mut self, observer: impl Observer) {
        self.waits = self.waits.with(self.all.len());
        self.add_without_waits(observer);
    }

    fn add_without_waits(&mut self, observer: impl Observer) {
        let sampling = observer.sampling();
        if observer.observes_asks() {
            self.asks = true;
            self.of_asks = self.of_asks.with(self.all.len());
        }
        if observer.observes_sends() {
            self.sends = self.sends.with(self.all.len());
        }
        self.all.push(Observing {
            observer: Arc::new(observer),
            sampling,
        });
    }

    /// Adds the one that writes events, and has a span made for that share of the handlings.
    #[cfg(feature = "tracing")]
    pub(crate) fn write_events(&mut self, sampling: Sampling) {
        let spans = PoolSpans::new(sampling);
        self.spans = Some((self.all.len(), spans.clone()));
        self.add_without_waits(EventWriter { spans });
    }

    /// Returns the spans, if there is one for a handling that these are told of.
    #[cfg(feature = "tracing")]
    fn spans_for(&self, told: Numbers) -> Option<&PoolSpans> {
        let (number, spans) = self.spans.as_ref()?;
        told.has(*number).then_some(spans)
    }

    /// Whether there is a span for a handling that these are told of.
    #[cfg(feature = "tracing")]
    pub(crate) fn have_spans_for(&self, told: Numbers) -> bool {
        self.spans_for(told).is_some()
    }

    /// Makes the span of a handling that these are told of, if there is one. `outside` returns the span under
    /// which the message was sent from outside.
    #[cfg(feature = "tracing")]
    pub(crate) fn span_of_handling(
        &self,
        told: Numbers,
        path: impl FnOnce() -> ActorPath,
        message_type: &'static str,
        envelope: &Envelope,
        outside: impl FnOnce() -> Option<Span>,
    ) -> Option<HandlingSpan> {
        let spans = self.spans_for(told)?;
        Some(spans.of_handling(path, message_type, envelope, outside))
    }

    /// The message of that handling was put into a stash.
    #[cfg(feature = "tracing")]
    pub(crate) fn put_span_back(&self, message: MessageId, span: HandlingSpan) {
        if let Some((_, spans)) = &self.spans {
            spans.put_back(message, span);
        }
    }

    /// Has a message carry the span in which it is sent, if these are told of it and there are spans. Returns the
    /// span of the ask that it begins.
    #[cfg(feature = "tracing")]
    pub(crate) fn carry_span(
        &self,
        told: Numbers,
        sent: &SendBegun<'_>,
        within: &Span,
    ) -> Option<Span> {
        self.spans_for(told)?.depart(sent, within)
    }

    pub(crate) fn any(&self) -> bool {
        !self.all.is_empty()
    }

    /// Returns those that are told of all asks.
    pub(crate) fn of_asks(&self) -> Numbers {
        self.of_asks
    }

    /// Whether any of them is told of all asks.
    pub(crate) fn observe_asks(&self) -> bool {
        self.asks
    }

    /// Returns those among these that are told of what is sent.
    pub(crate) fn of_sends(&self, these: Numbers) -> Numbers {
        these.also_in(self.sends)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &dyn Observer> {
        self.all.iter().map(|observing| &*observing.observer)
    }

    /// Returns the observers with those numbers.
    pub(crate) fn numbered(&self, numbers: Numbers) -> impl Iterator<Item = &dyn Observer> {
        let all = self.iter().enumerate();
        all.filter_map(move |(number, observer)| numbers.has(number).then_some(observer))
    }

    /// Returns those among these that are told how long messages have waited.
    pub(crate) fn of_waits(&self, these: Numbers) -> Numbers {
        these.also_in(self.waits)
    }

    /// Returns those that are told how long each message has waited.
    pub(crate) fn of_all_waits(&self) -> Numbers {
        let all = self.all.iter().enumerate();
        let all = all.filter(|(_, observing)| observing.sampling == Sampling::All);
        self.of_waits(all.fold(Numbers::NONE, |numbers, (number, _)| numbers.with(number)))
    }

    /// Returns what a worker needs to draw samples.
    pub(crate) fn sampling(&self) -> SamplingState {
        SamplingState::new(self.all.iter().map(|observing| observing.sampling))
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.all.iter().map(|observing| observing.sampling))
            .finish()
    }
}

/// The numbers of some observers. Of those beyond the 64th, either all are among them or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) const NONE: Self = Self(0);
    const LAST: usize = u64::BITS as usize - 1;

    pub(super) fn with(self, number: usize) -> Self {
        Self(self.0 | 1 << number.min(Self::LAST))
    }

    pub(super) fn has(self, number: usize) -> bool {
        self.0 & 1 << number.min(Self::LAST) != 0
    }

    pub(crate) fn any(self) -> bool {
        self.0 != 0
    }

    fn also_in(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    /// Returns these and others.
    pub(crate) fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }
}
