//! Families: the tree of parents and children, and the names of its members.

use super::roles::{actor_of, slot_of};
use super::run_queue::Runnable;
use super::slot::{NO_SLOT, Slot};
use super::stack_overflow::tell_of_overflow;
use super::state::Shard;
use super::vtable::MessageVtable;
use crate::address::{ActorId, ActorPath, Key, NameError};
use crate::fiber::{self, StackConfig};
use crate::pool_core::PoolCore;
use crate::time::Clock;
use std::sync::Arc;

/// The slot of the guardian, `/user`, the parent of the top-level actors. It handles nothing.
pub(crate) const GUARDIAN: u32 = 0;

/// The name of an actor that is to start.
#[derive(Clone, Copy)]
pub(crate) enum Name<'a> {
    Given(&'a str),
    /// That of a top-level actor, given as its path.
    At(&'a ActorPath),
    /// A name that was reserved for it.
    Reserved(&'a ActorPath),
    Generated,
}

/// Makes the guardian of a new shard.
pub(super) fn found_guardian(shard: &Shard) {
    let slot = shard.slots().occupy();
    debug_assert_eq!(slot, GUARDIAN);
    shard.slot(slot).occupy(MessageVtable::of::<()>(), NO_SLOT);
    shard.slot(slot).shut();
}

/// Returns the path of an actor of this shard.
pub(crate) fn path_of(shard: &Shard, index: u32) -> ActorPath {
    // Upwards to the nearest ancestor with a given name, then down again, by a loop: families are deep.
    let mut generated = Vec::new();
    let mut at = index;
    let path = loop {
        if at == GUARDIAN {
            break ActorPath::user();
        }
        let slot = shard.slot(at);
        if let Some(path) = slot.given_path() {
            break path;
        }
        let generation = slot.generation();
        generated.push(if slot.attention.is_task() {
            format!("$task-{at:x}.{generation:x}")
        } else {
            format!("${:x}.{at:x}.{generation:x}", shard.home.worker())
        });
        at = slot.parent.get();
    };
    generated.iter().rev().fold(path, |path, name| {
        path.generated_child(name)
            .expect("a generated name is made of valid characters")
    })
}

/// Returns the path that a child of an actor of this shard is to have.
pub(crate) fn path_of_child(
    shard: &Shard,
    parent: u32,
    name: &str,
) -> Result<ActorPath, NameError> {
    let given = shard
        .slot(parent)
        .look_at_given_path(|path| path.child(name));
    given.unwrap_or_else(|| path_of(shard, parent).child(name))
}

pub(crate) fn adopt(shard: &Shard, parent: u32, child: u32) {
    let (parent, slot) = (shard.slot(parent), shard.slot(child));
    let next = parent.first_child.replace(child);
    slot.next_sibling.set(next);
    slot.previous_sibling.set(NO_SLOT);
    if next != NO_SLOT {
        shard.slot(next).previous_sibling.set(child);
    }
}

pub(crate) fn disown(shard: &Shard, slot: &Slot) {
    let (next, previous) = (slot.next_sibling.get(), slot.previous_sibling.get());
    if next != NO_SLOT {
        shard.slot(next).previous_sibling.set(previous);
    }
    if previous == NO_SLOT {
        shard.slot(slot.parent.get()).first_child.set(next);
    } else {
        shard.slot(previous).next_sibling.set(next);
    }
}

/// Returns the children of an actor, and its tasks, the last one first.
pub(crate) fn children<'a>(shard: &'a Shard, parent: &Slot) -> impl Iterator<Item = u32> + 'a {
    let mut next = parent.first_child.get();
    std::iter::from_fn(move || {
        let child = (next != NO_SLOT).then_some(next)?;
        next = shard.slot(child).next_sibling.get();
        Some(child)
    })
}

pub(crate) fn key_of(shard: &Shard, index: u32) -> Key {
    Key::new(index, shard.slot(index).generation())
}

/// Gives an actor a turn, unless it is queued for one already. Wakes it also if it rests because the system
/// wants it to.
pub(crate) fn wake(shard: &Shard, index: u32) {
    let slot = shard.slot(index);
    let rested = slot.is_resting();
    slot.set_resting(false);
    if rested || !slot.queued.replace(true) {
        shard.due.push(Runnable::Turn(index));
    }
}

/// Has an actor check, before its next message, what the system wants of it.
pub(crate) fn interrupt(shard: &Shard, key: Key) {
    let slot = shard.slot(key.slot());
    slot.attention.set(true);
    if shard.acting() == shard.id_of(key) {
        shard.end_turn_soon();
    }
    wake(shard, key.slot());
}

