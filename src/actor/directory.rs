//! The seam to the directory: which named actors a pool has.

use std::any::TypeId;

use super::id::ActorId;
use super::mail_kind::message_name;
use super::path::ActorPath;

/// A live actor in the directory.
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

/// A type of messages, in one word: what is known of it stands once for all actors.
pub(crate) struct MessageType {
    id: fn() -> TypeId,
    name: fn() -> &'static str,
}

impl MessageType {
    pub(crate) const fn of<M: 'static>() -> &'static Self {
        const {
            &Self {
                id: TypeId::of::<M>,
                name: message_name::<M>,
            }
        }
    }

    pub(crate) fn is<M: 'static>(&self) -> bool {
        (self.id)() == TypeId::of::<M>()
    }

    pub(crate) fn name(&self) -> &'static str {
        (self.name)()
    }
}

/// How far the actor of a name has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    /// It starts.
    Starting,
    /// It lives.
    Live,
    /// It takes no more mail.
    Ending,
}

/// The named actors of one pool. Shared by all threads.
///
/// A name is reserved before its actor is built, published when the actor lives, and released
/// when it has stopped or could not start; a reserved name is taken, but not found.
pub(crate) trait Directory: Send + Sync {
    /// Reserves a name, unless it is taken.
    #[must_use]
    fn reserve(&self, path: &ActorPath) -> bool;

    /// The actor for which a name was reserved begins to start. Once for each time that it was reserved.
    fn begins(&self, path: &ActorPath, entry: DirectoryEntry);

    /// Shows the actor under its reserved name.
    fn publish(&self, path: &ActorPath);

    /// The actor of a name takes no more mail.
    fn ends(&self, path: &ActorPath);

    /// Frees a name.
    fn release(&self, path: &ActorPath);

    /// The actor of that name, once it lives and until it has stopped.
    fn find(&self, path: &str) -> Option<DirectoryEntry>;

    /// How far the actor of a name has come, if the name is taken, and which one it is, if that is known.
    fn look(&self, path: &ActorPath) -> Option<(Phase, Option<DirectoryEntry>)>;
}
