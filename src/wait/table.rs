//! Waits: the places where a handler of this worker waits for one value.
//!
//! A wait begins before anything is sent that could end it, and may end before a handler waits on it. The
//! first terminal event wins; later ones find another generation, or none. A value of up to 32 bytes is
//! stored in the wait itself.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use crate::address::{ActorId, Home, Key, MessageId, MessageType};
use crate::control::{Event, Progress, Transition};
use crate::failure::{Cycle, Failure, WaitEnd, drop_with_fate};
use crate::fiber::FiberId;
use crate::memory::{AnyCell, Arena, Tenant};
use crate::sync::{Mutant, is_mutated};
use crate::time::{AT_FIRST, TimerId};

/// Stands for the time of a begin that is not known.
pub(super) const UNKNOWN: u64 = u64::MAX;

/// Drops the value of a wait that was not taken.
struct DropValue<'a>(&'a AnyCell);

impl Drop for DropValue<'_> {
    fn drop(&mut self) {
        self.0.clear();
    }
}

/// What is known of few waits only.
#[derive(Default)]
pub(super) struct WaitNotes {
    /// The generation that it belongs to.
    generation: u32,
    /// The cycle of waits that it is part of.
    pub(crate) cycle: Option<Cycle>,
    /// The failure that ends it.
    pub(crate) failure: Option<Arc<Failure>>,
}

/// A place to wait at. The fields that each ask writes and reads come first.
#[repr(C)]
pub(crate) struct Wait<C> {
    pub(super) generation: Cell<u32>,
    /// How far it has come, by the same table as asks over a transport; `Cancelled` if the place is vacant.
    /// A value is in its cell once it is `Replied`.
    progress: Cell<Progress<WaitEnd>>,
    fiber: Cell<Option<FiberId>>,
    /// The slot of the actor that has waited last, on that fiber or by another wait.
    waiter: Cell<u32>,
    value: AnyCell,
    /// The actor it is for, in two halves: they are known separately, and one store of both would have to
    /// wait for them.
    target: (Cell<Home>, Cell<Key>),
    /// The question that it is to answer, and what type of message that is.
    pub(super) question: Cell<MessageId>,
    pub(super) mail: Cell<Option<&'static MessageType>>,
    /// When it began; [`UNKNOWN`] for some waits that are no asks.
    pub(super) began: Cell<u64>,
    /// The timeout in nanoseconds, after which it ends by itself.
    pub(super) timeout: Cell<u64>,
    pub(super) timer: Cell<Option<TimerId>>,
    /// The slot of the actor that is to look at its end, if no fiber waits.
    actor: Cell<Option<u32>>,
    /// What is to be called at its end, if neither a fiber waits nor an actor is to look.
    callback: Cell<Option<C>>,
    /// The wait, and its worker, that the waiter here is to end, and that cannot be ended before.
    pub(super) on_behalf: Cell<Option<(Home, Key)>>,
    /// What its error is to say: it stays here if a value ends the wait.
    noted: Cell<Option<Box<WaitNotes>>>,
    /// When the timer is due.
    pub(super) deadline: Cell<u64>,
    /// The generation whose question was handed on last, and how often, as far as is known.
    pub(super) handed_on: Cell<(u32, u32)>,
    /// The question of that generation as it was first asked.
    pub(super) asked_first: Cell<MessageId>,
}

impl<C> Default for Wait<C> {
    fn default() -> Self {
        Self {
            generation: Cell::default(),
            progress: Cell::new(Progress::Cancelled),
            fiber: Cell::default(),
            waiter: Cell::default(),
            value: AnyCell::default(),
            target: (Cell::new(Home::NOWHERE), Cell::default()),
            question: Cell::new(MessageId::NONE),
            mail: Cell::default(),
            began: Cell::default(),
            timeout: Cell::default(),
            timer: Cell::default(),
            actor: Cell::default(),
            callback: Cell::default(),
            on_behalf: Cell::default(),
            noted: Cell::default(),
            deadline: Cell::default(),
            handed_on: Cell::default(),
            asked_first: Cell::new(MessageId::NONE),
        }
    }
}

#[allow(unsafe_code)]
// SAFETY: a wait drops what it owns when it is forgotten. Zeros are valid in every field, and no key is of
// generation 0, so no key matches a zeroed wait.
unsafe impl<C> Tenant for Wait<C> {
    fn generation(&self) -> u32 {
        self.generation.get()
    }

