//! A handler that holds its worker, as the watchdog reports it.

use std::fmt;
use std::time::Duration;

use crate::address::{ActorId, ActorPath};

/// A handler that has run for long without yielding, and so holds its worker: no other actor of
/// that worker makes progress.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SlowHandler {
    /// The actor.
    pub actor: ActorId,
    /// Its path, as far as it is [known](ActorId::path) outside its worker.
    pub path: Option<ActorPath>,
    /// The type of its messages.
    pub message_type: &'static str,
    /// The time for which it has run, at least.
    pub running_for: Duration,
    /// Actors of the same worker that wait in the middle of a handler, with their paths if they
    /// have names; at most 64. If the handler waits for something that blocks its thread, such as a
    /// lock, one of these may hold it, and cannot resume to release it.
    pub waiting: Vec<(ActorId, Option<ActorPath>)>,
}

/// The most names in a log line.
const MOST_NAMED: usize = 4;

impl fmt::Display for SlowHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name =
            |f: &mut fmt::Formatter<'_>, actor: &ActorId, path: &Option<ActorPath>| match path {
                Some(path) => write!(f, "{path}"),
                None => write!(f, "the actor {actor}"),
            };
        name(f, &self.actor, &self.path)?;
        let (message_type, worker) = (self.message_type, self.actor.worker());
        let running_for = self.running_for;
        write!(
            f,
            " has held worker {worker} for {running_for:.1?}, handling a {message_type}"
        )?;
        if self.waiting.is_empty() {
            return Ok(());
        }
        f.write_str(
            "; if it waits for a lock, that may be held by one that waits on this worker: ",
        )?;
        for (at, (actor, path)) in self.waiting.iter().take(MOST_NAMED).enumerate() {
            f.write_str(if at == 0 { "" } else { ", " })?;
            name(f, actor, path)?;
        }
        match self.waiting.len().saturating_sub(MOST_NAMED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}
