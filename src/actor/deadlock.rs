//! Deadlocks: cycles of waits, found when the last of them begins.
//!
//! An actor waits for one thing at a time, so from each wait at most one edge leads on: to the actor
//! that was asked, in whose full mailbox there is to be room, or that starts. Whoever begins a wait for an actor
//! that itself waits follows the edges; where they lead to another worker, a *probe* goes on there
//! (Chandy, Misra and Haas, "Distributed deadlock detection", 1983). A wait for an actor of another
//! worker sends its probe when its own worker has nothing better to do. The last wait of a cycle begins
//! when all the others have, and its probe travels behind the questions, so that it finds the cycle. A wait
//! that comes to lead to somebody else, as its question is handed on or its actor begins to start, is
//! followed once more.
//!
//! **No false alarm.** An edge counts only where nobody but the next actor can end the wait:
//!
//! - the question still lies in that actor's mailbox, and the reply in it, or
//! - the next actor waits *on behalf of* that reply: it has lent it to its own wait, or
//! - the next actor's mailbox is full of messages that it has not come to, and none of them is a
//!   question, which might be taken back and make room, or
//! - the next actor is at its setup, which is what is waited for, or is a task that is waited for, or
//!   is below one that did not start: whoever starts that waits until all below it have ended.
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
use super::lifecycle::{self, has_failed_to_start, path_of};
use super::mail_kind::MailKind;
use super::path::ActorPath;
use super::shard::Shard;
use super::slot::{Slot, State};
use super::waits::Asked;

/// Waits for actors of other workers for which no probe was sent, each with who waits.
#[derive(Default)]
pub(crate) struct Unprobed {
    waits: RefCell<Vec<(Key, Key)>>,
    /// How many of them were there when the long ones were looked for.
    seen: Cell<usize>,
}

/// A wait on the way round, with all that a message about it says.
#[derive(Clone)]
struct Link {
    actor: ActorId,
    /// Found out when it is certain that there is a cycle: most waits are part of none.
    path: Option<ActorPath>,
    wait: Key,
    began: u64,
    question: MessageId,
    mail: &'static MailKind,
    certain: bool,
    /// Whether it can be ended: whoever waits for a start goes on to its end.
    can_end: bool,
}

