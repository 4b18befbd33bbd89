//! The messages that an actor keeps for later, and its receive time-out: when they are due, and how they
//! end.

use super::family::interrupt;
use super::stop::kill;
use super::turn::settle;
use crate::actor::alarms::{Alarm, RECEIVE_TIMEOUT};
use crate::actor::body::TurnEnd;
use crate::actor::dead_letter::{DeadLetter, DeadLetterReason};
use crate::actor::envelope::Envelope;
use crate::actor::failure::Stage;
use crate::actor::fate::{End, drop_with_fate};
use crate::actor::id::Key;
use crate::actor::kept::Kept;
use crate::actor::observer::Intervention;
use crate::actor::shard::Shard;
use crate::actor::slot::{Slot, State};
use crate::actor::unwind::{Unwound, catch_user};
use crate::sync::{Mutant, is_mutated};
use crate::time::TimerId;

/// The time that an actor may be without a message before it is told.
pub(crate) struct ReceiveTimeout {
    slot: u32,
    after: u64,
    /// The start of the current time without a message.
    since: u64,
    /// Due when that time may be over; `None` once it is.
    alarm: Option<TimerId>,
}

impl ReceiveTimeout {
    fn begin(shard: &Shard, slot: u32, after: u64) -> Self {
        let since = shard.read_clock();
        let alarm = Some(Self::set(shard, slot, since, after));
        Self {
            slot,
            after,
            since,
            alarm,
        }
    }

    fn set(shard: &Shard, slot: u32, since: u64, after: u64) -> TimerId {
        let timer = RECEIVE_TIMEOUT;
        let at = since.saturating_add(after);
        shard.alarms.set(at, Alarm::Timer { slot, timer })
    }

    /// Begins again. An alarm that becomes due meanwhile checks when that was.
    pub(super) fn restart(&mut self, shard: &Shard) {
        self.since = shard.read_clock();
        if self.alarm.is_none() {
            self.alarm = Some(Self::set(shard, self.slot, self.since, self.after));
        }
    }

    /// Handles its alarm. Returns whether the time is over, rather than begun again meanwhile.
    fn rings(&mut self, shard: &Shard) -> bool {
        let is_over = self.since.saturating_add(self.after) <= shard.now.get();
        self.alarm = (!is_over).then(|| Self::set(shard, self.slot, self.since, self.after));
        is_over
    }

    pub(super) fn is_over(&self) -> bool {
        self.alarm.is_none()
    }

    fn end(self, shard: &Shard) {
        self.alarm.inspect(|alarm| shard.alarms.cancel(*alarm));
    }
}

/// Sets the receive time-out of an actor, in nanoseconds, or removes it.
pub(crate) fn set_receive_timeout(shard: &Shard, key: Key, after: Option<u64>) {
    if is_mutated(Mutant::SilenceNotCancelled) && after.is_none() {
        return;
    }
    let slot = shard.slot(key.slot());
    let after = after.filter(|_| slot.state() != State::Stopping);
    slot.set_timed(after.is_some());
    let next = after.map(|after| ReceiveTimeout::begin(shard, key.slot(), after));
    let before = slot.with_system(|system| std::mem::replace(&mut system.receive_timeout, next));
    if let Some(before) = before {
        before.end(shard);
    }
}

/// Restarts the receive time-out of an actor that has handled messages.
#[cold]
pub(super) fn touch(shard: &Shard, slot: &Slot) {
    if is_mutated(Mutant::SilenceUnbroken) {
        return;
    }
    slot.with_system(|system| {
        if let Some(timeout) = &mut system.receive_timeout {
            timeout.restart(shard);
        }
    });
}

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
        interrupt(shard, super::family::key_of(shard, index));
    }
}

/// Ends the timers and the receive time-out of an actor. The messages in its stash are lost.
#[inline(always)]
pub(super) fn let_go(shard: &Shard, slot: &Slot, key: Key, reason: DeadLetterReason) {
    if slot.has_system() {
        let_go_of_what_is_kept(shard, slot, key, reason);
    }
}

