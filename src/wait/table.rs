//! Waits: the places where a handler of this worker waits for one value.
//!
//! A wait begins before anything is sent that could end it, and may end before a handler waits on it. The
//! first terminal event wins; later ones find another generation, or none. A value of up to 32 bytes is
//! stored in the wait itself.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use crate::address::MessageType;
use crate::address::{ActorId, Home, Key, MessageId};
use crate::control::{Event, Progress, Transition};
use crate::failure::Cycle;
use crate::failure::Failure;
use crate::failure::WaitEnd;
use crate::failure::drop_with_fate;
use crate::fiber::FiberId;
use crate::memory::{AnyCell, Arena, Tenant};
use crate::sync::{Mutant, is_mutated};
use crate::time::{AT_FIRST, TimerId};

/// Drops the value of a wait that was not taken.
struct DropValue<'a>(&'a AnyCell);

impl Drop for DropValue<'_> {
    fn drop(&mut self) {
        self.0.clear();
    }
}

/// What is known of few waits only.
#[derive(Default)]
struct WaitNotes {
    /// The generation that it belongs to.
    generation: u32,
    /// The cycle of waits that it is part of.
    cycle: Option<Cycle>,
    /// The failure that ends it.
    failure: Option<Arc<Failure>>,
}

/// A place to wait at. The fields that each ask writes and reads come first.
#[repr(C)]
pub(crate) struct Wait<C> {
    generation: Cell<u32>,
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
    question: Cell<MessageId>,
    mail: Cell<Option<&'static MessageType>>,
    /// When it began.
    began: Cell<u64>,
    /// The timeout in nanoseconds, after which it ends by itself.
    timeout: Cell<u64>,
    timer: Cell<Option<TimerId>>,
    /// The slot of the actor that is to look at its end, if no fiber waits.
    actor: Cell<Option<u32>>,
    /// What is to be called at its end, if neither a fiber waits nor an actor is to look.
    callback: Cell<Option<C>>,
    /// The wait, and its worker, that the waiter here is to end, and that cannot be ended before.
    on_behalf: Cell<Option<(Home, Key)>>,
    /// What its error is to say: it stays here if a value ends the wait.
    noted: Cell<Option<Box<WaitNotes>>>,
    /// When the timer is due.
    deadline: Cell<u64>,
    /// The generation whose question was handed on last, and how often, as far as is known.
    handed_on: Cell<(u32, u32)>,
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
    fn note(&self, key: Key, change: impl FnOnce(&mut WaitNotes)) {
        let noted = self.noted.take();
        let of_this = noted.filter(|noted| noted.generation == key.generation());
        let mut noted = of_this.unwrap_or_default();
        noted.generation = key.generation();
        change(&mut noted);
        self.noted.set(Some(noted));
    }

