//! How a handler waits: what is done before it gives the thread up, and when it continues.

use super::beat::Running;
use super::fate::Marks;
use super::id::Key;
use super::lifecycle;
use super::run_queue::Due;
use super::several::WaitSet;
use super::shard::Shard;
use super::slot::Slot;
use super::unwind::force_unwind;
use super::waits::Wait;
use crate::fiber::{self, CannotSuspend, FiberId, Resume, StackError};
use crate::sync::{Mutant, is_mutated};

/// Why a function could not wait.
#[derive(Debug)]
pub(crate) enum CannotWait {
    Here(CannotSuspend),
    NoStack(StackError),
}

impl Shard {
    /// Lets the calling handler wait until `key` has ended; returns at once if it has.
    ///
    /// # Errors
    ///
    /// Says why the caller cannot wait; the wait continues without it.
    #[inline(always)]
    pub(crate) fn wait_for(&self, key: Key) -> Result<(), CannotWait> {
        match self.waits.pending(key) {
            Some(wait) => self.wait_on((wait, key), (wait, key)),
            None => Ok(()),
        }
    }

    /// As [`wait_for`](Self::wait_for), on that fiber, which is [free](fiber::free_fiber) to wait, for the
    /// wait that is pending in that place.
    ///
    /// # Errors
    ///
    /// As for [`wait_for`](Self::wait_for).
    #[inline(always)]
    pub(crate) fn wait_at(&self, fiber: FiberId, place: &Wait, key: Key) -> Result<(), CannotWait> {
        self.wait_freely(fiber, (place, key), (place, key))
    }

    /// As [`wait_for`](Self::wait_for), if the end of `cause` is what ends `key`, and nothing else is.
    ///
    /// # Errors
    ///
    /// As for [`wait_for`](Self::wait_for).
    #[inline(always)]
    pub(crate) fn wait_by_way_of(&self, key: Key, cause: Key) -> Result<(), CannotWait> {
        self.waits.is_awaited_by(cause, self.acting().key.slot());
        match (self.waits.pending(key), self.waits.pending(cause)) {
            (Some(wait), Some(on)) => self.wait_on((wait, key), (on, cause)),
            _ => Ok(()),
        }
    }

    /// Waits for the second of two waits by way of the first; both are pending.
    #[inline(always)]
    fn wait_on(&self, wait: (&Wait, Key), on: (&Wait, Key)) -> Result<(), CannotWait> {
        match fiber::free_fiber() {
            Some(fiber) => self.wait_freely(fiber, wait, on),
            None => self.wait_held(|fiber| self.wait_freely(fiber, wait, on)),
        }
    }

    /// Waits on the running fiber, if it can wait, after the work that must come first.
    #[cold]
    fn wait_held<R>(
        &self,
        wait: impl FnOnce(FiberId) -> Result<R, CannotWait>,
    ) -> Result<R, CannotWait> {
        let fiber = fiber::waiting_fiber().map_err(CannotWait::Here)?;
        self.make_starts_wait();
        let _outside = self.outside_of_scopes();
        wait(fiber)
    }

    #[inline(always)]
    fn wait_freely(
        &self,
        fiber: FiberId,
        (wait, key): (&Wait, Key),
        (on, cause): (&Wait, Key),
    ) -> Result<(), CannotWait> {
        self.before_waiting(fiber)?;
        // If something could not be sent, its wait has ended here and now.
        if !on.is_pending(cause) {
            return Ok(());
        }
        let waiter = self.acting();
        let slot = self.slots().get(waiter.key.slot());
        if waiter.home == self.home
            && let Some(slot) = slot
        {
            slot.note_wait(cause);
            self.look_for_cycle(waiter.key, cause, on.target());
        }
        if wait.is_pending(key) {
            wait.attend(fiber, waiter.key.slot());
            self.stage.here().wait.set(key);
            self.suspend(fiber, slot);
        }
        Ok(())
    }

    /// As [`wait_for`](Self::wait_for), if each of several others ends this wait, and the waiter needs all
    /// of them. All but the `new` ones were waited for before, by the wait `last`. Returns whether it has
    /// waited: not if one of them has ended.
    ///
    /// # Errors
    ///
    /// As for [`wait_for`](Self::wait_for).
    pub(crate) fn wait_for_all(
        &self,
        key: Key,
        all: &WaitSet,
        new: &[Key],
        last: Option<Key>,
    ) -> Result<bool, CannotWait> {
        self.wait_held(|fiber| self.wait_freely_for_all(fiber, key, all, (new, last)))
    }

