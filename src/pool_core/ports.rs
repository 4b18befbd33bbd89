//! Ports: all that a thread outside needs to send to the workers of a pool, and nothing of the user's.
//!
//! A thread keeps the ports of the pool that it sent to last, under the pool's number. So a message from
//! outside costs a look at one thread-local, one comparison, a claim on the worker's ingress, the words of
//! the entry, and its commit: nothing is looked up, allocated or locked. Ports outlive their pool if a
//! thread still has them; they are closed then, and the thread notices at its next send.

#![allow(unsafe_code)]

use crossbeam::utils::CachePadded;
use parking_lot::Mutex;
use std::cell::{Cell, RefCell};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use super::entry::EntryLayout;
use super::payload::{Boxed, Payload, fits};
use super::posted::Posts;
use crate::address::{ActorId, Envelope, Home, Key, MessageCause, MessageId};
use crate::failure::{is_marked_outside, outside_origin, outside_sender};
use crate::queue::{Claim, Closed, Ingress, ingress};
use crate::sync::Unparker;

/// The ingresses of a pool's workers.
pub(crate) struct Ports {
    ingresses: Box<[Ingress]>,
    sent: Sent,
}

/// Counts the messages that were sent from outside. A thread that keeps the ports has a counter of its own,
/// shared with no other thread; the other threads share stripes.
#[derive(Default)]
pub(super) struct Sent {
    stripes: [CachePadded<AtomicU64>; STRIPES],
    counters: Mutex<Counters>,
}

#[derive(Default)]
struct Counters {
    all: Vec<Arc<Counter>>,
    /// Those that no thread has at the moment.
    free: Vec<Arc<Counter>>,
}

/// A number that one thread at a time changes.
type Counter = CachePadded<AtomicU64>;

const STRIPES: usize = 8;

impl Sent {
    /// Counts a message of a thread that has no counter of its own.
    pub(super) fn count(&self) {
        let stripe = OUTSIDE.with(OutsideThread::stripe);
        self.stripes[stripe].fetch_add(1, Relaxed);
    }

    pub(super) fn total(&self) -> u64 {
        let counters = self.counters.lock();
        let own = counters.all.iter().map(|it| it.load(Relaxed));
        let shared = self.stripes.iter().map(|it| it.load(Relaxed));
        own.chain(shared).sum()
    }

    fn take_counter(&self) -> Arc<Counter> {
        let counters = &mut *self.counters.lock();
        counters.free.pop().unwrap_or_else(|| {
            let counter = Arc::default();
            counters.all.push(Arc::clone(&counter));
            counter
        })
    }

    fn give_counter_back(&self, counter: Arc<Counter>) {
        self.counters.lock().free.push(counter);
    }
}

