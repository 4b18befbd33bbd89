//! What a worker records of its searches for deadlocks: where they are to begin, and which have passed each
//! actor.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use crate::address::{ActorId, Key};

/// What is to be examined when the worker has nothing better to do, or after a while.
#[derive(Default)]
pub(crate) struct PendingChecks {
    pub(crate) due: RefCell<Vec<PendingCheck>>,
    /// How many of them were there when the long waits were last taken.
    pub(crate) seen: Cell<usize>,
    pub(crate) searches: Searches,
}

/// Where a search for cycles begins.
pub(crate) enum PendingCheck {
    /// At an actor, as long as it waits by that wait.
    Wait { actor: Key, wait: Key },
    /// At an actor that waits for several others at once, along each edge.
    Search(Key),
    /// At an actor that waits for several others at once, along these waits: the others were followed
    /// before.
    Ways { actor: Key, waits: Vec<Key> },
}

/// The state of searches on one worker.
#[derive(Default)]
pub(crate) struct Searches {
    /// The number of searches that have begun here.
    pub(crate) begun: Cell<u64>,
    pub(crate) actors: RefCell<HashMap<Key, ActorChecks>>,
    /// The number of actors at which those that no longer lead on are dropped.
    pub(crate) most: Cell<usize>,
}

/// The state of an actor that waits for several others at once.
#[derive(Default)]
pub(crate) struct ActorChecks {
    /// Whether a search from here is scheduled.
    pub(crate) is_due: bool,
    /// The wait by which it waits for several answers, if it does.
    pub(crate) by: Option<Key>,
    /// The last search that has passed it since, from each actor, of either kind.
    pub(crate) seen: HashMap<(ActorId, bool), u64>,
}

/// A search: walks from one actor, one for each way.
#[derive(Clone, Copy)]
pub(crate) struct Search {
    /// A later search from the same actor has a higher number.
    pub(crate) number: u64,
    /// Whether it follows only links that are certain.
    pub(crate) only_certain: bool,
}
