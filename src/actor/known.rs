//! The paths of actors, for whoever is not their worker: for log lines, and for errors about them.
//!
//! An actor's path is its worker's to know. Elsewhere it is found in a table of that worker, under one lock. An
//! actor that was given a name is entered there when it starts. One without a name is entered when it is asked
//! from elsewhere for the first time, which a bit in its slot says: so an actor without a name costs nothing.
//! Those that end with an answer owed are entered too.
//!
//! What has ended stays for a while: the line, or the error, about it is written after it.

use super::core;
use super::current::with_current;
use super::id::{ActorId, Key};
use super::lifecycle::path_of;
use super::path::ActorPath;
use super::shard::Shard;
use super::waiting::path_of_asked;
use crate::shared::Remembered;

/// How many actors of one worker that have ended are remembered.
const MOST_ENDED: usize = 1024;

/// The actors of one worker whose paths are known elsewhere. Written by that worker, and read by whoever names
/// one of them.
pub(crate) type KnownActors = Remembered<Key, ActorPath>;

/// Those of a worker that begins.
pub(super) fn nobody_known() -> KnownActors {
    Remembered::new(MOST_ENDED)
}

impl Shard {
    /// An actor of this worker is asked from elsewhere.
    #[inline]
    pub(crate) fn make_known(&self, actor: Key) {
        if let Some(slot) = self.slots().get(actor.slot())
            && !slot.is_known()
        {
            self.enter_as_known(actor);
        }
    }

    #[cold]
    #[inline(never)]
    fn enter_as_known(&self, actor: Key) {
        // A place of nobody, or of somebody else by now, is left as it is.
        if let Some(slot) = self.tenant(actor) {
            slot.become_known();
            let path = path_of(self, actor.slot());
            self.known_here().insert(actor, path);
        }
    }

    /// An actor of this worker starts, which was given a name.
    pub(crate) fn make_known_as(&self, actor: Key, path: &ActorPath) {
        self.slot(actor.slot()).become_known();
        self.known_here().insert(actor, path.clone());
    }

    /// An actor of this worker ends.
    pub(crate) fn known_actor_ends(&self, actor: Key) {
        if self.slot(actor.slot()).is_known() {
            self.known_here().end(actor);
        }
    }

    fn known_here(&self) -> &KnownActors {
        &self.core.known[self.home.worker() as usize]
    }
}

impl ActorId {
    /// The path of this actor, for a log line: from any thread, while the actor lives and for a while after.
    ///
    /// Nobody is asked, and nothing waits for long. An actor that was given a name is known everywhere. One with
    /// a generated name is known on its own worker while it lives, and elsewhere once it was asked from there.
    /// Each worker keeps the paths of a thousand actors that have ended; with the pool they are gone.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use std::time::Duration;
    ///
    /// let pool = WorkerPool::builder().workers(2).start()?;
    /// let door = pool.spawn("door", Props::new(|| Behavior::receive(|_ctx, _: u8| ())))?;
    /// assert_eq!(door.id().path().unwrap().as_str(), "/user/door");
    /// pool.shutdown(Duration::from_secs(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn path(self) -> Option<ActorPath> {
        with_current(|shard| match shard {
            Some(shard) => path_of_asked(shard, self),
            None => path_elsewhere(self),
        })
    }
}

/// The path of an actor of any worker, if it is known elsewhere.
pub(crate) fn path_elsewhere(actor: ActorId) -> Option<ActorPath> {
    let core = core::find(actor.known()?.home)?;
    core.known[actor.worker()].find(actor.key)
}
