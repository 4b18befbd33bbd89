//! What the actors of one run share: who there is, and what is left to spend.

mod starting;

use nexus_actors::prelude::*;
use nexus_actors::{ActorId, DeadLetter, Failure};
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
    /// How top-level actors are started under generated names, where that is possible.
    pub(crate) anonymously: RwLock<Option<SpawnAnonymously<L>>>,
    /// How long the pool has to end, where its actors may ask for that.
    pub(crate) within: Option<Duration>,
    /// Topics, groups and routers.
    pub(crate) helpers: Helpers<L>,
    /// Questions that were left to threads outside.
    pub(crate) outside: Mutex<Vec<Question>>,
    /// Paths of actors that a fault may end.
    struck: Vec<String>,
    /// The actors that every worker's `configure` names.
    configured: Mutex<HashMap<u64, ActorRef<Note<L>>>>,
    meddling: bool,
    /// Whether it hears of lost messages.
    listens: AtomicBool,
    /// Whether the pool has started. While it does, workers that spawn a name by their node get
    /// what another one has begun.
    ready: AtomicBool,
    budget: AtomicI64,
    next_number: AtomicU32,
    roster: RwLock<Vec<Known<L>>>,
    by_id: Mutex<ById<L>>,
    /// Whether actors may suspend others: not when the run is to come to its end.
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

    /// Whether so much is left to spend, which then is spent.
    pub(crate) fn spend(&self, cost: i64) -> bool {
        self.budget.fetch_sub(cost, SeqCst) > 0
    }

    /// Has whoever starts from now on begin nothing that others would notice.
    pub(crate) fn spend_the_rest(&self) {
        self.budget.store(0, SeqCst);
    }

    pub(crate) fn next_number(&self) -> u32 {
        self.next_number.fetch_add(1, SeqCst)
    }

    /// Has the pool end, after that time at the latest.
    pub(crate) fn request_end(&self, within: Duration) {
        self.oracles.pool_ends.store(true, SeqCst);
        self.node().request_shutdown(within);
    }

    /// Takes a failure in, as the pool's hook. It must not keep the world, which keeps the pool.
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

    /// Whoever is told of something sends a message then, where it is to.
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

    /// A state's destructor asks somebody, and tries to wait.
    pub(crate) fn is_dropped(self: &Arc<Self>, seed: u64) {
        if let Some(to) = self.pick(&mut Rng::new(seed)) {
            self.meddle(&to, seed, true);
        }
    }

    /// Sends a message from a place of which nobody knows whether a handler runs there, or asks
    /// and tries to wait there.
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

    /// The pool has started.
    pub(crate) fn is_ready(&self) {
        self.ready.store(true, SeqCst);
    }

    /// Whether it has started, and may be asked to end.
    pub(crate) fn may_end(&self) -> bool {
        self.ready.load(SeqCst)
    }

    pub(crate) fn ends(&self) -> bool {
        self.oracles.pool_ends.load(SeqCst)
    }

    pub(crate) fn may_suspend(&self) -> bool {
        self.may_suspend.load(SeqCst)
    }

    /// Has all go on that were suspended, so that the run comes to its end.
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

    // ---- who there is -------------------------------------------------------------------------

    /// An actor knows itself, and is known from now on.
    pub(crate) fn meet(&self, record: &Arc<Record<L>>, target: ActorRef<Note<L>>) {
        if record.target.set(target).is_ok() {
            let record = Arc::clone(record);
            self.by_id.lock().insert(target.id(), Arc::clone(&record));
            if !record.is_hidden.load(SeqCst) {
                self.roster.write().push(Known { record, target });
            }
        }
    }

    /// Any actor that there ever was, rather one that runs.
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

    /// An actor that has stopped.
    pub(crate) fn pick_stopped(&self, rng: &mut Rng) -> Option<Known<L>> {
        let roster = self.roster.read();
        let stopped: Vec<_> = roster
            .iter()
            .filter(|known| known.record.life.is_dropped())
            .collect();
        (!stopped.is_empty()).then(|| (*rng.pick(&stopped)).clone())
    }

    /// An actor of another worker than that one, where there is any.
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

    /// An actor of that worker, where there is any.
    pub(crate) fn pick_on(&self, rng: &mut Rng, worker: usize) -> Option<Known<L>> {
        let mut tries = (0..8).filter_map(|_| self.pick(rng));
        tries.find(|known| known.target.id().worker() == worker)
    }

    /// The actor of that id.
    pub(crate) fn known_as(&self, id: ActorId) -> Option<Arc<Record<L>>> {
        self.by_id.lock().get(&id).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Known<L>> {
        self.roster.read().clone()
    }

    /// A message was lost.
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

    /// Whether it hears of all messages that are lost from now on: not where those who are told of such
    /// losses send messages then, for of their losses nobody is told.
    pub(crate) fn hears(&self) -> bool {
        !self.meddling && self.listens.load(SeqCst)
    }

    /// From now on it hears of the messages that are lost.
    pub(crate) fn is_listening(&self) {
        self.listens.store(true, SeqCst);
    }

    /// Whether it hears of all messages to somebody that are lost.
    pub(crate) fn hears_all_of(&self, record: &Record<L>) -> bool {
        !self.meddling && record.heard && !record.life.may_be_struck()
    }

    /// Whether all messages are known that are in the mailbox of somebody, or on their way to it: not
    /// where others send at the same time.
    pub(crate) fn knows_mail_of(&self, record: &Record<L>) -> bool {
        self.simulated && self.hears_all_of(record)
    }

    // ---- finding ------------------------------------------------------------------------------

    /// Looks an actor up that is known, and answers whoever was found.
    pub(crate) fn look_up(&self, known: &Known<L>) -> Option<Known<L>> {
        let path = known.record.path.as_deref()?;
        let life = &known.record.life;
        let (ran_before, gone_before) = (life.is_there_in_public(), life.is_dropped());
        let wrong = self.node().lookup::<()>(path);
        let result = self.node().lookup::<Note<L>>(path);
        // Whoever is passive when the pool ends is told nothing.
        let there = life.runs() || (life.is_there() && !self.ends());
        let sight = Sight {
            ran_before,
            // On other threads the name may go a moment after the state.
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