    fn vacant(generation: u32) -> Self {
        Self {
            generation: Cell::new(generation),
            ..Self::default()
        }
    }
}

impl<C> Wait<C> {
    /// Changes what is noted of the wait of that key.
    pub(super) fn note(&self, key: Key, change: impl FnOnce(&mut WaitNotes)) {
        let noted = self.noted.take();
        let of_this = noted.filter(|noted| noted.generation == key.generation());
        let mut noted = of_this.unwrap_or_default();
        noted.generation = key.generation();
        change(&mut noted);
        self.noted.set(Some(noted));
    }

    /// Looks at what is noted of the wait of that key, if anything is.
    pub(super) fn with_noted<R>(
        &self,
        key: Key,
        look: impl FnOnce(&mut WaitNotes) -> R,
    ) -> Option<R> {
        let mut noted = self.noted.take()?;
        let looked = (noted.generation == key.generation()).then(|| look(&mut noted));
        self.noted.set(Some(noted));
        looked
    }

    #[inline]
    fn drop_noted(&self) {
        if let Some(noted) = self.noted.take() {
            // A failure has an error of the user's.
            let _ = drop_with_fate(noted, WaitEnd::NoReply);
        }
    }

    #[inline(always)]
    pub(super) fn is_vacant(&self) -> bool {
        self.progress.get() == Progress::Cancelled
    }

    /// Whether this is still the wait of that key, and nothing has ended it yet.
    #[inline(always)]
    pub(crate) fn is_pending(&self, key: Key) -> bool {
        let this = self.generation.get() == key.generation() || is_mutated(Mutant::LateReplyServed);
        this && self.progress.get() == Progress::Waiting
    }

    /// Returns the actor it is for.
    #[inline(always)]
    pub(crate) fn target(&self) -> ActorId {
        ActorId::new(self.target.0.get(), self.target.1.get())
    }

    #[inline(always)]
    pub(super) fn is_for(&self, target: ActorId) {
        self.target.0.set(target.home);
        self.target.1.set(target.key);
    }

    /// Sets after how many nanoseconds it ends by itself; the clock is told separately.
    pub(crate) fn lasts(&self, timeout: u64) {
        self.timeout.set(timeout);
    }

    /// Says which fiber waits, and the slot of which actor, so that the end wakes it.
    #[inline(always)]
    pub(crate) fn attend(&self, fiber: FiberId, waiter: u32) {
        self.fiber.set(Some(fiber));
        self.waiter.set(waiter);
    }

    /// The question of the wait of that key has been sent, as that message. That may have ended the wait.
    #[inline(always)]
    pub(crate) fn has_asked(&self, key: Key, question: MessageId) {
        if self.generation.get() == key.generation() {
            self.question.set(question);
        }
    }
}

/// What is known of a question whose answer is waited for.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) target: ActorId,
    pub(crate) question: MessageId,
    /// The question before it was handed on.
    pub(crate) asked_first: MessageId,
    pub(crate) mail: Option<&'static MessageType>,
    pub(crate) began: u64,
}

/// The result of an attempt to end a wait.
#[must_use]
pub(crate) enum WaitOutcome<C> {
    /// It had ended before; nothing happened.
    Late,
    /// It ends now, and nothing waits on it yet.
    Unattended,
    /// It ends now, and that fiber continues.
    Wakes(FiberId),
    /// It ends now, and the actor in that slot is to look.
    WakesActor(u32),
    /// It ends now, and the callback is to be called.
    Calls(C),
}

/// The waits of one worker.
pub(crate) struct Waits<C> {
    pub(super) arena: Arena<Wait<C>>,
    /// Waits whose timeouts the clock has not received yet, in that order, except for the last one, which
    /// has a place of its own: if one wait after the other begins and ends in the same cell, as for a
    /// handler that asks again and again, that place is all that is written to.
    pub(super) unarmed: RefCell<Vec<Key>>,
    pub(super) last_unarmed: Cell<Key>,
    /// Timers of waits that ended before their timers fired.
    pub(super) disarmed: RefCell<Vec<TimerId>>,
}

