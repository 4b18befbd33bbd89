//! Where ways lead on from an actor, and whether that is certain.

use crate::actor::id::{ActorId, Key, MessageId};
use crate::actor::lifecycle::{self, HeldUp, held_up};
use crate::actor::mail_kind::MailKind;
use crate::actor::path::ActorPath;
use crate::actor::shard::Shard;
use crate::actor::slot::{Slot, State};
use crate::actor::waits::Asked;

/// By what a link is known again: who waits, which wait that is, and for the answer to what.
pub(super) type Known = (ActorId, Key, MessageId);

/// A wait on the way round, with all that a message about it says.
#[derive(Clone)]
pub(super) struct Link {
    pub(super) actor: ActorId,
    /// Found out when it is certain that there is a cycle: most waits are part of none.
    pub(super) path: Option<ActorPath>,
    /// [`NONE`](Key::NONE) where the actor is held up: no fiber waits then.
    pub(super) wait: Key,
    pub(super) began: u64,
    pub(super) question: MessageId,
    pub(super) mail: &'static MailKind,
    pub(super) certain: bool,
    /// Whether it can be ended: whoever waits for a start goes on to its end.
    pub(super) can_end: bool,
}

/// Where ways go on from an actor, and to whom.
pub(super) enum Ways {
    One(Link, ActorId),
    /// It waits for several answers.
    All(Vec<(Link, ActorId)>),
    /// It waits for all below it.
    Below(Link),
}

impl Link {
    /// A wait of an actor of this worker, if it is for anybody.
    fn of(shard: &Shard, actor: ActorId, wait: Key) -> Option<(Self, ActorId)> {
        let (asked, target) = about(shard, wait)?;
        let is_work = asked.question == MessageId::WORK;
        let for_task = |slot: &Slot| slot.special.is_task();
        let link = Self {
            actor,
            path: None,
            wait,
            began: if is_work { 0 } else { asked.began },
            question: asked.question,
            mail: asked.mail?,
            certain: false,
            // Tasks are of the same worker as whoever waits for them.
            can_end: !is_work
                || target.home == shard.home && shard.tenant(target.key).is_some_and(for_task),
        };
        Some((link, target))
    }

    /// What an actor of this worker waits for without a fiber, for that one to begin with.
    pub(super) fn held_up(shard: &Shard, actor: ActorId, next: Key) -> Self {
        Self {
            actor,
            path: None,
            wait: Key::NONE,
            began: 0,
            question: MessageId::WORK,
            mail: shard.slot(next.slot).mail_kind(),
            certain: false,
            can_end: false,
        }
    }

    pub(super) fn known(&self) -> Known {
        (self.actor, self.wait, self.question)
    }

    /// Whether nobody but that actor, of this worker, which waits itself, can end the wait.
    pub(super) fn is_certain(&self, shard: &Shard, next: Key, next_wait: Key) -> bool {
        let slot = shard.slot(next.slot);
        if self.wait == Key::NONE {
            return true;
        }
        if self.question == MessageId::ROOM {
            return slot.door().is_some_and(|door| {
                slot.mailbox_len() >= door.gate.capacity() && !door.may_have_questions()
            });
        }
        if self.question == MessageId::WORK {
            // Elsewhere the word may be under way that it has started.
            let waited_for = slot.state() == State::Starting || next_wait == Key::NONE;
            return self.actor.home == shard.home || waited_for;
        }
        let on_behalf = (self.actor.home, self.wait);
        shard.waits.on_behalf(next_wait) == Some(on_behalf) || slot.holds_message(self.question)
    }
}

impl Ways {
    /// From an actor of this worker, if it waits for anybody.
    pub(super) fn from(shard: &Shard, actor: ActorId) -> Option<Self> {
        if let Some(wait) = pending_wait_of(shard, actor) {
            if let Some(all) = shard.several.of(wait) {
                let all = all.into_iter();
                let links = all.filter_map(|one| Link::of(shard, actor, one));
                return Some(Self::All(links.collect()));
            }
            if let Some((link, next)) = Link::of(shard, actor, wait) {
                return Some(Self::One(link, next));
            }
        }
        Some(match held_up_at(shard, actor)? {
            HeldUp::ByParent(parent) => {
                Self::One(Link::held_up(shard, actor, parent), shard.id_of(parent))
            }
            HeldUp::ByThoseBelow => Self::Below(Link::held_up(shard, actor, actor.key)),
        })
    }

