//! The inbox of a worker: an unbounded lock-free list of nodes with many producers and one consumer.
//!
//! A node is whatever the layer above publishes at once (a batch of envelopes); the list only knows
//! its [`Link`]. Producers push at the head as on Treiber's stack (R. K. Treiber, *Systems
//! Programming: Coping with Parallelism*, IBM RJ 5118, 1986). The consumer takes the whole list with
//! one swap and reverses it, so every producer's nodes come out in the order it pushed them. Nodes
//! are only ever taken all together, so a head that was freed and came back at the same address is
//! harmless: a push links to whatever the head is at that instant. Its pointer may still be the one
//! to the freed node, so the consumer follows links by their addresses alone.
//!
//! Why not Vyukov's linked queue, which publishes with an unconditional swap: between its swap
//! and its store of `next` a preempted producer hides everything pushed after it, it has no room
//! for a closed state, and its consumer needs a second word, and two fences, to go to sleep.
//! Here one word says all of it:
//!
//! | word     | meaning                                  | push            | take      | sleep      | wake      | close      |
//! |----------|------------------------------------------|-----------------|-----------|------------|-----------|------------|
//! | `EMPTY`  | nothing queued, consumer awake           | → node          | –         | → `ASLEEP` | –         | → `CLOSED` |
//! | `ASLEEP` | nothing queued, consumer inside of park  | → node, wake it | –         | –          | → `EMPTY` | –          |
//! | `CLOSED` | nothing queued, nothing will ever be     | node returned   | –         | refused    | –         | –          |
//! | address  | that node is the newest one              | → node          | → `EMPTY` | refused    | –         | → `CLOSED`, list returned |
//!
//! Only the consumer writes a mark, and only the producers write an address.
//!
//! **No lost wake-up.** The consumer parks only after its compare-exchange `EMPTY → ASLEEP`
//! succeeded, so at that instant nothing was queued. The next push reads `ASLEEP` from the same word
//! it modifies, and unparks; the parker keeps a token, so an unpark between the compare-exchange and
//! the park is not lost. All modifications of one atomic are totally ordered, so no fence is needed.
//! A push that finds another node never has to wake the consumer: that is the duty of the push that
//! replaced the mark. If that producer is preempted before its unpark, the consumer sleeps until the
//! producer resumes, whatever others push meanwhile. All of this is about nodes: a change that
//! reaches the consumer by another way must push something to wake it.
//!
//! Awake again, the consumer tries `ASLEEP → EMPTY`. If that succeeds, nothing was pushed. If it
//! fails, it has read a node, and no later read of its own may return an older value. So nothing
//! rests on what the parker makes visible, nor on why it returned. A wake-up may come late, for a
//! sleep that timed out, and its token then ends a later sleep early; that sleep finds nothing, which
//! costs its caller a round. The parker holds at most one such token.
//!
//! **Orderings.** A successful push is a release; it pairs with the acquire of [`InboxReceiver::take`] and
//! [`InboxReceiver::close`]. Later pushes are read-modify-writes of the same word, so they continue
//! the release sequence of earlier ones: acquiring the newest node acquires them all. Everything else
//! is relaxed, as it hands over no memory: a push links to the head that it has seen, but does not
//! read it. Checked by `loom-tests/tests/inbox.rs`, `loom-tests/tests/batch.rs` and
//! `loom-tests/tests/park.rs`.

#![allow(unsafe_code)]

use crate::sync::{Arc, AtomicPtr, Mutant, Parker, Unparker, UnsafeCell, is_mutated, ordering};
use crossbeam::utils::CachePadded;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Duration;

/// The field of a node through which the list links it.
#[repr(transparent)]
pub struct Link(UnsafeCell<*mut Link>);

impl Link {
    /// A link that is in no list.
    #[allow(clippy::new_without_default)] // public only for the model checks
    pub fn new() -> Self {
        Self(UnsafeCell::new(ptr::null_mut()))
    }
}

/// An owning handle to something that can be linked into an inbox.
///
/// # Safety
///
/// `into_link` gives up ownership and returns the address of a [`Link`] that stays valid, and is
/// touched by no other code, until `from_link` takes the same address back. `from_link` must be the
/// inverse of `into_link`.
pub unsafe trait Node: Send {
    /// Gives up ownership of the node.
    fn into_link(self) -> NonNull<Link>;

