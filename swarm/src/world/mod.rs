//! What the actors of one run share: which actors exist, and what is left to spend.

mod starting;

use nexus_actors::address::ActorId;
use nexus_actors::failure::DeadLetter;
use nexus_actors::prelude::*;
use nexus_actors::{Failure, SpawnError};
use parking_lot::{Mutex, RwLock};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::action::Weights;
use crate::features::{Feature, Features};
use crate::helpers::Helpers;
use crate::note::{Load, Note, Purse, Question};
use crate::oracles::{Oracles, Sight};
use crate::plan::{End, Plan};
use crate::record::{Known, Record};
use crate::rng::Rng;
use crate::sender::Sender;
use crate::supervision::report;

pub(crate) use self::starting::{Place, top_level};

type SpawnAnonymously<L> =
    Arc<dyn Fn(Props<Note<L>>) -> Result<ActorRef<Note<L>>, SpawnError> + Send + Sync>;

type ById<L> = HashMap<ActorId, Arc<Record<L>>>;

/// What the actors of one run share.
pub(crate) struct World<L: Load> {
    pub(crate) oracles: Arc<Oracles>,
    pub(crate) weights: Weights,
    pub(crate) features: Features,
    pub(crate) workers: usize,
    pub(crate) odd_starts: u64,
    pub(crate) slow_answers: u64,
    /// Whether the clock is simulated, so that delays mean something.
    pub(crate) simulated: bool,
    /// Whether an ask that was certain to end must end promptly.
    pub(crate) prompt: bool,
    /// The time-out of an ask that is to be answered.
    pub(crate) patience: Duration,
    pub(crate) node: OnceLock<WorkerNode>,
    /// How top-level actors are started under generated names, if that is possible.
    pub(crate) anonymously: RwLock<Option<SpawnAnonymously<L>>>,
    /// How long the pool has to end, if its actors may request that.
    pub(crate) within: Option<Duration>,
    /// Topics, groups and routers.
    pub(crate) helpers: Helpers<L>,
    /// Questions that were left to threads outside.
    pub(crate) outside: Mutex<Vec<Question>>,
    /// The paths of actors that a fault may end.
    struck: Vec<String>,
    /// The actors that every worker's `configure` spawns.
    configured: Mutex<HashMap<u64, ActorRef<Note<L>>>>,
    meddling: bool,
    /// Whether lost messages are reported to it.
    listens: AtomicBool,
    /// Whether the pool has started. While it starts, workers that spawn a name through their node
    /// receive the actor that another worker has begun.
    ready: AtomicBool,
    budget: AtomicI64,
    next_number: AtomicU32,
    roster: RwLock<Vec<Known<L>>>,
    by_id: Mutex<ById<L>>,
    /// Whether actors may suspend others: not once the run is to come to its end.
    may_suspend: AtomicBool,
}

impl<L: Load> World<L> {
    pub(crate) fn new(plan: &Plan, simulated: bool) -> Arc<Self> {
        Arc::new(Self {
            oracles: Arc::default(),
            weights: plan.weights.clone(),
            features: plan.features,
            workers: plan.workers,
            odd_starts: plan.odd_starts,
            slow_answers: plan.slow_answers,
            simulated,
            prompt: simulated && plan.mishaps.is_empty() && !plan.in_leaps,
            within: match plan.end {
                End::Quiet => None,
                End::InTime { .. } => Some(crate::run::LONG),
                End::Forced { within, .. } => Some(within),
            },
            helpers: Helpers::default(),
            outside: Mutex::default(),
            struck: plan
                .strikes
                .iter()
                .map(|strike| strike.path.clone())
                .collect(),
            configured: Mutex::default(),
            listens: AtomicBool::new(false),
            ready: AtomicBool::new(false),
            meddling: plan.meddling,
            patience: match simulated {
                true => Duration::from_secs(5),
                false => Duration::from_millis(40),
            },
            node: OnceLock::new(),
            anonymously: RwLock::default(),
            budget: AtomicI64::new(plan.budget),
            next_number: AtomicU32::new(1),
            roster: RwLock::default(),
            by_id: Mutex::default(),
            may_suspend: AtomicBool::new(true),
        })
    }

    pub(crate) fn node(&self) -> &WorkerNode {
        self.node.get().expect("it is set before anything is sent")
    }

