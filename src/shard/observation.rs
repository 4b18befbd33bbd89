//! What is observed on a worker: the observers of its pool, the tracer of a simulation, and the counts of each
//! actor while somebody watches. How they are told is in `observing.rs`.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use super::arrivals::Arrivals;
use crate::address::Key;
use crate::observe::{MessageSource, Numbers, Observers, SamplingState};
use crate::pool_core::Tracer;

/// What is observed on a worker.
pub(crate) struct Observation {
    /// The count of handled messages from which on the next one is observed: 0 if all are, in the present tick.
    pub(super) next_at: Cell<u64>,
    /// Whether the present tick counts, as somebody watches.
    pub(super) counts: Cell<bool>,
    /// Whether the pool has observers.
    events: bool,
    /// Whether these are told of asks.
    asks: bool,
    pub(super) tracer: OnceCell<Rc<dyn Tracer>>,
    pub(super) sampling: SamplingState,
    /// The samples drawn so far.
    pub(super) draws: Cell<u64>,
    /// The number of the watch that is counted for.
    pub(super) watch: Cell<u64>,
    pub(crate) arrivals: Arrivals,
    pub(super) ticks: Cell<u64>,
    pub(super) watched: RefCell<Option<Vec<ActorCounts>>>,
}

/// What was counted of the actor in one slot since the watch began.
#[derive(Clone, Copy, Default)]
pub(super) struct ActorCounts {
    pub(super) generation: u32,
    pub(super) observed: ActorActivity,
}

/// What an actor has done since the watch began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ActorActivity {
    /// The longest mailbox that was seen at the beginning of a turn.
    pub(crate) deepest: u32,
    /// An estimate of the messages handled.
    pub(crate) handled: u64,
    /// An estimate of the nanoseconds for which its handlers ran.
    pub(crate) busy: u64,
}

/// The observers that are told of a handling, and where its message is from.
#[derive(Clone, Copy)]
pub(crate) struct ToldHandling {
    pub(crate) numbers: Numbers,
    pub(crate) source: MessageSource,
}

/// A turn that is counted.
pub(crate) struct CountedTurn {
    pub(super) key: Key,
    pub(super) began: u64,
    pub(super) number: u64,
}

impl Observation {
    pub(super) fn new(observers: &Observers) -> Self {
        let sampling = observers.sampling();
        Self {
            next_at: Cell::new(u64::MAX),
            counts: Cell::new(false),
            watch: Cell::new(0),
            draws: Cell::new(0),
            events: observers.any(),
            asks: observers.observe_asks(),
            tracer: OnceCell::new(),
            sampling,
            arrivals: Arrivals::new(observers.of_all_waits()),
            ticks: Cell::new(0),
            watched: RefCell::default(),
        }
    }

    /// Has a tracer see every message.
    ///
    /// # Panics
    ///
    /// If there is one already.
    pub(crate) fn trace(&self, tracer: Rc<dyn Tracer>) {
        let first = self.tracer.set(tracer).is_ok();
        assert!(first, "a new shard has no tracer");
        self.set_next();
    }

    /// A message was not handled after all, and is not counted.
    pub(super) fn count_back(&self) {
        self.sampling.count_back();
        self.set_next();
    }

    /// Notes which message is observed next.
    pub(super) fn set_next(&self) {
        let all = self.tracer.get().is_some() || self.counts.get();
        let next_at = if all { 0 } else { self.sampling.next_at() };
        self.next_at.set(next_at);
    }

    pub(crate) fn tracer(&self) -> Option<&dyn Tracer> {
        self.tracer.get().map(|tracer| &**tracer)
    }

    /// Whether all asks are observed.
    #[inline(always)]
    pub(crate) fn is_of_asks(&self) -> bool {
        self.asks
    }

    /// Whether the pool has observers.
    #[inline(always)]
    pub(crate) fn is_of_events(&self) -> bool {
        self.events
    }

    /// Returns what was counted of an actor, while somebody watches.
    pub(crate) fn activity_of(&self, key: Key) -> Option<ActorActivity> {
        let watched = self.watched.borrow();
        let counts = watched.as_ref()?.get(key.slot() as usize);
        let of_tenant = counts.filter(|counts| counts.generation == key.generation());
        Some(of_tenant.map_or_else(ActorActivity::default, |counts| counts.observed))
    }

    /// Whether actors are counted.
    pub(crate) fn is_watching(&self) -> bool {
        self.watched.borrow().is_some()
    }
}
