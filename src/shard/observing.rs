//! How observers are told, samples drawn, and actors counted.
//!
//! A worker compares two counts a turn, from which it knows whether one of the messages is observed. While somebody
//! watches, all are in one tick of [`WATCHED_TICKS`] only, so that the counts are estimates and cost next to nothing.

use std::any::Any;
#[cfg(feature = "tracing")]
use std::cell::Cell;
use std::sync::atomic::Ordering::Relaxed;

use super::clock::LONG_TICK;
use super::loss::as_subscriber;
use super::observation::{ActorCounts, CountedTurn, Observation};
use super::slot::Slot;
use super::state::Shard;
use super::tree::path_of;
use crate::address::{ActorId, Envelope, Key, MessageType};
use crate::failure::catch_user;
use crate::fiber::forbid_waits;
use crate::observe::{Handling, Numbers, ObservedActor, Observer, SendBegun};

/// Turns are counted in one tick of so many.
const WATCHED_TICKS: u64 = 256;

impl Shard {
    /// Whether one of the next messages, so many, is observed.
    #[inline(always)]
    pub(crate) fn observes_one_of(&self, messages: usize) -> bool {
        self.counts.handled.get() + messages as u64 > self.observation.next_at.get()
    }

    /// Begins a tick: messages are drawn that are told because of the time, and turns are counted in one tick of
    /// several while somebody watches.
    pub(super) fn observe_in_time(&self, now: u64) {
        let observation = &self.observation;
        let (sampling, handled) = (&observation.sampling, self.counts.handled.get());
        if sampling.is_timed() && sampling.draw_in_time(now, handled, || self.draw()) {
            observation.set_next();
        }
        let watched = self.core.watches.load(Relaxed) > 0;
        if !watched && !observation.is_watching() {
            return;
        }
        let watch = self.core.last_watch.load(Relaxed);
        let is_new = watch != observation.watch.replace(watch);
        if is_new || watched != observation.is_watching() {
            observation.ticks.set(0);
            let counts = watched.then(Vec::new);
            drop(observation.watched.replace(counts));
        }
        let tick = observation.ticks.get();
        observation.ticks.set(tick + 1);
        let counts = watched && tick.is_multiple_of(WATCHED_TICKS);
        if counts != observation.counts.replace(counts) {
            observation.set_next();
        }
    }

    /// Draws the first samples of the observers. Called once the shard has its first ids.
    pub(super) fn begin_sampling(&self) {
        self.observation.sampling.begin(|| self.draw());
        self.observation.set_next();
    }

    /// Returns a random number for a sample: another one each time, the same in every run of a simulation.
    fn draw(&self) -> u64 {
        let draws = &self.observation.draws;
        draws.update(|draws| draws + 1);
        let mixed = draws.get().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.random() ^ mixed ^ (mixed >> 29)
    }

    /// Passes over the messages, `most` at the most, that are not observed.
    pub(crate) fn pass_unobserved(&self, slot: &Slot, most: usize) -> usize {
        let Observation {
            tracer, sampling, ..
        } = &self.observation;
        if tracer.get().is_some() {
            return 0;
        }
        let most = if sampling.is_of_contexts() && slot.is_bounded() {
            // Handlers, and askers that give up, may take out messages while those that are passed are handled.
            let next = slot.peek_envelope();
            let has_context = |next: Envelope| next.correlation_id().is_of_context();
            usize::from(!next.is_some_and(has_context))
        } else if sampling.is_of_contexts() {
            let mailbox = &slot.mailbox;
            mailbox.count_oldest(most, |cause| !cause.is_of_context())
        } else {
            most
        };
        sampling.pass(self.counts.handled.get(), most)
    }

    /// Returns the observers that are told of the next message.
    pub(crate) fn sample(&self, envelope: &Envelope) -> Numbers {
        let has_context = envelope.correlation_id().is_of_context();
        let (sampling, handled) = (&self.observation.sampling, self.counts.handled.get());
        let told = sampling.next(handled, has_context, || self.draw());
        self.observation.set_next();
        told
    }

    /// Whether the asks of what acts now are observed.
    #[inline(always)]
    pub(crate) fn tells_of_asks(&self) -> bool {
        self.observation.is_of_asks() || self.current.told_of_sends().any()
    }

    /// Begins to count a turn of an actor, if somebody watches.
    pub(crate) fn begin_counted_turn(&self, key: Key, mailbox: usize) -> Option<CountedTurn> {
        if !self.observation.counts.get() {
            return None;
        }
        let mut watched = self.observation.watched.borrow_mut();
        let watched = watched.as_mut()?;
        let index = key.slot() as usize;
        if watched.len() <= index {
            watched.resize(index + 1, ActorCounts::default());
        }
        let counts = &mut watched[index];
        if counts.generation != key.generation() {
            *counts = ActorCounts {
                generation: key.generation(),
                ..ActorCounts::default()
            };
        }
        let mailbox = u32::try_from(mailbox).unwrap_or(u32::MAX);
        counts.observed.deepest = counts.observed.deepest.max(mailbox);
        Some(CountedTurn {
            key,
            began: self.read_clock(),
            number: self.activity.turn(),
        })
    }

