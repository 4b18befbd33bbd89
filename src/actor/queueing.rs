//! Those who wait for room in a bounded mailbox, at its owner, first come first served; and the
//! body of an actor that has such a mailbox.

use std::sync::Arc;

use super::behavior::Signal;
use super::body::{Body, NewBody, TurnEnd, one_by_one};
use super::bound::Overflow;
use super::fate::{End, drop_with_fate};
use super::gates::{Door, Room};
use super::id::Key;
use super::kept::Kept;
use super::shard::Shard;
use super::slot::Slot;
use crate::queue::Line;
use crate::sync::{Mutant, is_mutated};

/// What is done for a sender who waits, when there is room. Dropped where there will be none.
pub(crate) type Grant = Box<dyn FnOnce(Room)>;

/// What the owner keeps of a bounded mailbox.
pub(crate) struct Bound {
    pub(crate) door: Arc<Door>,
    line: Line<Grant>,
}

/// Gives the actor of a slot, which starts, a bounded mailbox.
pub(crate) fn bind(shard: &Shard, key: Key, capacity: usize, overflow: Overflow) {
    let slot = shard.slot(key.slot());
    let door = Arc::new(Door::new(shard.id_of(key), capacity, overflow));
    shard.core.gates.insert(Arc::clone(&door));
    slot.become_bounded();
    slot.with_extra(|extra| {
        extra.bound = Some(Box::new(Bound {
            door,
            line: Line::default(),
        }));
    });
}

/// Lets no more mail in, and tells those who wait for room.
pub(crate) fn shut(slot: &Slot) {
    slot.shut();
    if slot.is_bounded() {
        let_nobody_in(slot);
    }
}

#[cold]
fn let_nobody_in(slot: &Slot) {
    let waiting = slot.with_bound(|bound| bound.line.close(&bound.door.gate));
    let _ = drop_with_fate(waiting, End::Stopped);
}

/// Has a sender wait for room, behind those who do already.
pub(crate) fn wait_for_room(shard: &Shard, key: Key, ticket: u64, grant: Grant) {
    let slot = shard.tenant(key).filter(|slot| slot.is_open_for(key));
    let mut grant = Some(grant);
    let listed = slot.and_then(|slot| {
        slot.with_bound(|bound| {
            if let Some(grant) = grant.take() {
                bound.line.join(&bound.door.gate, ticket, grant);
            }
        })
    });
    if listed.is_some() {
        return serve(shard, key);
    }
    let _ = drop_with_fate(grant, End::Stopped);
}

/// A sender waits no more.
pub(crate) fn give_up(shard: &Shard, key: Key, ticket: u64) {
    let Some(slot) = shard.tenant(key) else {
        return;
    };
    let gone = slot.with_bound(|bound| bound.line.give_up(ticket));
    // Its wait has ended, so that nobody hears of this.
    let _ = drop_with_fate(gone, End::TimedOut);
    serve(shard, key);
}

/// Gives room to those who wait, as long as there is any.
pub(crate) fn serve(shard: &Shard, key: Key) {
    let Some(slot) = shard.tenant(key) else {
        return;
    };
    let begun = slot.with_bound(|bound| bound.line.begin_to_serve());
    if begun != Some(true) {
        return;
    }
    while let Some((grant, room)) = slot.with_bound(|bound| bound.next(shard)).flatten() {
        grant(room);
    }
    slot.with_bound(|bound| bound.line.has_served());
}

impl Bound {
    /// The first of those who wait, and a place for it.
    fn next(&mut self, shard: &Shard) -> Option<(Grant, Room)> {
        if !self.line.is_empty() && self.door.is_blocked(&shard.core) {
            return None;
        }
        let grant = self.line.next(&self.door.gate)?;
        Some((grant, Room::of(Arc::clone(&self.door))))
    }
}

/// A message was taken out of the mailbox of an actor: its place is free.
pub(crate) fn free_place(shard: &Shard, key: Key, door: &Door) {
    if door.counts() && !is_mutated(Mutant::PlaceLeaked) && door.leave() {
        serve(shard, key);
    }
}

/// Gives the place of the message that is to be handled next to whoever waits for it, unless that was done.
/// Whoever is let in may take a question back at once, this one or another, and the place was that one's
/// then. Answers whether that is not so.
fn give_place_ahead(shard: &Shard, key: Key, door: &Door) -> bool {
    if !door.counts() || is_mutated(Mutant::PlaceLeaked) {
        return true;
    }
    if door.leave_ahead() {
        serve(shard, key);
    }
    door.is_ahead()
}

/// As [`give_place_ahead`], where the message leaves the mailbox right after.
fn free_place_ahead(shard: &Shard, key: Key, door: &Door) -> bool {
    let stays = give_place_ahead(shard, key, door);
    if stays && door.counts() {
        let _ = door.leave_after();
    }
    stays
}

/// For whoever is to know whether an actor handles its next message before it does: makes sure that this
/// is not taken back by whoever is let in for it. Answers whether it is still there.
pub(crate) fn is_still_next(shard: &Shard, key: Key) -> bool {
    let door = shard.slot(key.slot()).door();
    door.is_none_or(|door| give_place_ahead(shard, key, &door))
}

/// The body of an actor whose mailbox is bounded: it gives up the place of each message before it
/// has the message handled, so that no other actor need look whether it has a bound.
struct Bounded {
    inner: NewBody,
    door: Arc<Door>,
}

/// The body of an actor, which frees places where its mailbox is bounded.
pub(crate) fn with_bound(shard: &Shard, key: Key, body: NewBody) -> NewBody {
    match shard.slot(key.slot()).door() {
        Some(door) => NewBody::new(Bounded { inner: body, door }),
        None => body,
    }
}

impl Bounded {
    /// What it becomes has the same mailbox.
    fn end_of(&self, end: TurnEnd) -> TurnEnd {
        end.with_next(|inner| {
            let door = Arc::clone(&self.door);
            NewBody::new(Self { inner, door })
        })
    }
}

impl Body for Bounded {
    fn turn(&mut self, shard: &Shard, slot: &Slot, actor: Key, kept: Option<Kept>) -> TurnEnd {
        let end = match kept {
            // It has left the mailbox long ago.
            Some(_) => self.inner.turn(shard, slot, actor, kept),
            None => {
                // Where another message is next after that, it has a turn of its own.
                let before = || free_place_ahead(shard, actor, &self.door);
                one_by_one(&mut *self.inner, shard, slot, actor, before)
            }
        };
        self.end_of(end)
    }

    fn signal(&mut self, shard: &Shard, actor: Key, signal: &Signal) -> TurnEnd {
        let end = self.inner.signal(shard, actor, signal);
        self.end_of(end)
    }

    fn hears_signals(&self) -> bool {
        self.inner.hears_signals()
    }
}
