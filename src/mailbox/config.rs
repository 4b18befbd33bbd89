//! The capacity of a mailbox, as requested in props.

/// What happens to a message for which a bounded mailbox has no room.
///
/// This does not concern the system's own requests to an actor: stops, kills, suspensions and signals are
/// never refused, and take no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Overflow {
    /// The message is dropped, and becomes a dead letter.
    DropNewest,
    /// The oldest message in the mailbox is dropped instead, and becomes a dead letter. A message on its
    /// way from another thread takes its place when it arrives.
    DropOldest,
    /// Senders that use [`send`](crate::ActorRef::send) wait for room, one after the other.
    /// [`tell`](crate::ActorRef::tell) never waits: the message becomes a dead letter.
    Backpressure,
    /// The message is refused, however it is sent.
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
    /// Returns a mailbox without a bound: it accepts messages until memory runs out.
    pub const fn unbounded() -> Self {
        Self { bound: None }
    }

    /// Returns a mailbox that holds at most `capacity` messages. The one that is being handled does not
    /// count.
    ///
    /// # Errors
    ///
    /// Returns [`MailboxError::NoCapacity`] if `capacity` is 0.
    pub const fn bounded(capacity: usize, overflow: Overflow) -> Result<Self, MailboxError> {
        if capacity == 0 {
            return Err(MailboxError::NoCapacity);
        }
        Ok(Self {
            bound: Some((capacity, overflow)),
        })
    }

    /// Returns how many messages it holds; `None` if it has no bound.
    pub const fn capacity(self) -> Option<usize> {
        match self.bound {
            Some((capacity, _)) => Some(capacity),
            None => None,
        }
    }

    /// Returns what it does with messages beyond its capacity; `None` if it has no bound.
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

/// Why a mailbox cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MailboxError {
    /// The mailbox would hold no message at all.
    #[error("a mailbox with a capacity of 0 would take no message; give it at least 1")]
    NoCapacity,
}
