//! Why a router could not be started or resized.

use crate::failure::SpawnError;

/// Why a router was not started, or not resized.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RouterError {
    /// A router without routees would lose every message sent to it.
    #[error("a router needs at least one routee; add one, or stop the router")]
    NoRoutees,
    /// The mailboxes of other workers cannot be inspected.
    #[error(
        "the smallest mailbox is found among actors of one worker: do not spread the routees, or \
         choose another strategy"
    )]
    MailboxesOutOfSight,
    /// The router, or a routee, could not be started.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
}
