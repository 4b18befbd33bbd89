//! The bound of a mailbox, as it is asked for in props.

/// What becomes of a message for which a bounded mailbox has no room.
///
/// None of this concerns what the system wants of an actor: stops, kills, suspensions and signals
/// are never refused, and take no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Overflow {
    /// It is dropped, and becomes a dead letter.
    DropNewest,
    /// The oldest message in the mailbox is dropped in its place, and becomes a dead letter. What is
    /// on its way from another thread has its place when it arrives.
    DropOldest,
    /// Whoever sends it with [`send`](crate::ActorRef::send) waits for room, one after the other.
    /// [`tell`](crate::ActorRef::tell) never waits: the message becomes a dead letter.
    Backpressure,
    /// It is refused, however it is sent.
    Fail,
}

/// How many messages may wait for an actor: see [`Props::mailbox`](crate::Props::mailbox).
///
/// ```
/// use nexus_actors::{Mailbox, MailboxError, Overflow};
///
/// let mailbox = Mailbox::bounded(100, Overflow::Backpressure)?;
/// assert_eq!(mailbox.capacity(), Some(100));
/// assert_eq!(Mailbox::bounded(0, Overflow::Fail), Err(MailboxError::NoCapacity));
/// # Ok::<(), MailboxError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mailbox {
    bound: Option<(usize, Overflow)>,
}

impl Mailbox {
    /// A mailbox that takes everything, until memory ends.
    pub const fn unbounded() -> Self {
        Self { bound: None }
    }

    /// A mailbox that takes so many messages. The one that is being handled does not count.
    ///
    /// # Errors
    ///
    /// [`MailboxError::NoCapacity`] where it is to take none.
    pub const fn bounded(capacity: usize, overflow: Overflow) -> Result<Self, MailboxError> {
        if capacity == 0 {
            return Err(MailboxError::NoCapacity);
        }
        Ok(Self {
            bound: Some((capacity, overflow)),
        })
    }

    /// How many messages it takes; `None` where there is no bound.
    pub const fn capacity(self) -> Option<usize> {
        match self.bound {
            Some((capacity, _)) => Some(capacity),
            None => None,
        }
    }

    /// What it does with more than that; `None` where there is no bound.
    pub const fn overflow(self) -> Option<Overflow> {
        match self.bound {
            Some((_, overflow)) => Some(overflow),
            None => None,
        }
    }

    pub(crate) const fn bound(self) -> Option<(usize, Overflow)> {
        self.bound
    }
}

/// Why there is no such mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MailboxError {
    /// It would take no message at all.
    #[error("a mailbox with a capacity of 0 would take no message; give it at least 1")]
    NoCapacity,
}