impl<C> Waits<C> {
    /// Frees memory that is not needed.
    pub(crate) fn trim(&self) {
        self.arena.trim();
        self.unarmed.borrow_mut().shrink_to(AT_FIRST);
        self.disarmed.borrow_mut().shrink_to(AT_FIRST);
    }

    /// Returns the bytes of memory that it holds.
    pub(crate) fn backed(&self) -> u64 {
        self.arena.backed()
    }

    pub(crate) fn new() -> Self {
        Self {
            arena: Arena::new(),
            unarmed: RefCell::default(),
            last_unarmed: Cell::new(Key::NONE),
            disarmed: RefCell::new(Vec::with_capacity(AT_FIRST)),
        }
    }

    /// Begins a wait for something that `target` is to do; it ends by itself after `timeout` nanoseconds,
    /// if there is a timeout.
    #[inline(always)]
    pub(crate) fn begin(&self, timeout: Option<u64>, target: ActorId, now: u64) -> Key {
        let (wait, key) = self.begin_one(timeout, target);
        wait.began.set(now);
        key
    }

    #[inline(always)]
    pub(super) fn begin_one(&self, timeout: Option<u64>, target: ActorId) -> (&Wait<C>, Key) {
        let slot = self.arena.occupy();
        let wait = self.arena.at(slot);
        wait.progress.set(Progress::Waiting);
        wait.is_for(target);
        wait.question.set(MessageId::NONE);
        wait.on_behalf.set(None);
        wait.timeout.set(timeout.unwrap_or(u64::MAX));
        let key = Key::new(slot, wait.generation.get());
        if timeout.is_some() {
            self.is_unarmed(key);
        }
        (wait, key)
    }

    /// The clock is to receive the timeout of a wait.
    #[inline(always)]
    fn is_unarmed(&self, key: Key) {
        let before = self.last_unarmed.replace(key);
        if before.slot() != key.slot() {
            self.keep_unarmed(before);
        }
    }

    #[inline(never)]
    pub(super) fn keep_unarmed(&self, key: Key) {
        if key != Key::NONE {
            self.unarmed.borrow_mut().push(key);
        }
    }

    /// The question has been sent, as that message, to that actor.
    #[inline(always)]
    pub(crate) fn has_asked(&self, key: Key, target: ActorId, question: MessageId) {
        if let Some(wait) = self.pending(key) {
            wait.is_for(target);
            wait.question.set(question);
        }
    }

    /// Returns the place that a key names.
    #[inline(always)]
    pub(crate) fn place(&self, key: Key) -> Option<&Wait<C>> {
        self.arena.get(key.slot())
    }

    #[inline(always)]
    fn of_generation(&self, key: Key) -> Option<&Wait<C>> {
        let wait = self.arena.get(key.slot())?;
        let this = wait.generation.get() == key.generation() || is_mutated(Mutant::LateReplyServed);
        this.then_some(wait)
    }

    /// Returns a wait that nothing has ended yet.
    #[inline(always)]
    pub(crate) fn pending(&self, key: Key) -> Option<&Wait<C>> {
        self.arena
            .get(key.slot())
            .filter(|wait| wait.is_pending(key))
    }

    /// Returns whether nothing has ended it yet.
    pub(crate) fn is_pending(&self, key: Key) -> bool {
        self.pending(key).is_some()
    }

    /// Returns the slot of the actor that has last waited for the end of a wait that nothing has ended yet,
    /// on a fiber or [by another wait](Self::is_awaited_by). It need not do so at present.
    pub(crate) fn waiter(&self, key: Key) -> Option<u32> {
        Some(self.pending(key)?.waiter.get())
    }

    /// Returns whether nothing has ended it yet, and that fiber waits for its end.
    pub(crate) fn is_awaited_on(&self, key: Key, fiber: FiberId) -> bool {
        self.pending(key)
            .is_some_and(|wait| wait.fiber.get() == Some(fiber))
    }

    /// The actor in that slot waits for the end of a wait by means of another one, which ends with it.
    pub(crate) fn is_awaited_by(&self, key: Key, slot: u32) {
        if let Some(wait) = self.pending(key) {
            wait.waiter.set(slot);
        }
    }

    /// Returns the actor that a wait is for, if nothing has ended the wait yet.
    #[inline(always)]
    pub(crate) fn pending_target(&self, key: Key) -> Option<ActorId> {
        self.pending(key).map(|wait| wait.target())
    }

