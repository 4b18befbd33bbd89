//! The paths of actors that were asked from elsewhere: for those who asked, to say whom.
//!
//! An actor's path is its worker's to know. Whoever asks from another worker, or from a thread outside,
//! is to name the actor where the ask fails, at once and also where the actor has ended. So the worker
//! that takes up a question from elsewhere enters the path, the first time; a bit in the slot says that
//! this is done. Who is asked by nobody, or from its own worker alone, is not entered, but for what ends
//! with an answer owed.
//!
//! What has ended stays for a while: the error about it is written after it.

use super::core;
use super::id::{ActorId, Key};
use super::lifecycle::path_of;
use super::path::ActorPath;
use super::shard::Shard;
use crate::shared::Remembered;

/// How many actors of one worker that have ended are remembered.
const MOST_ENDED: usize = 1024;

/// The actors of one worker that were asked from elsewhere. Written by that worker, when it is for the
/// first time, and read by those whose asks have failed.
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

/// The path of an actor of any worker, where that has been asked from elsewhere.
pub(crate) fn path_elsewhere(actor: ActorId) -> Option<ActorPath> {
    let core = core::find(actor.known()?.home)?;
    core.known[actor.worker()].find(actor.key)
}
