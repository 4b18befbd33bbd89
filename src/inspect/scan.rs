//! A look at the actors of one worker.
//!
//! One pass over the slots finds the first actors of every order. The worker yields in between, so that a
//! million actors do not hold it up. What is costly, the paths above all, is made for the actors that are
//! found, at the end.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

use super::actor::{ActorSnapshot, ActorStatus, CurrentMessage};
use super::query::{SnapshotOrder, SnapshotQuery};
use crate::address::{ActorId, ActorPath, Envelope, Key};
use crate::deadlock::what_ends;
use crate::memory::CELLS_PER_GROUP;
use crate::shard::{
    ActorState, GUARDIAN, Passive, Shard, Slot, children, is_outpost, key_of, path_of,
};
use crate::suspend::yield_now;

/// Children that are counted.
const MOST_CHILDREN: usize = 10_000;

/// What was found on one worker.
pub(crate) struct Found {
    pub(super) now: Duration,
    pub(super) matched: u64,
    pub(super) examined: u64,
    /// For each order of the query, the actors with the numbers by which they are ordered.
    pub(super) lists: Vec<Vec<(u64, ActorSnapshot)>>,
}

/// Looks at the actors of this worker, at that time.
pub(crate) fn scan(shard: &Shard, query: &SnapshotQuery, now: u64) -> Found {
    let mut scan = Scan::new(query, now);
    let mut index = 0;
    while let Some(slot) = shard.slots().get(index) {
        if index % CELLS_PER_GROUP == 0 {
            if shard
                .slots()
                .cold_groups()
                .any(|cold| cold == index / CELLS_PER_GROUP)
            {
                // Nobody lives there, and a look would take memory from the system.
                index += CELLS_PER_GROUP;
                continue;
            }
            if index > 0 {
                // Others have their turns. If it cannot wait here, they wait for the whole of it.
                let _ = yield_now(shard);
            }
        }
        scan.look_at(shard, slot, index);
        index += 1;
    }
    scan.end(shard)
}

/// How an actor is related to the root of a query.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Relation {
    Unknown,
    Outside,
    /// So many levels below.
    Below(u32),
}

/// The number by which an actor is ordered, and its key as bits.
type BestFirst = BinaryHeap<Reverse<(u64, u64)>>;

struct Scan<'a> {
    query: &'a SnapshotQuery,
    now: u64,
    /// The relation of each slot, as far as it is known.
    relations: Vec<Relation>,
    /// For each order, the first ones so far.
    heaps: Vec<BestFirst>,
    matched: u64,
    examined: u64,
}

impl<'a> Scan<'a> {
    fn new(query: &'a SnapshotQuery, now: u64) -> Self {
        Self {
            query,
            now,
            relations: Vec::new(),
            heaps: query.orders().iter().map(|_| BestFirst::new()).collect(),
            matched: 0,
            examined: 0,
        }
    }

    fn look_at(&mut self, shard: &Shard, slot: &Slot, index: u32) {
        let now = self.now;
        if !is_actor(shard, slot, index) {
            return;
        }
        self.examined += 1;
        let Relation::Below(level) = self.relation(shard, index) else {
            return;
        };
        if level as usize > self.query.depth || !self.has_text(shard, slot, index) {
            return;
        }
        self.matched += 1;
        let key = key_of(shard, index);
        for (order, heap) in self.query.orders().iter().zip(&mut self.heaps) {
            let number = match order {
                // The highest first, as for the others.
                SnapshotOrder::Tree => u64::MAX - (u64::from(level) << 32 | u64::from(index)),
                SnapshotOrder::Deepest => slot.mailbox_len() as u64,
                SnapshotOrder::Busiest => {
                    let activity = shard.observation.activity_of(key);
                    activity.map_or(0, |activity| activity.handled)
                }
                SnapshotOrder::Restarts => restarts(slot),
                SnapshotOrder::Longest => match slot.wait().filter(|_| slot.is_at_work()) {
                    Some(wait) => shard.waits.pending_since(wait).map_or(0, |began| {
                        // At least 1: it waits.
                        began.map_or(1, |began| now.saturating_sub(began).max(1))
                    }),
                    None => 0,
                },
            };
            if number == 0 {
                continue;
            }
            if heap.len() < self.query.limit {
                heap.push(Reverse((number, key.to_bits())));
            } else if let Some(mut least) = heap.peek_mut()
                && least.0.0 < number
            {
                *least = Reverse((number, key.to_bits()));
            }
        }
    }

    fn has_text(&self, shard: &Shard, slot: &Slot, index: u32) -> bool {
        let text = self.query.matching.as_str();
        text.is_empty()
            || slot.message_type().contains(text)
            || path_of(shard, index).as_str().contains(text)
    }

    /// Finds how an actor is related to the root of the query: upwards until that is known.
    fn relation(&mut self, shard: &Shard, index: u32) -> Relation {
        let mut climbed = Vec::new();
        let mut at = index;
        let mut relation = loop {
            match self.relations.get(at as usize) {
                Some(Relation::Unknown) | None => {}
                Some(known) => break *known,
            }
            if let Some(relation) = self.relation_of_top(shard, at) {
                climbed.push(at);
                break relation;
            }
            climbed.push(at);
            at = shard.slot(at).parent.get();
        };
        // The relation is that of the one climbed to last, or of the parent of that.
        let mut is_known = climbed.last().is_some_and(|last| *last == at);
        for index in climbed.into_iter().rev() {
            if !std::mem::take(&mut is_known)
                && let Relation::Below(level) = relation
            {
                relation = Relation::Below(level + 1);
            }
            let place = index as usize;
            if self.relations.len() <= place {
                self.relations.resize(place + 1, Relation::Unknown);
            }
            self.relations[place] = relation;
        }
        relation
    }