    /// Says which actor is to have a turn at the end, by its slot.
    pub(crate) fn attend_as_actor(&self, key: Key, slot: u32) {
        if let Some(wait) = self.pending(key) {
            wait.actor.set(Some(slot));
        }
    }

    /// Sets what is to be called at the end. Returns whether there is anything to wait for: nothing, if the
    /// wait has ended.
    #[must_use]
    pub(crate) fn attend_by_call(&self, key: Key, callback: C) -> bool {
        let pending = self.pending(key);
        // If a callback is replaced, it is dropped here, where nothing else is at work.
        let _replaced = pending.map(|wait| wait.callback.replace(Some(callback)));
        pending.is_some()
    }

    /// Returns after how many nanoseconds a wait ends by itself, from its beginning.
    pub(crate) fn timeout(&self, key: Key) -> Option<u64> {
        let wait = self.pending(key)?;
        Some(wait.timeout.get()).filter(|&timeout| timeout != u64::MAX)
    }

    /// Returns in how many nanoseconds the wait for an answer ends by itself.
    pub(crate) fn time_left(&self, key: Key, now: u64) -> Option<u64> {
        let wait = self.pending(key)?;
        let armed = wait.timer.get().map(|_| wait.deadline.get());
        let timeout = self.timeout(key);
        let ends = armed.or_else(|| Some(wait.began.get().saturating_add(timeout?)))?;
        Some(ends.saturating_sub(now))
    }