    /// Takes the node back.
    ///
    /// # Safety
    ///
    /// `link` came from `into_link` of the same type and was not taken back since.
    unsafe fn from_link(link: NonNull<Link>) -> Self;
}

/// What a push did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Pushed {
    /// The consumer is awake, or another push found it asleep and has to wake it.
    Queued,
    /// The consumer slept; this push woke it.
    Woke,
}

const EMPTY: *mut Link = ptr::null_mut();

/// The two marks are addresses of statics, so they can never be those of a node.
static MARKS: [u64; 2] = [0; 2];

fn asleep() -> *mut Link {
    (&raw const MARKS[0]).cast_mut().cast()
}

fn closed() -> *mut Link {
    (&raw const MARKS[1]).cast_mut().cast()
}

struct InboxState {
    word: CachePadded<AtomicPtr<Link>>,
    unparker: Unparker,
}

/// The producers' half: any number of clones, on any thread.
pub struct Inbox<N: Node> {
    shared: Arc<InboxState>,
    nodes: PhantomData<fn(N)>,
}

/// The consumer's half: exactly one.
pub struct InboxReceiver<N: Node> {
    shared: Arc<InboxState>,
    parker: Parker,
    nodes: PhantomData<fn() -> N>,
}

/// Makes an open, empty inbox.
pub fn inbox<N: Node>() -> (Inbox<N>, InboxReceiver<N>) {
    let parker = Parker::new();
    let shared = Arc::new(InboxState {
        word: CachePadded::new(AtomicPtr::new(EMPTY)),
        unparker: parker.unparker().clone(),
    });
    let sender = Inbox {
        shared: shared.clone(),
        nodes: PhantomData,
    };
    (
        sender,
        InboxReceiver {
            shared,
            parker,
            nodes: PhantomData,
        },
    )
}

impl<N: Node> Clone for Inbox<N> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            nodes: PhantomData,
        }
    }
}

impl<N: Node> Inbox<N> {
    /// Publishes a node, and wakes the consumer if it sleeps.
    ///
    /// # Errors
    ///
    /// Returns the node if the inbox is closed.
    pub fn push(&self, node: N) -> Result<Pushed, N> {
        let link = node.into_link();
        // For `oldest_first`, which knows no more of this node than its address.
        let _ = link.as_ptr().expose_provenance();
        // Guessing an empty inbox, rather than reading the word first, fetches its cache line once,
        // for writing; a wrong guess returns the word's true value.
        let mut seen = EMPTY;
        loop {
            if seen == closed() {
                // SAFETY: the address came from `into_link` above and was not published.
                return Err(unsafe { N::from_link(link) });
            }
            let next = if seen == asleep() { EMPTY } else { seen };
            // SAFETY: until the exchange below succeeds the node is ours alone.
            unsafe { link.as_ref() }
                .0
                .with_mut(|place| unsafe { *place = next });
            // Release pairs with the acquire in `take_word`: it hands over the node, and `next`.
            let publish = ordering(Release, Mutant::InboxPublishRelaxed);
            match self
                .shared
                .word
                .compare_exchange(seen, link.as_ptr(), publish, Relaxed)
            {
                Ok(_) if seen == asleep() => {
                    if !is_mutated(Mutant::PushWithoutWaking) {
                        self.shared.unparker.unpark();
                    }
                    return Ok(Pushed::Woke);
                }
                Ok(_) => return Ok(Pushed::Queued),
                Err(actual) => seen = actual,
            }
        }
    }

    /// Whether a push may still succeed: a value that may be old when it is read.
    pub fn is_open(&self) -> bool {
        self.shared.word.load(Relaxed) != closed()
    }
}

impl<N: Node> InboxReceiver<N> {
    /// Whether anything is queued: a plain load, cheap enough for a spinning worker.
    pub fn has_mail(&self) -> bool {
        let word = self.shared.word.load(Relaxed);
        word != EMPTY && word != asleep() && word != closed()
    }