    /// Spends that much. Returns whether it was left to spend.
    pub(crate) fn spend(&self, cost: i64) -> bool {
        self.budget.fetch_sub(cost, SeqCst) > 0
    }

    /// Keeps actors that start from now on from beginning anything that others would notice.
    pub(crate) fn spend_the_rest(&self) {
        self.budget.store(0, SeqCst);
    }

    pub(crate) fn next_number(&self) -> u32 {
        self.next_number.fetch_add(1, SeqCst)
    }

    /// Requests the end of the pool, after that time at the latest.
    pub(crate) fn request_end(&self, within: Duration) {
        self.oracles.pool_ends.store(true, SeqCst);
        self.node().request_shutdown(within);
    }

    /// The pool's failure hook. The closure must not hold the world, which holds the pool.
    pub(crate) fn on_failure(self: &Arc<Self>) -> impl Fn(&Failure) + Send + Sync + 'static {
        let world = Arc::downgrade(self);
        move |failure| {
            if let Some(world) = world.upgrade() {
                let check = report(&world, failure);
                world.oracles.note(|| "failure".to_owned(), check);
                world.is_told(true);
            }
        }
    }

    /// Sends a message from a callback, if callbacks are to do that.
    pub(crate) fn is_told(self: &Arc<Self>, may_wait: bool) {
        if !self.meddling {
            return;
        }
        let number = u64::from(self.next_number());
        let mut rng = Rng::new(number);
        if rng.percent(40) {
            return;
        }
        if let Some(to) = self.pick(&mut rng) {
            self.meddle(&to, rng.next(), may_wait && rng.percent(50));
        }
    }

    /// In the destructor of a state, asks an actor, and tries to wait.
    pub(crate) fn is_dropped(self: &Arc<Self>, seed: u64) {
        if let Some(to) = self.pick(&mut Rng::new(seed)) {
            self.meddle(&to, seed, true);
        }
    }

    /// Sends a message from a place where it is not known whether a handler runs, or asks and tries
    /// to wait there.
    pub(crate) fn meddle(self: &Arc<Self>, to: &Known<L>, seed: u64, waits: bool) {
        if !self.spend(1) {
            return;
        }
        let sender = Sender::new(Arc::clone(self), self.next_number());
        let purse = Purse {
            fuel: 0,
            depth: 0,
            rng: Rng::new(seed),
        };
        if waits {
            self.oracles.saw("ask from anywhere");
            let timeout = Duration::from_micros(seed % 1000);
            sender.ask(to, purse, timeout, &|| None).try_to_wait();
        } else {
            self.oracles.saw("message from anywhere");
            sender.tell(to, purse);
        }
    }

    /// Records that the pool has started.
    pub(crate) fn is_ready(&self) {
        self.ready.store(true, SeqCst);
    }

    /// Whether the pool has started, and may be requested to end.
    pub(crate) fn may_end(&self) -> bool {
        self.ready.load(SeqCst)
    }

    pub(crate) fn ends(&self) -> bool {
        self.oracles.pool_ends.load(SeqCst)
    }

    pub(crate) fn may_suspend(&self) -> bool {
        self.may_suspend.load(SeqCst)
    }

    /// Resumes all suspended actors, so that the run comes to its end.
    pub(crate) fn resume_all(&self) {
        if !self.features.has(Feature::Suspensions) {
            return;
        }
        self.may_suspend.store(false, SeqCst);
        for known in self.all() {
            known.record.life.is_resumed_from_afar();
            known.target.resume();
        }
    }

    // ---- the roster ---------------------------------------------------------------------------

    /// Records an actor as soon as it knows its own reference: from now on others know it.
    pub(crate) fn meet(&self, record: &Arc<Record<L>>, target: ActorRef<Note<L>>) {
        if record.target.set(target).is_ok() {
            let record = Arc::clone(record);
            self.by_id.lock().insert(target.id(), Arc::clone(&record));
            if !record.is_hidden.load(SeqCst) {
                self.roster.write().push(Known { record, target });
            }
        }
    }

    /// Picks any actor that ever existed, preferably one that runs.
    pub(crate) fn pick(&self, rng: &mut Rng) -> Option<Known<L>> {
        let roster = self.roster.read();
        let mut picked = None;
        for _ in 0..3 {
            if roster.is_empty() {
                return None;
            }
            let known = rng.pick(&roster);
            picked = Some(known.clone());
            if known.record.life.is_there() {
                break;
            }
        }
        picked
    }

    /// Picks an actor that has stopped.
    pub(crate) fn pick_stopped(&self, rng: &mut Rng) -> Option<Known<L>> {
        let roster = self.roster.read();
        let stopped: Vec<_> = roster
            .iter()
            .filter(|known| known.record.life.is_dropped())
            .collect();
        (!stopped.is_empty()).then(|| (*rng.pick(&stopped)).clone())
    }

    /// Picks an actor of a worker other than `worker`, if there is any.
    pub(crate) fn pick_elsewhere(&self, rng: &mut Rng, worker: usize) -> Option<Known<L>> {
        let tries = (0..4).filter_map(|_| self.pick(rng));
        let mut all: Vec<_> = tries.collect();
        let elsewhere = all
            .iter()
            .position(|known| known.target.id().worker() != worker);
        match elsewhere {
            Some(index) => Some(all.swap_remove(index)),
            None => all.pop(),
        }
    }

    /// Picks an actor of that worker, if there is any.
    pub(crate) fn pick_on(&self, rng: &mut Rng, worker: usize) -> Option<Known<L>> {
        let mut tries = (0..8).filter_map(|_| self.pick(rng));
        tries.find(|known| known.target.id().worker() == worker)
    }

    /// The record of the actor with that id.
    pub(crate) fn known_as(&self, id: ActorId) -> Option<Arc<Record<L>>> {
        self.by_id.lock().get(&id).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Known<L>> {
        self.roster.read().clone()
    }

    /// Checks the loss of a message.
    pub(crate) fn hears_of(&self, letter: &DeadLetter) {
        if let Some(record) = self.known_as(letter.target) {
            let message = letter.envelope.message_id().get();
            let check = record.room.loses(message, letter.reason);
            self.oracles.note(|| record.who(), check);
        } else {
            self.helper_loses(letter);
        }
        self.helpers.is_heard();
    }

    /// Whether every message lost from now on is reported: not if callbacks for such losses send
    /// messages, as the losses of those are not reported.
    pub(crate) fn hears(&self) -> bool {
        !self.meddling && self.listens.load(SeqCst)
    }

    /// Records that lost messages are reported from now on.
    pub(crate) fn is_listening(&self) {
        self.listens.store(true, SeqCst);
    }

    /// Whether every lost message to an actor is reported.
    pub(crate) fn hears_all_of(&self, record: &Record<L>) -> bool {
        !self.meddling && record.heard && !record.life.may_be_struck()
    }

    /// Whether all messages are known that are in an actor's mailbox, or on their way to it: not if
    /// others send at the same time.
    pub(crate) fn knows_mail_of(&self, record: &Record<L>) -> bool {
        self.simulated && self.hears_all_of(record)
    }

    // ---- finding ------------------------------------------------------------------------------

    /// Looks up a known actor, and returns the actor found.
    pub(crate) fn look_up(&self, known: &Known<L>) -> Option<Known<L>> {
        let path = known.record.path.as_deref()?;
        let life = &known.record.life;
        let (ran_before, gone_before) = (life.is_there_in_public(), life.is_dropped());
        let wrong = self.node().lookup::<()>(path);
        let result = self.node().lookup::<Note<L>>(path);
        // An actor that is passive when the pool ends receives no notice.
        let there = life.runs() || (life.is_there() && !self.ends());
        let sight = Sight {
            ran_before,
            // On other threads the name may be released a moment after the state.
            gone_before: gone_before && self.simulated && !known.record.lingers.load(SeqCst),
            there_after: there,
            found: result.as_ref() == Ok(&known.target),
        };
        self.oracles.note(|| known.record.who(), sight.check(path));
        if let Ok(target) = wrong {
            let text = format!("{path} was found as {target:?}, of another type");
            self.oracles.violated(text);
        }
        self.oracles.saw(match &result {
            Ok(target) if *target == known.target => "lookup found it",
            Ok(_) => "lookup found its successor",
            Err(_) => "lookup found nobody",
        });
        let target = result.ok()?;
        let record = self.known_as(target.id());
        let Some(record) = record else {
            self.oracles
                .violated(format!("{path} is {target:?}, whom nobody knows"));
            return None;
        };
        if record.path.as_deref() != Some(path) {
            let who = record.who();
            self.oracles.violated(format!("{path} is {who}"));
        }
        Some(Known { record, target })
    }
}
