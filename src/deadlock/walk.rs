//! Walks along the edges, and their outcomes.

use super::edges::{Lead, LinkId, WaitLink};
use super::probes::{is_new_search, search_soon};
use crate::address::{ActorId, Envelope, Key};
use crate::cancel::give_up_waiting;
use crate::failure::{Cycle, CycleLink, DeadLetterReason, WaitEnd};
use crate::pool_core::PoolCore;
use crate::shard::{Parcel, Search, Shard, below_as, dispatch, path_of, undecided_parent};

/// A walk along the edges.
#[derive(Clone, Default)]
pub(super) struct Walk {
    links: Vec<WaitLink>,
    /// The links of the first round.
    known: Option<Vec<LinkId>>,
    /// Whether it has left its worker.
    has_travelled: bool,
    /// The search that the walk is part of, if any. The search began where the walk did.
    search: Option<Search>,
}

/// The outcome of a step.
enum WalkStep {
    /// There is no cycle through the first wait.
    Ends,
    /// The walk is back, but the first wait is over.
    Lost,
    /// The next actor is on another worker.
    Leaves(ActorId),
    /// The walk is back.
    Closed,
}

impl Walk {
    pub(super) fn of(search: Search) -> Self {
        Self {
            search: Some(search),
            ..Self::default()
        }
    }

    /// Continues at an actor of this worker, as far as it can. If there are several ways, the others are left
    /// for later.
    fn follow(
        &mut self,
        shard: &Shard,
        mut at: ActorId,
        later: &mut Vec<(Self, ActorId)>,
    ) -> WalkStep {
        loop {
            if at.home != shard.home {
                let same_pool = at.home.pool() == shard.home.pool();
                return if same_pool {
                    WalkStep::Leaves(at)
                } else {
                    WalkStep::Ends
                };
            }
            // A stand-in is no actor: the next one is the parent, if that has a decision to make.
            match undecided_parent(shard, at.key) {
                Some(Some(parent)) => at = shard.id_of(parent),
                Some(None) => return WalkStep::Ends,
                None => {}
            }
            let lead = Lead::of(shard, at);
            if let Lead::WokenFromSeveral = lead {
                search_soon(shard, at.key);
                return WalkStep::Ends;
            }
            if let Some(first) = self.links.first() {
                if first.actor == at {
                    let wait = first.wait;
                    if !lead.includes(shard, first) {
                        return WalkStep::Lost;
                    }
                    let closes = self.may_go_on(shard, at, wait);
                    return if closes {
                        WalkStep::Closed
                    } else {
                        WalkStep::Ends
                    };
                }
                if self.milestone() == at {
                    return WalkStep::Ends; // a cycle, but not through the first actor
                }
            }
            let Some((link, next)) = self.choose(shard, at, lead, later) else {
                return WalkStep::Ends;
            };
            if !self.push(shard, link) {
                return WalkStep::Ends;
            }
            at = next;
        }
    }

    /// Continues by a link of an actor of this worker, unless the search excludes it.
    fn push(&mut self, shard: &Shard, mut link: WaitLink) -> bool {
        if !self.may_go_on(shard, link.actor, link.wait) {
            return false;
        }
        if self.known.is_some() {
            link.path = Some(path_of(shard, link.actor.key.slot()));
        }
        self.links.push(link);
        true
    }

    /// Checks whether the last link is certain, if that matters: the next actor, of this worker, waits by
    /// `next_wait`. Returns whether the link may be followed.
    fn may_go_on(&mut self, shard: &Shard, next: ActorId, next_wait: Option<Key>) -> bool {
        let only_certain = self.search.is_some_and(|search| search.only_certain);
        match self.links.last_mut() {
            Some(last) if only_certain || self.known.is_some() => {
                last.certain = last.is_certain(shard, next.key, next_wait);
                last.certain || !only_certain
            }
            _ => true,
        }
    }

