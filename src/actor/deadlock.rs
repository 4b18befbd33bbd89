//! Deadlocks: cycles of waits, found when the last of them begins.
//!
//! Most actors wait for one thing at a time, so from each wait one edge leads on: to the actor
//! that was asked, in whose full mailbox there is to be room, or that starts. Whoever begins a wait for an actor
//! that itself waits follows the edges; where they lead to another worker, a *probe* goes on there
//! (Chandy, Misra and Haas, "Distributed deadlock detection", 1983). A wait for an actor of another
//! worker sends its probe when its own worker has nothing better to do. The last wait of a cycle begins
//! when all the others have, and its probe travels behind the questions, so that it finds the cycle. A wait
//! that comes to lead to somebody else, as its question is handed on or its actor begins to start, is
//! followed once more.
//!
//! Some actors wait for several at once: a handler for all of several answers, and, without a fiber, an
//! actor that starts again, passivates, or did not start for all below it to end. From these there are as
//! many edges. A way that leads to such an actor ends there, unless it began below it; instead a *search*
//! begins from the actor itself, as soon as its worker has nothing better to do, however many ways have led
//! to it. Where a search comes to another one of these it goes on by each edge, but from the same actor
//! only once (as in the algorithm of that paper for the AND model).
//!
//! **No false alarm.** An edge counts only where nobody but the next actor can end the wait:
//!
//! - the question still lies in that actor's mailbox, and the reply in it, or
//! - the next actor waits *on behalf of* that reply: it has lent it to its own wait, or
//! - the next actor's mailbox is full of messages that it has not come to, and none of them is a
//!   question, which might be taken back and make room, or
//! - the next actor is at its setup, which is what is waited for, or is a task that is waited for, or
//!   is below one that waits until all below it have ended, or is the parent of one whose failure it is to
//!   decide about.
//!
//! A reply that was sent on, or put aside, or that may have been, is none of these; then the cycle is
//! only suspected. Word of a question that was handed on comes to whoever asked by way of the worker that
//! has the question then, so that no probe is there before it.
//!
//! While a probe travels, waits may end by their time-outs. On one worker nothing happens in between.
//! Across workers the cycle is walked twice: where each wait is found a second time, of the same
//! generation, all of them held together at the moment when the first round came to its end.
//!
//! Two probes may find one cycle. Both name the same wait as the one that ends: the youngest of those for
//! an answer or for room, and one for a task only where there is none of these. A start goes on to its end.

use std::cell::{Cell, RefCell};

use super::batch::Parcel;
use super::core::PoolCore;
use super::cycle::{Cycle, CycleLink};
use super::dead_letter::DeadLetterReason;
use super::envelope::Envelope;
use super::fate::End;
use super::gates::dispatch;
use super::id::{ActorId, Key, MessageId};
use super::lifecycle::{self, HeldUp, held_up, path_of};
use super::mail_kind::MailKind;
use super::path::ActorPath;
use super::shard::Shard;
use super::slot::{Slot, State};
use super::waits::Asked;

/// Waits for actors of other workers for which no probe was sent, each with who waits; and, without a wait,
/// actors from which a search is to begin.
#[derive(Default)]
pub(crate) struct Unprobed {
    waits: RefCell<Vec<(Key, Key)>>,
    /// How many of them were there when the long ones were looked for.
    seen: Cell<usize>,
    /// How many searches have begun.
    searches: Cell<u64>,
}

/// A wait on the way round, with all that a message about it says.
#[derive(Clone)]
struct Link {
    actor: ActorId,
    /// Found out when it is certain that there is a cycle: most waits are part of none.
    path: Option<ActorPath>,
    /// [`NONE`](Key::NONE) where the actor is held up: no fiber waits then.
    wait: Key,
    began: u64,
    question: MessageId,
    mail: &'static MailKind,
    certain: bool,
    /// Whether it can be ended: whoever waits for a start goes on to its end.
    can_end: bool,
}

/// By what a link is known again: who waits, which wait that is, and for the answer to what.
type Known = (ActorId, Key, MessageId);

/// A walk along the edges.
#[derive(Clone, Default)]
struct Walk {
    links: Vec<Link>,
    /// The links of the first round.
    known: Option<Vec<Known>>,
    /// Whether it has left its worker.
    has_travelled: bool,
    /// The number of the search that it is part of, which began where it did, if it is.
    search: Option<u64>,
}