    /// Looks at what is noted of the wait of that key, if anything is.
    fn with_noted<R>(&self, key: Key, look: impl FnOnce(&mut WaitNotes) -> R) -> Option<R> {
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
    fn is_vacant(&self) -> bool {
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
    fn is_for(&self, target: ActorId) {
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

    /// The question of the wait of that key has been sent, as that message.
    #[inline(always)]
    pub(crate) fn has_asked(&self, key: Key, question: MessageId) {
        if self.is_pending(key) {
            self.question.set(question);
        }
    }
}

/// What is known of a question whose answer is waited for.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) target: ActorId,
    pub(crate) question: MessageId,
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
    arena: Arena<Wait<C>>,
    /// Waits whose timeouts the clock has not received yet, in that order, except for the last one, which
    /// has a place of its own: if one wait after the other begins and ends in the same cell, as for a
    /// handler that asks again and again, that place is all that is written to.
    unarmed: RefCell<Vec<Key>>,
    last_unarmed: Cell<Key>,
    /// Timers of waits that ended before their timers fired.
    disarmed: RefCell<Vec<TimerId>>,
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
    pub(crate) fn begin(&self, timeout: Option<u64>, target: ActorId) -> Key {
        self.begin_one(timeout, target).1
    }

    #[inline(always)]
    fn begin_one(&self, timeout: Option<u64>, target: ActorId) -> (&Wait<C>, Key) {
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
    fn keep_unarmed(&self, key: Key) {
        if key != Key::NONE {
            self.unarmed.borrow_mut().push(key);
        }
    }

    /// Begins a wait for the answer to a question that is about to be asked.
    #[inline(always)]
    pub(crate) fn begin_ask(
        &self,
        timeout: Option<u64>,
        target: ActorId,
        mail: &'static MessageType,
        now: u64,
    ) -> (&Wait<C>, Key) {
        let (wait, key) = self.begin_one(timeout, target);
        wait.mail.set(Some(mail));
        wait.began.set(now);
        (wait, key)
    }

    /// The question has been sent, as that message, to that actor.
    #[inline(always)]
    pub(crate) fn has_asked(&self, key: Key, target: ActorId, question: MessageId) {
        if let Some(wait) = self.pending(key) {
            wait.is_for(target);
            wait.question.set(question);
        }
    }

    /// The question has been handed on this many times, to that actor, as that message. Returns whether
    /// that is news: word of a later time may have come before.
    pub(crate) fn is_handed_on(
        &self,
        key: Key,
        target: ActorId,
        question: MessageId,
        times: u32,
    ) -> bool {
        let Some(wait) = self.pending(key) else {
            return false;
        };
        let (generation, known) = wait.handed_on.get();
        if generation == key.generation() && known > times {
            return false;
        }
        wait.handed_on.set((key.generation(), times));
        wait.is_for(target);
        wait.question.set(question);
        true
    }

    /// Returns what is known of a wait, whether it has ended or not, until its outcome is taken.
    pub(crate) fn asked(&self, key: Key) -> Option<Asked> {
        let wait = self.arena.get(key.slot())?;
        let same = wait.generation.get() == key.generation() && !wait.is_vacant();
        same.then(|| Asked {
            target: wait.target(),
            question: wait.question.get(),
            mail: wait.mail.get(),
            began: wait.began.get(),
        })
    }

    /// Notes that the waiter holds the reply to that other wait, until this one has ended.
    pub(crate) fn wait_on_behalf(&self, key: Key, other: (Home, Key)) {
        if let Some(wait) = self.pending(key) {
            wait.on_behalf.set(Some(other));
        }
    }

    /// Returns the wait that the reply held by this waiter ends.
    pub(crate) fn on_behalf(&self, key: Key) -> Option<(Home, Key)> {
        self.pending(key)?.on_behalf.get()
    }

    /// Returns the question of a wait that nothing has ended yet, if there is one.
    pub(crate) fn open_question(&self, key: Key) -> Option<(ActorId, MessageId)> {
        let wait = self.pending(key)?;
        let question = wait.question.get().known()?;
        if question == MessageId::ROOM || question.is_work() {
            return None; // the waiter itself leaves the queue for room; and work cannot be withdrawn
        }
        Some((wait.target(), question))
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

    /// The wait is for room in the mailbox of its target.
    pub(crate) fn is_for_room(&self, key: Key) {
        if let Some(wait) = self.pending(key) {
            wait.question.set(MessageId::ROOM);
        }
    }

    /// Begins a wait [for work](Self::is_for_work).
    pub(crate) fn begin_work(&self, target: ActorId, mail: &'static MessageType) -> Key {
        let (wait, key) = self.begin_one(None, target);
        wait.question.set(MessageId::WORK);
        wait.mail.set(Some(mail));
        key
    }

    /// The wait is for the start of its target, or for the task that the target is: work that nothing else
    /// does.
    pub(crate) fn is_for_work(&self, key: Key, target: ActorId, mail: &'static MessageType) {
        if let Some(wait) = self.pending(key) {
            wait.is_for(target);
            wait.question.set(MessageId::WORK);
            wait.mail.set(Some(mail));
        }
    }

    /// Begins a wait [for a name](Self::is_for_name).
    pub(crate) fn begin_for_name(&self, target: ActorId, mail: &'static MessageType) -> Key {
        let key = self.begin_work(target, mail);
        self.is_for_name(key, target, mail);
        key
    }

    /// The wait is for the start, or the end, of its target, which has the name that is wanted.
    pub(crate) fn is_for_name(&self, key: Key, target: ActorId, mail: &'static MessageType) {
        self.is_for_work(key, target, mail);
        if let Some(wait) = self.pending(key) {
            wait.question.set(MessageId::NAME);
        }
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

    /// Takes the cycle that a wait is part of, as far as is known.
    pub(crate) fn take_cycle(&self, key: Key) -> Option<Cycle> {
        let wait = self.arena.get(key.slot())?;
        if wait.generation.get() != key.generation() {
            return None;
        }
        wait.with_noted(key, |noted| noted.cycle.take()).flatten()
    }

    /// Takes the failure that has ended a wait, if it is known.
    pub(crate) fn take_failure(&self, key: Key) -> Option<Arc<Failure>> {
        let wait = self.arena.get(key.slot())?;
        if wait.generation.get() != key.generation() {
            return None;
        }
        wait.with_noted(key, |noted| noted.failure.take()).flatten()
    }

    /// Ends a wait because of a failure, which is noted.
    pub(crate) fn fail(&self, key: Key, failure: Arc<Failure>) -> WaitOutcome<C> {
        if let Some(wait) = self.pending(key) {
            wait.note(key, |noted| noted.failure = Some(failure));
        } else {
            let _ = drop_with_fate(failure, WaitEnd::Failed);
        }
        self.end(key, WaitEnd::Failed)
    }

    /// Notes the cycle that a wait is part of. Returns whether that was not known.
    pub(crate) fn note_cycle(&self, key: Key, cycle: &Cycle) -> bool {
        let Some(wait) = self.pending(key) else {
            return false;
        };
        let mut known = None;
        wait.note(key, |noted| known = noted.cycle.replace(cycle.clone()));
        known.as_ref() != Some(cycle)
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

    // ---- for the clock of the layer above ---------------------------------------------------

    /// Whether the clock has something to take over.
    pub(crate) fn has_timer_requests(&self) -> bool {
        self.last_unarmed.get() != Key::NONE || !self.disarmed.borrow().is_empty()
    }

    /// Hands over the timeouts that were requested since the last call, in that order, except for those of
    /// waits that have ended already. `arm` returns the timer, and when it is due.
    pub(crate) fn arm_all(&self, mut arm: impl FnMut(Key, u64) -> (TimerId, u64)) {
        self.keep_unarmed(self.last_unarmed.replace(Key::NONE));
        for key in self.unarmed.borrow_mut().drain(..) {
            if let Some(wait) = self.pending(key) {
                let (timer, deadline) = arm(key, wait.timeout.get());
                self.arm_pending(wait, timer, deadline);
            }
        }
    }

    /// Gives a wait the timer that is to end it, due at that time. One that is due later is not needed.
    pub(crate) fn arm(&self, key: Key, timer: TimerId, deadline: u64) {
        match self.pending(key) {
            Some(wait) => self.arm_pending(wait, timer, deadline),
            None => self.disarmed.borrow_mut().push(timer),
        }
    }

    fn arm_pending(&self, wait: &Wait<C>, timer: TimerId, deadline: u64) {
        let armed = wait.timer.get();
        if armed.is_some() && wait.deadline.get() <= deadline {
            return self.disarmed.borrow_mut().push(timer);
        }
        self.disarmed.borrow_mut().extend(armed);
        wait.timer.set(Some(timer));
        wait.deadline.set(deadline);
    }

    /// Takes a timer that is no longer needed.
    pub(crate) fn next_disarmed(&self) -> Option<TimerId> {
        self.disarmed.borrow_mut().pop()
    }

    /// A wait whose timer has fired no longer has one.
    pub(crate) fn fired(&self, key: Key) {
        if let Some(wait) = self.pending(key) {
            wait.timer.set(None);
        }
    }

    /// Returns, for each waiter, its slot, 0 for a task; the actor that is to end the wait, `NOBODY` if
    /// time is; and the cycle that this is part of, as far as is known.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (u32, ActorId, Option<Cycle>)> {
        self.arena.iter().filter_map(|(_, wait)| {
            let fiber = wait.fiber.take();
            wait.fiber.set(fiber);
            let noted = wait.noted.take();
            let known = noted.as_deref();
            let known = known.filter(|noted| noted.generation == wait.generation.get());
            let known = known.and_then(|noted| noted.cycle.clone());
            wait.noted.set(noted);
            let (waiter, target) = (wait.waiter.get(), wait.target());
            fiber.map(|_| (waiter, target, known))
        })
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
mod tests {
    use super::*;
    use crate::time::TimerWheel;

    #[test]
    fn s5_3_the_first_terminal_event_wins() {
        let waits = Waits::<()>::new();
        let key = waits.begin(None, ActorId::NOBODY);
        assert!(matches!(waits.fulfil(key, 7_u32), WaitOutcome::Unattended));
        assert!(matches!(
            waits.end(key, WaitEnd::TimedOut),
            WaitOutcome::Late
        ));
        assert_eq!(waits.take::<u32>(key), Some(Ok(7)));
        assert_eq!(waits.take::<u32>(key), None);
    }

    #[test]
    fn s5_3_a_late_reply_never_reaches_the_next_wait_in_the_same_place() {
        let waits = Waits::<()>::new();
        let old = waits.begin(None, ActorId::NOBODY);
        waits.forget(old);
        let new = waits.begin(None, ActorId::NOBODY);
        assert_eq!(old.slot(), new.slot());
        assert!(matches!(waits.fulfil(old, 1_u32), WaitOutcome::Late));
        assert!(waits.is_pending(new));
    }

    #[test]
    fn s5_6_the_latest_word_of_a_question_that_was_handed_on_counts_whichever_comes_last() {
        let waits = Waits::<()>::new();
        let asked = |number| MessageId::start_of_worker(0).plus(number);
        let next = || waits.begin(None, ActorId::NOBODY);
        let key = next();
        waits.has_asked(key, ActorId::NOBODY, asked(1));
        assert!(waits.is_handed_on(key, ActorId::NOBODY, asked(3), 2));
        assert!(!waits.is_handed_on(key, ActorId::NOBODY, asked(2), 1));
        assert_eq!(waits.asked(key).unwrap().question, asked(3));
        assert!(waits.is_handed_on(key, ActorId::NOBODY, asked(4), 3));
        waits.forget(key);
        assert!(!waits.is_handed_on(key, ActorId::NOBODY, asked(5), 4));
        let later = next();
        assert_eq!(later.slot(), key.slot());
        assert!(waits.is_handed_on(later, ActorId::NOBODY, asked(7), 1));
        assert_eq!(waits.asked(later).unwrap().question, asked(7));
    }

    #[test]
    fn an_attended_wait_wakes_its_fiber() {
        let waits = Waits::<()>::new();
        let key = waits.begin(None, ActorId::NOBODY);
        let fiber = FiberId::from_index(3);
        waits.pending(key).unwrap().attend(fiber, 0);
        assert!(
            matches!(waits.end(key, WaitEnd::NoReply), WaitOutcome::Wakes(woken) if woken == fiber)
        );
        assert_eq!(waits.take::<u32>(key), Some(Err(WaitEnd::NoReply)));
    }

    #[test]
    fn a_wait_that_ends_in_time_costs_no_timer() {
        let waits = Waits::<()>::new();
        let quick = waits.begin(Some(5), ActorId::NOBODY);
        let slow = waits.begin(Some(6), ActorId::NOBODY);
        let _ = waits.fulfil(quick, ());
        let mut wheel = TimerWheel::new(0);
        waits.arm_all(|key, timeout| {
            assert_eq!((key, timeout), (slow, 6));
            (wheel.insert(6, ()), 6)
        });
        let _ = waits.fulfil(slow, ());
        let timer = waits.next_disarmed().expect("it is not needed any more");
        assert!(wheel.cancel(timer).is_some());
        assert!(!waits.has_timer_requests());
    }

    #[test]
    fn s9_5_lists_of_a_peak_of_time_outs_go_back() {
        let (waits, mut wheel) = (Waits::<()>::new(), TimerWheel::new(0));
        let keys: Vec<_> = (0..10_000)
            .map(|_| waits.begin(Some(5), ActorId::NOBODY))
            .collect();
        waits.arm_all(|_, timeout| (wheel.insert(timeout, ()), timeout));
        keys.into_iter().for_each(|key| waits.forget(key));
        while waits.next_disarmed().is_some() {}
        waits.trim();
        let lists = [
            waits.unarmed.borrow().capacity(),
            waits.disarmed.borrow().capacity(),
        ];
        assert!(lists.iter().all(|room| *room <= AT_FIRST), "{lists:?}");
    }

    #[test]
    fn s5_1_a_wait_that_is_shortened_ends_by_the_earlier_time() {
        for [own, other] in [[5, 9], [9, 5]] {
            let (waits, mut wheel) = (Waits::<()>::new(), TimerWheel::new(0));
            let key = waits.begin(Some(own), ActorId::NOBODY);
            waits.arm(key, wheel.insert(other, other), other);
            waits.arm_all(|_, timeout| (wheel.insert(timeout, timeout), timeout));
            let disarmed = waits.next_disarmed().and_then(|timer| wheel.cancel(timer));
            assert_eq!(disarmed, Some(9));
            let _ = waits.fulfil(key, ());
            let disarmed = waits.next_disarmed().and_then(|timer| wheel.cancel(timer));
            assert_eq!(disarmed, Some(5));
        }
    }

    #[test]
    fn values_of_any_size_arrive() {
        let waits = Waits::<()>::new();
        let key = waits.begin(None, ActorId::NOBODY);
        let _ = waits.fulfil(key, [9_u64; 100]);
        assert_eq!(waits.take::<[u64; 100]>(key), Some(Ok([9; 100])));
    }
}
