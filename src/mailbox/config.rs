//! The capacity of a mailbox, as requested in props.

use std::num::NonZeroUsize;

/// What happens to a message for which a bounded mailbox has no room.
///
/// This does not concern the system's own requests to an actor: stops, kills, suspensions and signals are
/// never refused, and take no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
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

// What depends on the policy is decided here, in matches that name each policy: a new one does not compile
// until it has a place in all of them.
impl Overflow {
    /// Whether a message needs a permit: if not, there is always room, and the oldest message makes it.
    pub(crate) const fn takes_permits(self) -> bool {
        match self {
            Self::DropOldest => false,
            Self::DropNewest | Self::Backpressure | Self::Fail => true,
        }
    }

    /// Whether senders that may wait do wait for room.
    pub(crate) const fn lets_senders_wait(self) -> bool {
        match self {
            Self::Backpressure => true,
            Self::DropNewest | Self::DropOldest | Self::Fail => false,
        }
    }

    /// Whether a message that finds no room counts as sent, and is lost.
    pub(crate) const fn drops_newest(self) -> bool {
        match self {
            Self::DropNewest => true,
            Self::DropOldest | Self::Backpressure | Self::Fail => false,
        }
    }
}

/// How many messages may wait for an actor: see [`Props::mailbox`](crate::Props::mailbox).
///
/// ```
/// use nexus_actors::{Mailbox, Overflow};
/// use nexus_actors::mailbox::MailboxError;
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
        match NonZeroUsize::new(capacity) {
            Some(capacity) => Ok(Self::bounded_nonzero(capacity, overflow)),
            None => Err(MailboxError::NoCapacity),
        }
    }

    /// As [`bounded`](Self::bounded), for a capacity whose type excludes 0: there is no error to handle.
    ///
    /// ```
    /// use nexus_actors::{Mailbox, Overflow};
    /// use std::num::NonZeroUsize;
    ///
    /// const ORDERS: NonZeroUsize = NonZeroUsize::new(100).unwrap();
    /// const MAILBOX: Mailbox = Mailbox::bounded_nonzero(ORDERS, Overflow::Backpressure);
    /// assert_eq!(MAILBOX.capacity(), Some(100));
    /// ```
    pub const fn bounded_nonzero(capacity: NonZeroUsize, overflow: Overflow) -> Self {
        Self {
            bound: Some((capacity.get(), overflow)),
        }
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
