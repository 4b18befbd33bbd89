//! The paths of actors, for code that does not run on their worker: for log lines, and for errors about
//! them.
//!
//! The path of an actor is known to its worker. Other threads find it in a table of that worker, under
//! one lock. A named actor is entered there when it starts. An actor without a name is entered when it is
//! first asked from elsewhere, which is recorded in a bit of its slot; so an actor without a name costs
//! nothing. Actors that end while they owe an answer are entered too.
//!
//! The entry of an actor stays for a while after the actor has ended, as the log line or error about it
//! is written after its end.

use super::current::with_current;
use super::state::Shard;
use super::tree::path_of;
use crate::address::{ActorId, ActorPath, Key};
use crate::pool_core::{self, KnownActors};

impl Shard {
    /// Enters an actor of this worker, as it is asked from elsewhere.
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
        // A slot that is free, or has another tenant by now, is left as it is.
        if let Some(slot) = self.tenant(actor) {
            slot.become_known();
            let path = path_of(self, actor.slot());
            self.known_here().insert(actor, path);
        }
    }

    /// Enters an actor of this worker that was given a name, as it starts.
    pub(crate) fn make_known_as(&self, actor: Key, path: &ActorPath) {
        self.slot(actor.slot()).become_known();
        self.known_here().insert(actor, path.clone());
    }

    /// Notes that an actor of this worker ends.
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
    /// Returns the path of this actor, for a log line. Works on any thread, while the actor is alive and
    /// for a while after.
    ///
    /// It asks no actor, and does not wait for long. An actor that was given a name is known everywhere.
    /// An actor with a generated name is known on its own worker while it is alive, and elsewhere once it
    /// was asked from there. Each worker keeps the paths of a thousand actors that have ended; they are
    /// dropped with the pool.
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

/// Returns the path of an actor of any worker, if it is known elsewhere.
pub(crate) fn path_elsewhere(actor: ActorId) -> Option<ActorPath> {
    let core = pool_core::find(actor.known()?.home)?;
    core.known[actor.worker()].find(actor.key)
}

/// Returns the path of an actor, if it lives on this shard.
pub(crate) fn path_here(shard: &Shard, actor: ActorId) -> Option<ActorPath> {
    let here = actor.home == shard.home && shard.tenant(actor.key).is_some();
    here.then(|| path_of(shard, actor.key.slot()))
}

/// Returns the path of an actor that was asked on this shard.
pub(crate) fn path_of_asked(shard: &Shard, actor: ActorId) -> Option<ActorPath> {
    path_here(shard, actor).or_else(|| path_elsewhere(actor))
}
