//! The shared half of a bounded mailbox: the gate at which a sender on any thread learns for certain whether
//! there is room, and the table in which it finds that gate.
//!
//! A permit is taken before a message is sent, and released when the message is taken out to be handled,
//! so messages on their way count too. Senders wait for a permit at the owner. There a sender is given a
//! [`MailPermit`], which releases the permit unless it is used.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};

use super::transport::Transport;
use crate::address::ActorId;
use crate::mailbox::Overflow;
use crate::queue;
use crate::queue::{AcquireError, Gate};

/// The state of one bounded mailbox that all threads share.
pub(crate) struct BoundedMailbox {
    pub(crate) actor: ActorId,
    pub(crate) overflow: Overflow,
    pub(crate) gate: Gate,
    tickets: AtomicU64,
    /// The number of messages that have left the mailbox, and the number that will have left when the
    /// last question has. Both are written and read by the owner only.
    left: AtomicU64,
    questions_until: AtomicU64,
    /// Whether the permit of a message was released that has not left the mailbox. For the owner only.
    ahead: AtomicBool,
}

impl BoundedMailbox {
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

    /// Notes that a question is in the mailbox, as the last of `messages` messages. For the owner only.
    pub(crate) fn has_question(&self, messages: usize) {
        let until = self.left.load(Relaxed) + messages as u64;
        self.questions_until.store(until, Relaxed);
    }

    /// Releases the permit of a message that leaves the mailbox, unless one was released ahead. Returns
    /// whether a sender waits for it. For the owner only.
    #[must_use]
    pub(crate) fn leave(&self) -> bool {
        if self.leave_after() {
            return false;
        }
        self.count_one_that_leaves();
        self.gate.leave()
    }

    /// Releases the permit of the next message that leaves the mailbox, ahead of time. Returns whether a
    /// sender waits for it. For the owner only.
    #[must_use]
    pub(crate) fn leave_ahead(&self) -> bool {
        let already = self.ahead.load(Relaxed);
        self.ahead.store(true, Relaxed);
        !already && self.gate.leave()
    }

    /// Whether a permit was released ahead, and no message has left since. For the owner only.
    #[must_use]
    pub(crate) fn is_ahead(&self) -> bool {
        self.ahead.load(Relaxed)
    }

    /// Notes that a message leaves the mailbox, if a permit was released ahead and no other message has
    /// left since. Returns whether that is so. For the owner only.
    #[must_use]
    pub(crate) fn leave_after(&self) -> bool {
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

    /// Whether the mailbox may contain a question that its asker can withdraw. For the owner only.
    pub(crate) fn may_have_questions(&self) -> bool {
        // Messages behind the last question leave in order, so none of them is counted in place of one
        // before it.
        self.left.load(Relaxed) < self.questions_until.load(Relaxed)
    }

    /// Whether permits are taken at all: a mailbox that drops its oldest message always has room.
    pub(crate) fn counts(&self) -> bool {
        self.overflow.takes_permits()
    }

    /// Takes a permit for a message that is sent now.
    pub(crate) fn enter(&self, transport: &dyn Transport) -> Result<(), AcquireError> {
        if self.gate.is_closed() {
            return Err(AcquireError::Closed);
        }
        if !self.counts() {
            return Ok(());
        }
        if self.is_blocked(transport) {
            return Err(AcquireError::Full);
        }
        self.gate.enter()
    }

    /// Whether a simulation makes this mailbox refuse messages.
    pub(crate) fn is_blocked(&self, transport: &dyn Transport) -> bool {
        transport.refuses(self.actor)
    }

    /// Returns a number that no other sender that waits at this gate has.
    pub(crate) fn draw_ticket(&self) -> u64 {
        self.tickets.fetch_add(1, Relaxed)
    }
}

/// The bounded mailboxes of one pool, by worker and slot.
#[derive(Default)]
pub(crate) struct BoundedMailboxes(flurry::HashMap<u64, Arc<BoundedMailbox>>);

impl BoundedMailboxes {
    fn place_of(actor: ActorId) -> u64 {
        u64::from(actor.home.worker()) << 32 | u64::from(actor.key.slot())
    }

    pub(crate) fn insert(&self, bounded: Arc<BoundedMailbox>) {
        self.0.pin().insert(Self::place_of(bounded.actor), bounded);
    }

    /// Returns the shared half of an actor's mailbox, as long as the actor is alive.
    pub(crate) fn find(&self, actor: ActorId) -> Option<Arc<BoundedMailbox>> {
        let mailboxes = self.0.pin();
        let bounded = mailboxes.get(&Self::place_of(actor));
        bounded
            .filter(|bounded| bounded.actor == actor)
            .map(Arc::clone)
    }

    pub(crate) fn remove(&self, actor: ActorId) {
        self.0.pin().remove(&Self::place_of(actor));
    }
}

/// A permit of a bounded mailbox, held by a sender that has waited for it.
pub(crate) type MailPermit = queue::Permit<BoundedMailbox>;