#[cold]
fn let_go_of_what_is_kept(shard: &Shard, slot: &Slot, key: Key, reason: DeadLetterReason) {
    slot.set_timed(false);
    let (store, timeout) =
        slot.with_system(|system| (system.store.take(), system.receive_timeout.take()));
    if let Some(timeout) = timeout {
        timeout.end(shard);
    }
    if let Some(store) = store {
        store.end(shard, key, reason);
    }
}

/// Ends what an instance has begun and what must not reach the next one: what it watches, and the signals
/// and failures that it has not been told of. Its [timers, its receive time-out and its stash](let_go)
/// and its [children and tasks](super::stop::ask_children_to_stop) are ended elsewhere. Replies in what
/// is dropped end with `end`.
///
/// Together these are all that an instance can begin. The code that restarts, passivates or stops it ends
/// them all.
pub(super) fn end_what_it_began(shard: &Shard, key: Key, end: End) {
    let (watching, others) = shard.slot(key.slot()).with_system(|system| {
        let signals = std::mem::take(&mut system.signals);
        let failures = std::mem::take(&mut system.task_failures);
        let child_failures = std::mem::take(&mut system.child_failures);
        let watching = std::mem::take(&mut system.watching);
        (watching, (signals, failures, child_failures))
    });
    watching.let_go(shard, key);
    let _ = drop_with_fate(others, end);
}

/// Ends the timers and the receive time-out of an actor. The messages in its stash are to be handled
/// before its mail.
pub(super) fn rest(shard: &Shard, key: Key) {
    let slot = shard.slot(key.slot());
    slot.set_timed(false);
    let (store, timeout) =
        slot.with_system(|system| (system.store.take(), system.receive_timeout.take()));
    if let Some(timeout) = timeout {
        timeout.end(shard);
    }
    // Taken out while the messages of timers are dropped.
    let left = store.and_then(|store| store.rest(shard));
    slot.with_system(|system| system.store = left);
}

/// Has an actor handle one of the messages that it keeps. Returns whether the actor continues.
pub(super) fn handle_kept(shard: &Shard, key: Key, kept: Kept, envelope: Envelope) -> bool {
    let slot = shard.slot(key.slot());
    if kept == Kept::Stashed
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
        Kept::Timer(_) => envelope.next(shard.id_of(key), shard.peek_message_id()),
        Kept::Stashed => envelope,
    };
    let observer = shard.observer.get();
    let intervention = observer.map_or(Intervention::None, |observer| {
        observer.handles(shard.id_of(key), &envelope, slot.message_type())
    });
    let end = match intervention {
        Intervention::None => {
            begin_handling(shard, kept, &envelope);
            catch_user(|| body.turn(shard, slot, key, Some(kept)))
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
        Kept::Timer(timer) => slot.with_system(|system| {
            if let Some(store) = &mut system.store {
                store.handled(shard, key, timer);
            }
        }),
        Kept::Stashed if slot.is_timed() => touch(shard, slot),
        Kept::Stashed => {}
    }
    let goes_on = settle(shard, slot, key, body, end, Stage::Handling);
    shard.act_as_nobody();
    goes_on
}

fn begin_handling(shard: &Shard, kept: Kept, envelope: &Envelope) {
    match kept {
        Kept::Timer(_) => shard.count_as_sent(envelope),
        Kept::Stashed => shard.counts.stashed.take_away(1),
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
    let Some((Kept::Stashed, envelope)) = next else {
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
        store.discard(shard, key, Kept::Stashed)
    });
    shard.counts.stashed.take_away(1);
    shard.counts.buried.add(1);
    shard.core.dead_letters.record(DeadLetter {
        target,
        message_type: slot.message_type(),
        reason,
        envelope,
    });
    shard.acting_as(target, || drop_with_fate(message, End::from(reason)));
}

/// Drops a message as if a handler had taken it.
fn discard(shard: &Shard, key: Key, kept: Kept) {
    let slot = shard.slot(key.slot());
    let message = slot.with_system(|system| {
        let store = system.store.as_mut()?;
        store.discard(shard, key, kept)
    });
    let _ = drop_with_fate(message, End::Failed);
}
