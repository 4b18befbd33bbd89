//! How actors are started: what is drawn for them, where they are placed, and what must come of it.

use nexus_actors::SpawnError;
use nexus_actors::prelude::*;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use super::World;
use crate::features::Feature;
use crate::member;
use crate::note::{Load, Note, Purse};
use crate::oracles::{Claim, Life};
use crate::record::{Closing, Known, Opening, Record};
use crate::rng::Rng;
use crate::sender::Sender;
use crate::supervision::report;

/// The name of a top-level actor, from its path.
pub(crate) fn top_level(path: &str) -> Option<&str> {
    path.strip_prefix("/user/")
        .filter(|name| !name.contains('/'))
}

/// Where to start a top-level actor.
pub(crate) enum Place<L: Load> {
    ByRing,
    On(usize),
    Near(ActorRef<Note<L>>),
}

impl<L: Load> World<L> {
    /// Makes the record and the props of a future actor.
    pub(crate) fn conceive(
        self: &Arc<Self>,
        parent: Option<&Arc<Record<L>>>,
        path: Option<String>,
        rng: &mut Rng,
    ) -> (Arc<Record<L>>, Props<Note<L>>) {
        self.conceive_with(parent, path, rng, self.odd_starts)
    }

    fn conceive_with(
        self: &Arc<Self>,
        parent: Option<&Arc<Record<L>>>,
        path: Option<String>,
        rng: &mut Rng,
        odd: u64,
    ) -> (Arc<Record<L>>, Props<Note<L>>) {
        let opening = match rng.percent(odd) {
            true => *rng.pick(&Opening::ODD),
            false => Opening::Plain,
        };
        let closing = match rng.percent(odd) {
            true => *rng.pick(&Closing::ODD),
            false => Closing::Plain,
        };
        let seed = rng.next();
        let bound = self.draw_bound(seed);
        let life = Life::new(
            self.next_number(),
            parent.map(|parent| Arc::clone(&parent.life)),
        );
        let record = Arc::new(Record::new(
            life,
            path,
            parent.map_or(0, |parent| parent.depth + 1),
            seed,
            (opening, closing),
            bound,
            self.listens.load(SeqCst),
        ));
        if record
            .path
            .as_ref()
            .is_some_and(|path| self.struck.contains(path))
        {
            record.life.is_struck();
        }
        if let Some(parent) = parent {
            parent.conceived.lock().push(Arc::clone(&record.life));
        }
        if opening.fails() || closing == Closing::Spawns {
            record.life.may_leave_children();
        }
        let (world, of) = (Arc::clone(self), Arc::clone(&record));
        let strategy = self.strategy_of(&record);
        let mut props = Props::new(move || member::build(&world, &of)).supervising(strategy);
        if let Some((capacity, overflow)) = bound {
            record.life.may_lose_mail();
            let mailbox = Mailbox::bounded(capacity, overflow);
            props = props.mailbox(mailbox.expect("it takes at least one message"));
        }
        (record, props)
    }

    fn draw_bound(&self, seed: u64) -> Option<(usize, Overflow)> {
        let rng = &mut Rng::new(seed ^ 0xb0d);
        if !self.features.has(Feature::Bounds) || rng.percent(40) {
            return None;
        }
        let kinds = [
            Overflow::DropNewest,
            Overflow::DropOldest,
            Overflow::Backpressure,
            Overflow::Fail,
        ];
        let capacity = 1 + rng.index(6);
        Some((capacity, *rng.pick(&kinds)))
    }

    /// Begins an attempt to take a name.
    pub(crate) fn claim(&self, record: &Record<L>) -> Option<Claim> {
        let path = record.path.as_deref()?;
        if !self.ready.load(SeqCst) {
            self.oracles.names.linger(path);
        }
        Some(self.oracles.names.claim(path))
    }

    /// Checks the outcome of an attempt to start an actor.
    pub(crate) fn started(
        &self,
        record: &Arc<Record<L>>,
        claim: Option<Claim>,
        result: Result<ActorRef<Note<L>>, SpawnError>,
    ) -> Option<Known<L>> {
        let taken = matches!(result, Err(SpawnError::NameTaken(_)));
        if let Some(claim) = claim {
            let check = self.oracles.names.claimed(&claim, taken && self.simulated);
            self.oracles.note(|| record.who(), check);
        }
        let check = match result {
            Ok(target) => {
                self.oracles.saw("actor started");
                record.life.is_in_public();
                let known = record.target().is_none_or(|own| own == target);
                let failing = record.opening.fails() || record.opening.ends_at_once();
                let check = match known && !failing {
                    true => Ok(()),
                    false => Err(format!("started as {}, failing: {failing}", target.id())),
                };
                self.oracles.note(|| record.who(), check);
                let record = Arc::clone(record);
                return record.target().map(|target| Known { record, target });
            }
            Err(SpawnError::Failed(failure)) => {
                self.oracles.saw("actor failed to start");
                report(self, &failure)
            }
            Err(SpawnError::EndedInStart(_)) if record.opening.ends_at_once() => {
                self.oracles.saw("actor ended in its start");
                Ok(())
            }
            Err(SpawnError::NameTaken(_)) => {
                self.oracles.saw("name was taken");
                Ok(())
            }
            Err(SpawnError::ShuttingDown | SpawnError::PoolClosed) if self.ends() => {
                self.oracles.saw("actor not started, as the pool ends");
                self.may_be_cut_short(record);
                Ok(())
            }
            Err(error) => Err(format!("did not start: {error}")),
        };
        self.oracles.note(|| record.who(), check);
        None
    }

