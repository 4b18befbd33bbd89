//! Groups: which actors join, and which are found.

use nexus_actors::Group;
use nexus_actors::prelude::*;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;

use crate::note::{Load, Note};
use crate::oracles::{Check, Groups};
use crate::record::Known;
use crate::rng::Rng;
use crate::world::World;

/// The number of names of groups.
const NAMES: u64 = 2;

/// A group, from the time it was opened until it stops.
pub(crate) struct Joined<L: Load> {
    group: Group<Note<L>>,
    book: Groups,
    /// Whether it was asked to stop.
    stopped: AtomicBool,
}

/// All groups ever opened.
pub(crate) struct OpenGroups<L: Load>(Mutex<Vec<Arc<Joined<L>>>>);

impl<L: Load> Default for OpenGroups<L> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<L: Load> OpenGroups<L> {
    fn all(&self) -> Vec<Arc<Joined<L>>> {
        self.0.lock().clone()
    }

    /// The number of groups that were not asked to stop.
    pub(crate) fn count(&self) -> usize {
        let all = self.all();
        all.iter().filter(|group| group.goes_on()).count()
    }

    fn pick(&self, rng: &mut Rng) -> Option<Arc<Joined<L>>> {
        let all = self.all();
        (!all.is_empty()).then(|| Arc::clone(rng.pick(&all)))
    }
}

impl<L: Load> Joined<L> {
    fn goes_on(&self) -> bool {
        !self.stopped.load(SeqCst)
    }
}

impl<L: Load> World<L> {
    fn open_group(&self, rng: &mut Rng) -> Option<Arc<Joined<L>>> {
        let name = format!("crew-{}", rng.below(NAMES));
        let group = match Group::open(self.node(), &name) {
            Ok(group) => group,
            Err(error) => {
                let all = self.helpers.groups.all();
                let closing = all.iter().any(|one| !one.goes_on());
                self.is_not_opened(&name, &error, closing);
                return None;
            }
        };
        let id = group.actor_ref().id();
        let mut groups = self.helpers.groups.0.lock();
        let known = groups.iter().find(|one| one.group.actor_ref().id() == id);
        if let Some(known) = known {
            return Some(Arc::clone(known));
        }
        let joined = Arc::new(Joined {
            group,
            book: Groups::default(),
            stopped: AtomicBool::new(false),
        });
        groups.push(Arc::clone(&joined));
        Some(joined)
    }

    pub(crate) fn join(&self, known: &Known<L>, rng: &mut Rng) {
        if let Some(joined) = self.open_group(rng) {
            self.oracles.saw("member joined");
            joined.book.joins(known.record.life.number);
            self.helper_is_sent();
            joined.group.join(known.target);
        }
    }

    pub(crate) fn leave(&self, known: &Known<L>, rng: &mut Rng) {
        if let Some(joined) = self.helpers.groups.pick(rng) {
            self.oracles.saw("member left");
            joined.book.leaves(known.record.life.number);
            self.helper_is_sent();
            joined.group.leave(known.target.id());
        }
    }

    pub(crate) fn stop_group(&self, rng: &mut Rng) {
        if let Some(joined) = self.helpers.groups.pick(rng) {
            self.oracles.saw("stop of a group");
            joined.stopped.store(true, SeqCst);
            joined.group.actor_ref().stop();
        }
    }

    /// Makes a group name a member, and returns that member. The caller is an actor.
    pub(crate) fn ask_group(&self, asker: &Known<L>, rng: &mut Rng) -> Option<Known<L>> {
        let joined = self.helpers.groups.pick(rng)?;
        let number = asker.record.life.number;
        let group = joined.group;
        match rng.below(3) {
            0 => {
                let members = self.told(&joined, group.members(self.patience))?;
                let numbers = self.numbers_of(&members);
                // One that fails is not asked by those who come before it any more.
                self.judge_helper("group", joined.book.lists(&numbers, number));
                self.known_of((!members.is_empty()).then(|| *rng.pick(&members)))
            }
            1 => {
                let key = rng.below(8);
                let owner = self.told(&joined, group.owner_of(&key, self.patience))?;
                self.has_one(&joined, number, owner)
            }
            _ => {
                let next = self.told(&joined, group.in_turn(self.patience))?;
                self.has_one(&joined, number, next)
            }
        }
    }

