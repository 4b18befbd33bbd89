//! From whom a search for cycles is to begin, and which have come by whom.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use super::walk::Search;
use super::ways::Lead;
use crate::actor::id::{ActorId, Key};
use crate::actor::shard::Shard;

/// What is known of searches on one worker.
#[derive(Default)]
pub(super) struct Searches {
    /// How many have begun here.
    begun: Cell<u64>,
    actors: RefCell<HashMap<Key, OfActor>>,
    /// At how many actors those are forgotten that lead on no longer.
    most: Cell<usize>,
}

/// What is known of an actor that waits for several at once.
#[derive(Default)]
struct OfActor {
    /// Whether a search from here is to begin.
    is_due: bool,
    /// By which wait it waits for several answers, if it does.
    by: Option<Key>,
    /// The last search that has come by since, from each actor, of either kind.
    seen: HashMap<(ActorId, bool), u64>,
}

impl Searches {
    /// So few actors are kept in any case.
    const FEW: usize = 64;
    /// From so many actors searches are known at each: one that is forgotten may come by again, which costs
    /// time and nothing else.
    const MOST_SEEN: usize = 1 << 15;

    /// A search from an actor is to begin. Answers whether that is new.
    pub(super) fn ask_for(&self, shard: &Shard, actor: Key) -> bool {
        self.with(shard, actor, |of| !std::mem::replace(&mut of.is_due, true))
    }

    /// A search from an actor begins, as that.
    pub(super) fn begin(&self, shard: &Shard, actor: Key) -> Search {
        self.with(shard, actor, |of| of.is_due = false);
        self.begin_beside()
    }

    /// A search begins that was not asked for, or not for all ways.
    pub(super) fn begin_beside(&self) -> Search {
        let number = self.begun.get();
        self.begun.set(number + 1);
        Search {
            number,
            only_certain: false,
        }
    }

    /// A search comes by an actor, which waits by that wait. Answers whether it has not been there, nor a
    /// later one from where it began.
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

    fn with<R>(&self, shard: &Shard, actor: Key, look: impl FnOnce(&mut OfActor) -> R) -> R {
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