    /// Handles a start that fails because the pool ends. At the deadline, a waiter on another
    /// worker is notified at once, although what the start has left behind stops later, and the
    /// name is released after that.
    fn may_be_cut_short(&self, record: &Record<L>) {
        // Tasks that it has begun are left behind, too.
        let leaves =
            record.opening == Opening::SpawnsAndFails || self.features.has(Feature::Signals);
        let left_some = leaves && record.life.incarnation() > 0;
        if let Some(path) = record.path.as_ref().filter(|_| left_some) {
            self.oracles.names.linger(path);
        }
    }

    /// Starts a top-level actor; this may be called anywhere.
    pub(crate) fn spawn_top(
        self: &Arc<Self>,
        rng: &mut Rng,
        name: &str,
        place: Place<L>,
    ) -> Option<Known<L>> {
        let path = format!("/user/{name}");
        let (record, props) = self.conceive(None, Some(path), rng);
        let claim = self.claim(&record);
        let node = self.node();
        let result = match place {
            Place::ByRing => node.spawn(name, props),
            Place::On(worker) => node.spawn_on(worker, name, props),
            Place::Near(other) => node.spawn_near(other, name, props),
        };
        self.started(&record, claim, result)
    }

    /// Starts a top-level actor under a generated name, if the pool can do that. Returns whether it
    /// can.
    pub(crate) fn spawn_anonymous(self: &Arc<Self>, rng: &mut Rng) -> bool {
        let Some(spawn) = self.anonymously.read().clone() else {
            return false;
        };
        let (record, props) = self.conceive(None, None, rng);
        let result = spawn(props);
        self.started(&record, None, result);
        true
    }

    /// Starts an actor that does nothing odd, under a free name.
    pub(crate) fn spawn_plain(self: &Arc<Self>, rng: &mut Rng, name: &str) {
        let path = format!("/user/{name}");
        let (record, props) = self.conceive_with(None, Some(path), rng, 0);
        let result = self.node().spawn(name, props);
        if let Err(error) = &result {
            self.oracles
                .violated(format!("the name {name} cannot be taken again: {error}"));
        }
        self.started(&record, None, result);
    }

    /// What every worker does before the pool has started: all of them spawn the same actors, and
    /// receive the same references.
    pub(crate) fn configure(
        self: &Arc<Self>,
        actors: u64,
    ) -> impl Fn(&WorkerNode) -> Result<(), BoxError> + Send + Sync + 'static {
        let world = Arc::downgrade(self);
        move |node| {
            let Some(world) = world.upgrade() else {
                return Ok(());
            };
            world.node.get_or_init(|| node.clone());
            (0..actors).for_each(|number| world.spawn_configured(node, number));
            Ok(())
        }
    }

    fn spawn_configured(self: &Arc<Self>, node: &WorkerNode, number: u64) {
        let name = format!("configured-{number}");
        let path = format!("/user/{name}");
        let (record, props) = self.conceive_with(None, Some(path), &mut Rng::new(number), 0);
        let wrong = match node.spawn(&name, props) {
            Ok(target) => {
                let mut configured = self.configured.lock();
                let first = *configured.entry(number).or_insert(target);
                (first != target).then(|| format!("{name} is {first:?} and {target:?}"))
            }
            Err(error) => Some(format!("{name} was not configured: {error}")),
        };
        if let Some(wrong) = wrong {
            self.oracles.violated(wrong);
        }
        if let Some(target) = record.target() {
            self.oracles.saw("actor configured");
            let sender = Sender::new(Arc::clone(self), self.next_number()).acts_outside();
            let purse = Purse {
                fuel: 2,
                depth: 0,
                rng: Rng::new(number),
            };
            sender.tell(&Known { record, target }, purse);
        }
    }

    /// Draws where to start a top-level actor.
    pub(crate) fn draw_place(&self, rng: &mut Rng) -> Place<L> {
        match rng.below(3) {
            0 => Place::ByRing,
            1 => Place::On(rng.index(self.workers)),
            _ => match self.pick(rng) {
                Some(known) => Place::Near(known.target),
                None => Place::ByRing,
            },
        }
    }

    /// Draws the name of a top-level actor that existed and no longer does.
    pub(crate) fn draw_free_name(&self, rng: &mut Rng) -> Option<String> {
        let free = self.oracles.names.free_again();
        let names: Vec<_> = free.iter().filter_map(|path| top_level(path)).collect();
        (self.may_end() && !names.is_empty()).then(|| (*rng.pick(&names)).to_owned())
    }
}
