//! A shard: the actors of one worker, and everything they touch. Only the worker's thread uses it.

use crossbeam::utils::CachePadded;
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::alarms::{Alarms, TickBudget};
use super::births::Births;
use super::observation::Observation;
use super::probe_records::PendingChecks;
use super::records::{Elsewhere, Withdrawn};
use super::run_queue::RunQueue;
use super::slot::{NO_SLOT, Slot};
use super::turn_record::CurrentRecord;
use crate::address::{ActorId, Envelope, Home, Key, MessageCause, MessageId};
use crate::fiber::{FiberSet, StackClass, StackConfig};
use crate::mailbox::MailPlace;
use crate::memory::{Arena, Slabs};
use crate::pool_core::{Counts, Outboxes, PoolCore, WorkerActivity, WorkerStats, last_handler};
use crate::time::Clock;
use crate::wait;
use crate::wait::{DroppedReplies, Interrupts, JoinWaits, Waits};

/// Called at the end of a wait. It may look at the wait, and take its outcome.
pub(super) type Callback = Box<dyn FnOnce(&Shard)>;

/// A place at which a handler of this worker waits.
pub(crate) type WorkerWait = wait::Wait<Callback>;

/// Work for a fiber of the worker that belongs to no actor.
pub(crate) type Chore = Box<dyn FnOnce(&Shard)>;

/// The actors of one worker.
pub(crate) struct Shard {
    pub(crate) home: Home,
    pub(crate) core: Arc<PoolCore>,
    pub(super) slots: Arena<Slot>,
    pub(crate) due: RunQueue,
    /// Each with the larger stack that it needs, if any.
    pub(super) tasks: RefCell<VecDeque<(Option<StackClass>, Chore)>>,
    /// Tasks that were added and are not done.
    pub(crate) tasks_open: Cell<usize>,
    pub(crate) waits: Waits<Callback>,
    /// Questions that must not be handled, by the slot in whose mail they are.
    pub(crate) withdrawn: RefCell<HashMap<u32, Withdrawn>>,
    pub(crate) unprobed: PendingChecks,
    pub(crate) join_waits: JoinWaits,
    /// Before `current`, as fibers that end take their records off its list.
    pub(crate) fibers: FiberSet,
    pub(crate) outboxes: Outboxes,
    pub(crate) dropped_replies: DroppedReplies,
    pub(crate) counts: Counts,
    pub(crate) observation: Observation,
    pub(crate) births: Births,

    /// Where other threads can see which handler runs.
    pub(crate) activity: Arc<CachePadded<WorkerActivity>>,
    /// The actor whose turn it is, and the message that it handles.
    pub(crate) current: CurrentRecord,

    last_message: Cell<MessageId>,
    /// The last id of a message that an observer has sent in the middle of a send.
    last_of_observers: Cell<MessageId>,
    /// Fibers whose handlers wait and have resumed others meanwhile.
    pub(super) nested: Cell<u32>,
    /// What is handed over to a larger stack: a task, or otherwise the turn of the actor in that slot.
    pub(crate) apart: Cell<u32>,
    pub(crate) task_apart: Cell<Option<Chore>>,

    /// Nanoseconds since the pool's clock began, as of the last reading: at the beginning of a tick, or
    /// since.
    pub(crate) now: Cell<u64>,
    /// Where it reads the time, unless the time is set from outside.
    pub(super) clock: Option<Clock>,
    pub(crate) alarms: Alarms,
    /// How much the worker does in the present tick.
    pub(crate) budget: Cell<TickBudget>,
    /// Turns that the present tick may still begin.
    pub(crate) turns_left: Cell<u32>,
    /// How many messages may be handled before the present tick gives no more turns.
    pub(crate) messages_until: Cell<u64>,
    /// Whether spawning from outside is over.
    pub(crate) closing: Cell<bool>,
    /// The handlers that may not wait any more.
    pub(crate) interrupts: Interrupts,
    pub(crate) elsewhere: Elsewhere,
    /// The last field, as actors and their mail lie in it.
    pub(super) slabs: Box<Slabs>,
}

