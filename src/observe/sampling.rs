//! Which handlings of a worker each observer is told of.
//!
//! A worker counts the messages that it has handled. From the samplings it knows the count at which the next
//! message is told, and compares that with its count once a turn: so the messages in between cost nothing.

use std::cell::Cell;

use super::observer::Sampling;
use super::observers::Numbers;

const SECOND: u64 = 1_000_000_000;

/// How far a worker is from the next handling of which each observer is told.
pub(crate) struct SamplingState {
    samplers: Vec<Sampler>,
    /// The observers that are told of the handlings of all messages that have a context.
    of_contexts: Numbers,
    /// When the next message is drawn that is told because of the time: never, if there is no such sampling.
    time: Cell<u64>,
    /// The count of messages at the last tick, if there is such a sampling.
    at_last_tick: Cell<u64>,
}

struct Sampler {
    sampling: Sampling,
    /// The count of handled messages at which this observer is told of the next one.
    at: Cell<u64>,
    /// When the next message is drawn, for one that is told of some in each second.
    time: Cell<u64>,
}

impl SamplingState {
    pub(super) fn new(samplings: impl Iterator<Item = Sampling>) -> Self {
        let mut of_contexts = Numbers::NONE;
        let samplers = samplings.enumerate().map(|(number, sampling)| {
            if sampling == Sampling::UnderContext {
                of_contexts = of_contexts.with(number);
            }
            Sampler {
                sampling,
                at: Cell::new(u64::MAX),
                time: Cell::new(u64::MAX),
            }
        });
        Self {
            samplers: samplers.collect(),
            of_contexts,
            time: Cell::new(u64::MAX),
            at_last_tick: Cell::new(0),
        }
    }

    /// Draws the first samples, at a count of no messages.
    pub(crate) fn begin(&self, random: impl Fn() -> u64) {
        for sampler in &self.samplers {
            sampler.draw(0, random());
            if let Sampling::PerSecond(_) = sampler.sampling {
                sampler.time.set(0);
                self.time.set(0);
            }
        }
    }

    /// Whether any observer is told of the messages that have a context.
    pub(crate) fn is_of_contexts(&self) -> bool {
        self.of_contexts.any()
    }

    /// Returns the count of handled messages from which on the next one is to be looked at.
    pub(crate) fn next_at(&self) -> u64 {
        if self.of_contexts.any() {
            return 0;
        }
        let all = self.samplers.iter().map(|sampler| sampler.at.get());
        all.min().unwrap_or(u64::MAX)
    }

    /// Returns how many messages, `most` at the most, no observer is told of, after so many handled, as far as
    /// contexts do not matter.
    pub(crate) fn pass(&self, handled: u64, most: usize) -> usize {
        let all = self.samplers.iter().map(|sampler| sampler.at.get());
        let left = all.min().unwrap_or(u64::MAX).saturating_sub(handled);
        usize::try_from(left).map_or(most, |left| left.min(most))
    }

    /// Returns the observers that are told of the next message, after so many handled, and draws anew for those.
    pub(crate) fn next(
        &self,
        handled: u64,
        has_context: bool,
        random: impl Fn() -> u64,
    ) -> Numbers {
        let mut told = if has_context {
            self.of_contexts
        } else {
            Numbers::NONE
        };
        for (number, sampler) in self.samplers.iter().enumerate() {
            if sampler.at.get() <= handled {
                told = told.with(number);
                sampler.draw(handled + 1, random());
            }
        }
        told
    }

    /// A message that was counted was not handled after all: whatever is drawn is one message nearer.
    pub(crate) fn count_back(&self) {
        for sampler in &self.samplers {
            let at = sampler.at.get();
            if at != u64::MAX {
                sampler.at.set(at.saturating_sub(1));
            }
        }
    }

    /// Whether messages are told because of the time.
    #[inline(always)]
    pub(crate) fn is_timed(&self) -> bool {
        self.time.get() != u64::MAX
    }

