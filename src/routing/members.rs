//! The members of a router or a group, and whose turn it is.

use std::collections::BTreeSet;

use super::ring::Ring;
use crate::actor::ActorRef;
use crate::address::ActorId;
use crate::memory::OrderedMap;

/// Actors in the order in which they were added.
pub(super) struct Members<M> {
    list: OrderedMap<ActorId, Member<M>>,
    /// Free places below the highest one taken.
    free: BTreeSet<u32>,
    /// The actor at each place.
    places: Vec<Option<ActorRef<M>>>,
    /// The actor whose turn is next; if `None`, the first one's.
    next: Option<ActorId>,
    /// The ring of their places.
    ring: Ring,
}

struct Member<M> {
    actor: ActorRef<M>,
    /// The actor's number on the ring: the lowest that was free when it was added, so that a group
    /// which shrank and grew again places its keys as before.
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

    /// Returns whether the actor was new.
    pub(super) fn add(&mut self, actor: ActorRef<M>) -> bool {
        if self.list.contains(&actor.id()) {
            return false;
        }
        let place = self.return_permit();
        self.places[place as usize] = Some(actor);
        self.list.insert(actor.id(), Member { actor, place });
        self.ring.add(place);
        true
    }

    fn return_permit(&mut self) -> u32 {
        self.free.pop_first().unwrap_or_else(|| {
            self.places.push(None);
            u32::try_from(self.places.len() - 1).expect("members fit into memory")
        })
    }

    /// Returns whether the actor was a member.
    pub(super) fn remove(&mut self, actor: ActorId) -> bool {
        // No other member loses its turn in this round.
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

    /// The actor that follows another one, in circular order.
    fn after(&self, actor: ActorId) -> Option<ActorId> {
        self.list.cycle_from(Some(&actor)).nth(1).map(|(id, _)| *id)
    }

    /// The actor added last.
    pub(super) fn newest(&self) -> Option<ActorRef<M>> {
        self.actors().next_back()
    }

    /// Returns the actor whose turn it is, and passes the turn on.
    pub(super) fn in_turn(&mut self) -> Option<ActorRef<M>> {
        let (id, member) = self.list.cycle_from(self.next.as_ref()).next()?;
        let (id, actor) = (*id, member.actor);
        self.next = self.after(id);
        Some(actor)
    }

    /// Returns, of the actors with the least load, the one whose turn comes first. Visits all of
    /// them.
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

    /// The actor selected by a random number from the whole range.
    pub(super) fn by_chance(&self, number: u64) -> Option<ActorRef<M>> {
        let (_, member) = self.list.by_chance(number)?;
        Some(member.actor)
    }

    /// The actor that owns a point of the ring.
    pub(super) fn by_point(&mut self, point: u64) -> Option<ActorRef<M>> {
        let taken = (0..).zip(&self.places);
        let taken = taken.filter_map(|(place, member)| member.as_ref().map(|_| place));
        let place = self.ring.owner_of_point(point, taken)?;
        self.places[place as usize]
    }
}