    /// Returns the relation of an actor that does not follow from that of its parent on this worker.
    fn relation_of_top(&self, shard: &Shard, index: u32) -> Option<Relation> {
        let root = &self.query.below;
        if index == GUARDIAN {
            let is_root = *root == ActorPath::user();
            return Some(if is_root || root.is_root() {
                Relation::Below(u32::from(root.is_root()))
            } else {
                Relation::Outside
            });
        }
        let slot = shard.slot(index);
        let is_alone = is_outpost(shard, slot.parent.get());
        slot.look_at_given_path(|path| {
            if path == root {
                Some(Relation::Below(0))
            } else if !is_alone {
                None
            } else if path.is_descendant_of(root) {
                let level = path.depth() - root.depth();
                Some(Relation::Below(u32::try_from(level).unwrap_or(u32::MAX)))
            } else {
                Some(Relation::Outside)
            }
        })
        .flatten()
    }

    /// Describes the actors that were found.
    fn end(self, shard: &Shard) -> Found {
        let handling = shard.current.handling().into_iter().collect();
        let lists = self.heaps.into_iter().map(|heap| {
            let found = heap.into_sorted_vec().into_iter();
            let live = found.filter_map(|Reverse((number, key))| {
                let key = Key::from_bits(key);
                shard.tenant(key)?;
                Some((number, describe(shard, key, self.now, &handling)))
            });
            live.collect()
        });
        Found {
            lists: lists.collect(),
            now: Duration::from_nanos(self.now),
            matched: self.matched,
            examined: self.examined,
        }
    }
}

/// Whether a slot is let to an actor.
fn is_actor(shard: &Shard, slot: &Slot, index: u32) -> bool {
    slot.state() != ActorState::Vacant
        && index != GUARDIAN
        && !slot.attention.is_task()
        && !slot.attention.is_stand_in()
        && !is_outpost(shard, index)
}

fn restarts(slot: &Slot) -> u64 {
    if slot.has_system() {
        slot.with_system(|system| system.restarts)
    } else {
        0
    }
}

fn describe(
    shard: &Shard,
    key: Key,
    now: u64,
    handling: &HashMap<ActorId, Envelope>,
) -> ActorSnapshot {
    let (index, id) = (key.slot(), shard.id_of(key));
    let slot = shard.slot(index);
    let activity = shard.observation.activity_of(key);
    let (mut stashed, mut timers) = (0, 0);
    if slot.has_system() {
        slot.with_system(|system| {
            if let Some(store) = &system.store {
                (timers, stashed) = store.sizes();
            }
        });
    }
    let (mut tasks, mut count) = (0, 0);
    for child in children(shard, slot).take(MOST_CHILDREN) {
        if shard.slot(child).attention.is_task() {
            tasks += 1;
        } else {
            count += 1;
        }
    }
    let wait = slot.wait().filter(|_| slot.is_at_work());
    let waiting = wait.and_then(|wait| shard.waits.look_at(wait));
    ActorSnapshot {
        id,
        path: path_of(shard, index),
        message_type: slot.message_type(),
        status: status(slot),
        mailbox: slot.mailbox_len() as u64,
        capacity: slot.bounded().map(|bounded| bounded.gate.capacity() as u64),
        deepest: activity.map(|activity| u64::from(activity.deepest)),
        stashed: stashed as u64,
        timers: timers as u64,
        tasks,
        children: count,
        restarts: restarts(slot),
        handled: activity.map(|activity| activity.handled),
        busy: activity.map(|activity| Duration::from_nanos(activity.busy)),
        age: shard.births.age_of(index, now),
        handling: handling
            .get(&id)
            .and_then(|envelope| {
                Some(CurrentMessage {
                    message: envelope.message_id().known()?,
                    correlation: envelope.correlation_id(),
                    sender: envelope.sender(),
                })
            })
            .filter(|_| waiting.is_some()),
        waits_since: waiting
            .as_ref()
            .and_then(|(_, began, _)| *began)
            .map(|began| Duration::from_nanos(now.saturating_sub(began))),
        waits_for: waiting
            .as_ref()
            .map(|(target, _, _)| what_ends(shard, *target)),
        cycle: waiting.and_then(|(_, _, cycle)| cycle),
    }
}

fn status(slot: &Slot) -> ActorStatus {
    match slot.state() {
        ActorState::Vacant | ActorState::Starting => return ActorStatus::Starting,
        ActorState::Draining => return ActorStatus::Draining,
        ActorState::Stopping => return ActorStatus::Stopping,
        ActorState::Running => {}
    }
    if !slot.has_system() {
        return ActorStatus::Running;
    }
    slot.with_system(|system| {
        if system.restarting.is_some() {
            if system.backoff.is_some() {
                ActorStatus::BackingOff
            } else {
                ActorStatus::Restarting
            }
        } else if system.escalated {
            ActorStatus::Failed
        } else if system.suspended {
            ActorStatus::Suspended
        } else if system.passive == Some(Passive::Asleep) {
            ActorStatus::Passive
        } else if system.building_again {
            ActorStatus::Starting
        } else {
            ActorStatus::Running
        }
    })
}