    fn wait_freely_for_all(
        &self,
        fiber: FiberId,
        key: Key,
        all: &WaitSet,
        (new, last): (&[Key], Option<Key>),
    ) -> Result<bool, CannotWait> {
        self.before_waiting(fiber)?;
        // If something could not be sent, its wait has ended here and now, and with it this one.
        if !self.waits.is_pending(key) {
            return Ok(false);
        }
        let waiter = self.acting();
        let slot = self.slots().get(waiter.key.slot());
        if let Some(slot) = slot.filter(|_| waiter.home == self.home) {
            // If it has waited for something else meanwhile, no search has seen what it waits for.
            let is_followed = last.is_some() && slot.wait() == last;
            slot.note_wait(key);
            for &one in new {
                self.waits.is_awaited_by(one, waiter.key.slot());
            }
            if is_followed {
                self.look_for_cycle_by_these(waiter.key, new);
            } else {
                self.look_for_cycle_by_each(waiter.key, &all.to_vec());
            }
        }
        let _noted = self.several.note(key, all.clone());
        if let Some(wait) = self.waits.pending(key) {
            wait.attend(fiber, waiter.key.slot());
            self.stage.here().wait.set(key);
            self.suspend(fiber, slot);
        }
        Ok(true)
    }

    /// Gives the other actors of this worker a turn each, then continues.
    pub(crate) fn yield_now(&self) -> Result<(), CannotWait> {
        self.wait_held(|fiber| {
            self.before_waiting(fiber)?;
            self.due.push(Due::Fiber(fiber));
            self.suspend(fiber, self.slots().get(self.acting().key.slot()));
            Ok(())
        })
    }

    /// All that may run code of the user's before a fiber yields, or prevent it from yielding.
    #[inline(always)]
    fn before_waiting(&self, fiber: FiberId) -> Result<(), CannotWait> {
        self.outboxes.flush();
        self.verdicts.settle();
        if self.interrupts.any() && self.interrupts.ends(fiber) {
            force_unwind();
        }
        self.fibers.reserve().map_err(CannotWait::NoStack)
    }

    /// Checks whether the caller could wait here and now.
    ///
    /// # Errors
    ///
    /// Says why it could not.
    pub(crate) fn can_wait(&self) -> Result<(), CannotWait> {
        fiber::waiting_fiber().map_err(CannotWait::Here)?;
        self.fibers.reserve().map_err(CannotWait::NoStack)
    }

    /// Gives the thread up, in the turn of the actor in that slot, if it is an actor's.
    #[inline(always)]
    fn suspend(&self, fiber: FiberId, slot: Option<&Slot>) {
        let (acting, marks) = (self.stage.here(), Marks::take());
        self.beat.end();
        let fiber_number = fiber.index();
        self.beat
            .note_wait(fiber_number, acting.actor.get().key.to_bits());
        if is_mutated(Mutant::HandledWhileWaiting) {
            lifecycle::allow_turns(self, acting.actor.get());
        }
        let resume = self.give_way(fiber);
        self.stage.go_on_as(acting);
        self.beat.note_no_wait(fiber_number);
        marks.put_back();
        let actor = acting.actor.get();
        if actor.home == self.home
            && let Some(slot) = slot
        {
            self.beat.begin(Running::of(actor.key, slot.mail_kind()));
        } else {
            self.beat.go_on(acting.within.get());
        }
        if resume == Resume::End {
            force_unwind();
        }
        // The system may have requested something of the actor meanwhile; and a task may have been
        // cancelled that was just about to continue.
        if slot.is_some_and(|slot| slot.special.get()) {
            self.be_interrupted(fiber);
        }
    }

    #[cold]
    fn be_interrupted(&self, fiber: FiberId) {
        self.end_turn_soon();
        if self.interrupts.any() && self.interrupts.end_on(fiber).is_some() {
            force_unwind();
        }
    }
}

/// Forgets a wait, however its handler ends or continues.
pub(crate) struct ForgetAtEnd<'a>(pub(crate) &'a Shard, pub(crate) Key);

impl Drop for ForgetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.waits.forget(self.1);
    }
}
