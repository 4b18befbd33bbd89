//! Who is in a router or a group, and whose turn it is.

use std::collections::BTreeSet;

use crate::actor::{ActorId, ActorRef};
use crate::pool::ConsistentHashRing;

/// Actors in the order in which they came.
pub(super) struct Members<M> {
    list: Vec<Member<M>>,
    /// Places that were left since others came after them.
    free: BTreeSet<u32>,
    /// Whose turn it is next, in the list.
    next: usize,
    /// Made when it is asked for, and dropped when somebody comes or goes.
    ring: Option<ConsistentHashRing>,
}

struct Member<M> {
    actor: ActorRef<M>,
    /// Its number on the ring: the lowest that was free when it came, so that a group which has
    /// shrunk and grown again places its keys as before.
    place: u32,
}

impl<M: Send + 'static> Members<M> {
    pub(super) fn new() -> Self {
        Self {
            list: Vec::new(),
            free: BTreeSet::new(),
            next: 0,
            ring: None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn actors(&self) -> impl DoubleEndedIterator<Item = ActorRef<M>> {
        self.list.iter().map(|member| member.actor)
    }

    /// Answers whether it was not there before.
    pub(super) fn add(&mut self, actor: ActorRef<M>) -> bool {
        if self.list.iter().any(|member| member.actor == actor) {
            return false;
        }
        let place = self.free_place();
        self.list.push(Member { actor, place });
        self.ring = None;
        true
    }

    fn free_place(&mut self) -> u32 {
        // Where none in between is free, all below the number of members are taken.
        let after = || u32::try_from(self.list.len()).expect("members fit into memory");
        self.free.pop_first().unwrap_or_else(after)
    }

    /// Answers whether it was there.
    pub(super) fn remove(&mut self, actor: ActorId) -> bool {
        let found = self.list.iter().position(|one| one.actor.id() == actor);
        let Some(at) = found else {
            return false;
        };
        self.free.insert(self.list.remove(at).place);
        // Nobody is left out of this round.
        if at < self.next {
            self.next -= 1;
        }
        self.ring = None;
        true
    }

    /// The one that came last.
    pub(super) fn newest(&self) -> Option<ActorRef<M>> {
        self.list.last().map(|member| member.actor)
    }

    /// Whose turn it is.
    pub(super) fn in_turn(&mut self) -> Option<ActorRef<M>> {
        self.in_turn_with_least(|_| ())
    }

    /// Of those with the least load the one whose turn it is.
    pub(super) fn in_turn_with_least<L: Ord>(
        &mut self,
        load: impl Fn(ActorRef<M>) -> L,
    ) -> Option<ActorRef<M>> {
        let len = self.list.len();
        let order = (0..len).map(|step| (self.next + step) % len);
        let at = order.min_by_key(|at| load(self.list[*at].actor))?;
        self.next = (at + 1) % len;
        Some(self.list[at].actor)
    }

    /// The one that a number, taken from the whole range by chance, falls on.
    pub(super) fn by_chance(&self, number: u64) -> Option<ActorRef<M>> {
        let scaled = u128::from(number) * self.list.len() as u128;
        let at = usize::try_from(scaled >> 64).ok()?;
        self.list.get(at).map(|member| member.actor)
    }

    /// The one to whom a point of the ring belongs.
    pub(super) fn by_point(&mut self, point: u64) -> Option<ActorRef<M>> {
        if self.ring.is_none() {
            let places = self.list.iter().map(|member| member.place);
            self.ring = ConsistentHashRing::of(places);
        }
        let place = self.ring.as_ref()?.owner_of_point(point);
        let owner = self.list.iter().find(|member| member.place == place);
        owner.map(|member| member.actor)
    }
}
