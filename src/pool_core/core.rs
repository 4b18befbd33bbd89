//! The shared part of a pool, for its workers and for threads outside: the transport, the directory, the
//! counts, the orders, and what each worker lets others read.

use crossbeam::utils::CachePadded;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use super::batch::{Batch, SEGMENT_BYTES};
use super::bounded::BoundedMailboxes;
use super::directory::Directory;
use super::known_paths::{KnownActors, nobody_known};
use super::name_waiters::NameWaiters;
use super::offload::Offload;
use super::orders::{ActorOrder, WorkerOrder};
use super::payload::{Payload, PayloadReceiver, PoolReturn};
use super::ports::{self, Ports, Sent, envelope_from_outside};
use super::running_handler::WorkerActivity;
use super::stats::WorkerCounters;
use super::transport::Transport;
use crate::address::{
    ActorId, ActorPath, Envelope, Home, Key, MessageId, NameError, RunId, validate_name,
};
use crate::failure::{
    Cycle, DeadLetterReason, DeadLetters, Failure, Subscription, catch_user, drop_quietly,
    outside_origin, outside_sender,
};
use crate::fiber::forbid_waits;
use crate::memory::Segments;
use crate::observe::Observers;
use crate::queue::Pushed;
use crate::scope::Scopes;
use crate::shared::{Cancellations, ControlQueue};
use crate::supervision::SupervisorStrategy;

/// Called with every failure, on the worker where it happened.
pub(crate) type FailureHook = Box<dyn Fn(&Failure) + Send + Sync>;

/// Called with every cycle of waits that is suspected, on the worker of one of the actors in it.
pub(crate) type SuspicionHook = Box<dyn Fn(&Cycle) + Send + Sync>;

/// The shared part of a pool. Everything in it is touched rarely, or by many readers.
pub(crate) struct PoolCore {
    pub(crate) id: u32,
    pub(crate) name: String,
    pub(crate) run_id: RunId,
    pub(crate) transport: Box<dyn Transport>,
    pub(crate) directory: Box<dyn Directory>,
    /// The waits for a name in it.
    pub(crate) names: NameWaiters,
    pub(crate) offload: Box<dyn Offload>,
    pub(crate) dead_letters: Arc<DeadLetters>,
    pub(crate) on_failure: FailureHook,
    pub(super) on_suspicion: SuspicionHook,
    pub(crate) observers: Observers,
    /// That of the observers to the dead letters.
    _observing: Option<Subscription>,
    /// How many callers watch the actors.
    pub(crate) watches: AtomicU64,
    /// How the guardian supervises the top-level actors.
    pub(crate) guardian: SupervisorStrategy,
    /// The scopes that handlers may have entered on their threads.
    pub(crate) scopes: Scopes,
    pub(crate) workers: Box<[CachePadded<WorkerCounters>]>,
    /// The ports through which threads outside send; a simulation has none.
    pub(crate) ports: Option<Arc<Ports>>,
    /// Messages that were sent from outside, if there are no ports.
    sent_outside: Sent,
    /// The memory for larger batches, by size.
    pub(crate) segments: [Segments; SEGMENT_BYTES.len()],
    /// The gates of the bounded mailboxes.
    pub(crate) bounded_mailboxes: BoundedMailboxes,
    /// The current activity of each worker.
    pub(crate) activities: Box<[Arc<CachePadded<WorkerActivity>>]>,
    /// The asks of each worker that were given up.
    pub(crate) cancellations: Box<[Cancellations]>,
    /// The actors of each worker that were asked from elsewhere.
    pub(crate) known: Box<[KnownActors]>,
    late_replies: AtomicU64,
    /// The number of the last generated name.
    generated_names: AtomicU64,
    /// The last id of a message from outside, if those ids must be the same in every run.
    pub(super) ids_from_outside: Option<AtomicU64>,
    /// Orders to each worker. They bypass its inbox, so that a flood of mail cannot delay its end.
    orders: Box<[ControlQueue<WorkerOrder>]>,
    /// Orders to each worker's actors that overtake their mail.
    actor_orders: Box<[ControlQueue<(Key, ActorOrder)>]>,
}

