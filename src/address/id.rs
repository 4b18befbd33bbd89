//! Identifiers that fit into a register or two: of workers, actors and messages.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::num::NonZeroU64;

/// Set in the home of a reference to an actor with a bounded mailbox.
const MARK: u64 = 1 << 63;
/// The highest number that a pool may have.
pub(crate) const MOST_POOL: u32 = u32::MAX >> 1;

/// A worker of a pool of this process: the pool's number, which is never reused, and the worker's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Home(u64);

impl Home {
    /// No worker at all.
    pub(crate) const NOWHERE: Self = Self(0);

    /// `pool` is at least 1, and at most [`MOST_POOL`].
    pub(crate) const fn new(pool: u32, worker: u32) -> Self {
        Self((pool as u64) << 32 | worker as u64)
    }

    pub(crate) const fn pool(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// Returns this home, marked if the actor has a bounded mailbox.
    ///
    /// References carry the mark, and nothing else does. With the mark, both comparisons that route a
    /// message, of the home and of the pool, fail.
    #[inline(always)]
    pub(super) const fn marked(self, bounded: bool) -> Self {
        if bounded { Self(self.0 | MARK) } else { self }
    }

    pub(crate) const fn is_marked(self) -> bool {
        self.0 & MARK != 0
    }

    pub(crate) const fn unmarked(self) -> Self {
        Self(self.0 & !MARK)
    }

    #[allow(clippy::cast_possible_truncation)] // the low half is the worker
    pub(crate) const fn worker(self) -> u32 {
        self.0 as u32
    }
}

/// A slot of a worker and the number of its tenancy, in one word. A key is written and read on every
/// send, and two halves that have just been written cannot be read as one word without a stall.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Key(u64);

impl Key {
    /// The key of no actor, in no arena.
    pub(crate) const NONE: Self = Self::new(u32::MAX, 0);

    #[inline(always)]
    pub(crate) const fn new(slot: u32, generation: u32) -> Self {
        Self((generation as u64) << 32 | slot as u64)
    }

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)] // the low half is the slot
    pub(crate) const fn slot(self) -> u32 {
        self.0 as u32
    }

    #[inline(always)]
    pub(crate) const fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }

    #[inline(always)]
    pub(crate) const fn to_bits(self) -> u64 {
        self.0
    }

    #[inline(always)]
    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}#{})", self.slot(), self.generation())
    }
}

/// Identifies one incarnation of an actor, without the type of its messages.
///
/// Two ids are equal if they name the same incarnation. An actor that reuses a stopped actor's name, or
/// its memory, has another id.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ActorId {
    pub(crate) home: Home,
    pub(crate) key: Key,
}

impl ActorId {
    pub(crate) const NOBODY: Self = Self {
        home: Home::NOWHERE,
        key: Key::new(0, 0),
    };

    /// A subscriber that is being called with a dead letter. If what it sends is lost, no subscriber is
    /// called.
    pub(crate) const SUBSCRIBER: Self = Self {
        home: Home::NOWHERE,
        key: Key::new(1, 0),
    };

    #[inline(always)]
    pub(crate) const fn new(home: Home, key: Key) -> Self {
        Self { home, key }
    }

    /// Returns what a reference to this actor holds. See [`Home::marked`].
    #[inline(always)]
    pub(crate) const fn address(self, bounded: bool) -> Self {
        Self {
            home: self.home.marked(bounded),
            ..self
        }
    }

    /// Returns the actor of which this is the [`address`](Self::address).
    pub(crate) const fn without_mark(self) -> Self {
        Self {
            home: self.home.unmarked(),
            ..self
        }
    }

    /// Returns `None` if this is the id of no actor.
    pub(crate) fn known(self) -> Option<Self> {
        (self.home != Home::NOWHERE).then_some(self)
    }

    /// Returns the index of the worker that owns the actor.
    pub fn worker(self) -> usize {
        self.home.worker() as usize
    }
}

/// The pool's number is left out, so that two runs of one program hash alike.
impl Hash for ActorId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(u64::from(self.home.worker()) << 32 | u64::from(self.key.slot()));
        state.write_u32(self.key.generation());
    }
}