    /// Ends a counted turn, in which the actor has handled that many messages.
    pub(crate) fn end_counted_turn(&self, turn: CountedTurn, handled: usize) {
        let CountedTurn { key, began, number } = turn;
        // A turn that has waited is longer than its actor was busy.
        let busy = if self.activity.turn() == number {
            self.read_clock().saturating_sub(began)
        } else {
            0
        };
        let mut watched = self.observation.watched.borrow_mut();
        let counts = watched
            .as_mut()
            .and_then(|all| all.get_mut(key.slot() as usize));
        if let Some(counts) = counts
            && counts.generation == key.generation()
        {
            counts.observed.handled += handled as u64 * WATCHED_TICKS;
            counts.observed.busy += busy * WATCHED_TICKS;
        }
    }

    /// Whether the present tick has taken long, and what comes next is not to wait for the rest of a turn.
    pub(crate) fn tick_is_long(&self) -> bool {
        self.now.get() - self.alarms.tick_began.get() > LONG_TICK
    }

    // ---- events -----------------------------------------------------------------------------

    /// Tells the observers of an event of an actor of this worker, if there are any.
    #[inline(always)]
    pub(crate) fn tell_of_actor(&self, key: Key, tell: impl Fn(&dyn Observer, ObservedActor<'_>)) {
        if self.observation.is_of_events() {
            self.tell_these_of_actor(None, key, tell);
        }
    }

    /// Tells the observers with those numbers, or all of them, of an event of an actor of this worker.
    #[cold]
    #[inline(never)]
    pub(crate) fn tell_these_of_actor(
        &self,
        numbers: Option<Numbers>,
        key: Key,
        tell: impl Fn(&dyn Observer, ObservedActor<'_>),
    ) {
        let path = || path_of(self, key.slot());
        let message_type = self.slot(key.slot()).message_type();
        let actor = ObservedActor::new(self.id_of(key), message_type, &path);
        match numbers {
            Some(numbers) => {
                let these = self.core.observers.numbered(numbers);
                these.for_each(|observer| call_observer(|| tell(observer, actor)));
            }
            None => self.tell_observers(|observer| tell(observer, actor)),
        }
    }

    /// Tells the observers for which that was requested that the handling of a message begins.
    pub(crate) fn tell_of_begin(&self, actor: Key, message: &dyn Any) {
        if let Some(told) = self.current.record().telling.take() {
            let (envelope, source) = (self.envelope(), told.source);
            let mailbox = self.slot(actor.slot()).mailbox_len();
            self.tell_these_of_actor(Some(told.numbers), actor, |observer, actor| {
                observer.handling(&Handling {
                    actor,
                    envelope,
                    source,
                    message,
                    mailbox,
                });
            });
        }
    }

    /// Returns the span of the present handling, or that which its handler has entered, if there is one.
    #[cfg(feature = "tracing")]
    pub(crate) fn present_span(&self) -> Option<tracing::Span> {
        let told = self.current.told_of_sends();
        if !told.any() || !self.core.observers.have_spans_for(told) {
            return None;
        }
        // A subscriber that panics is not the handler's concern. The panic hook has reported it.
        catch_user(|| forbid_waits(tracing::Span::current)).ok()
    }

    /// Tells the observers for which that was requested that a message is about to be sent.
    pub(crate) fn tell_of_sending<M: Send + 'static>(
        &self,
        target: ActorId,
        envelope: Envelope,
        is_question: bool,
        message: &M,
    ) {
        let told = self.current.told_of_sends();
        if !told.any() {
            return;
        }
        let sending = SendBegun {
            target,
            envelope,
            is_question,
            message_type: MessageType::of::<M>().name(),
            message,
        };
        #[cfg(feature = "tracing")]
        self.carry_span(told, &sending);
        self.with_ids_of_observers(|| {
            let these = self.core.observers.numbered(told);
            these.for_each(|observer| call_observer(|| observer.sending(&sending)));
        });
    }

    /// Has a message carry the span in which it is sent.
    #[cfg(feature = "tracing")]
    fn carry_span(&self, told: Numbers, sent: &SendBegun<'_>) {
        let Some(within) = self.present_span() else {
            return;
        };
        let ask = Cell::new(None);
        self.with_ids_of_observers(|| {
            call_observer(|| ask.set(self.core.observers.carry_span(told, sent, &within)));
        });
        if let Some(ask) = ask.take() {
            let question = sent.envelope.message_id();
            self.current.keep_ask_span(question, ask);
        }
    }

    /// Tells the observers with those numbers of an ask.
    pub(crate) fn tell_of_ask(&self, told: Numbers, tell: impl Fn(&dyn Observer)) {
        for observer in self.core.observers.numbered(told) {
            call_observer(|| tell(observer));
        }
    }

    /// Tells the observers of an event, if there are any.
    pub(crate) fn tell_observers(&self, tell: impl Fn(&dyn Observer)) {
        for observer in self.core.observers.iter() {
            call_observer(|| tell(observer));
        }
    }
}

/// Calls an observer: it cannot wait, and what it sends has the sender of a subscriber.
pub(crate) fn call_observer(tell: impl Fn()) {
    as_subscriber(&mut || {
        // The panic hook has reported its panic; there is no one else to report it to.
        let _ = catch_user(|| forbid_waits(&tell));
    });
}

/// Whether observers are not told of a message, as one of them, or a subscriber, has sent it.
pub(crate) fn is_of_observer(envelope: &Envelope) -> bool {
    envelope.sender == ActorId::SUBSCRIBER
}
