//! How a handler waits: what is done before it gives the thread up, and when it continues.

use crate::address::{ActorId, Key};
use crate::deadlock::{look_for_cycle, look_for_cycle_by_each, look_for_cycle_by_these};
use crate::failure::{DropMarks, WaitError, force_unwind};
use crate::fiber::{CannotSuspend, FiberId, Resume, StackError, free_fiber, waiting_fiber};
use crate::pool_core::RunningTurn;
use crate::shard::{Runnable, Shard, Slot, WorkerWait};
use crate::sync::{Mutant, is_mutated};
use crate::wait::WaitSet;

/// Why a function could not wait.
#[derive(Debug)]
pub(crate) enum CannotWait {
    Here(CannotSuspend),
    NoStack(StackError),
}

/// Lets the calling handler wait until `key` has ended; returns at once if it has.
///
/// # Errors
///
/// Says why the caller cannot wait; the wait continues without it.
#[inline(always)]
pub(crate) fn wait_for(shard: &Shard, key: Key) -> Result<(), CannotWait> {
    match shard.waits.pending(key) {
        Some(wait) => wait_on(shard, (wait, key), (wait, key)),
        None => Ok(()),
    }
}

/// As [`wait_for`], on that fiber, which is [free](free_fiber) to wait, for the
/// wait that is pending in that place.
///
/// # Errors
///
/// As for [`wait_for`].
#[inline(always)]
pub(crate) fn wait_at(
    shard: &Shard,
    fiber: FiberId,
    place: &WorkerWait,
    key: Key,
) -> Result<(), CannotWait> {
    wait_freely(shard, fiber, (place, key), (place, key))
}

/// As [`wait_for`], if the end of `cause` is what ends `key`, and nothing else is.
///
/// # Errors
///
/// As for [`wait_for`].
#[inline(always)]
pub(crate) fn wait_by_way_of(shard: &Shard, key: Key, cause: Key) -> Result<(), CannotWait> {
    shard.waits.is_awaited_by(cause, shard.acting().key.slot());
    match (shard.waits.pending(key), shard.waits.pending(cause)) {
        (Some(wait), Some(on)) => wait_on(shard, (wait, key), (on, cause)),
        _ => Ok(()),
    }
}

/// Waits for the second of two waits by way of the first; both are pending.
#[inline(always)]
fn wait_on(
    shard: &Shard,
    wait: (&WorkerWait, Key),
    on: (&WorkerWait, Key),
) -> Result<(), CannotWait> {
    match free_fiber() {
        Some(fiber) => wait_freely(shard, fiber, wait, on),
        None => wait_held(shard, |fiber| wait_freely(shard, fiber, wait, on)),
    }
}

/// Waits on the running fiber, if it can wait, after the work that must come first.
#[cold]
fn wait_held<R>(
    shard: &Shard,
    wait: impl FnOnce(FiberId) -> Result<R, CannotWait>,
) -> Result<R, CannotWait> {
    let fiber = waiting_fiber().map_err(CannotWait::Here)?;
    shard.make_starts_wait();
    let _outside = shard.outside_of_scopes();
    wait(fiber)
}

#[inline(always)]
fn wait_freely(
    shard: &Shard,
    fiber: FiberId,
    (wait, key): (&WorkerWait, Key),
    (on, cause): (&WorkerWait, Key),
) -> Result<(), CannotWait> {
    before_waiting(shard, fiber)?;
    // If something could not be sent, its wait has ended here and now.
    if !on.is_pending(cause) {
        return Ok(());
    }
    let waiter = shard.acting();
    let slot = shard.slots().get(waiter.key.slot());
    if waiter.home == shard.home
        && let Some(slot) = slot
    {
        slot.note_wait(cause);
        look_for_cycle(shard, waiter.key, cause, on.target());
    }
    if wait.is_pending(key) {
        wait.attend(fiber, waiter.key.slot());
        shard.current.record().wait.set(key);
        suspend(shard, fiber, slot);
    }
    Ok(())
}

/// As [`wait_for`], if each of several others ends this wait, and the waiter needs all
/// of them. All but the `new` ones were waited for before, by the wait `last`. Returns whether it has
/// waited: not if one of them has ended.
///
/// # Errors
///
/// As for [`wait_for`].
pub(crate) fn wait_for_all(
    shard: &Shard,
    key: Key,
    all: &WaitSet,
    new: &[Key],
    last: Option<Key>,
) -> Result<bool, CannotWait> {
    wait_held(shard, |fiber| {
        wait_freely_for_all(shard, fiber, key, all, (new, last))
    })
}

