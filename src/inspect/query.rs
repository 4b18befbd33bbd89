//! What a snapshot is to contain.

use crate::address::ActorPath;

/// The number of actors in a snapshot, unless the query sets another.
const LIMIT: usize = 1_000;

/// What a snapshot is to contain: which actors, at the most how many, and in which order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a query does nothing until a snapshot is made by it"]
pub struct SnapshotQuery {
    pub(super) below: ActorPath,
    pub(super) depth: usize,
    pub(super) matching: String,
    pub(super) limit: usize,
    pub(super) orders: Vec<SnapshotOrder>,
}

/// In which order a snapshot has its actors, and which of them it has if there are more than its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SnapshotOrder {
    /// By path. If there are too many, those near the root of the tree.
    Tree,
    /// By the number of messages that wait in the mailbox, the most first. Actors without any are left out.
    Deepest,
    /// By the number of messages handled while somebody [watches](super::Watch), the most first. Actors
    /// without any are left out.
    Busiest,
    /// By the number of restarts, the most first. Actors that were never restarted are left out.
    Restarts,
    /// By the time for which a handler has waited, the longest first. Only actors whose handlers wait.
    Longest,
}

impl SnapshotQuery {
    /// All actors, in the order of the tree, at most 1,000.
    pub fn new() -> Self {
        Self {
            below: ActorPath::user(),
            depth: usize::MAX,
            matching: String::new(),
            limit: LIMIT,
            orders: Vec::new(),
        }
    }

    /// Only the actor at that path, and those below it. The default is `/user`, which is above all actors
    /// and none itself.
    pub fn below(self, path: ActorPath) -> Self {
        Self {
            below: path,
            ..self
        }
    }

    /// Only actors at most so many levels below that path: with 0 the actor there alone, with 1 its children
    /// too.
    pub fn depth(self, levels: usize) -> Self {
        Self {
            depth: levels,
            ..self
        }
    }

    /// Only actors whose path, or whose type of messages, contains that text. The paths of all actors are
    /// then made and compared, which takes a worker longer than to look at the actor.
    pub fn matching(self, text: impl Into<String>) -> Self {
        Self {
            matching: text.into(),
            ..self
        }
    }

    /// At most so many actors of each order.
    pub fn limit(self, most: usize) -> Self {
        Self {
            limit: most,
            ..self
        }
    }

    /// Adds an order. A snapshot has the first actors of each order that was added, found by one look at all
    /// of them; [`Snapshot::by`](super::Snapshot::by) returns each list. Without any, the order is
    /// [`Tree`](SnapshotOrder::Tree).
    pub fn order(mut self, order: SnapshotOrder) -> Self {
        if !self.orders.contains(&order) {
            self.orders.push(order);
        }
        self
    }

    /// Whether an actor with that path is below the root, and not too deep.
    pub(super) fn contains(&self, path: &ActorPath) -> bool {
        let is_below = *path == self.below || path.is_descendant_of(&self.below);
        is_below && path.depth() - self.below.depth() <= self.depth
    }

    /// The orders, of which there is at least one.
    pub(super) fn orders(&self) -> &[SnapshotOrder] {
        if self.orders.is_empty() {
            &[SnapshotOrder::Tree]
        } else {
            &self.orders
        }
    }
}

impl Default for SnapshotQuery {
    fn default() -> Self {
        Self::new()
    }
}