/// Displays `worker.slot#generation`. The pool's number is left out here as well.
impl fmt::Display for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (slot, generation) = (self.key.slot(), self.key.generation());
        write!(f, "{}.{slot}#{generation}", self.home.worker())
    }
}

impl fmt::Debug for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActorId({self})")
    }
}

/// The number of a message, unique within its pool.
///
/// The upper bits name the worker, or the thread outside, that drew it, so that drawing one needs no
/// counter shared between threads.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(u64);

impl MessageId {
    /// No message.
    pub(crate) const NONE: Self = Self(0);
    /// Not a message, but room for one to come.
    pub(crate) const ROOM: Self = Self(u64::MAX);
    /// Not a message, but work: the start of an actor, or a task.
    pub(crate) const WORK: Self = Self(u64::MAX - 1);
    /// Not a message, but a name: the start, or the end, of an actor that another caller has started.
    pub(crate) const NAME: Self = Self(u64::MAX - 2);
    const WORKER_SHIFT: u32 = 48;
    /// The number of ids in the block that a thread outside any pool takes at a time.
    pub(crate) const BLOCK: u64 = 1 << 20;
    const OUTSIDE: u64 = 1 << 63;
    /// Set in addition for the id of a context, which no message has.
    const CONTEXT: u64 = Self::OUTSIDE | 1 << 62;

    /// The number before the first one that a worker draws.
    pub(crate) const fn start_of_worker(worker: u32) -> Self {
        Self((worker as u64) << Self::WORKER_SHIFT)
    }

    /// The number before the first one that an observer draws in the middle of a send of a worker.
    pub(crate) const fn start_of_observers(worker: u32) -> Self {
        Self(Self::start_of_worker(worker).0 | 1 << (Self::WORKER_SHIFT - 1))
    }

    /// The number before the first one of a block for a thread outside any pool.
    pub(crate) const fn start_of_block(block: u64) -> Self {
        Self(Self::OUTSIDE | (block * Self::BLOCK))
    }

    /// The id of a context, in place of that of a chain's first message.
    pub(crate) const fn of_context(number: u64) -> Self {
        Self(Self::CONTEXT | number)
    }

    /// Whether it is that of a context.
    pub(crate) const fn is_of_context(self) -> bool {
        self.0 & Self::CONTEXT == Self::CONTEXT
    }

    /// An id that was drawn elsewhere.
    pub(crate) const fn from_outside(id: NonZeroU64) -> Self {
        Self(id.get())
    }

    /// Whether it stands for work, or a name.
    pub(crate) fn is_work(self) -> bool {
        self == Self::WORK || self == Self::NAME
    }

    pub(crate) const fn next(self) -> Self {
        self.plus(1)
    }

    pub(crate) const fn plus(self, more: u64) -> Self {
        Self(self.0.wrapping_add(more))
    }

    /// The number of ids drawn since `start`.
    pub(crate) const fn since(self, start: Self) -> u64 {
        self.0.wrapping_sub(start.0)
    }

    pub(crate) fn known(self) -> Option<Self> {
        (self != Self::NONE).then_some(self)
    }

    /// Returns the number itself.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn s7_3_ids_of_different_drawers_never_meet() {
        let mut seen = HashSet::new();
        let starts = (0..64)
            .map(MessageId::start_of_worker)
            .chain((0..64).map(MessageId::start_of_observers))
            .chain((0..64).map(MessageId::start_of_block));
        for start in starts {
            let mut id = start;
            for _ in 0..100 {
                id = id.next();
                assert!(seen.insert(id), "{id} was drawn twice");
            }
            assert_eq!(id.since(start), 100);
        }
    }

    #[test]
    fn a_home_keeps_its_parts() {
        let home = Home::new(7, u32::MAX);
        assert_eq!((home.pool(), home.worker()), (7, u32::MAX));
        assert_ne!(home, Home::NOWHERE);
        let marked = Home::new(MOST_POOL, 3).marked(true);
        assert!(marked.is_marked() && marked.worker() == 3);
        assert_ne!(
            marked.pool(),
            MOST_POOL,
            "the comparisons of a send must fail"
        );
        assert_eq!(marked.unmarked(), Home::new(MOST_POOL, 3));
    }
}