/// Returns the paths of the children of an actor that have not stopped, the oldest first.
pub(crate) fn paths_of_children(shard: &Shard, key: Key) -> Vec<ActorPath> {
    if shard.tenant(key).is_none() {
        return Vec::new();
    }
    let live = children_of(shard, key.slot()).filter(|child| actor_of(shard, *child).is_some());
    let paths = live.map(|child| path_of(shard, child.slot()));
    let mut paths: Vec<_> = paths.collect();
    paths.reverse();
    paths
}

/// Returns the children of an actor, the last one first.
pub(crate) fn children_of(shard: &Shard, parent: u32) -> impl Iterator<Item = Key> + '_ {
    children(shard, shard.slot(parent))
        .filter(|child| !shard.slot(*child).attention.is_task())
        .map(|child| key_of(shard, child))
}

/// Returns the siblings that were started after an actor, in the order of their start.
pub(crate) fn younger_siblings(shard: &Shard, index: u32) -> impl Iterator<Item = Key> + '_ {
    let mut next = shard.slot(index).previous_sibling.get();
    let siblings = std::iter::from_fn(move || {
        let sibling = (next != NO_SLOT).then_some(next)?;
        next = shard.slot(sibling).previous_sibling.get();
        Some(sibling)
    });
    siblings
        .filter(|sibling| !shard.slot(*sibling).attention.is_task())
        .map(|sibling| key_of(shard, sibling))
}

/// Whether an actor is below another one of its worker.
fn is_below(shard: &Shard, actor: Key, ancestor: Key) -> bool {
    let Some(slot) = shard.tenant(actor) else {
        return false;
    };
    let mut parent = slot.parent.get();
    while parent != NO_SLOT && parent != ancestor.slot() {
        parent = shard.slot(parent).parent.get();
    }
    parent == ancestor.slot() && shard.tenant(ancestor).is_some()
}

/// Returns the slot on this worker of an actor, or of its stand-in, if it is among [those](all_below) below
/// another actor of this worker.
pub(crate) fn below_as(shard: &Shard, ancestor: Key, actor: ActorId) -> Option<Key> {
    let key = slot_of(shard, actor)?;
    let is_actor = !shard.slot(key.slot()).attention.is_task();
    (is_actor && is_below(shard, key, ancestor)).then_some(key)
}

/// Returns all actors below another one of its worker, with the stand-ins of children that are elsewhere.
/// Tasks are not among them: they are cancelled.
pub(crate) fn all_below(shard: &Shard, ancestor: Key) -> Vec<Key> {
    let mut all: Vec<_> = children_of(shard, ancestor.slot()).collect();
    let mut at = 0;
    while let Some(next) = all.get(at) {
        let children: Vec<_> = children_of(shard, next.slot()).collect();
        all.extend(children);
        at += 1;
    }
    all
}

/// Whether an actor has tasks and no children: for a deliberate mistake, see [`Mutant`](crate::sync::Mutant).
pub(crate) fn has_only_tasks(shard: &Shard, slot: &Slot) -> bool {
    children(shard, slot).all(|child| shard.slot(child).attention.is_task())
}

/// Whether an actor is passive, and would wake up for a message.
pub(super) fn is_asleep(slot: &Slot) -> bool {
    slot.attention.get() && slot.has_system() && slot.with_system(|system| system.is_asleep())
}

impl Shard {
    /// Returns the load of an actor of this worker: whether it rests or the system wants something of it, and
    /// the number of its messages, including the one that it is handling. A passive actor counts as idle.
    pub(crate) fn load_of(&self, key: Key) -> Option<(bool, usize)> {
        let slot = self.tenant(key)?;
        if is_asleep(slot) {
            return Some((false, slot.mailbox_len()));
        }
        let held_up = slot.attention.get() || slot.is_resting();
        let at_work = usize::from(slot.is_at_work());
        Some((held_up, slot.mailbox_len() + at_work))
    }
}

/// Creates an empty shard whose fibers run `body`.
pub(crate) fn open_shard(
    core: Arc<PoolCore>,
    worker: u32,
    stacks: StackConfig,
    body: fn(),
    clock: Option<Clock>,
) -> Shard {
    fiber::watch_for_overflows(tell_of_overflow);
    let shard = Shard::new(core, worker, stacks, body, clock);
    found_guardian(&shard);
    shard.begin_sampling();
    shard
}
