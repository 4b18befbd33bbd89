//! The messages that an actor keeps for later, and its receive time-out: when they are due, and how they
//! end.

use super::instance::touch;
use super::observed::ObservedHandling;
use super::settle::settle;
use super::stop::kill;
use crate::address::{Envelope, Key};
use crate::failure::{
    DeadLetter, DeadLetterReason, Stage, Unwound, WaitEnd, catch_user, drop_with_fate,
};
use crate::observe::MessageSource;
use crate::pool_core::Intervention;
use crate::shard::{
    OwnMessage, RECEIVE_TIMEOUT, Shard, Slot, ToldHandling, TurnEnd, TurnOf, interrupt,
    is_of_observer, record,
};
use crate::sync::{Mutant, is_mutated};

/// A timer of an actor, or its receive time-out, is due.
#[cold]
pub(crate) fn ring(shard: &Shard, index: u32, timer: u32) {
    let slot = shard.slot(index);
    let is_due = slot.with_system(|system| {
        if timer == RECEIVE_TIMEOUT {
            let timeout = system.receive_timeout.as_mut();
            return timeout.is_some_and(|timeout| timeout.rings(shard))
                && !is_mutated(Mutant::SilenceUntold);
        }
        if let Some(store) = &mut system.store {
            store.ring(timer);
        }
        true
    });
    if is_due {
        interrupt(shard, crate::shard::key_of(shard, index));
    }
}

/// Has an actor handle one of the messages that it keeps. Returns whether the actor continues.
pub(super) fn handle_kept(shard: &Shard, key: Key, kept: OwnMessage, envelope: Envelope) -> bool {
    let slot = shard.slot(key.slot());
    if kept == OwnMessage::Stashed
        && let Some(reason) = screen(slot, &envelope)
    {
        lose_stashed(shard, key, envelope, reason);
        return true;
    }
    let Some(mut body) = slot.take_body() else {
        unreachable!("a running actor has a body")
    };
    shard.begin_turn(key, slot);
    let envelope = match kept {
        OwnMessage::Timer(_) => envelope.next(shard.id_of(key), shard.peek_message_id()),
        OwnMessage::Stashed => envelope,
    };
    let tracer = shard.observation.tracer();
    let intervention = tracer.map_or(Intervention::None, |tracer| {
        tracer.handles(shard.id_of(key), &envelope, slot.message_type())
    });
    let end = match intervention {
        Intervention::None => {
            begin_handling(shard, kept, &envelope);
            let counted = shard.begin_counted_turn(key, slot.mailbox_len());
            let mut handle = || catch_user(|| body.turn(shard, slot, key, TurnOf::Own(kept)));
            let end = match observed(shard, key, kept, envelope) {
                Some(observed) => observed.of(shard, handle),
                None => handle(),
            };
            if let Some(counted) = counted {
                shard.end_counted_turn(counted, 1);
            }
            end
        }
        Intervention::Panic(text) => {
            begin_handling(shard, kept, &envelope);
            discard(shard, key, kept);
            Err(Unwound::Panicked(text.into()))
        }
        Intervention::Kill => {
            kill(shard, key);
            Ok(TurnEnd::Done)
        }
    };
    match kept {
        OwnMessage::Timer(timer) => slot.with_system(|system| {
            if let Some(store) = &mut system.store {
                store.handled(shard, key, timer);
            }
        }),
        OwnMessage::Stashed if slot.is_timed() => touch(shard, slot),
        OwnMessage::Stashed => {}
    }
    let goes_on = settle(shard, slot, key, body, end, Stage::Handling);
    shard.act_as_nobody();
    goes_on
}

/// Draws the observers that are told of the handling, and has the body tell them when it has the message.
fn observed(
    shard: &Shard,
    key: Key,
    kept: OwnMessage,
    envelope: Envelope,
) -> Option<ObservedHandling> {
    if !shard.observes_one_of(1) || is_of_observer(&envelope) {
        return None;
    }
    let source = match kept {
        OwnMessage::Timer(_) => MessageSource::Timer,
        OwnMessage::Stashed => MessageSource::Stash,
    };
    let numbers = shard.sample(&envelope);
    numbers.any().then_some(ObservedHandling {
        told: ToldHandling { numbers, source },
        key,
        envelope,
    })
}

fn begin_handling(shard: &Shard, kept: OwnMessage, envelope: &Envelope) {
    match kept {
        OwnMessage::Timer(_) => shard.count_as_sent(envelope),
        OwnMessage::Stashed => shard.counts.stashed.take_away(1),
    }
    shard.begin_handling_of(envelope);
}

/// Returns why a message that comes out of the stash is not to be handled, if it is not.
fn screen(slot: &Slot, envelope: &Envelope) -> Option<DeadLetterReason> {
    slot.with_system(|system| system.store.as_mut()?.screen(envelope.message_id()))
}

/// If the message that a passive actor has to handle first is a stashed question that was withdrawn,
/// drops it as lost. Returns whether anything has changed.
pub(super) fn lose_stashed_if_withdrawn(shard: &Shard, key: Key) -> bool {
    let slot = shard.slot(key.slot());
    let next = slot.with_system(|system| system.store.as_mut()?.next());
    let Some((OwnMessage::Stashed, envelope)) = next else {
        // A passive actor has no timers, so nothing is left.
        return slot.with_system(|system| system.store.take()).is_some();
    };
    let reason = screen(slot, &envelope);
    if let Some(reason) = reason {
        lose_stashed(shard, key, envelope, reason);
    }
    reason.is_some()
}

/// Drops the oldest message that came out of the stash as lost.
#[cold]
fn lose_stashed(shard: &Shard, key: Key, envelope: Envelope, reason: DeadLetterReason) {
    let (slot, target) = (shard.slot(key.slot()), shard.id_of(key));
    let message = slot.with_system(|system| {
        let store = system.store.as_mut()?;
        store.discard(shard, key, OwnMessage::Stashed)
    });
    shard.counts.stashed.take_away(1);
    shard.counts.buried.add(1);
    let letter = DeadLetter {
        target,
        message_type: slot.message_type(),
        reason,
        envelope,
    };
    record(&shard.core.dead_letters, letter);
    shard.acting_as(target, || drop_with_fate(message, WaitEnd::from(reason)));
}

/// Drops a message as if a handler had taken it.
fn discard(shard: &Shard, key: Key, kept: OwnMessage) {
    let slot = shard.slot(key.slot());
    let message = slot.with_system(|system| {
        let store = system.store.as_mut()?;
        store.discard(shard, key, kept)
    });
    let _ = drop_with_fate(message, WaitEnd::Failed);
}
