//! The observers of one pool, and which of its handlings each of them is told of.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use super::observer::{Observer, Sampling};
#[cfg(feature = "tracing")]
use super::tracing::{EventWriter, PoolSpans};
#[cfg(feature = "tracing")]
use crate::address::{ActorId, ActorPath, Envelope};
#[cfg(feature = "tracing")]
use ::tracing::Span;
#[cfg(feature = "tracing")]
use ::tracing::span::Id;

/// The observers of a pool, in the order in which they were added.
#[derive(Clone, Default)]
pub(crate) struct Observers {
    all: Vec<Observing>,
    asks: bool,
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
        let sampling = observer.sampling();
        self.asks |= observer.observes_asks();
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
        self.add(EventWriter { spans });
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
        outside: impl FnOnce() -> Option<Id>,
    ) -> Option<Span> {
        let spans = self.spans_for(told)?;
        Some(spans.of_handling(path, message_type, envelope, outside()))
    }

    /// Has a message carry the present span, if these are told of it and there are spans.
    #[cfg(feature = "tracing")]
    pub(crate) fn carry_span(
        &self,
        told: Numbers,
        target: ActorId,
        envelope: &Envelope,
        is_question: bool,
        message_type: &'static str,
    ) {
        if let Some(spans) = self.spans_for(told) {
            spans.depart(target, envelope, is_question, message_type);
        }
    }

    pub(crate) fn any(&self) -> bool {
        !self.all.is_empty()
    }

    /// Whether any of them is told of asks.
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

    /// Returns those that are told of all handlings.
    pub(crate) fn of_all_handlings(&self) -> Numbers {
        self.sampled(Sampling::All)
    }

    fn sampled(&self, sampling: Sampling) -> Numbers {
        let all = self.all.iter().enumerate();
        let these = all.filter(|(_, observing)| observing.sampling == sampling);
        these.fold(Numbers::NONE, |numbers, (number, _)| numbers.with(number))
    }

    /// Returns what a worker needs to draw samples.
    pub(crate) fn sampling(&self) -> SamplingState {
        SamplingState {
            samplers: self
                .all
                .iter()
                .map(|observing| Sampler {
                    sampling: observing.sampling,
                    left: Cell::new(match observing.sampling {
                        Sampling::None | Sampling::UnderContext => u64::MAX,
                        Sampling::OneIn(_) | Sampling::All => 0,
                    }),
                })
                .collect(),
            of_contexts: self.sampled(Sampling::UnderContext),
        }
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

    fn with(self, number: usize) -> Self {
        Self(self.0 | 1 << number.min(Self::LAST))
    }

    fn has(self, number: usize) -> bool {
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

/// How far a worker is from the next handling of which each observer is told.
pub(crate) struct SamplingState {
    samplers: Vec<Sampler>,
    /// The observers that are told of the handlings of all messages that have a context.
    of_contexts: Numbers,
}

struct Sampler {
    sampling: Sampling,
    /// The handlings that this observer is not told of before the next one.
    left: Cell<u64>,
}

impl SamplingState {
    /// Draws the first samples.
    pub(crate) fn begin(&self, random: impl Fn() -> u64) {
        for sampler in &self.samplers {
            sampler.draw(random());
        }
    }

    /// Whether any observer is ever told of a handling.
    pub(crate) fn any(&self) -> bool {
        let mut samplers = self.samplers.iter();
        samplers.any(|sampler| sampler.sampling != Sampling::None)
    }

    /// Whether any observer is told of the messages that have a context.
    pub(crate) fn is_of_contexts(&self) -> bool {
        self.of_contexts.any()
    }

    /// Passes over the handlings, `most` at the most, that no observer is told of, as far as contexts do not
    /// matter. Returns their number.
    pub(crate) fn pass(&self, most: usize) -> usize {
        let left = self.samplers.iter().map(|sampler| sampler.left.get()).min();
        let passed = left.unwrap_or(u64::MAX).min(most as u64);
        for sampler in &self.samplers {
            sampler.left.update(|left| left.saturating_sub(passed));
        }
        #[allow(clippy::cast_possible_truncation)] // it is at most `most`
        {
            passed as usize
        }
    }

    /// Returns the observers that are told of the next handling, and draws anew for those.
    pub(crate) fn next(&self, has_context: bool, random: impl Fn() -> u64) -> Numbers {
        let mut told = if has_context {
            self.of_contexts
        } else {
            Numbers::NONE
        };
        for (number, sampler) in self.samplers.iter().enumerate() {
            match sampler.left.get() {
                0 => {
                    told = told.with(number);
                    sampler.draw(random());
                }
                left => sampler.left.set(left - 1),
            }
        }
        told
    }
}

impl Sampler {
    /// Draws the distance to the next handling: between 0 and 2 (n - 1), so that one in n is told of.
    fn draw(&self, random: u64) {
        self.left.set(match self.sampling {
            Sampling::All => 0,
            Sampling::OneIn(n) => random % (2 * u64::from(n.get()) - 1),
            Sampling::None | Sampling::UnderContext => u64::MAX,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody(Sampling);

    impl Observer for Nobody {
        fn sampling(&self) -> Sampling {
            self.0
        }
    }

    fn observers(samplings: &[Sampling]) -> Observers {
        let mut observers = Observers::default();
        for sampling in samplings {
            observers.add(Nobody(*sampling));
        }
        observers
    }

    /// A generator that is good enough for draws (SplitMix64).
    fn random(state: &Cell<u64>) -> u64 {
        state.set(state.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
        let mut z = state.get();
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    #[test]
    fn s10_1_each_observer_is_told_of_its_share_of_the_handlings() {
        let all = [Sampling::one_in(10), Sampling::None, Sampling::one_in(1000)];
        let sampling = observers(&all).sampling();
        let (state, handlings) = (Cell::new(7), 1_000_000);
        sampling.begin(|| random(&state));
        let (mut told, mut at) = ([0_u32; 3], 0);
        while at < handlings {
            at += sampling.pass(handlings - at);
            if at == handlings {
                break;
            }
            let numbers = sampling.next(false, || random(&state));
            assert!(numbers.any(), "it has passed over what nobody is told of");
            for (number, told) in told.iter_mut().enumerate() {
                *told += u32::from(numbers.has(number));
            }
            at += 1;
        }
        assert!((98_000..102_000).contains(&told[0]), "{told:?}");
        assert_eq!(told[1], 0);
        assert!((900..1_100).contains(&told[2]), "{told:?}");
    }

    #[test]
    fn s10_1_an_observer_of_all_handlings_is_told_of_each() {
        let sampling = observers(&[Sampling::All, Sampling::one_in(5)]).sampling();
        sampling.begin(|| 3);
        assert_eq!(sampling.pass(100), 0);
        for _ in 0..10 {
            assert!(sampling.next(false, || 3).has(0));
        }
        assert!(!observers(&[Sampling::None]).sampling().any());
        assert_eq!(observers(&[Sampling::None]).sampling().pass(7), 7);
        assert_eq!(Sampling::one_in(0), Sampling::All);
        assert_eq!(Sampling::one_in(1), Sampling::All);
    }
}
