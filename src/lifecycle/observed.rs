//! Turns that are observed: by the observers of the pool, by the tracer of a simulation, which may inject a
//! fault, or by a watch that counts.
//!
//! A turn stays whole. The messages that no observer is told of are handled together, as in a turn that is
//! not observed.

use std::time::Duration;

use super::stop::kill;
use crate::address::{Envelope, Key};
use crate::failure::{Unwound, WaitEnd, catch_user};
use crate::observe::{Handled, MessageSource, Numbers, Outcome, Waited};
#[cfg(feature = "tracing")]
use crate::observe::{HandlingSpan, RequestSpan};
use crate::pool_core::Intervention;
use crate::shard::{
    Body, LeftMessage, Shard, Slot, ToldHandling, TurnEnd, TurnOf, is_of_observer, is_still_next,
};
#[cfg(feature = "tracing")]
use crate::shard::{call_observer, path_of};
#[cfg(feature = "tracing")]
use std::cell::Cell;

/// A turn of an actor for the messages in its mailbox, of which there is one at least.
#[cold]
#[inline(never)]
pub(super) fn observed_turn(
    shard: &Shard,
    slot: &Slot,
    key: Key,
    body: &mut dyn Body,
) -> Result<TurnEnd, Unwound> {
    let waiting = slot.mailbox_len();
    let counted = shard.begin_counted_turn(key, waiting);
    let most = waiting.min(shard.budget.get().messages_per_turn);
    let mut left = most;
    let end = loop {
        let passed = if shard.observation.arrivals.any_of(key) {
            tell_of_wait(shard, slot, key);
            shard.pass_unobserved(slot, 1)
        } else {
            shard.pass_unobserved(slot, left)
        };
        let end = if passed > 0 {
            shard.leave_messages(passed);
            left -= passed;
            catch_user(|| body.turn(shard, slot, key, TurnOf::Mail))
        } else {
            left -= 1;
            observed_message(shard, slot, key, body)
        };
        // Whatever cut the turn short has set a flag in the slot.
        let goes_on = matches!(end, Ok(TurnEnd::Done)) && !slot.attention.get();
        if slot.mailbox_len() == 0 {
            shard.observation.arrivals.forget_noted(key);
            break end;
        }
        if !goes_on || left == 0 || shard.tick_is_long() {
            break end;
        }
    };
    if !shard.observation.arrivals.any_of(key) {
        slot.attention.note(false);
    }
    if let Some(counted) = counted {
        shard.end_counted_turn(counted, most - left);
    }
    end
}

/// Tells observers how long the next message has waited, if its arrival was noted.
pub(super) fn tell_of_wait(shard: &Shard, slot: &Slot, key: Key) {
    let Some(envelope) = slot.peek_envelope() else {
        return;
    };
    let noted = shard.observation.arrivals.take(key, envelope.message);
    let Some(arrival) = noted.filter(|_| !is_of_observer(&envelope)) else {
        return;
    };
    let waited = Duration::from_nanos(shard.read_clock().saturating_sub(arrival.at));
    let mailbox = slot.mailbox_len();
    shard.tell_these_of_actor(Some(arrival.numbers), key, |observer, actor| {
        observer.waited(&Waited {
            actor,
            envelope,
            waited,
            mailbox,
        });
    });
}

/// Has an actor handle the next message of its mail, before the eyes of the tracer and of those observers that
/// are told of it.
pub(super) fn observed_message(
    shard: &Shard,
    slot: &Slot,
    key: Key,
    body: &mut dyn Body,
) -> Result<TurnEnd, Unwound> {
    if let Some(tracer) = shard.observation.tracer() {
        if !catch_user(|| is_still_next(shard, key))? {
            return Ok(TurnEnd::Done);
        }
        let envelope = slot.peek_envelope().unwrap_or(Envelope::NONE);
        match tracer.handles(shard.id_of(key), &envelope, slot.message_type()) {
            Intervention::None => {}
            Intervention::Panic(text) => {
                slot.discard_next(shard, WaitEnd::Failed);
                return Err(Unwound::Panicked(text.into()));
            }
            Intervention::Kill => {
                kill(shard, key);
                return Ok(TurnEnd::Done);
            }
        }
    }
    let next = slot.peek_envelope();
    let numbers = shard.sample(next.as_ref().unwrap_or(&Envelope::NONE));
    let told_of_waits = shard.core.observers.of_waits(numbers);
    if told_of_waits.any() {
        shard.note_next_arrival(slot, key, told_of_waits);
    }
    let told = next.filter(|next| numbers.any() && !is_of_observer(next));
    let Some(envelope) = told else {
        shard.leave_messages(1);
        return catch_user(|| body.turn(shard, slot, key, TurnOf::Mail));
    };
    let told = ToldHandling {
        numbers,
        source: MessageSource::Mailbox,
    };
    let event = ObservedHandling {
        told,
        key,
        envelope,
    };
    event.of(shard, || {
        shard.leave_messages(1);
        catch_user(|| body.turn(shard, slot, key, TurnOf::ObservedMail))
    })
}

