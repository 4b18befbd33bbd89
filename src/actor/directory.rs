//! The seam to the directory: which named actors a pool has.

use std::any::TypeId;

use super::id::ActorId;
use super::path::ActorPath;

/// A live actor in the directory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DirectoryEntry {
    pub(crate) actor: ActorId,
    /// Whether its mailbox is bounded.
    pub(crate) bounded: bool,
    pub(crate) message: TypeId,
    pub(crate) message_type: &'static str,
}

/// The named actors of one pool. Shared by all threads.
///
/// A name is reserved before its actor is built, published when the actor lives, and released
/// when it has stopped or could not start; a reserved name is taken, but not found.
pub(crate) trait Directory: Send + Sync {
    /// Reserves a name, unless it is taken.
    #[must_use]
    fn reserve(&self, path: &ActorPath) -> bool;

    /// Shows the actor under its reserved name.
    fn publish(&self, path: &ActorPath, entry: DirectoryEntry);

    /// Frees a name.
    fn release(&self, path: &ActorPath);

    /// The name of a live actor, if it has one. Looks through all of them.
    fn name_of(&self, actor: ActorId) -> Option<ActorPath>;

    /// The live actor of that name.
    fn find(&self, path: &str) -> Option<DirectoryEntry>;
}