/// The parts from which a [`PoolCore`] is made.
pub(crate) struct CoreParts {
    pub(crate) name: String,
    pub(crate) workers: usize,
    pub(crate) transport: Box<dyn Transport>,
    pub(crate) directory: Box<dyn Directory>,
    pub(crate) offload: Box<dyn Offload>,
    pub(crate) on_failure: FailureHook,
    pub(crate) on_suspicion: SuspicionHook,
    pub(crate) observers: Observers,
    pub(crate) guardian: SupervisorStrategy,
    pub(crate) scopes: Scopes,
    /// Whether the ids of messages from outside are drawn from the pool, so that they are the same in
    /// every run, rather than from the sending thread.
    pub(crate) repeatable: bool,
}

impl PoolCore {
    pub(super) fn new(id: u32, parts: CoreParts) -> Self {
        let CoreParts {
            name,
            workers,
            transport,
            directory,
            offload,
            on_failure,
            on_suspicion,
            observers,
            guardian,
            scopes,
            repeatable,
        } = parts;
        let dead_letters = Arc::default();
        Self {
            _observing: observe_dead_letters(&dead_letters, &observers),
            dead_letters,
            id,
            name,
            run_id: if repeatable {
                RunId::REPEATABLE
            } else {
                RunId::draw()
            },
            ports: transport.ports(),
            transport,
            directory,
            names: NameWaiters::default(),
            offload,
            on_failure,
            on_suspicion,
            observers,
            watches: AtomicU64::new(0),
            guardian,
            scopes,
            workers: (0..workers).map(|_| CachePadded::default()).collect(),
            sent_outside: Sent::default(),
            segments: SEGMENT_BYTES.map(Segments::new),
            bounded_mailboxes: BoundedMailboxes::default(),
            activities: (0..workers).map(|_| Arc::default()).collect(),
            cancellations: (0..workers).map(|_| Cancellations::default()).collect(),
            known: (0..workers).map(|_| nobody_known()).collect(),
            late_replies: AtomicU64::new(0),
            generated_names: AtomicU64::new(0),
            ids_from_outside: repeatable.then(AtomicU64::default),
            orders: (0..workers).map(|_| ControlQueue::default()).collect(),
            actor_orders: (0..workers).map(|_| ControlQueue::default()).collect(),
        }
    }

    /// Returns a path below `parent` that no other actor of the pool has ever had, such as
    /// `/user/$conn-17`.
    ///
    /// # Errors
    ///
    /// Returns a [`NameError`] if the prefix is no valid name, or leaves no room for the rest.
    pub(crate) fn generate_path(
        &self,
        parent: &ActorPath,
        prefix: &str,
    ) -> Result<ActorPath, NameError> {
        validate_name(prefix)?;
        let number = self.generated_names.fetch_add(1, Relaxed) + 1;
        parent.generated_child(&format!("${prefix}-{number}"))
    }

    /// Whether the pool has ended: workers close when all of them have nothing left to do.
    pub(crate) fn has_ended(&self) -> bool {
        let closed = |worker| !self.transport.is_open(worker);
        self.worker_indices().any(closed)
    }

    pub(crate) fn home(&self, worker: u32) -> Home {
        Home::new(self.id, worker)
    }

    /// The indices of its workers.
    pub(crate) fn worker_indices(&self) -> std::ops::Range<u32> {
        0..u32::try_from(self.workers.len()).expect("workers are numbered by u32")
    }

    /// Has this thread, which is no worker, cache the ports for its next sends.
    pub(crate) fn keep_ports(&self, home: Home) {
        if let Some(ports) = &self.ports {
            ports::keep(home, ports);
        }
    }

    fn sent(&self) -> &Sent {
        self.ports
            .as_deref()
            .map_or(&self.sent_outside, Ports::sent)
    }

    /// Counts one message sent from outside of this pool.
    pub(crate) fn count_outside(&self) {
        self.sent().count();
    }

    /// Messages sent from outside of this pool so far.
    pub(crate) fn sent_outside(&self) -> u64 {
        self.sent().total()
    }

    /// Returns the envelope of a message from outside of this pool: from a thread that is no worker, or
    /// from an actor of another pool. It begins a correlation. Its id is not drawn from a worker, as
    /// workers' ids are unique only within their own pool.
    pub(crate) fn envelope_from_outside(&self, sender: Option<ActorId>) -> Envelope {
        let Some(ids) = &self.ids_from_outside else {
            return envelope_from_outside(sender);
        };
        let message = MessageId::start_of_block(0).plus(ids.fetch_add(1, Relaxed) + 1);
        outside_origin().next(sender.unwrap_or_else(outside_sender), message)
    }