/// A walk along the edges.
#[derive(Clone, Default)]
struct Walk {
    links: Vec<Link>,
    /// Of the first round: which wait there was of whom, and for what.
    known: Option<Vec<(ActorId, Key, MessageId)>>,
    /// Whether it has left its worker.
    has_travelled: bool,
    /// Whether it is one of several that go on from one actor.
    has_branched: bool,
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

/// The wait of an actor of this worker, if it waits for anybody, and for whom.
fn wait_of(shard: &Shard, actor: ActorId) -> Option<(Key, Asked, ActorId)> {
    let slot = shard.tenant(actor.key)?;
    let wait = slot.wait()?;
    if slot.special.is_task() && lifecycle::is_cancelled(slot) {
        return None;
    }
    let asked = shard.waits.asked(wait)?;
    let waits = shard.waits.is_pending(wait) && asked.question != MessageId::NONE;
    let target = asked.target.known().filter(|_| waits)?;
    Some((wait, asked, target))
}

/// Whether somebody is left to be looked at from an actor of this worker on, in whom a cycle may close: the
/// actor itself, or one of another worker. Takes no memory, however many wait.
fn leads_on(shard: &Shard, first: ActorId) -> bool {
    let (mut at, mut milestone) = (first, first);
    for steps in 1_u64.. {
        let Some((_, _, target)) = wait_of(shard, at) else {
            return ends_with_those_below(shard, at);
        };
        at = target;
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

/// Whether an actor of this worker did not start, so that whoever waits for that waits for those below it.
fn ends_with_those_below(shard: &Shard, actor: ActorId) -> bool {
    shard.tenant(actor.key).is_some_and(has_failed_to_start)
}

impl Link {
    /// The wait of an actor of this worker, if it waits for anybody.
    fn of(shard: &Shard, actor: ActorId) -> Option<(Self, ActorId)> {
        let (wait, asked, target) = wait_of(shard, actor)?;
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

    fn known(&self) -> (ActorId, Key, MessageId) {
        (self.actor, self.wait, self.question)
    }

    /// Whether nobody but that actor, of this worker, which waits itself, can end the wait.
    fn is_certain(&self, shard: &Shard, next: Key, next_wait: Key) -> bool {
        let slot = shard.slot(next.slot);
        if self.question == MessageId::ROOM {
            return slot.door().is_some_and(|door| {
                slot.mailbox_len() >= door.gate.capacity() && !door.may_have_questions()
            });
        }
        if self.question == MessageId::WORK {
            // Elsewhere the word may be under way that it has started.
            return self.actor.home == shard.home || slot.state() == State::Starting;
        }
        let on_behalf = (self.actor.home, self.wait);
        shard.waits.on_behalf(next_wait) == Some(on_behalf) || slot.holds_message(self.question)
    }
}

impl Walk {
    /// Goes on at an actor of this worker, as far as it can.
    fn follow(&mut self, shard: &Shard, mut at: ActorId) -> Step {
        let mut through_failed_start = false;
        loop {
            if at.home != shard.home {
                let same_pool = at.home.pool() == shard.home.pool();
                return if same_pool {
                    Step::Leaves(at)
                } else {
                    Step::Ends
                };
            }
            let Some((mut link, target)) = Link::of(shard, at) else {
                match self.below(shard, at) {
                    Some(next) => at = next,
                    None => return Step::Ends,
                }
                through_failed_start = true;
                continue;
            };
            let only_by_next = std::mem::take(&mut through_failed_start);
            if self.known.is_some() {
                link.path = Some(path_of(shard, at.key.slot));
                if let Some(before) = self.links.last_mut() {
                    before.certain = only_by_next || before.is_certain(shard, at.key, link.wait);
                }
            }
            if let Some(first) = self.links.first() {
                if first.actor == at {
                    let same = first.known() == link.known();
                    return if same { Step::Closed } else { Step::Ends };
                }
                if self.milestone() == at {
                    return Step::Ends; // a cycle, but not of the first
                }
            }
            self.links.push(link);
            at = target;
        }
    }

    /// Where the way goes on from an actor that did not start: at one of those below it. Where that may be
    /// one or another, there is a way of its own from each that waits; but only once, as there could be
    /// any number of ways else.
    fn below(&mut self, shard: &Shard, actor: ActorId) -> Option<ActorId> {
        let waits_for_its_end = self.links.last()?.question == MessageId::WORK;
        if !waits_for_its_end || !ends_with_those_below(shard, actor) {
            return None;
        }
        let is_below = |one: &ActorId| {
            one.home == shard.home && lifecycle::is_below(shard, one.key, actor.key)
        };
        let first = self.links.first()?.actor;
        if is_below(&first) {
            return Some(first);
        }
        if let Some(known) = &self.known {
            let (next, ..) = known.get(self.links.len())?;
            return Some(*next).filter(is_below);
        }
        if !std::mem::replace(&mut self.has_branched, true) {
            for next in lifecycle::all_below(shard, actor.key) {
                let next = shard.id_of(next);
                if wait_of(shard, next).is_some() {
                    self.clone().go_on(shard, next);
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

    fn known(&self) -> Vec<(ActorId, Key, MessageId)> {
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
    fn go_on(mut self, shard: &Shard, at: ActorId) {
        match self.follow(shard, at) {
            Step::Ends => {}
            Step::Closed => self.close(shard),
            Step::Leaves(next) => {
                self.has_travelled = true;
                dispatch(next, Probe(self));
            }
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
        for (place, link) in self.links.iter().take(told).enumerate() {
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
            if self
                .slots()
                .get(target.key.slot)
                .is_some_and(Slot::is_at_work)
            {
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

    /// What an actor waits for leads on to others than before.
    pub(crate) fn look_for_cycle_of(&self, actor: Key) {
        self.follow_wait(actor);
    }

    #[cold]
    #[inline(never)]
    fn follow_wait(&self, actor: Key) {
        let actor = self.id_of(actor);
        if leads_on(self, actor) {
            Walk::default().go_on(self, actor);
        }
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
        let Unprobed { waits, seen } = &self.unprobed;
        let long = waits.borrow_mut().drain(..seen.get()).collect();
        waits
            .borrow_mut()
            .retain(|&(_, wait)| self.waits.is_pending(wait));
        seen.set(waits.borrow().len());
        self.probe(long);
    }

    fn probe(&self, waits: Vec<(Key, Key)>) {
        for (actor, wait) in waits {
            if self.waits.is_pending(wait) {
                self.follow_wait(actor);
            }
        }
    }
}