impl Shard {
    /// Creates an empty shard whose fibers run `body`.
    pub(super) fn new(
        core: Arc<PoolCore>,
        worker: u32,
        stacks: StackConfig,
        body: fn(),
        clock: Option<Clock>,
    ) -> Self {
        let now = clock.as_ref().map_or(0, Clock::now);
        Self {
            home: core.home(worker),
            slots: Arena::new(),
            due: RunQueue::new(),
            tasks: RefCell::default(),
            tasks_open: Cell::new(0),
            waits: Waits::new(),
            withdrawn: RefCell::default(),
            unprobed: PendingChecks::default(),
            join_waits: JoinWaits::default(),
            fibers: FiberSet::new(stacks, body),
            outboxes: Outboxes::new(Arc::clone(&core), worker),
            dropped_replies: DroppedReplies::default(),
            counts: Counts::default(),
            observation: Observation::new(&core.observers),
            births: Births::default(),
            activity: Arc::clone(&core.activities[worker as usize]),
            current: CurrentRecord::new(
                core.home(worker),
                core.scopes.are_hooked(),
                core.observers.observe_asks(),
            ),
            last_message: Cell::new(MessageId::start_of_worker(worker)),
            last_of_observers: Cell::new(MessageId::start_of_observers(worker)),
            apart: Cell::new(NO_SLOT),
            task_apart: Cell::new(None),
            now: Cell::new(now),
            clock,
            alarms: Alarms::new(now),
            budget: Cell::new(TickBudget::MOST),
            nested: Cell::new(0),
            turns_left: Cell::new(0),
            messages_until: Cell::new(0),
            closing: Cell::new(false),
            interrupts: Interrupts::default(),
            elsewhere: Elsewhere::default(),
            slabs: Slabs::new(),
            core,
        }
    }

    // ---- slots ------------------------------------------------------------------------------

    /// Returns unused memory to the system.
    pub(crate) fn trim(&self) {
        self.slabs.trim();
        self.slots.trim();
        self.births.trim(self.slots.cold_groups());
        self.waits.trim();
        self.alarms.trim();
        self.due.trim();
    }

    #[inline(always)]
    pub(crate) fn slabs(&self) -> &Slabs {
        &self.slabs
    }

    #[inline(always)]
    pub(crate) fn slot(&self, index: u32) -> &Slot {
        self.slots.at(index)
    }

    /// Returns the slot of a key, while the key's tenancy lasts.
    pub(crate) fn tenant(&self, key: Key) -> Option<&Slot> {
        self.slots
            .get(key.slot())
            .filter(|slot| slot.is_let_to(key))
    }

    /// Whether the actor of a key would admit a message.
    pub(crate) fn takes_mail(&self, key: Key) -> bool {
        self.slots
            .get(key.slot())
            .is_some_and(|slot| slot.is_open_for(key))
    }

    #[inline(always)]
    pub(crate) fn slots(&self) -> &Arena<Slot> {
        &self.slots
    }

    #[inline(always)]
    pub(crate) fn id_of(&self, key: Key) -> ActorId {
        ActorId::new(self.home, key)
    }

    /// Returns what a reference to the actor of a key holds, while the key's tenancy lasts.
    #[inline(always)]
    pub(crate) fn address_of(&self, key: Key) -> ActorId {
        self.id_of(key).address(self.slot(key.slot()).is_bounded())
    }

    // ---- messages ---------------------------------------------------------------------------

    /// Makes the envelope of a message that is sent here and now.
    #[inline(always)]
    pub(crate) fn next_envelope(&self) -> Envelope {
        let message = self.last_message.get().next();
        self.last_message.set(message);
        let here = self.current.record();
        here.envelope.get().next(here.actor.get(), message)
    }

    /// Makes the id of a message that is sent here and now.
    #[inline(always)]
    pub(crate) fn next_message(&self) -> MessageId {
        let message = self.last_message.get().next();
        self.last_message.set(message);
        message
    }

    /// Returns the cause of a message that is sent here and now.
    #[inline(always)]
    pub(crate) fn cause_of_sent(&self) -> MessageCause {
        let here = self.current.record();
        MessageCause::of_sent(here.envelope.get(), here.actor.get())
    }

    /// Returns the envelope of the message being handled.
    pub(crate) fn envelope(&self) -> Envelope {
        self.current.record().envelope.get()
    }

    /// Whether a handler runs.
    pub(crate) fn is_handling(&self) -> bool {
        self.current.record().handles.get()
    }

    /// Returns the actor whose turn it is.
    #[inline(always)]
    pub(crate) fn acting(&self) -> ActorId {
        self.current.record().actor.get()
    }

    /// Returns how many messages the present turn may still take.
    #[inline(always)]
    pub(super) fn messages_left(&self) -> usize {
        self.current.record().messages_left.get()
    }

    #[inline(always)]
    pub(crate) fn leave_messages(&self, most: usize) {
        self.current.record().messages_left.set(most);
    }

    /// Returns whether the present turn takes another message, and counts that message.
    #[inline(always)]
    pub(crate) fn takes_another_message(&self) -> bool {
        let left = self.messages_left();
        if left == 0 {
            return false;
        }
        self.leave_messages(left - 1);
        true
    }