    /// Reports a cycle of waits that may be a deadlock.
    pub(crate) fn suspect(&self, cycle: &Cycle) {
        let _ = catch_user(|| (self.on_suspicion)(cycle));
    }

    /// Counts a reply that came after its ask had ended.
    pub(crate) fn count_late_reply(&self) {
        self.late_replies.fetch_add(1, Relaxed);
    }

    pub(crate) fn late_replies(&self) -> u64 {
        self.late_replies.load(Relaxed)
    }

    /// Gives a worker an order, and wakes it.
    pub(crate) fn give_order(&self, worker: u32, order: WorkerOrder) {
        self.orders[worker as usize].give(order, || self.nudge(worker));
    }

    /// Gives an actor of that worker an order that overtakes its mail, and wakes the worker.
    pub(crate) fn give_actor_order(&self, worker: u32, to: Key, order: ActorOrder) {
        // A worker that has ended would no longer take it.
        if self.transport.is_open(worker) {
            self.actor_orders[worker as usize].give((to, order), || self.nudge(worker));
        }
    }

    /// Makes a worker check the time and its orders again.
    pub(crate) fn nudge(&self, worker: u32) {
        self.post(worker, Key::default(), Envelope::NONE, Nudge);
    }

    /// The orders to a worker.
    pub(crate) fn orders_to(&self, worker: u32) -> &ControlQueue<WorkerOrder> {
        &self.orders[worker as usize]
    }

    /// The orders to a worker's actors.
    #[inline(always)]
    pub(crate) fn orders_to_actors(&self, worker: u32) -> &ControlQueue<(Key, ActorOrder)> {
        &self.actor_orders[worker as usize]
    }

    /// Returns the pool to which payloads are returned.
    pub(crate) fn as_pool(&self) -> PoolReturn<'_> {
        #[allow(unsafe_code)]
        // SAFETY: `of_pool` opens it as the same type.
        unsafe {
            PoolReturn::new(self)
        }
    }

    /// Returns the core of a pool to which a payload is returned.
    pub(crate) fn of_pool(pool: PoolReturn<'_>) -> &Self {
        #[allow(unsafe_code)]
        // SAFETY: `as_pool` alone makes one.
        unsafe {
            pool.open()
        }
    }

    /// Publishes one parcel to a worker, from a thread that has no batch open for it.
    pub(crate) fn post<P: Payload>(&self, worker: u32, to: Key, envelope: Envelope, parcel: P) {
        let reason = DeadLetterReason::PoolClosed;
        if let Some(ports) = &self.ports {
            if let Err(parcel) = ports.post(worker, to, envelope, parcel) {
                let to = ActorId::new(self.home(worker), to);
                parcel.return_undelivered(self.as_pool(), to, envelope, reason);
            }
            return;
        }
        let batch = Batch::of_one(to, envelope, parcel);
        match self.transport.send(worker, batch) {
            Ok(pushed) => ports::note_post(pushed == Pushed::Woke),
            Err(refused) => refused.bounce(self.as_pool(), self.home(worker), reason),
        }
    }
}

/// Has the observers told of dead letters.
fn observe_dead_letters(letters: &Arc<DeadLetters>, observers: &Observers) -> Option<Subscription> {
    let told = observers.clone();
    observers.any().then(|| {
        letters.subscribe(move |letter| {
            for observer in told.iter() {
                // The panic hook has reported a panic of one.
                let _ = catch_user(|| forbid_waits(|| observer.dead_letter(letter)));
            }
        })
    })
}

/// Wakes a worker and does nothing else.
struct Nudge;

impl Payload for Nudge {
    fn unpack(self, _: PayloadReceiver<'_>, _: Key, _: &Envelope) {}

    fn return_undelivered(self, _: PoolReturn<'_>, _: ActorId, _: Envelope, _: DeadLetterReason) {}
}

impl Drop for PoolCore {
    /// The last handle may be dropped by a worker, where a panic would be taken for one of the runtime.
    fn drop(&mut self) {
        let _ = drop_quietly(std::mem::replace(&mut self.on_failure, Box::new(|_| {})));
    }
}

// ---- finding the pool of a reference -------------------------------------------------------
