//! Who is in a router or a group, and whose turn it is.

use std::collections::BTreeSet;

use super::ring::Ring;
use crate::actor::{ActorId, ActorRef};
use crate::memory::OrderedMap;

/// Actors in the order in which they came.
pub(super) struct Members<M> {
    list: OrderedMap<ActorId, Member<M>>,
    /// Places that were left since others came after them.
    free: BTreeSet<u32>,
    /// Who is at each place.
    places: Vec<Option<ActorRef<M>>>,
    /// Whose turn it is next; the first one's where it is nobody's.
    next: Option<ActorId>,
    /// Of their places.
    ring: Ring,
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
            list: OrderedMap::new(),
            free: BTreeSet::new(),
            places: Vec::new(),
            next: None,
            ring: Ring::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn actors(&self) -> impl DoubleEndedIterator<Item = ActorRef<M>> {
        self.list.values().map(|member| member.actor)
    }

    /// Answers whether it was not there before.
    pub(super) fn add(&mut self, actor: ActorRef<M>) -> bool {
        if self.list.contains(&actor.id()) {
            return false;
        }
        let place = self.free_place();
        self.places[place as usize] = Some(actor);
        self.list.insert(actor.id(), Member { actor, place });
        self.ring.add(place);
        true
    }

    fn free_place(&mut self) -> u32 {
        self.free.pop_first().unwrap_or_else(|| {
            self.places.push(None);
            u32::try_from(self.places.len() - 1).expect("members fit into memory")
        })
    }

    /// Answers whether it was there.
    pub(super) fn remove(&mut self, actor: ActorId) -> bool {
        // Nobody is left out of this round.
        if self.next == Some(actor) {
            self.next = self.after(actor);
        }
        let Some(Member { place, .. }) = self.list.remove(&actor) else {
            return false;
        };
        self.places[place as usize] = None;
        self.free.insert(place);
        while let Some(None) = self.places.last() {
            self.places.pop();
            self.free.remove(&(self.places.len() as u32));
        }
        self.ring.remove(place);
        true
    }

    /// The one that comes after another one, round the list.
    fn after(&self, actor: ActorId) -> Option<ActorId> {
        self.list.cycle_from(Some(&actor)).nth(1).map(|(id, _)| *id)
    }

    /// The one that came last.
    pub(super) fn newest(&self) -> Option<ActorRef<M>> {
        self.actors().next_back()
    }

    /// Whose turn it is.
    pub(super) fn in_turn(&mut self) -> Option<ActorRef<M>> {
        let (id, member) = self.list.cycle_from(self.next.as_ref()).next()?;
        let (id, actor) = (*id, member.actor);
        self.next = self.after(id);
        Some(actor)
    }

    /// Of those with the least load the one whose turn it is. Looks at all of them.
    pub(super) fn in_turn_with_least<L: Ord>(
        &mut self,
        load: impl Fn(ActorRef<M>) -> L,
    ) -> Option<ActorRef<M>> {
        let round = self.list.cycle_from(self.next.as_ref());
        let (id, member) = round.min_by_key(|(_, member)| load(member.actor))?;
        let (id, actor) = (*id, member.actor);
        self.next = self.after(id);
        Some(actor)
    }

    /// The one that a number, taken from the whole range by chance, falls on.
    pub(super) fn by_chance(&self, number: u64) -> Option<ActorRef<M>> {
        let (_, member) = self.list.by_chance(number)?;
        Some(member.actor)
    }

    /// The one to whom a point of the ring belongs.
    pub(super) fn by_point(&mut self, point: u64) -> Option<ActorRef<M>> {
        let taken = (0..).zip(&self.places);
        let taken = taken.filter_map(|(place, member)| member.as_ref().map(|_| place));
        let place = self.ring.owner_of_point(point, taken)?;
        self.places[place as usize]
    }
}