    /// Ends a wait with a value.
    #[inline(always)]
    pub(crate) fn fulfil<T: 'static>(&self, key: Key, value: T) -> WaitOutcome<C> {
        self.fulfil_or(key, value, drop)
    }

    /// As [`fulfil`](Self::fulfil), but passes the value to `late` if the wait has ended.
    #[inline(always)]
    pub(crate) fn fulfil_or<T: 'static>(
        &self,
        key: Key,
        value: T,
        late: impl FnOnce(T),
    ) -> WaitOutcome<C> {
        if let Some(wait) = self.of_generation(key)
            && let Transition::Ends(next) = wait.progress.get().on(Event::Reply)
        {
            wait.value.put(value);
            return self.finish(wait, next);
        }
        late(value);
        WaitOutcome::Late
    }

    /// Ends a wait without a value.
    pub(crate) fn end(&self, key: Key, end: WaitEnd) -> WaitOutcome<C> {
        let event = match end {
            WaitEnd::TimedOut => Event::Deadline,
            end => Event::Failure(end),
        };
        if let Some(wait) = self.of_generation(key)
            && let Transition::Ends(next) = wait.progress.get().on(event)
        {
            return self.finish(wait, next);
        }
        WaitOutcome::Late
    }

    #[inline(always)]
    fn finish(&self, wait: &Wait<C>, progress: Progress<WaitEnd>) -> WaitOutcome<C> {
        wait.progress.set(progress);
        if let Some(timer) = wait.timer.take() {
            self.disarmed.borrow_mut().push(timer);
        }
        if let Some(fiber) = wait.fiber.take() {
            return WaitOutcome::Wakes(fiber);
        }
        match wait.actor.take() {
            None => wait
                .callback
                .take()
                .map_or(WaitOutcome::Unattended, WaitOutcome::Calls),
            Some(slot) => WaitOutcome::WakesActor(slot),
        }
    }

    /// Takes the value of a wait that ended with one, and forgets the wait.
    ///
    /// # Panics
    ///
    /// If the value is not a `T`.
    #[inline(always)]
    pub(crate) fn take_value<T: 'static>(&self, key: Key) -> Option<T> {
        self.take_value_of(self.arena.get(key.slot())?, key)
    }

    /// As [`take_value`](Self::take_value), if the wait of that key is known to be in that place, provided
    /// that it is still to be found.
    #[inline(always)]
    pub(crate) fn take_value_of<T: 'static>(&self, wait: &Wait<C>, key: Key) -> Option<T> {
        if wait.generation.get() != key.generation() || wait.progress.get() != Progress::Replied {
            return None;
        }
        let value = wait.value.take();
        self.vacate(key, wait);
        Some(value)
    }

    /// Takes the end of a wait that ended without a value, and forgets the wait.
    pub(crate) fn take_end(&self, key: Key) -> Option<WaitEnd> {
        let wait = self.arena.get(key.slot())?;
        let end = match wait.progress.get() {
            Progress::Failed(end) => end,
            Progress::TimedOut => WaitEnd::TimedOut,
            Progress::Waiting | Progress::Replied | Progress::Cancelled => return None,
        };
        if wait.generation.get() != key.generation() {
            return None;
        }
        wait.drop_noted();
        self.vacate(key, wait);
        Some(end)
    }

    /// As [`take_value`](Self::take_value) and [`take_end`](Self::take_end).
    pub(crate) fn take<T: 'static>(&self, key: Key) -> Option<Result<T, WaitEnd>> {
        let value = self.take_value(key).map(Ok);
        value.or_else(|| self.take_end(key).map(Err))
    }

    /// Vacates the place, for the next wait: a stale key must never match again.
    #[inline(always)]
    fn vacate(&self, key: Key, wait: &Wait<C>) {
        wait.progress.set(Progress::Cancelled);
        if let Some(next) = key.generation().checked_add(1) {
            wait.generation.set(next);
            self.arena.vacate(key.slot());
        } // else its generations are used up, and it is retired
    }

    /// Forgets a wait, ended or not; what comes for it later is late. Its value, if it has one, is dropped.
    pub(crate) fn forget(&self, key: Key) {
        let Some(wait) = self.arena.get(key.slot()) else {
            return;
        };
        if wait.generation.get() != key.generation() || wait.is_vacant() {
            return;
        }
        wait.fiber.set(None);
        wait.actor.set(None);
        wait.drop_noted();
        if let Some(callback) = wait.callback.take() {
            let _ = drop_with_fate(callback, WaitEnd::NoReply);
        }
        if let Some(timer) = wait.timer.take() {
            self.disarmed.borrow_mut().push(timer);
        }
        // Marked before its value is dropped, as the value's destructor may come here again.
        wait.progress.set(Progress::Cancelled);
        if !wait.value.is_empty() {
            let _ = drop_with_fate(DropValue(&wait.value), WaitEnd::NoReply);
        }
        self.vacate(key, wait);
    }

    /// Drops the values that were not taken: of asks that were forgotten, not dropped.
    fn clear(&self) {
        for (_, wait) in self.arena.iter() {
            let _ = drop_with_fate(DropValue(&wait.value), WaitEnd::NoReply);
        }
    }

    /// Returns, for each waiter, its slot, 0 for a task; the actor that is to end the wait, `NOBODY` if
    /// time is; and the cycle that this is part of, as far as is known.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (u32, ActorId, Option<Cycle>)> {
        self.arena.iter().filter_map(|(_, wait)| {
            let fiber = wait.fiber.take();
            wait.fiber.set(fiber);
            let known = self.known_cycle(wait);
            let (waiter, target) = (wait.waiter.get(), wait.target());
            fiber.map(|_| (waiter, target, known))
        })
    }

    /// Returns the cycle that a wait is part of, as far as is known.
    pub(super) fn known_cycle(&self, wait: &Wait<C>) -> Option<Cycle> {
        let noted = wait.noted.take();
        let known = noted.as_deref();
        let known = known.filter(|noted| noted.generation == wait.generation.get());
        let known = known.and_then(|noted| noted.cycle.clone());
        wait.noted.set(noted);
        known
    }

    /// Returns how many waits have begun and are not forgotten.
    pub(crate) fn open(&self) -> usize {
        self.arena
            .iter()
            .filter(|(_, wait)| !wait.is_vacant())
            .count()
    }

    /// Returns the waits that nothing has ended, and that no actor of this worker attends.
    pub(crate) fn unattended(&self) -> Vec<Key> {
        let key = |(slot, wait): (u32, &Wait<C>)| Key::new(slot, wait.generation.get());
        let is_left = |key: &Key| {
            self.pending(*key)
                .is_some_and(|it| it.actor.get().is_none())
        };
        self.arena.iter().map(key).filter(is_left).collect()
    }

    /// Returns the fibers that wait, for a forced end. Each is forgotten as a waiter.
    pub(crate) fn abandon_all(&self) -> Vec<FiberId> {
        self.arena
            .iter()
            .filter_map(|(_, wait)| wait.fiber.take())
            .collect()
    }
}

impl<C> Drop for Waits<C> {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests;