    /// An actor that has joined finds at least itself.
    fn has_one(
        &self,
        joined: &Joined<L>,
        asker: u32,
        member: Option<ActorRef<Note<L>>>,
    ) -> Option<Known<L>> {
        if member.is_none() && joined.book.has(asker) {
            let text = format!("{asker} has joined, and nobody is found");
            self.judge_helper("group", Err(text));
        }
        self.known_of(member)
    }

    fn known_of(&self, target: Option<ActorRef<Note<L>>>) -> Option<Known<L>> {
        let target = target?;
        let record = self.known_as(target.id());
        if record.is_none() {
            self.judge_helper("group", Err(format!("{target:?} is known to nobody")));
        }
        record.map(|record| Known { record, target })
    }

    fn numbers_of(&self, members: &[ActorRef<Note<L>>]) -> Vec<u32> {
        let known = members.iter().map(|member| self.known_of(Some(*member)));
        known
            .flatten()
            .map(|known| known.record.life.number)
            .collect()
    }

    /// Waits for the answer of a group.
    fn told<R: Send + 'static>(&self, joined: &Joined<L>, ask: Ask<R>) -> Option<R> {
        self.helper_answers("group", ask, || joined.goes_on())
    }

    /// Waits for the answer of a helper, which answers as long as it is running.
    pub(crate) fn helper_answers<R: Send + 'static>(
        &self,
        what: &str,
        ask: Ask<R>,
        goes_on: impl Fn() -> bool,
    ) -> Option<R> {
        self.helper_is_sent();
        // If the handler is ended meanwhile, the answer is late.
        self.oracles.other_late.fetch_add(1, SeqCst);
        match ask.wait() {
            Ok(answer) => {
                self.oracles.other_late.fetch_sub(1, SeqCst);
                Some(answer)
            }
            Err(AskError::Timeout(_)) if !self.prompt => None,
            // A router waits for the routees that it starts on other workers.
            Err(AskError::Deadlock(_)) if what == "router" => None,
            Err(AskError::TargetStopped(_) | AskError::NoReply(_)) if !goes_on() => None,
            Err(error) => {
                if !self.ends() {
                    self.judge_helper(what, Err(format!("does not answer: {error}")));
                }
                None
            }
        }
    }

    /// Checks, when nothing is left to do, that the members are the actors that have joined.
    pub(crate) fn check_groups(&self) {
        for joined in self.helpers.groups.all() {
            if !joined.goes_on() {
                continue;
            }
            let check = self.check_group(&joined);
            self.judge_helper("group", check);
        }
    }

    fn check_group(&self, joined: &Joined<L>) -> Check {
        let (group, long) = (joined.group, self.patience * 1000);
        let wrong = |error| format!("does not answer: {error}");
        self.helper_is_sent();
        let members = group.members(long).wait().map_err(wrong)?;
        let numbers = self.numbers_of(&members);
        joined.book.are(&numbers, |number| self.is_there(number))?;
        let mut in_turn = Vec::new();
        for _ in &members {
            self.helper_is_sent();
            in_turn.extend(group.in_turn(long).wait().map_err(wrong)?);
        }
        let each = members.iter().all(|member| in_turn.contains(member));
        if !each || in_turn.len() != members.len() {
            return Err(format!("{members:?} are in turn {in_turn:?}"));
        }
        for key in 0..4_u64 {
            self.helper_is_sent();
            let first = group.owner_of(&key, long).wait().map_err(wrong)?;
            self.helper_is_sent();
            let second = group.owner_of(&key, long).wait().map_err(wrong)?;
            let fits = match first {
                Some(owner) => members.contains(&owner),
                None => members.is_empty(),
            };
            if first != second || !fits {
                return Err(format!(
                    "{key} belongs to {first:?} and {second:?} of {members:?}"
                ));
            }
        }
        Ok(())
    }
}