    /// Takes everything that is queued, oldest first.
    pub fn take(&mut self) -> Chain<N> {
        // Not only cheaper when nothing is queued: a swap would open a closed inbox again.
        if !self.has_mail() {
            return Chain::empty();
        }
        self.take_word(EMPTY)
    }

    /// Closes the inbox and takes what is still queued. No push succeeds afterwards.
    pub fn close(&mut self) -> Chain<N> {
        if is_mutated(Mutant::InboxCloseByStore) {
            self.shared.word.store(closed(), Release);
            return Chain::empty();
        }
        self.take_word(closed())
    }

    fn take_word(&mut self, replacement: *mut Link) -> Chain<N> {
        // Acquire pairs with the release of every push since the last take.
        let acquire = ordering(Acquire, Mutant::InboxTakeRelaxed);
        let newest = self.shared.word.swap(replacement, acquire);
        if newest == EMPTY || newest == asleep() || newest == closed() {
            return Chain::empty();
        }
        Chain::oldest_first(newest)
    }

    /// The handle that wakes the consumer, for what it waits for besides nodes.
    pub fn unparker(&self) -> &Unparker {
        &self.shared.unparker
    }

    /// Sleeps until a push, or until `timeout` has passed. Returns at once if something is queued
    /// already, or if the inbox is closed. May return early.
    pub fn park(&mut self, timeout: Option<Duration>) {
        if is_mutated(Mutant::SleepWithoutLooking) {
            self.shared.word.store(asleep(), Relaxed);
        } else {
            // Relaxed: it hands over no memory, and the total order of the word does the rest.
            let slept = self
                .shared
                .word
                .compare_exchange(EMPTY, asleep(), Relaxed, Relaxed);
            if slept.is_err() {
                return;
            }
        }
        match timeout {
            None => self.parker.park(),
            Some(timeout) => self.parker.park_timeout(timeout),
        }
        // After a time-out the mark may still stand; no producer should pay for waking us.
        let _ = self
            .shared
            .word
            .compare_exchange(asleep(), EMPTY, Relaxed, Relaxed);
    }
}

impl<N: Node> Drop for InboxReceiver<N> {
    fn drop(&mut self) {
        drop(self.close());
    }
}

/// Nodes taken from an inbox, oldest first. Dropping it drops those that are left.
pub struct Chain<N: Node> {
    first: *mut Link,
    nodes: PhantomData<fn() -> N>,
}

// SAFETY: the chain owns its nodes, which are `Send`.
unsafe impl<N: Node> Send for Chain<N> {}

impl<N: Node> Chain<N> {
    /// A chain of no nodes.
    pub fn empty() -> Self {
        Self {
            first: EMPTY,
            nodes: PhantomData,
        }
    }

    /// Whether no node is left.
    pub fn is_empty(&self) -> bool {
        self.first.is_null()
    }

    fn oldest_first(newest: *mut Link) -> Self {
        let (mut rest, mut first) = (newest, EMPTY);
        // By address alone: the pointer in `next` may be an older one, to a freed node that lay where
        // this one lies, as the exchange in `push` compares nothing but addresses.
        while let Some(link) = NonNull::new(ptr::with_exposed_provenance_mut::<Link>(rest.addr())) {
            // SAFETY: the swap in `take_word` made every node of this list ours alone, and its
            // acquire made the writes of `next` visible; `push` exposed the node.
            rest = unsafe { link.as_ref() }
                .0
                .with_mut(|next| unsafe { ptr::replace(next, first) });
            first = link.as_ptr();
        }
        Self {
            first,
            nodes: PhantomData,
        }
    }
}

impl<N: Node> Iterator for Chain<N> {
    type Item = N;

    fn next(&mut self) -> Option<N> {
        let link = NonNull::new(self.first)?;
        // SAFETY: the list is ours alone, see `oldest_first`.
        self.first = unsafe { link.as_ref() }.0.with(|next| unsafe { *next });
        // SAFETY: each address in the list came from `into_link` in `push`, and is taken back
        // once, here.
        Some(unsafe { N::from_link(link) })
    }
}

impl<N: Node> Drop for Chain<N> {
    fn drop(&mut self) {
        self.for_each(drop);
    }
}
