//! A cycle of waits: a ring of actors, each waiting for the next.

use std::fmt;
use std::sync::Arc;

use crate::address::{ActorId, ActorPath};

/// A cycle of waits: each actor waits for the next, and the last for the first.
///
/// Displayed as `/user/a -> /user/b -> /user/a`, with the type of the message on which each of them
/// waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle(pub(crate) Arc<[CycleLink]>);

/// One actor of a [`Cycle`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CycleLink {
    /// The actor.
    pub actor: ActorId,
    /// Its path.
    pub path: ActorPath,
    /// The type of the next actor's messages, for which this one waits.
    pub message_type: &'static str,
    /// Whether it is certain that only the next actor can end the wait.
    pub certain: bool,
}

impl Cycle {
    /// Returns the actors, beginning with the one whose wait has closed the cycle.
    pub fn links(&self) -> &[CycleLink] {
        &self.0
    }

    /// Returns whether it is certain that nothing outside the cycle can end any of these waits.
    pub fn is_certain(&self) -> bool {
        self.0.iter().all(|link| link.certain)
    }
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for link in self.links() {
            write!(f, "{} -> ", link.path)?;
        }
        match self.0.first() {
            Some(first) => write!(f, "{}", first.path)?,
            None => return Ok(()),
        }
        let types = self.0.iter().map(|link| link.message_type);
        write!(f, " (by {})", types.collect::<Vec<_>>().join(", "))
    }
}