    /// Takes over the envelope of a message that is about to be handled, and counts it.
    ///
    /// # Safety
    ///
    /// There is a message, and nothing was taken out since.
    #[inline(always)]
    #[allow(unsafe_code)]
    pub(crate) unsafe fn begin_handling<M>(&self, place: MailPlace<M>) {
        // SAFETY: the caller's promise.
        self.current
            .record()
            .envelope
            .set(unsafe { place.envelope() });
        self.counts.handled.add(1);
    }

    /// Takes over the envelope of a message that its actor has stored, and counts it as handled.
    pub(crate) fn begin_handling_of(&self, envelope: &Envelope) {
        self.current.record().envelope.set(*envelope);
        self.counts.handled.add(1);
    }

    /// Counts a message as not handled after all. It was counted as handled in this round or in an
    /// earlier one.
    pub(crate) fn is_not_handled(&self) {
        self.counts.handled.take_away(1);
        self.counts.not_handled.add(1);
        self.observation.count_back();
        // The round is as long as if the message had been handled, and the end of a turn has only one
        // number to check.
        self.messages_until.update(|until| until.saturating_sub(1));
    }

    /// Returns the id of the message that was sent last.
    #[inline(always)]
    pub(crate) fn last_message(&self) -> MessageId {
        self.last_message.get()
    }

    /// Returns the id that the next message gets.
    pub(crate) fn peek_message_id(&self) -> MessageId {
        self.last_message.get().next()
    }

    /// Runs code of observers in the middle of a send. What they send has ids of a range of their own, so that the
    /// last id that was drawn stays that of the message.
    pub(super) fn with_ids_of_observers(&self, code: impl FnOnce()) {
        let last = self.last_message.replace(self.last_of_observers.get());
        code();
        self.last_of_observers.set(self.last_message.replace(last));
    }

    /// Counts a message with the next id as sent.
    pub(crate) fn count_as_sent(&self, envelope: &Envelope) {
        debug_assert_eq!(envelope.message, self.peek_message_id());
        self.last_message.set(envelope.message);
    }

    // ---- acting -----------------------------------------------------------------------------

    /// Makes the present turn take no more messages.
    pub(crate) fn end_turn_soon(&self) {
        self.leave_messages(0);
    }

    /// Returns a number that cannot be foreseen, and that is the same in every run of a simulation (the
    /// mixing function of SplitMix64).
    pub(crate) fn random(&self) -> u64 {
        let mut z = self.last_message.get().get() ^ self.now.get().rotate_left(32);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Whether any actor lives here, or any task is not done.
    pub(crate) fn has_work(&self) -> bool {
        self.counts.alive.get() > 0 || self.tasks_open.get() > 0
    }

    /// Returns the actor whose handler ran last, and whether the handler still runs.
    pub(super) fn last_handler(&self) -> Option<(Key, bool)> {
        last_handler(&self.activity)
    }

    pub(crate) fn stats(&self, parks: u64, busy_nanos: u64) -> WorkerStats {
        let start = MessageId::start_of_worker(self.home.worker());
        let by_observers = MessageId::start_of_observers(self.home.worker());
        let by_observers = self.last_of_observers.get().since(by_observers);
        let sent = self.last_message.get().since(start) + by_observers;
        let Counts {
            handled,
            started,
            restarts,
            alive,
            batches,
            asks,
            asks_ended,
            ..
        } = &self.counts;
        WorkerStats {
            actors: alive.get(),
            started: started.get(),
            restarts: restarts.get(),
            sent,
            handled: handled.get(),
            queued: self.counts.queued(sent),
            stashed: self.counts.stashed.get(),
            waiting: self.fibers.busy() as u64,
            fibers: self.fibers.live() as u64,
            batches: batches.get(),
            parks,
            busy_nanos,
            asks: asks.get(),
            asks_timed_out: asks_ended[0].get(),
            asks_without_reply: asks_ended[1].get(),
            asks_to_stopped: asks_ended[2].get(),
            asks_to_failed: asks_ended[3].get(),
            asks_to_full: asks_ended[4].get(),
            asks_in_deadlock: asks_ended[5].get(),
            asks_given_up: asks_ended[6].get(),
            stack_high_water: self.fibers.stack_high_water() as u64,
            bytes_in_slots: self.slots.backed(),
            bytes_in_slabs: self.slabs.backed(),
            bytes_in_waits: self.waits.backed(),
        }
    }
}

/// A key together with the type of its tenancy's messages.
pub(crate) struct TypedKey<M> {
    pub(super) key: Key,
    messages: std::marker::PhantomData<fn(M)>,
}

impl<M> TypedKey<M> {
    /// # Safety
    ///
    /// The tenancy of `key` was begun for `M`.
    #[allow(unsafe_code)]
    #[inline]
    pub(crate) const unsafe fn assume(key: Key) -> Self {
        Self {
            key,
            messages: std::marker::PhantomData,
        }
    }
}

impl<M> Clone for TypedKey<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for TypedKey<M> {}