/// A handling that some observers are told of.
#[derive(Clone, Copy)]
pub(super) struct ObservedHandling {
    pub(super) told: ToldHandling,
    pub(super) key: Key,
    pub(super) envelope: Envelope,
}

impl ObservedHandling {
    /// The span in which it runs, if there is one.
    #[cfg(feature = "tracing")]
    fn span(self, shard: &Shard) -> Option<HandlingSpan> {
        let path = || path_of(shard, self.key.slot());
        let message_type = shard.slot(self.key.slot()).message_type();
        let outside = || {
            let comes_from_outside = self.envelope.causation_id().is_none();
            let request = self.envelope.context::<RequestSpan>();
            request.filter(|_| comes_from_outside)?.take()
        };
        let (observers, told) = (&shard.core.observers, self.told.numbers);
        let made = Cell::new(None);
        call_observer(|| {
            made.set(observers.span_of_handling(told, path, message_type, &self.envelope, outside));
        });
        made.take()
    }

    /// Runs it, and tells the observers of its end. The body tells them of its begin, when it has the
    /// message.
    pub(super) fn of(
        self,
        shard: &Shard,
        handle: impl FnOnce() -> Result<TurnEnd, Unwound>,
    ) -> Result<TurnEnd, Unwound> {
        let record = shard.current.record();
        record.telling.set(Some(self.told));
        #[cfg(feature = "tracing")]
        let span = self.span(shard);
        #[cfg(feature = "tracing")]
        let entered = span.as_ref().map(|span| span.span.enter());
        let began = shard.read_clock();
        record.left.set(LeftMessage::Nothing);
        let told_of_sends = shard.core.observers.of_sends(self.told.numbers);
        shard.current.tell_of_sends(told_of_sends);
        let end = handle();
        shard.current.tell_of_sends(Numbers::NONE);
        #[cfg(feature = "tracing")]
        {
            drop(entered);
            shard.current.end_ask_spans();
            if let Some(span) = span
                && record.left.get() == LeftMessage::Stashed
            {
                let observers = &shard.core.observers;
                observers.put_span_back(self.envelope.message_id(), span);
            }
        }
        if record.telling.take().is_some() {
            return end; // the message was withdrawn
        }
        let stashed = record.left.get() == LeftMessage::Stashed;
        let outcome = match &end {
            Ok(TurnEnd::Done) => match record.left.get() {
                LeftMessage::Nothing => Outcome::Handled,
                LeftMessage::Unhandled => Outcome::Unhandled,
                LeftMessage::Stashed => Outcome::Stashed,
            },
            Ok(TurnEnd::Stop) => Outcome::Stopped,
            Ok(TurnEnd::Passivate) => Outcome::Passivated,
            Ok(TurnEnd::Become(_)) => Outcome::Became,
            Ok(TurnEnd::Failed(_)) => Outcome::Failed,
            Err(Unwound::Panicked(_)) => Outcome::Panicked,
            Err(Unwound::Forced) => Outcome::Forced,
        };
        let took = Duration::from_nanos(shard.read_clock().saturating_sub(began));
        shard.tell_these_of_actor(Some(self.told.numbers), self.key, |observer, actor| {
            observer.handled(&Handled {
                actor,
                envelope: self.envelope,
                source: self.told.source,
                outcome,
                stashed,
                took,
            });
        });
        end
    }
}