impl Ports {
    /// Opens a port for each of the workers that these unparkers wake, and returns the receiving ends too.
    pub(crate) fn open<'a>(unparkers: impl Iterator<Item = &'a Unparker>) -> (Self, Vec<Posts>) {
        let (ingresses, posts): (Vec<_>, _) = unparkers
            .map(|unparker| {
                let (ingress, reader) = ingress(unparker.clone());
                // SAFETY: `put` alone claims from it, and writes an entry and its parcel.
                (ingress, unsafe { Posts::of(reader) })
            })
            .unzip();
        let ports = Self {
            ingresses: ingresses.into(),
            sent: Sent::default(),
        };
        (ports, posts)
    }

    pub(super) fn sent(&self) -> &Sent {
        &self.sent
    }

    fn is_open(&self, worker: u32) -> bool {
        self.ingresses[worker as usize].is_open()
    }

    /// Publishes a parcel to a worker.
    ///
    /// # Errors
    ///
    /// Returns the parcel if the worker accepts no more.
    pub(super) fn post<P: Payload>(
        &self,
        worker: u32,
        to: Key,
        envelope: Envelope,
        parcel: P,
    ) -> Result<(), P> {
        if const { !fits::<P>() } {
            let boxed = Boxed(Box::new(parcel));
            let posted = self.post_fitting(worker, to, envelope, boxed);
            return posted.map_err(|boxed| *boxed.0);
        }
        self.post_fitting(worker, to, envelope, parcel)
    }

    fn post_fitting<P: Payload>(
        &self,
        worker: u32,
        to: Key,
        envelope: Envelope,
        parcel: P,
    ) -> Result<(), P> {
        let cause = Some(MessageCause::of(envelope)).filter(|cause| *cause != MessageCause::NONE);
        let Ok(claim) = self.claim::<P>(worker, cause, 1) else {
            return Err(parcel);
        };
        // SAFETY: this many words were claimed.
        unsafe { put(&claim, 0, to, envelope.message, cause, parcel) };
        note_post(claim.finish());
        Ok(())
    }

    /// Sends a message of this thread, which keeps these ports.
    #[inline(always)]
    fn tell<P: Payload>(
        &self,
        outside: &OutsideThread,
        worker: u32,
        to: Key,
        parcel: P,
    ) -> Result<(), P> {
        if const { !fits::<P>() } {
            let boxed = Boxed(Box::new(parcel));
            let told = self.tell_fitting(outside, worker, to, boxed);
            return told.map_err(|boxed| *boxed.0);
        }
        self.tell_fitting(outside, worker, to, parcel)
    }

    #[inline(always)]
    fn tell_fitting<P: Payload>(
        &self,
        outside: &OutsideThread,
        worker: u32,
        to: Key,
        parcel: P,
    ) -> Result<(), P> {
        let cause = cause_outside();
        let Ok(claim) = self.claim::<P>(worker, cause, 1) else {
            return Err(parcel);
        };
        outside.count(1);
        // SAFETY: this many words were claimed.
        unsafe { put(&claim, 0, to, outside.next_message(), cause, parcel) };
        outside.woke.set(claim.finish());
        Ok(())
    }

    /// Sends messages of this thread, which keeps these ports. Returns whether it did.
    ///
    /// # Safety
    ///
    /// `parcels` points to `count` parcels, each of which [`fits`]. If it returns `true`, they are the
    /// callee's.
    unsafe fn tell_all<P: Payload>(
        &self,
        outside: &OutsideThread,
        worker: u32,
        to: Key,
        parcels: *const P,
        count: usize,
    ) -> bool {
        let cause = cause_outside();
        let Ok(claim) = self.claim::<P>(worker, cause, count) else {
            return false;
        };
        outside.count(count as u64);
        for index in 0..count {
            let word = index * words_of_entry::<P>(cause);
            let message = outside.next_message();
            // SAFETY: this many words were claimed; each parcel is read once.
            unsafe { put(&claim, word, to, message, cause, parcels.add(index).read()) };
        }
        outside.woke.set(claim.finish());
        true
    }

    #[inline(always)]
    fn claim<P: Payload>(
        &self,
        worker: u32,
        cause: Option<MessageCause>,
        count: usize,
    ) -> Result<Claim<'_>, Closed> {
        self.ingresses[worker as usize].claim(count * words_of_entry::<P>(cause))
    }
}

/// The cause of what this thread, which is no worker, sends now, unless it is the usual one.
#[inline(always)]
fn cause_outside() -> Option<MessageCause> {
    is_marked_outside()
        .then(|| MessageCause::of(outside_origin().next(outside_sender(), MessageId::NONE)))
}

#[inline(always)]
fn words_of_entry<P>(cause: Option<MessageCause>) -> usize {
    EntryLayout::alone(Key::NONE, MessageId::NONE, cause).words::<P>() as usize
}

/// Writes and commits an entry.
///
/// # Safety
///
/// From `word` on, as many words as the entry has were claimed, and the parcel [`fits`].
#[inline(always)]
unsafe fn put<P: Payload>(
    claim: &Claim<'_>,
    word: usize,
    to: Key,
    message: MessageId,
    cause: Option<MessageCause>,
    parcel: P,
) {
    let entry = EntryLayout::alone(to, message, cause);
    // SAFETY: the caller's promise; the first word is written last, by the commit.
    unsafe {
        let place = entry.write_all_but_first(claim.place(word));
        place.cast::<P>().write(parcel);
        claim.commit(word, entry.head::<P>().word());
    }
}

// ---- what a thread outside keeps -------------------------------------------------------------

/// What a thread that is no worker stores for its sends: a block of message ids, and the ports of the pool
/// that it sent to last.
struct OutsideThread {
    block: Cell<u64>,
    last: Cell<MessageId>,
    left: Cell<u64>,
    /// Whether the last send has woken a worker.
    woke: Cell<bool>,
    /// The number of the pool whose ports are kept; 0 if there are none.
    pool: Cell<u32>,
    /// The ports in [`HELD`], as long as `pool` is not 0.
    ports: Cell<*const Ports>,
    counter: Cell<*const Counter>,
}

/// The ports that a thread keeps, and its counter in them.
struct Held {
    ports: Arc<Ports>,
    counter: Arc<Counter>,
}

static BLOCKS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    // Two thread-locals, as this one has no destructor: an access need not check whether the thread is
    // ending.
    static OUTSIDE: OutsideThread = const {
        OutsideThread {
            block: Cell::new(0),
            last: Cell::new(MessageId::NONE),
            left: Cell::new(0),
            woke: Cell::new(false),
            pool: Cell::new(0),
            ports: Cell::new(ptr::null()),
            counter: Cell::new(ptr::null()),
        }
    };
    static HELD: RefCell<Option<Held>> = const { RefCell::new(None) };
}

