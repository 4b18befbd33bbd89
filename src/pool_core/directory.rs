//! The interface of the directory: the named actors of a pool.

use crate::address::{ActorId, ActorPath, MessageType};

/// A named actor in the directory.
#[derive(Clone, Copy)]
pub(crate) struct DirectoryEntry {
    /// What a reference to the actor holds. See [`ActorId::address`].
    pub(crate) address: ActorId,
    pub(crate) message: &'static MessageType,
}

impl DirectoryEntry {
    pub(crate) fn actor(&self) -> ActorId {
        self.address.without_mark()
    }
}

/// The phase of a named actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum NamePhase {
    /// The actor starts.
    Starting,
    /// The actor is alive.
    Live,
    /// The actor takes no more mail.
    Ending,
}

/// The named actors of one pool. Shared by all threads.
///
/// A name is reserved before its actor is built, published when the actor is alive, and released when the
/// actor has stopped or could not start. A reserved name is taken, but is not found.
pub(crate) trait Directory: Send + Sync {
    /// Reserves a name, unless it is taken.
    #[must_use]
    fn reserve(&self, path: &ActorPath) -> bool;

    /// Notes that the actor for which a name was reserved begins to start. Called once per reservation.
    fn begins(&self, path: &ActorPath, entry: DirectoryEntry);

    /// Makes the actor visible under its reserved name.
    fn publish(&self, path: &ActorPath);

    /// Notes that the actor of a name takes no more mail.
    fn ends(&self, path: &ActorPath);

    /// Frees a name.
    fn release(&self, path: &ActorPath);

    /// Returns the actor of that name, from the time it is alive until it has stopped.
    fn find(&self, path: &str) -> Option<DirectoryEntry>;

    /// Returns the phase of a taken name, and its actor if that is known. `None` if the name is free.
    fn look(&self, path: &ActorPath) -> Option<(NamePhase, Option<DirectoryEntry>)>;
}
