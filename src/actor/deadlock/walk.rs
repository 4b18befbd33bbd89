//! Walks along the edges, and what comes of them.

use super::ways::{Known, Link, Ways};
use crate::actor::batch::Parcel;
use crate::actor::core::PoolCore;
use crate::actor::cycle::{Cycle, CycleLink};
use crate::actor::dead_letter::DeadLetterReason;
use crate::actor::envelope::Envelope;
use crate::actor::fate::End;
use crate::actor::gates::dispatch;
use crate::actor::id::{ActorId, Key, MessageId};
use crate::actor::lifecycle::{self, path_of};
use crate::actor::shard::Shard;

/// A walk along the edges.
#[derive(Clone, Default)]
pub(super) struct Walk {
    links: Vec<Link>,
    /// The links of the first round.
    known: Option<Vec<Known>>,
    /// Whether it has left its worker.
    has_travelled: bool,
    /// The number of the search that it is part of, which began where it did, if it is.
    search: Option<u64>,
}

/// What a step comes to.
enum Step {
    /// There is no cycle through the first wait.
    Ends,
    /// The next actor is another worker's.
    Leaves(ActorId),
    /// It is back.
    Closed,
}

impl Walk {
    /// The search of that number.
    pub(super) fn search(number: u64) -> Self {
        Self {
            search: Some(number),
            ..Self::default()
        }
    }

    /// Goes on at an actor of this worker, as far as it can. Where there are several ways, the others are
    /// left for later.
    fn follow(&mut self, shard: &Shard, mut at: ActorId, later: &mut Vec<(Self, ActorId)>) -> Step {
        loop {
            if at.home != shard.home {
                let same_pool = at.home.pool() == shard.home.pool();
                return if same_pool {
                    Step::Leaves(at)
                } else {
                    Step::Ends
                };
            }
            let Some(ways) = Ways::from(shard, at) else {
                return Step::Ends;
            };
            if let Some(first) = self.links.first() {
                if first.actor == at {
                    let (known, wait) = (first.known(), first.wait);
                    self.judge_last(shard, at, wait);
                    return if ways.have(known) {
                        Step::Closed
                    } else {
                        Step::Ends
                    };
                }
                if self.milestone() == at {
                    return Step::Ends; // a cycle, but not of the first
                }
            }
            let Some((mut link, next)) = self.choose(shard, at, ways, later) else {
                return Step::Ends;
            };
            if self.known.is_some() {
                link.path = Some(path_of(shard, at.key.slot));
                self.judge_last(shard, at, link.wait);
            }
            self.links.push(link);
            at = next;
        }
    }

    /// In the second round, sees whether the last link is certain, where that is the next actor's wait.
    fn judge_last(&mut self, shard: &Shard, next: ActorId, next_wait: Key) {
        if self.known.is_some()
            && let Some(last) = self.links.last_mut()
        {
            last.certain = last.is_certain(shard, next.key, next_wait);
        }
    }

    /// Which way to go from an actor: the only one, or one that is known; else, in a search, each of them,
    /// later.
    fn choose(
        &mut self,
        shard: &Shard,
        at: ActorId,
        ways: Ways,
        later: &mut Vec<(Self, ActorId)>,
    ) -> Option<(Link, ActorId)> {
        if let Ways::One(link, next) = ways {
            return Some((link, next));
        }
        let first = self.links.first().map(|first| first.actor);
        if let (Some(known), here) = (&self.known, self.links.len()) {
            let (next, ..) = *known.get(here + 1).or(known.first())?;
            return ways.one(shard, *known.get(here)?, next);
        }
        if let (Ways::Below(link), Some(first)) = (&ways, first)
            && first.home == shard.home
            && lifecycle::is_below(shard, first.key, at.key)
        {
            return Some((Link::held_up(shard, link.actor, first.key), first));
        }
        let slot = shard.slot(at.key.slot);
        match (self.search, first) {
            (None, _) => shard.search_soon(slot, at.key),
            (Some(number), Some(first)) if !slot.is_new_search((first, number)) => {}
            (Some(_), _) => {
                for (link, next) in ways.all(shard) {
                    let mut way = self.clone();
                    way.links.push(link);
                    later.push((way, next));
                }
            }
        }
        None
    }