impl Drop for Held {
    fn drop(&mut self) {
        OUTSIDE.with(|outside| outside.pool.set(0));
        self.ports.sent.give_counter_back(Arc::clone(&self.counter));
    }
}

impl OutsideThread {
    #[inline(always)]
    fn next_message(&self) -> MessageId {
        if self.left.get() == 0 {
            self.take_block();
        }
        let message = self.last.get().next();
        self.last.set(message);
        self.left.set(self.left.get() - 1);
        message
    }

    #[cold]
    fn take_block(&self) {
        self.block.set(BLOCKS.fetch_add(1, Relaxed));
        self.last.set(MessageId::start_of_block(self.block.get()));
        self.left.set(MessageId::BLOCK);
    }

    #[allow(clippy::cast_possible_truncation)] // only its lowest bits matter
    fn stripe(&self) -> usize {
        self.block.get() as usize % STRIPES
    }

    /// Counts messages to the pool whose ports are kept.
    #[inline(always)]
    fn count(&self, messages: u64) {
        // SAFETY: `HELD` holds the counter as long as `pool` is not 0, which the callers have checked.
        let counter = unsafe { &*self.counter.get() };
        // No other thread changes it.
        counter.store(counter.load(Relaxed) + messages, Relaxed);
    }

    /// Returns the ports that are kept, if they are that pool's.
    #[inline(always)]
    fn ports_of(&self, home: Home) -> Option<&Ports> {
        if self.pool.get() != home.pool() {
            return None;
        }
        // SAFETY: `HELD` holds the ports as long as `pool` is not 0; `keep` and `forget` alone change it,
        // and no code that has the reference calls them.
        Some(unsafe { &*self.ports.get() })
    }
}

/// Keeps the ports of a pool for the next sends of this thread, which is no worker, to it.
#[cold]
pub(super) fn keep(home: Home, ports: &Arc<Ports>) {
    if !ports.is_open(home.worker()) {
        return;
    }
    // While the thread ends, and its thread-local is gone, nothing is kept.
    let _ = HELD.try_with(|held| {
        drop(held.take());
        let new = Held {
            ports: Arc::clone(ports),
            counter: ports.sent.take_counter(),
        };
        OUTSIDE.with(|outside| {
            outside.ports.set(&raw const *new.ports);
            outside.counter.set(&raw const *new.counter);
            outside.pool.set(home.pool());
        });
        held.replace(Some(new));
    });
}

#[cold]
fn forget() {
    let _ = HELD.try_with(RefCell::take);
}

/// Sends a message to an actor of the pool that this thread, which is no worker, sent to last.
///
/// # Errors
///
/// Returns the message if that was another pool, or if it has ended.
#[inline(always)]
pub(crate) fn tell_again<P: Payload>(home: Home, to: Key, parcel: P) -> Result<(), P> {
    OUTSIDE.with(|outside| {
        let told = match outside.ports_of(home) {
            None => return Err(parcel),
            Some(ports) => ports.tell(outside, home.worker(), to, parcel),
        };
        if told.is_err() {
            forget();
        }
        told
    })
}

/// As [`tell_again`], for several messages. Returns whether they were sent.
///
/// # Safety
///
/// `parcels` points to `count` parcels, each of which [`fits`]. If it returns `true`, they are the
/// callee's.
pub(crate) unsafe fn tell_all_again<P: Payload>(
    home: Home,
    to: Key,
    parcels: *const P,
    count: usize,
) -> bool {
    OUTSIDE.with(|outside| {
        let told = match outside.ports_of(home) {
            None => return false,
            // SAFETY: the caller's promise.
            Some(ports) => unsafe { ports.tell_all(outside, home.worker(), to, parcels, count) },
        };
        if !told {
            forget();
        }
        told
    })
}

/// Returns the id of the last message that this thread, which is no worker, has sent.
pub(super) fn last_message() -> MessageId {
    OUTSIDE.with(|outside| outside.last.get())
}

/// Returns whether the last send of this thread, which is no worker, has woken a worker.
pub(crate) fn last_post_has_woken() -> bool {
    OUTSIDE.with(|outside| outside.woke.get())
}

/// Notes whether the present send has woken a worker.
pub(super) fn note_post(woke: bool) {
    OUTSIDE.with(|outside| outside.woke.set(woke));
}

/// The envelope of a message to a pool of which this thread is no worker, with an id of the thread's.
pub(crate) fn envelope_from_outside(sender: Option<ActorId>) -> Envelope {
    let message = OUTSIDE.with(OutsideThread::next_message);
    outside_origin().next(sender.unwrap_or_else(outside_sender), message)
}