    /// Chooses the way from an actor: the only one, or the known one; otherwise, in a search, every way, each
    /// followed later.
    fn choose(
        &mut self,
        shard: &Shard,
        at: ActorId,
        lead: Lead,
        later: &mut Vec<(Self, ActorId)>,
    ) -> Option<(WaitLink, ActorId)> {
        match lead {
            Lead::Nowhere | Lead::WokenFromSeveral => return None,
            Lead::Wait(..) | Lead::Parent(_) | Lead::ParentElsewhere(_) => {
                return lead.only(shard, at);
            }
            Lead::Several(_) | Lead::AllBelow => {}
        }
        if let (Some(known), here) = (&self.known, self.links.len()) {
            let (next, ..) = *known.get(here + 1).or(known.first())?;
            let link = lead.again(shard, *known.get(here)?, next)?;
            return Some((link, next));
        }
        let first = self.links.first().map(|first| first.actor);
        if let (Lead::AllBelow, Some(first)) = (lead, first)
            && let Some(below) = below_as(shard, at.key, first)
        {
            return Some((WaitLink::to_held_up(shard, at, below), first));
        }
        match self.search {
            None => search_soon(shard, at.key),
            Some(search) => {
                if self.may_go_on(shard, at, lead.any_wait(shard))
                    && first.is_none_or(|first| is_new_search(shard, at.key, lead, first, search))
                {
                    for (link, next) in lead.each(shard, at) {
                        let mut way = self.clone();
                        way.links.push(link);
                        later.push((way, next));
                    }
                }
            }
        }
        None
    }

    /// The actor with which each one is compared, to find a cycle that does not lead back to the first. It is
    /// replaced whenever the length of the way has doubled (Brent, "An improved Monte Carlo factorization
    /// algorithm", 1980), so the time of a step does not depend on the length of the way.
    fn milestone(&self) -> ActorId {
        let longest = self.links.len().ilog2();
        self.links[(1 << longest) - 1].actor
    }

    fn known(&self) -> Vec<LinkId> {
        self.links.iter().map(WaitLink::known).collect()
    }

    /// Handles the return of the walk to where it began.
    fn close(mut self, shard: &Shard) {
        if self.has_travelled && self.known.is_none() {
            // Once more: a link that is found again has existed all the time.
            let first = self.links[0].actor;
            self.known = Some(self.known());
            self.links.clear();
            return self.go_on(shard, first);
        }
        match &self.known {
            Some(known) if *known != self.known() => return self.is_lost(),
            Some(_) => {}
            None => self.judge(shard),
        }
        self.tell(shard);
    }

    /// Determines which links of a cycle on this worker are certain, and the paths of their actors. This is
    /// not done during the walk: most waits are part of no cycle, and the check searches whole mailboxes.
    fn judge(&mut self, shard: &Shard) {
        for place in 0..self.links.len() {
            let next = &self.links[(place + 1) % self.links.len()];
            let (actor, wait) = (next.actor.key, next.wait);
            let link = &mut self.links[place];
            link.certain = link.is_certain(shard, actor, wait);
            link.path = Some(path_of(shard, link.actor.key.slot()));
        }
    }

    /// Continues at an actor of this worker, and then at those of other workers.
    pub(super) fn go_on(self, shard: &Shard, at: ActorId) {
        Self::go_on_by_all(shard, vec![(self, at)]);
    }

    /// Begins with some of the ways from an actor of this worker.
    pub(super) fn begin_by(self, shard: &Shard, ways: Vec<(WaitLink, ActorId)>) {
        let ways = ways.into_iter().map(|(link, next)| {
            let mut way = self.clone();
            way.links.push(link);
            (way, next)
        });
        Self::go_on_by_all(shard, ways.collect());
    }

    fn go_on_by_all(shard: &Shard, mut later: Vec<(Self, ActorId)>) {
        while let Some((mut walk, at)) = later.pop() {
            match walk.follow(shard, at, &mut later) {
                WalkStep::Ends if walk.known.is_none() => {}
                WalkStep::Ends | WalkStep::Lost => walk.is_lost(),
                WalkStep::Closed => walk.close(shard),
                WalkStep::Leaves(next) => {
                    walk.has_travelled = true;
                    dispatch(next, CycleProbe(walk));
                }
            }
        }
    }