    /// Draws the messages that are told because of the time, after so many handled: called at each tick. Returns
    /// whether there are any.
    pub(crate) fn draw_in_time(&self, now: u64, handled: u64, random: impl Fn() -> u64) -> bool {
        // As many as a tick handles: of those of the next one, each may be the one.
        let of_tick = handled.saturating_sub(self.at_last_tick.replace(handled));
        if now < self.time.get() {
            return false;
        }
        let mut next = u64::MAX;
        for sampler in &self.samplers {
            let Sampling::PerSecond(per_second) = sampler.sampling else {
                continue;
            };
            if now >= sampler.time.get() {
                let distance = 2 * SECOND / u64::from(per_second.get());
                sampler.time.set(now + random() % distance.max(1));
                // One that was drawn in a busier time may be far ahead.
                let drawn = handled + random() % of_tick.max(1);
                sampler.at.set(drawn.min(sampler.at.get()));
            }
            next = next.min(sampler.time.get());
        }
        self.time.set(next);
        true
    }
}

impl Sampler {
    /// Draws the next handling that is told, from that count on: up to 2 (n - 1) later, so that one in n is told.
    fn draw(&self, from: u64, random: u64) {
        self.at.set(match self.sampling {
            Sampling::All => 0,
            Sampling::OneIn(n) => from + random % (2 * u64::from(n.get()) - 1),
            Sampling::None | Sampling::UnderContext | Sampling::PerSecond(_) => u64::MAX,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(samplings: &[Sampling]) -> SamplingState {
        SamplingState::new(samplings.iter().copied())
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
        let (sampling, seed, handlings) = (state(&all), Cell::new(7), 1_000_000);
        sampling.begin(|| random(&seed));
        let (mut told, mut at) = ([0_u32; 3], 0);
        while at < handlings {
            let next_at = sampling.next_at();
            assert_eq!(sampling.pass(at, usize::MAX) as u64, next_at - at);
            at = next_at;
            let numbers = sampling.next(at, false, || random(&seed));
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
        let sampling = state(&[Sampling::All, Sampling::one_in(5)]);
        sampling.begin(|| 3);
        assert_eq!(sampling.pass(0, 100), 0);
        for handled in 0..10 {
            assert_eq!(sampling.next_at(), 0);
            assert!(sampling.next(handled, false, || 3).has(0));
        }
        assert_eq!(state(&[Sampling::None]).next_at(), u64::MAX);
        assert_eq!(state(&[Sampling::None]).pass(0, 7), 7);
        assert_eq!(Sampling::one_in(0), Sampling::All);
        assert_eq!(Sampling::one_in(1), Sampling::All);
    }

    #[test]
    fn s10_1_an_observer_of_contexts_is_told_of_each_message_that_has_one() {
        let sampling = state(&[Sampling::UnderContext, Sampling::None]);
        sampling.begin(|| 3);
        assert_eq!(sampling.next_at(), 0, "each message is looked at");
        assert!(sampling.next(0, true, || 3).has(0));
        assert!(!sampling.next(1, false, || 3).any());
    }

    #[test]
    fn s10_1_an_observer_is_told_of_about_so_many_in_a_second_at_any_rate() {
        for of_tick in [1, 7, 1_000] {
            let (sampling, seed) = (state(&[Sampling::per_second(100)]), Cell::new(11));
            sampling.begin(|| random(&seed));
            let (mut told, mut handled) = (Vec::new(), 0);
            // Ten seconds of ticks of a tenth of a millisecond.
            for tick in 0..100_000 {
                let now = tick * SECOND / 10_000;
                assert!(sampling.is_timed());
                sampling.draw_in_time(now, handled, || random(&seed));
                for _ in 0..of_tick {
                    if handled >= sampling.next_at() {
                        assert!(sampling.next(handled, false, || random(&seed)).has(0));
                        told.push(handled % of_tick);
                    }
                    handled += 1;
                }
            }
            assert!(
                (900..1_100).contains(&told.len()),
                "{} of {of_tick}",
                told.len()
            );
            // Not always the first of a tick.
            let late = told.iter().filter(|&&at| at >= of_tick / 2).count();
            assert!(late * 3 > told.len(), "{late} late of {of_tick}");
        }
        assert_eq!(Sampling::per_second(0), Sampling::None);
    }
}