    /// Whether that is one of them.
    pub(super) fn have(&self, known: Known) -> bool {
        match self {
            Self::One(link, _) | Self::Below(link) => link.known() == known,
            Self::All(all) => all.iter().any(|(link, _)| link.known() == known),
        }
    }

    /// The one by that link to that actor, if it is one of them.
    pub(super) fn one(self, shard: &Shard, known: Known, next: ActorId) -> Option<(Link, ActorId)> {
        match self {
            Self::One(link, to) => (link.known() == known && to == next).then_some((link, to)),
            Self::Below(link) => {
                let holder = link.actor;
                let is_below = next.home == shard.home
                    && lifecycle::is_below(shard, next.key, holder.key)
                    && link.known() == known;
                is_below.then(|| (Link::held_up(shard, holder, next.key), next))
            }
            Self::All(all) => {
                let mut all = all.into_iter();
                all.find(|(link, to)| link.known() == known && *to == next)
            }
        }
    }

    /// All of them that may lead on.
    pub(super) fn all(self, shard: &Shard) -> Vec<(Link, ActorId)> {
        let ways = match self {
            Self::One(link, next) => vec![(link, next)],
            Self::All(all) => all,
            Self::Below(link) => {
                let below = lifecycle::all_below(shard, link.actor.key).into_iter();
                let ways =
                    below.map(|next| (Link::held_up(shard, link.actor, next), shard.id_of(next)));
                ways.collect()
            }
        };
        let leads_on = |next: ActorId| next.home != shard.home || leads_on(shard, next);
        ways.into_iter()
            .filter(|&(_, next)| leads_on(next))
            .collect()
    }
}

/// What an actor of this worker waits for on its fiber, if it does.
fn pending_wait_of(shard: &Shard, actor: ActorId) -> Option<Key> {
    let slot = shard.tenant(actor.key)?;
    let wait = slot.wait().filter(|&wait| shard.waits.is_pending(wait))?;
    let goes_on = slot.special.is_task() && lifecycle::is_cancelled(slot);
    (!goes_on).then_some(wait)
}

/// What is known of a wait of this worker, and for whom it is, if it is for anybody.
pub(super) fn about(shard: &Shard, wait: Key) -> Option<(Asked, ActorId)> {
    let asked = shard.waits.asked(wait)?;
    let waits = shard.waits.is_pending(wait) && asked.question != MessageId::NONE;
    let target = asked.target.known().filter(|_| waits)?;
    Some((asked, target))
}

/// Whom an actor of this worker waits for on its fiber, if that is one.
fn awaited_by(shard: &Shard, actor: ActorId) -> Option<ActorId> {
    let (_, target) = about(shard, pending_wait_of(shard, actor)?)?;
    Some(target)
}

/// Whether an actor of this worker waits for several answers.
pub(super) fn waits_for_several(shard: &Shard, actor: ActorId) -> bool {
    let wait = pending_wait_of(shard, actor);
    wait.is_some_and(|wait| shard.several.has(wait))
}

/// Whether somebody is left to be looked at from an actor of this worker on, in whom a cycle may close: the
/// actor itself, one of another worker, or one that waits for several. Takes no memory, however many wait.
pub(super) fn leads_on(shard: &Shard, first: ActorId) -> bool {
    let (mut at, mut milestone) = (first, first);
    for steps in 1_u64.. {
        at = match awaited_by(shard, at) {
            Some(target) => target,
            None if waits_for_several(shard, at) => return true,
            None => match held_up_at(shard, at) {
                Some(HeldUp::ByParent(parent)) => shard.id_of(parent),
                Some(HeldUp::ByThoseBelow) => return true,
                None => return false,
            },
        };
        if at == first || at.home != shard.home {
            return true;
        }
        if at == milestone {
            return false; // a cycle, but not of the first
        }
        if steps.is_power_of_two() {
            milestone = at;
        }
    }
    false
}

/// Whether an actor may wait for somebody: it has a turn, or is held up. For most others it is known at
/// this one look that they do not.
#[inline(always)]
pub(super) fn may_lead_on(slot: &Slot) -> bool {
    slot.is_at_work() || slot.special.get()
}

/// Who holds up an actor of this worker, where anybody does.
fn held_up_at(shard: &Shard, actor: ActorId) -> Option<HeldUp> {
    held_up(shard, shard.tenant(actor.key)?)
}
