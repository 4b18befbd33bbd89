//! What an instance has begun, and how that ends with it.

use crate::address::Key;
use crate::failure::DeadLetterReason;
use crate::failure::WaitEnd;
use crate::failure::drop_with_fate;
use crate::shard::ActorState;
use crate::shard::Alarm;
use crate::shard::RECEIVE_TIMEOUT;
use crate::shard::ReceiveTimeout;
use crate::shard::Shard;
use crate::shard::Slot;
use crate::sync::{Mutant, is_mutated};
use crate::time::TimerId;

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
    pub(super) fn rings(&mut self, shard: &Shard) -> bool {
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
    let after = after.filter(|_| slot.state() != ActorState::Stopping);
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
pub(super) fn end_what_it_began(shard: &Shard, key: Key, end: WaitEnd) {
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
