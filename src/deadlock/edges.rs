//! The edges that lead on from an actor, and whether they are certain.

use super::held_up::{HeldUp, has_failed_to_start, held_up};
use crate::address::{ActorId, ActorPath, Key, MessageId, MessageType};
use crate::shard::{
    ActorState, Shard, Slot, Supervised, actor_of, all_below, below_as, is_cancelled,
};
use crate::wait::Asked;

/// Identifies a link: the actor that waits, its wait, and the question whose answer it waits for.
pub(super) type LinkId = (ActorId, Option<Key>, MessageId);

/// A wait on the way round, with all that a report of it contains.
#[derive(Clone)]
pub(super) struct WaitLink {
    pub(super) actor: ActorId,
    /// Determined once there certainly is a cycle: most waits are part of none.
    pub(super) path: Option<ActorPath>,
    /// `None` if the actor is held up and no fiber waits.
    pub(super) wait: Option<Key>,
    pub(super) began: u64,
    pub(super) question: MessageId,
    pub(super) mail: &'static MessageType,
    pub(super) certain: bool,
    /// Whether the wait can be ended: a wait for a start lasts until the start is over.
    pub(super) can_end: bool,
}

/// How the way continues from an actor: determined for each one on the way, without allocating.
#[derive(Clone, Copy)]
pub(super) enum Lead {
    /// The actor waits for nothing.
    Nowhere,
    /// It waits for that actor.
    Wait(Key, ActorId),
    /// It waits for several answers, by that wait.
    Several(Key),
    /// It was just woken from such a wait, and may wait again in a moment.
    WokenFromSeveral,
    /// It is held up until all below it have ended.
    AllBelow,
    /// It is held up until its parent has decided.
    Parent(Key),
    /// The same, with a parent on another worker.
    ParentElsewhere(Supervised),
}

impl Lead {
    /// Determines it for an actor of this worker.
    pub(super) fn of(shard: &Shard, actor: ActorId) -> Self {
        let Some(slot) = shard.tenant(actor.key) else {
            return Self::Nowhere;
        };
        let is_cancelled = || slot.attention.is_task() && is_cancelled(slot);
        if let Some(wait) = slot.wait().filter(|_| !is_cancelled()) {
            match (shard.waits.is_pending(wait), shard.join_waits.has(wait)) {
                (true, true) => return Self::Several(wait),
                (false, true) => return Self::WokenFromSeveral,
                (true, false) => {
                    if let Some((_, target)) = about(shard, wait) {
                        return Self::Wait(wait, target);
                    }
                }
                (false, false) => {}
            }
        }
        match held_up(shard, slot) {
            Some(HeldUp::ThoseBelow) => Self::AllBelow,
            Some(HeldUp::Parent(parent)) => Self::Parent(parent),
            Some(HeldUp::ParentElsewhere(supervised)) => Self::ParentElsewhere(supervised),
            None => Self::Nowhere,
        }
    }

    /// Whether a link from that actor, which was followed before, still exists.
    pub(super) fn includes(self, shard: &Shard, link: &WaitLink) -> bool {
        let is_this = |wait| {
            let of_wait = WaitLink::of(shard, link.actor, wait);
            of_wait.is_some_and(|(of_wait, _)| of_wait.known() == link.known())
        };
        match (self, link.wait) {
            (Self::Wait(wait, _), Some(_)) => is_this(wait),
            (Self::Several(own), Some(wait)) => {
                shard.join_waits.includes(own, wait) && is_this(wait)
            }
            (Self::AllBelow | Self::Parent(_) | Self::ParentElsewhere(_), None) => true,
            _ => false,
        }
    }

    /// Returns the link to that actor that was followed before, if it still exists.
    pub(super) fn again(
        self,
        shard: &Shard,
        (actor, wait, question): LinkId,
        next: ActorId,
    ) -> Option<WaitLink> {
        if let (Self::AllBelow, None) = (self, wait) {
            let below = below_as(shard, actor.key, next)?;
            return Some(WaitLink::to_held_up(shard, actor, below));
        }
        let (link, target) = match (self, wait) {
            (Self::Several(own), Some(wait)) if shard.join_waits.includes(own, wait) => {
                WaitLink::of(shard, actor, wait)?
            }
            _ => self.only(shard, actor)?,
        };
        (link.known() == (actor, wait, question) && target == next).then_some(link)
    }

    /// Returns the link and the actor to which it leads, if there is only one way.
    pub(super) fn only(self, shard: &Shard, actor: ActorId) -> Option<(WaitLink, ActorId)> {
        match self {
            Self::Wait(wait, _) => WaitLink::of(shard, actor, wait),
            Self::Parent(parent) => {
                let link = WaitLink::to_held_up(shard, actor, parent);
                Some((link, shard.id_of(parent)))
            }
            Self::ParentElsewhere(supervised) => {
                let link = WaitLink::without_wait(actor, supervised.parent_mail());
                Some((link, supervised.stand_in()))
            }
            _ => None,
        }
    }

    /// Returns one of the waits of an actor that waits for several answers: if one is on behalf of a reply,
    /// all are, and of the same one.
    pub(super) fn any_wait(self, shard: &Shard) -> Option<Key> {
        match self {
            Self::Several(own) => shard.join_waits.any_of(own),
            _ => None,
        }
    }

    /// Returns all links if there are several ways, with the actors to which they lead, except dead ends.
    pub(super) fn each(self, shard: &Shard, actor: ActorId) -> Vec<(WaitLink, ActorId)> {
        let mut each = match self {
            Self::Several(own) => {
                let all = shard.join_waits.of(own).into_iter();
                all.filter_map(|one| WaitLink::of(shard, actor, one))
                    .collect()
            }
            Self::AllBelow => {
                let below = all_below(shard, actor.key).into_iter();
                let link = |next| WaitLink::to_held_up(shard, actor, next);
                let way = |next| Some((link(next), actor_of(shard, next)?));
                below.filter_map(way).collect()
            }
            _ => Vec::new(),
        };
        each.retain(|way| !ends_here(shard, way));
        each
    }