/// Where ways go on from an actor, and to whom.
enum Ways {
    One(Link, ActorId),
    /// It waits for several answers.
    All(Vec<(Link, ActorId)>),
    /// It waits for all below it.
    Below(Link),
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

/// What an actor of this worker waits for on its fiber, if it does.
fn pending_wait_of(shard: &Shard, actor: ActorId) -> Option<Key> {
    let slot = shard.tenant(actor.key)?;
    let wait = slot.wait().filter(|&wait| shard.waits.is_pending(wait))?;
    let goes_on = slot.special.is_task() && lifecycle::is_cancelled(slot);
    (!goes_on).then_some(wait)
}

/// What is known of a wait of this worker, and for whom it is, if it is for anybody.
fn about(shard: &Shard, wait: Key) -> Option<(Asked, ActorId)> {
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
fn waits_for_several(shard: &Shard, actor: ActorId) -> bool {
    let wait = pending_wait_of(shard, actor);
    wait.is_some_and(|wait| shard.several.has(wait))
}

/// Whether somebody is left to be looked at from an actor of this worker on, in whom a cycle may close: the
/// actor itself, one of another worker, or one that waits for several. Takes no memory, however many wait.
fn leads_on(shard: &Shard, first: ActorId) -> bool {
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
fn may_lead_on(slot: &Slot) -> bool {
    slot.is_at_work() || slot.special.get()
}

/// Who holds up an actor of this worker, where anybody does.
fn held_up_at(shard: &Shard, actor: ActorId) -> Option<HeldUp> {
    held_up(shard, shard.tenant(actor.key)?)
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
    fn held_up(shard: &Shard, actor: ActorId, next: Key) -> Self {
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

    fn known(&self) -> Known {
        (self.actor, self.wait, self.question)
    }

    /// Whether nobody but that actor, of this worker, which waits itself, can end the wait.
    fn is_certain(&self, shard: &Shard, next: Key, next_wait: Key) -> bool {
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
    fn from(shard: &Shard, actor: ActorId) -> Option<Self> {
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
    fn have(&self, known: Known) -> bool {
        match self {
            Self::One(link, _) | Self::Below(link) => link.known() == known,
            Self::All(all) => all.iter().any(|(link, _)| link.known() == known),
        }
    }

    /// The one by that link to that actor, if it is one of them.
    fn one(self, shard: &Shard, known: Known, next: ActorId) -> Option<(Link, ActorId)> {
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
    fn all(self, shard: &Shard) -> Vec<(Link, ActorId)> {
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

impl Walk {
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
    fn go_on(self, shard: &Shard, at: ActorId) {
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

impl Shard {
    /// An actor of this worker begins to wait for another one: looks whether that closes a cycle.
    #[inline(always)]
    pub(crate) fn look_for_cycle(&self, actor: Key, wait: Key, target: ActorId) {
        if target.home == self.home {
            if self.slots().get(target.key.slot).is_some_and(may_lead_on) {
                self.follow_wait(actor);
            }
        } else if target.home.pool() == self.home.pool() {
            self.unprobed.waits.borrow_mut().push((actor, wait));
        }
    }

    /// A wait that has begun leads to somebody else than before: looks soon whether that closes a cycle,
    /// as the wait that was to find it may have been followed already.
    pub(crate) fn look_again_for_cycle(&self, wait: Key) {
        if let Some(slot) = self.waits.waiter(wait) {
            let generation = self.slot(slot).generation();
            let actor = Key { slot, generation };
            self.unprobed.waits.borrow_mut().push((actor, wait));
        }
    }

    #[cold]
    #[inline(never)]
    fn follow_wait(&self, actor: Key) {
        let id = self.id_of(actor);
        if waits_for_several(self, id) {
            self.search_from(actor);
        } else if leads_on(self, id) {
            Walk::default().go_on(self, id);
        }
    }

    /// An actor of this worker begins to wait for several answers: looks whether one closes a cycle.
    pub(crate) fn look_for_cycles(&self, actor: Key, wait: Key) {
        let all = self.several.of(wait).unwrap_or_default();
        let targets = all.into_iter().filter_map(|one| about(self, one));
        let targets: Vec<_> = targets.map(|(_, target)| target).collect();
        let leads_on = |target: &ActorId| {
            target.home == self.home && self.slots().get(target.key.slot).is_some_and(may_lead_on)
        };
        if targets.iter().any(leads_on) {
            self.follow_wait(actor);
        } else if targets.iter().any(|target| target.home != self.home) {
            self.unprobed.waits.borrow_mut().push((actor, wait));
        }
    }

    /// An actor is held up: looks soon whether that closes a cycle.
    pub(crate) fn is_held_up(&self, slot: &Slot, actor: Key) {
        if held_up(self, slot).is_some() {
            self.search_soon(slot, actor);
        }
    }

    /// Has a search begin at an actor, unless it is to already.
    fn search_soon(&self, slot: &Slot, actor: Key) {
        if slot.wants_search() {
            self.unprobed.waits.borrow_mut().push((actor, Key::NONE));
        }
    }

    fn search_from(&self, actor: Key) {
        let Some(slot) = self.tenant(actor) else {
            return;
        };
        if slot.has_system() {
            slot.begins_search();
        }
        let number = self.unprobed.searches.get();
        self.unprobed.searches.set(number + 1);
        let search = Walk {
            search: Some(number),
            ..Walk::default()
        };
        search.go_on(self, self.id_of(actor));
    }

    /// Whether somebody waits for an actor of another worker, and no probe has been sent.
    pub(crate) fn has_unprobed_waits(&self) -> bool {
        !self.unprobed.waits.borrow().is_empty()
    }

    /// Sends the probes of those who still wait for actors of other workers.
    pub(crate) fn send_probes(&self) {
        self.unprobed.seen.set(0);
        self.probe(self.unprobed.waits.take());
    }

    /// As [`send_probes`](Self::send_probes), but for those who began since it was last called, and may
    /// be done in a moment.
    pub(crate) fn send_probes_of_long_waits(&self) {
        let Unprobed { waits, seen, .. } = &self.unprobed;
        let long = waits.borrow_mut().drain(..seen.get()).collect();
        waits
            .borrow_mut()
            .retain(|&(_, wait)| wait == Key::NONE || self.waits.is_pending(wait));
        seen.set(waits.borrow().len());
        self.probe(long);
    }

    fn probe(&self, waits: Vec<(Key, Key)>) {
        for (actor, wait) in waits {
            if wait == Key::NONE {
                self.search_from(actor);
            } else if self.waits.is_pending(wait) {
                self.follow_wait(actor);
            }
        }
    }
}