    /// Handles a way that led back and no longer does: an actor has resumed meanwhile. Other ways may have
    /// ended where this one had been.
    fn is_lost(&self) {
        if self.search.is_some() {
            let known = self.known.as_ref().map(|known| known[0].0);
            dispatch(known.unwrap_or_else(|| self.links[0].actor), SearchAgain);
        }
    }

    /// Reports the cycle to its waits.
    fn tell(mut self, shard: &Shard) {
        let first = self.links[0].actor;
        let can_end = |place: &usize| self.links[*place].can_end;
        let youngest = (0..self.links.len()).filter(can_end).max_by_key(|&place| {
            let link = &self.links[place];
            let ActorId { home, key } = link.actor;
            let is_work = link.question.is_work();
            // It is not known when a wait for a task began; but if the walk never left its worker, it
            // begins with the youngest.
            let first = is_work && !self.has_travelled && place == 0;
            let who = (home.worker(), key.slot());
            (!is_work, link.began, link.question.get(), first, who)
        });
        self.links.rotate_left(youngest.unwrap_or(0));
        let links = self.links.iter_mut().map(|link| CycleLink {
            actor: link.actor,
            path: link.path.take().expect("it was found out on the way"),
            message_type: link.mail.name(),
            certain: link.certain,
        });
        let cycle = Cycle(links.collect());
        let ends = cycle.is_certain() && youngest.is_some();
        let told = if ends { 1 } else { self.links.len() };
        for (place, link) in self.links.iter().take(told).enumerate() {
            let Some(wait) = link.wait else {
                continue;
            };
            let found = FoundCycle {
                cycle: cycle.clone(),
                is_first: place == 0,
                ends,
                // Other cycles were not found if their ways lead where the search had been.
                search_again: self.search.filter(|_| ends).map(|_| first),
            };
            dispatch(ActorId::new(link.actor.home, wait), found);
        }
        if let Some(search) = self.search.filter(|_| !ends) {
            // Nor were certain ways beside these, if the search had been there.
            let only_certain = Search {
                only_certain: true,
                ..search
            };
            let lead = Lead::of(shard, first);
            if is_new_search(shard, first.key, lead, first, only_certain) {
                Self::of(only_certain).go_on(shard, first);
            }
        }
    }
}

/// A walk on its way to the next actor's worker.
struct CycleProbe(Walk);

impl Parcel for CycleProbe {
    fn deliver(self, shard: &Shard, to: Key, _envelope: &Envelope) {
        self.0.go_on(shard, shard.id_of(to));
    }

    fn bounce(self, _: &PoolCore, _: ActorId, _: Envelope, _: DeadLetterReason) {}
}

/// A cycle that was found, on its way to one of its waits.
struct FoundCycle {
    cycle: Cycle,
    is_first: bool,
    ends: bool,
    /// The actor from which a search is to begin again when the wait has ended.
    search_again: Option<ActorId>,
}

impl Parcel for FoundCycle {
    fn deliver(self, shard: &Shard, wait: Key, _envelope: &Envelope) {
        if shard.waits.is_pending(wait) {
            let is_new = shard.waits.note_cycle(wait, &self.cycle);
            if self.ends {
                if shard.observation.is_of_events() {
                    shard.tell_observers(|observer| observer.deadlock(&self.cycle));
                }
                give_up_waiting(shard, wait, WaitEnd::Deadlock);
            } else if self.is_first && is_new {
                shard.core.suspect(&self.cycle);
                if shard.observation.is_of_events() {
                    shard.tell_observers(|observer| observer.suspected_deadlock(&self.cycle));
                }
            }
        }
        if let Some(first) = self.search_again {
            dispatch(first, SearchAgain);
        }
    }

    fn bounce(self, _: &PoolCore, _: ActorId, _: Envelope, _: DeadLetterReason) {}
}

/// Tells an actor that a search from it has not seen everything.
struct SearchAgain;

impl Parcel for SearchAgain {
    fn deliver(self, shard: &Shard, actor: Key, _envelope: &Envelope) {
        search_soon(shard, actor);
    }

    fn bounce(self, _: &PoolCore, _: ActorId, _: Envelope, _: DeadLetterReason) {}
}
