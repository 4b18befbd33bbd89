//! The gates of a pool's bounded mailboxes: where a sender, on whichever thread, learns for certain
//! whether there is room.
//!
//! A place is taken before a message is sent, and given up when the message is taken out to be
//! handled, so that what is under way counts too. Who waits for a place waits at the owner; what
//! it is given there is a [`Room`], which gives the place back unless it is used.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use super::bound::Overflow;
use super::core::{self, PoolCore};
use super::current::with_current;
use super::dead_letter::DeadLetterReason;
use super::envelope::Envelope;
use super::id::{ActorId, Key};
use super::parcel::Parcel;
use super::queueing::serve;
use super::shard::Shard;
use crate::queue::{self, Doorway, Gate, Refused};

/// What all threads share of one bounded mailbox.
pub(crate) struct Door {
    pub(crate) actor: ActorId,
    pub(crate) overflow: Overflow,
    pub(crate) gate: Gate,
    tickets: AtomicU64,
    /// How many messages have left the mailbox, and how many will have when the last question in it has.
    /// Both are the owner's.
    left: AtomicU64,
    questions_until: AtomicU64,
    /// Whether the place of a message was given up that has not left the mailbox. The owner's too.
    ahead: AtomicBool,
}

impl Door {
    pub(crate) fn new(actor: ActorId, capacity: usize, overflow: Overflow) -> Self {
        Self {
            actor,
            overflow,
            gate: Gate::new(capacity),
            tickets: AtomicU64::new(0),
            left: AtomicU64::new(0),
            questions_until: AtomicU64::new(0),
            ahead: AtomicBool::new(false),
        }
    }

    /// A question is in the mailbox, the last of so many messages. The owner's.
    pub(super) fn has_question(&self, messages: usize) {
        let until = self.left.load(Relaxed) + messages as u64;
        self.questions_until.store(until, Relaxed);
    }

    /// Gives up the place of a message that leaves the mailbox, unless one was given up ahead. Answers
    /// whether somebody waits for it. The owner's.
    #[must_use]
    pub(super) fn leave(&self) -> bool {
        if self.leave_after() {
            return false;
        }
        self.count_one_that_leaves();
        self.gate.leave()
    }

    /// Gives up the place of the next message that leaves the mailbox. Answers whether somebody waits for
    /// it. The owner's.
    #[must_use]
    pub(super) fn leave_ahead(&self) -> bool {
        let already = self.ahead.load(Relaxed);
        self.ahead.store(true, Relaxed);
        !already && self.gate.leave()
    }

    /// Whether a place was given up ahead, and no message has left since. The owner's.
    #[must_use]
    pub(super) fn is_ahead(&self) -> bool {
        self.ahead.load(Relaxed)
    }

    /// A message leaves the mailbox whose place was given up ahead. Answers whether one was, and no other
    /// message has left since. The owner's.
    #[must_use]
    pub(super) fn leave_after(&self) -> bool {
        let ahead = self.ahead.load(Relaxed);
        if ahead {
            self.ahead.store(false, Relaxed);
            self.count_one_that_leaves();
        }
        ahead
    }

    fn count_one_that_leaves(&self) {
        self.left.store(self.left.load(Relaxed) + 1, Relaxed);
    }

    /// Whether a question may be in the mailbox, which whoever asked it can take back. The owner's.
    pub(super) fn may_have_questions(&self) -> bool {
        // Those behind the last question leave in turn, so none of them makes up for one before it.
        self.left.load(Relaxed) < self.questions_until.load(Relaxed)
    }

    /// Whether places are taken at all: one that drops the oldest always has room.
    pub(crate) fn counts(&self) -> bool {
        self.overflow != Overflow::DropOldest
    }

    /// Takes a place for a message that is sent now.
    pub(crate) fn enter(&self, core: &PoolCore) -> Result<(), Refused> {
        if self.gate.is_closed() {
            return Err(Refused::Closed);
        }
        if !self.counts() {
            return Ok(());
        }
        if self.is_blocked(core) {
            return Err(Refused::Full);
        }
        self.gate.enter()
    }

    /// Whether a simulation has it so that there is no room.
    pub(crate) fn is_blocked(&self, core: &PoolCore) -> bool {
        core.transport.refuses(self.actor)
    }

    /// A number that no other sender who waits at this door has.
    pub(crate) fn draw_ticket(&self) -> u64 {
        self.tickets.fetch_add(1, Relaxed)
    }
}

/// The doors of one pool, by worker and slot.
#[derive(Default)]
pub(crate) struct Gates(flurry::HashMap<u64, Arc<Door>>);

impl Gates {
    fn place_of(actor: ActorId) -> u64 {
        u64::from(actor.home.worker()) << 32 | u64::from(actor.key.slot())
    }

    pub(crate) fn insert(&self, door: Arc<Door>) {
        self.0.pin().insert(Self::place_of(door.actor), door);
    }

    /// The door of an actor, while that lives.
    pub(crate) fn find(&self, actor: ActorId) -> Option<Arc<Door>> {
        let doors = self.0.pin();
        let door = doors.get(&Self::place_of(actor));
        door.filter(|door| door.actor == actor).map(Arc::clone)
    }

    pub(crate) fn remove(&self, actor: ActorId) {
        self.0.pin().remove(&Self::place_of(actor));
    }
}

/// A place in a bounded mailbox, in the hands of a sender who has waited for it.
pub(crate) type Room = queue::Room<Door>;

impl Doorway for Door {
    fn gate(&self) -> &Gate {
        &self.gate
    }

    fn tell_of_room(&self) {
        dispatch(self.actor, RoomFreed);
    }
}

/// A place was given up by another thread than the owner's, and somebody waits for one.
pub(crate) struct RoomFreed;

impl Parcel for RoomFreed {
    fn deliver(self, shard: &Shard, to: Key, _envelope: &Envelope) {
        serve(shard, to);
    }

    fn bounce(self, _: &PoolCore, _: ActorId, _: Envelope, _: DeadLetterReason) {}
}

/// Brings a parcel that is no message to the worker of an actor: at once where that is this one.
pub(crate) fn dispatch<P: Parcel>(to: ActorId, parcel: P) {
    let ActorId { home, key } = to;
    with_current(|shard| match shard {
        Some(shard) if shard.home == home => parcel.deliver(shard, key, &Envelope::NONE),
        Some(shard) if shard.home.pool() == home.pool() => {
            shard
                .outboxes
                .send(home.worker(), key, Envelope::NONE, parcel);
        }
        _ => match core::find(home) {
            Some(core) => core.post(home.worker(), key, Envelope::NONE, parcel),
            None => parcel.bounce_without_pool(to),
        },
    });
}