    /// As [`each`](Self::each), but only the links of these waits for answers.
    pub(super) fn by(
        self,
        shard: &Shard,
        actor: ActorId,
        waits: &[Key],
    ) -> Vec<(WaitLink, ActorId)> {
        let Self::Several(own) = self else {
            return Vec::new();
        };
        let waits = waits.iter().copied();
        let waits = waits.filter(|wait| shard.join_waits.includes(own, *wait));
        let ways = waits.filter_map(|wait| WaitLink::of(shard, actor, wait));
        ways.filter(|way| !ends_here(shard, way)).collect()
    }
}

/// Whether a way ends at its next actor.
fn ends_here(shard: &Shard, (_, next): &(WaitLink, ActorId)) -> bool {
    next.home == shard.home && !leads_on(shard, *next)
}

impl WaitLink {
    /// Returns the link of a wait of an actor of this worker, and the actor that it is for, if it is for one.
    fn of(shard: &Shard, actor: ActorId, wait: Key) -> Option<(Self, ActorId)> {
        let (asked, target) = about(shard, wait)?;
        let is_work = asked.question.is_work();
        let for_task = |slot: &Slot| slot.attention.is_task();
        let link = Self {
            actor,
            path: None,
            wait: Some(wait),
            began: if is_work { 0 } else { asked.began },
            question: asked.question,
            mail: asked.mail?,
            certain: false,
            // A task is on the same worker as the actor that waits for it.
            can_end: asked.question != MessageId::WORK
                || target.home == shard.home && shard.tenant(target.key).is_some_and(for_task),
        };
        Some((link, target))
    }

    /// The link from an actor of this worker that is held up, to another slot of this worker: an actor, or
    /// the stand-in of one.
    pub(super) fn to_held_up(shard: &Shard, actor: ActorId, next: Key) -> Self {
        Self::without_wait(actor, shard.slot(next.slot()).message_kind())
    }

    fn without_wait(actor: ActorId, mail: &'static MessageType) -> Self {
        Self {
            actor,
            path: None,
            wait: None,
            began: 0,
            question: MessageId::WORK,
            mail,
            certain: false,
            can_end: false,
        }
    }

    pub(super) fn known(&self) -> LinkId {
        (self.actor, self.wait, self.question)
    }

    /// Whether nothing but the actor `next`, of this worker, which itself waits by `next_wait`, can end this
    /// wait successfully.
    pub(super) fn is_certain(&self, shard: &Shard, next: Key, next_wait: Option<Key>) -> bool {
        let slot = shard.slot(next.slot());
        let Some(wait) = self.wait else {
            return true;
        };
        if self.question == MessageId::ROOM {
            return slot.bounded().is_some_and(|bounded| {
                slot.mailbox_len() >= bounded.gate.capacity() && !bounded.may_have_questions()
            });
        }
        if self.question == MessageId::NAME {
            // If the waiter is on another worker, news of the actor may be under way to it.
            return slot.state() != ActorState::Running;
        }
        if self.question == MessageId::WORK {
            // If the waiter is on another worker, news of the actor's start may be under way to it.
            let waited_for = slot.state() == ActorState::Starting || has_failed_to_start(slot);
            return self.actor.home == shard.home || waited_for;
        }
        let on_behalf = next_wait.and_then(|next_wait| shard.waits.on_behalf(next_wait));
        on_behalf == Some((self.actor.home, wait)) || slot.holds_message(self.question)
    }
}

/// Returns what is known of a pending wait of this worker, and the actor that it is for, if it is for one.
fn about(shard: &Shard, wait: Key) -> Option<(Asked, ActorId)> {
    let asked = shard.waits.asked(wait)?;
    let waits = shard.waits.is_pending(wait) && asked.question != MessageId::NONE;
    let target = asked.target.known().filter(|_| waits)?;
    Some((asked, target))
}

/// Whether an actor may wait for another: it has a turn, or is held up. For most others, this one check shows
/// that they do not.
#[inline(always)]
pub(super) fn may_lead_on(slot: &Slot) -> bool {
    slot.is_at_work() || slot.attention.get()
}

/// Whether a wait is for an actor of another worker, or for one that may itself wait for another.
pub(super) fn may_close_a_cycle(shard: &Shard, wait: Key) -> bool {
    about(shard, wait).is_some_and(|(_, target)| {
        let slot = shard.slots().get(target.key.slot());
        target.home != shard.home || slot.is_some_and(may_lead_on)
    })
}

/// Whether the way from an actor of this worker leads to one in which a cycle may close: the actor itself,
/// one of another worker, or one that waits for several. Allocates nothing, however many wait.
pub(super) fn leads_on(shard: &Shard, first: ActorId) -> bool {
    let (mut at, mut milestone) = (first, first);
    for steps in 1_u64.. {
        at = match Lead::of(shard, at) {
            Lead::Wait(_, target) => target,
            Lead::Parent(parent) => shard.id_of(parent),
            Lead::ParentElsewhere(supervised) => supervised.stand_in(),
            Lead::Several(_) | Lead::WokenFromSeveral | Lead::AllBelow => return true,
            Lead::Nowhere => return false,
        };
        if at == first || at.home != shard.home {
            return true;
        }
        if at == milestone {
            return false; // a cycle, but not through the first actor
        }
        if steps.is_power_of_two() {
            milestone = at;
        }
    }
    false
}
