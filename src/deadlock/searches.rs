//! The actors at which a search for cycles begins, and the searches that have passed each actor.

use std::collections::HashMap;

use super::edges::Lead;
use crate::address::{ActorId, Key};
use crate::shard::ActorChecks;
use crate::shard::Search;
use crate::shard::Searches;
use crate::shard::Shard;

impl Searches {
    /// This many actors are kept in any case.
    const FEW: usize = 64;
    /// The number of origins whose searches are remembered at each actor. A search that is forgotten may
    /// pass again, which costs time and nothing else.
    const MOST_SEEN: usize = 1 << 15;

    /// Schedules a search from an actor. Returns whether it was not scheduled before.
    pub(super) fn ask_for(&self, shard: &Shard, actor: Key) -> bool {
        self.with(shard, actor, |of| !std::mem::replace(&mut of.is_due, true))
    }

    /// Begins the scheduled search from an actor.
    pub(super) fn begin(&self, shard: &Shard, actor: Key) -> Search {
        self.with(shard, actor, |of| of.is_due = false);
        self.begin_beside()
    }

    /// Begins a search that was not scheduled, or not along all edges.
    pub(super) fn begin_beside(&self) -> Search {
        let number = self.begun.get();
        self.begun.set(number + 1);
        Search {
            number,
            only_certain: false,
        }
    }

    /// Notes that a search passes an actor, which waits by that wait. Returns whether neither this search
    /// nor a later one from the same origin has passed it before.
    pub(super) fn comes_by(
        &self,
        shard: &Shard,
        (actor, by): (Key, Key),
        first: ActorId,
        search: Search,
    ) -> bool {
        self.with(shard, actor, |of| {
            if of.by.replace(by) != Some(by) || of.seen.len() >= Self::MOST_SEEN {
                of.seen = HashMap::new();
            }
            let from = (first, search.only_certain);
            let seen = of
                .seen
                .get(&from)
                .is_some_and(|&seen| seen >= search.number);
            if !seen {
                of.seen.insert(from, search.number);
            }
            !seen
        })
    }

    fn with<R>(&self, shard: &Shard, actor: Key, look: impl FnOnce(&mut ActorChecks) -> R) -> R {
        let mut actors = self.actors.borrow_mut();
        if actors.len() >= self.most.get().max(Self::FEW) {
            actors.retain(|&actor, of| {
                let lead = Lead::of(shard, shard.id_of(actor));
                of.is_due || !matches!(lead, Lead::Nowhere | Lead::Wait(..))
            });
            self.most.set(actors.len() * 2);
        }
        look(actors.entry(actor).or_default())
    }
}