fn wait_freely_for_all(
    shard: &Shard,
    fiber: FiberId,
    key: Key,
    all: &WaitSet,
    (new, last): (&[Key], Option<Key>),
) -> Result<bool, CannotWait> {
    before_waiting(shard, fiber)?;
    // If something could not be sent, its wait has ended here and now, and with it this one.
    if !shard.waits.is_pending(key) {
        return Ok(false);
    }
    let waiter = shard.acting();
    let slot = shard.slots().get(waiter.key.slot());
    if let Some(slot) = slot.filter(|_| waiter.home == shard.home) {
        // If it has waited for something else meanwhile, no search has seen what it waits for.
        let is_followed = last.is_some() && slot.wait() == last;
        slot.note_wait(key);
        for &one in new {
            shard.waits.is_awaited_by(one, waiter.key.slot());
        }
        if is_followed {
            look_for_cycle_by_these(shard, waiter.key, new);
        } else {
            look_for_cycle_by_each(shard, waiter.key, &all.to_vec());
        }
    }
    let _noted = shard.join_waits.note(key, all.clone());
    if let Some(wait) = shard.waits.pending(key) {
        wait.attend(fiber, waiter.key.slot());
        shard.current.record().wait.set(key);
        suspend(shard, fiber, slot);
    }
    Ok(true)
}

/// Gives the other actors of this worker a turn each, then continues.
pub(crate) fn yield_now(shard: &Shard) -> Result<(), CannotWait> {
    wait_held(shard, |fiber| {
        before_waiting(shard, fiber)?;
        shard.due.push(Runnable::Fiber(fiber));
        suspend(shard, fiber, shard.slots().get(shard.acting().key.slot()));
        Ok(())
    })
}

/// All that may run code of the user's before a fiber yields, or prevent it from yielding.
#[inline(always)]
fn before_waiting(shard: &Shard, fiber: FiberId) -> Result<(), CannotWait> {
    shard.outboxes.flush();
    shard.dropped_replies.settle();
    if shard.interrupts.any() && shard.interrupts.ends(fiber) {
        force_unwind();
    }
    shard.fibers.reserve().map_err(CannotWait::NoStack)
}

/// Checks whether the caller could wait here and now.
///
/// # Errors
///
/// Says why it could not.
pub(crate) fn can_wait(shard: &Shard) -> Result<(), CannotWait> {
    waiting_fiber().map_err(CannotWait::Here)?;
    shard.fibers.reserve().map_err(CannotWait::NoStack)
}

/// Gives the thread up, in the turn of the actor in that slot, if it is an actor's.
#[inline(always)]
pub(crate) fn suspend(shard: &Shard, fiber: FiberId, slot: Option<&Slot>) {
    let (acting, marks) = (shard.current.record(), DropMarks::take());
    shard.activity.end();
    let fiber_number = fiber.index();
    shard
        .activity
        .note_wait(fiber_number, acting.actor.get().key.to_bits());
    if is_mutated(Mutant::HandledWhileWaiting) {
        allow_turns(shard, acting.actor.get());
    }
    let resume = shard.yield_thread(fiber);
    shard.current.set_current(acting);
    shard.activity.note_no_wait(fiber_number);
    marks.put_back();
    let actor = acting.actor.get();
    if actor.home == shard.home
        && let Some(slot) = slot
    {
        shard
            .activity
            .begin(RunningTurn::of(actor.key, slot.message_kind()));
    } else {
        shard.activity.go_on(acting.within.get());
    }
    if resume == Resume::End {
        force_unwind();
    }
    // The system may have requested something of the actor meanwhile; and a task may have been
    // cancelled that was just about to continue.
    if slot.is_some_and(|slot| slot.attention.get()) {
        be_interrupted(shard, fiber);
    }
}

#[cold]
fn be_interrupted(shard: &Shard, fiber: FiberId) {
    shard.end_turn_soon();
    if shard.interrupts.any() && shard.interrupts.end_on(fiber).is_some() {
        force_unwind();
    }
}

/// Forgets a wait, however its handler ends or continues.
pub(crate) struct ForgetAtEnd<'a>(pub(crate) &'a Shard, pub(crate) Key);

impl Drop for ForgetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.waits.forget(self.1);
    }
}

impl From<CannotWait> for WaitError {
    fn from(cause: CannotWait) -> Self {
        use crate::fiber::CannotSuspend;
        match cause {
            CannotWait::Here(CannotSuspend::NotOnFiber) => Self::OutsideHandler,
            CannotWait::Here(CannotSuspend::Unwinding) => Self::Unwinding,
            CannotWait::Here(CannotSuspend::Forbidden) => Self::Forbidden,
            CannotWait::NoStack(error) => Self::NoStack(error.to_string()),
        }
    }
}

/// Lets an actor whose handler waits have turns nevertheless: a mistake, see [`Mutant`].
#[cold]
pub(super) fn allow_turns(shard: &Shard, actor: ActorId) {
    if let Some(slot) = shard.tenant(actor.key) {
        slot.queued.set(false);
        if slot.mailbox_len() > 0 {
            crate::shard::wake(shard, actor.key.slot());
        }
    }
}
