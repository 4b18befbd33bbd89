//! Members: the actors of a run, which do what the seeds of their messages say, under the oracles'
//! eyes.

mod acts;
mod asks;
mod forms;
mod helpers;
mod keeping;
mod lines;
mod mail;
mod orders;
mod restarts;
mod signals;
mod starts;
mod tasks;

use nexus_actors::prelude::*;
use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use self::tasks::Held;
use crate::features::Feature;
use crate::note::{Load, Note, Purse, Question};
use crate::oracles::{Check, Counted, OneAtATime, StashBook, TimerBook, When};
use crate::record::{Closing, Known, Record};
use crate::rng::Rng;
use crate::sender::{Asked, Sender};
use crate::world::World;

pub(crate) use self::forms::build;

/// The most questions and asks that an actor holds at a time.
const KEPT: usize = 4;
/// The most handlers that wait for each other's ends.
const DEPTH: u8 = 4;
/// The depth of the actor tree.
const GENERATIONS: u8 = 3;

/// The state of an actor. Its behaviours share it, as an actor may become another.
struct Member<L: Load> {
    world: Arc<World<L>>,
    record: Arc<Record<L>>,
    sender: Sender<L>,
    turn: OneAtATime,
    kept: RefCell<Vec<Question>>,
    held: RefCell<Vec<Asked>>,
    /// The question that the handler has in hand while it acts.
    in_hand: Cell<Option<usize>>,
    stash: RefCell<StashBook>,
    tasks: RefCell<Vec<Held<L>>>,
    /// The number of signals received.
    signals: Cell<u64>,
    _counted: Counted,
}

type Ctx<'a, L> = Context<'a, Note<L>>;
type Flow<L> = ControlFlow<Verdict<L>>;

/// The outcome of a handler.
enum Verdict<L: Load> {
    Goes(Next<Note<L>>),
    Fails,
}

impl<L: Load> Member<L> {
    fn new(world: Arc<World<L>>, record: Arc<Record<L>>) -> Self {
        let number = record.life.number;
        let member = Self {
            sender: Sender::new(Arc::clone(&world), number).goes_on_with(&record.sent_to),
            turn: OneAtATime::default(),
            kept: RefCell::default(),
            held: RefCell::default(),
            in_hand: Cell::default(),
            stash: RefCell::default(),
            tasks: RefCell::default(),
            signals: Cell::default(),
            _counted: world.oracles.states.one_more(),
            world,
            record,
        };
        member.is_built();
        let (incarnation, wakes) = (member.record.life.incarnation(), member.record.life.wakes());
        *member.record.timers.lock() = TimerBook::of(incarnation);
        member.record.silence.ends();
        let aside = std::mem::take(&mut *member.record.stash.lock());
        if wakes {
            *member.stash.borrow_mut() = aside;
        }
        if let Some(path) = &member.record.path {
            member.judge(member.world.oracles.names.born(path, number));
        }
        member
    }

    fn judge(&self, check: Check) {
        self.world.oracles.note(|| self.record.who(), check);
    }

    fn known(&self, ctx: &Ctx<'_, L>) -> Known<L> {
        Known {
            record: Arc::clone(&self.record),
            target: ctx.self_ref(),
        }
    }

    /// The text to fail with now.
    fn plan_failure(&self, when: When) -> String {
        self.record.life.is_failing();
        self.world.oracles.saw(match when {
            When::Starting => "failure while starting",
            When::Handling => "failure while handling",
            When::Stopping => "failure while stopping",
            When::Signalled => "failure while told a signal",
            When::Restarting => "failure while restarting",
            When::Task => "failure in a task",
        });
        let failures = &self.world.oracles.failures;
        failures.plan(self.record.life.number, when)
    }

    fn own_purse(&self) -> Purse {
        Purse {
            fuel: 1,
            depth: DEPTH - 1,
            rng: Rng::new(!self.record.seed),
        }
    }

    /// Notes that its name is retained for a while after its state is gone.
    fn linger(&self) {
        self.record.lingers.store(true, SeqCst);
        if let Some(path) = &self.record.path {
            self.world.oracles.names.linger(path);
        }
    }

    /// Whether its own destructor may wait, or the callback that reports its panic; or the
    /// destructor of a message that a bounded mailbox drops meanwhile: that of the oldest message
    /// there, because of what it sends, or that of its own question, which it takes back.
    fn may_wait_when_dropped(&mut self) -> bool {
        let takes_back = !self.held.get_mut().is_empty();
        match self.record.closing {
            Closing::DropAsks | Closing::DropPanics => true,
            closing => {
                let bounds = self.world.features.has(Feature::Bounds);
                bounds && (takes_back || closing == Closing::DropTells)
            }
        }
    }
}

impl<L: Load> Drop for Member<L> {
    fn drop(&mut self) {
        let may_wait = self.may_wait_when_dropped();
        let life = &self.record.life;
        let (told, restarts) = (life.is_told(), life.is_told_to_restart());
        if may_wait {
            self.linger();
        }
        let between = life.is_dropped_between();
        if life.is_passive() {
            self.rests();
        } else if between {
            self.sender.acts_anywhere();
            // Its successor receives no notice of the actors that it watched.
            self.record.watches.end();
            // Others decide whether it is built again, or its name is released.
            self.linger();
        } else {
            let check = life.is_dropped_after(&self.record.mail.lock(), self.world.ends());
            self.judge(check);
        }
        if let Some(path) = &self.record.path {
            let names = &self.world.oracles.names;
            match life.is_passive() {
                true => names.rests(path, life.number),
                false => names.died(path, life.number),
            }
        }
        self.world.oracles.saw("state dropped");
        match self.record.closing {
            Closing::DropTells => self.tell_some(&mut self.own_purse()),
            Closing::DropAsks => self.world.is_dropped(self.record.seed),
            Closing::DropPanics if restarts => panic!("{}", self.plan_failure(When::Restarting)),
            // A start that fails reports its cause, and nothing else.
            Closing::DropPanics if told => panic!("{}", self.plan_failure(When::Stopping)),
            _ => {}
        }
    }
}