    /// The actor with whom each one is compared, to find a cycle that does not lead back to the first. It
    /// is another one whenever the way is twice as long (Brent, "An improved Monte Carlo factorization
    /// algorithm", 1980): so each step takes as long, however long the way is.
    fn milestone(&self) -> ActorId {
        let longest = self.links.len().ilog2();
        self.links[(1 << longest) - 1].actor
    }

    fn known(&self) -> Vec<Known> {
        self.links.iter().map(Link::known).collect()
    }

    /// Is back where it began.
    fn close(mut self, shard: &Shard) {
        if self.has_travelled && self.known.is_none() {
            // Once more: what is found again has held all the time.
            let first = self.links[0].actor;
            self.known = Some(self.known());
            self.links.clear();
            return self.go_on(shard, first);
        }
        match &self.known {
            Some(known) if *known != self.known() => return,
            Some(_) => {}
            None => self.judge(shard),
        }
        self.tell();
    }

    /// Sees which links of a cycle on this worker are certain, and whose they are. Not while it is followed:
    /// most waits are part of none, and whole mailboxes are looked through for that.
    fn judge(&mut self, shard: &Shard) {
        for place in 0..self.links.len() {
            let next = &self.links[(place + 1) % self.links.len()];
            let (actor, wait) = (next.actor.key, next.wait);
            let link = &mut self.links[place];
            link.certain = link.is_certain(shard, actor, wait);
            link.path = Some(path_of(shard, link.actor.key.slot));
        }
    }

    /// Goes on at an actor of this worker, and on the next one's.
    pub(super) fn go_on(self, shard: &Shard, at: ActorId) {
        let mut later = Vec::new();
        let mut next = Some((self, at));
        while let Some((mut walk, at)) = next {
            match walk.follow(shard, at, &mut later) {
                Step::Ends => {}
                Step::Closed => walk.close(shard),
                Step::Leaves(next) => {
                    walk.has_travelled = true;
                    dispatch(next, Probe(walk));
                }
            }
            next = later.pop();
        }
    }

    /// Tells those who wait in the cycle.
    fn tell(mut self) {
        let can_end = |place: &usize| self.links[*place].can_end;
        let youngest = (0..self.links.len()).filter(can_end).max_by_key(|&place| {
            let link = &self.links[place];
            let ActorId { home, key } = link.actor;
            let is_work = link.question == MessageId::WORK;
            // Nobody knows when a wait for a task began; but where the way never left its worker, it
            // begins with the youngest.
            let first = is_work && !self.has_travelled && place == 0;
            let who = (home.worker(), key.slot);
            (!is_work, link.began, link.question.get(), first, who)
        });
        self.links.rotate_left(youngest.unwrap_or(0));
        let links = self.links.iter_mut().map(|link| CycleLink {
            actor: link.actor,
            path: link.path.take().expect("it was found out on the way"),
            message_type: link.mail.message_type(),
            certain: link.certain,
        });
        let cycle = Cycle(links.collect());
        let ends = cycle.is_certain() && youngest.is_some();
        let told = if ends { 1 } else { self.links.len() };
        let waiting = self.links.iter().take(told).enumerate();
        for (place, link) in waiting.filter(|(_, link)| link.wait != Key::NONE) {
            let found = Found {
                cycle: cycle.clone(),
                ends,
                is_first: place == 0,
            };
            dispatch(ActorId::new(link.actor.home, link.wait), found);
        }
    }
}

/// A walk on its way to the next actor's worker.
struct Probe(Walk);

impl Parcel for Probe {
    fn deliver(self, shard: &Shard, to: Key, _envelope: &Envelope) {
        self.0.go_on(shard, shard.id_of(to));
    }

    fn bounce(self, _: &PoolCore, _: ActorId, _: Envelope, _: DeadLetterReason) {}
}

/// A cycle that was found, on its way to one of its waits.
struct Found {
    cycle: Cycle,
    ends: bool,
    is_first: bool,
}

impl Parcel for Found {
    fn deliver(self, shard: &Shard, wait: Key, _envelope: &Envelope) {
        if !shard.waits.is_pending(wait) {
            return;
        }
        let is_new = shard.waits.note_cycle(wait, &self.cycle);
        if self.ends {
            shard.give_up_waiting(wait, End::Deadlock);
        } else if self.is_first && is_new {
            shard.core.suspect(&self.cycle);
        }
    }

    fn bounce(self, _: &PoolCore, _: ActorId, _: Envelope, _: DeadLetterReason) {}
}
