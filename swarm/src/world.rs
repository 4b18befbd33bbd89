//! What the actors of one run share: the messages, who there is, and what is left to spend.

use nexus_actors::Failure;
use nexus_actors::prelude::*;
use parking_lot::{Mutex, RwLock};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::member;
use crate::oracles::{Asks, Check, Claim, Counted, Life, Oracles, Origin, Sight, When};
use crate::plan::{End, Plan, Weights};
use crate::rng::{Rng, mix};

/// What a message carries besides, so that messages are of a size.
pub(crate) trait Load: Copy + Send + Sync + 'static {
    fn of(seed: u64) -> Self;
    fn is_of(&self, seed: u64) -> bool;
}

impl<const N: usize> Load for [u64; N] {
    fn of(seed: u64) -> Self {
        std::array::from_fn(|index| mix(seed ^ index as u64))
    }

    fn is_of(&self, seed: u64) -> bool {
        let numbers = self.iter().enumerate();
        numbers.fold(true, |same, (index, number)| {
            same & (*number == mix(seed ^ index as u64))
        })
    }
}

/// The one kind of message of a run.
pub(crate) struct Note<L: Load> {
    /// Its sender, and its number among all that the sender has sent to this actor.
    pub(crate) from: u32,
    pub(crate) number: u32,
    pub(crate) to: ActorRef<Self>,
    pub(crate) fuel: u8,
    /// How many handlers wait for the end of this one's, at least.
    pub(crate) depth: u8,
    pub(crate) seed: u64,
    pub(crate) question: Option<Question>,
    /// Somebody else's question.
    pub(crate) handed: Option<Question>,
    /// What its envelope must say.
    pub(crate) origin: Option<Origin>,
    /// What its destructor does.
    pub(crate) parting: Option<Parting<L>>,
    pub(crate) load: L,
    pub(crate) boxed: Option<Box<[u64; 50]>>,
    pub(crate) _counted: Counted,
}

/// Sends a message when it is dropped, wherever that is.
pub(crate) struct Parting<L: Load> {
    world: Arc<World<L>>,
    to: Known<L>,
    seed: u64,
    waits: bool,
}

impl<L: Load> Drop for Parting<L> {
    fn drop(&mut self) {
        self.world.meddle(&self.to, self.seed, self.waits);
    }
}

/// What the handling of a message may spend, and the numbers that decide it.
pub(crate) struct Purse {
    pub(crate) fuel: u8,
    pub(crate) depth: u8,
    pub(crate) rng: Rng,
}

impl Purse {
    /// A part of it, for a message.
    pub(crate) fn part(&mut self) -> Self {
        let fuel = match self.fuel {
            0 => 0,
            fuel if self.rng.percent(60) => fuel - 1,
            fuel => u8::try_from(self.rng.below(u64::from(fuel))).unwrap_or_default(),
        };
        self.with_fuel(fuel)
    }

    pub(crate) fn with_fuel(&mut self, fuel: u8) -> Self {
        Self {
            fuel,
            depth: self.depth,
            rng: Rng::new(self.rng.next()),
        }
    }
}

/// The right to answer an ask, which the oracles know of.
pub(crate) struct Question {
    ask: usize,
    reply: Option<Reply<u64>>,
    oracles: Arc<Oracles>,
}

impl Question {
    pub(crate) fn arrives(&self) -> Check {
        self.oracles.asks.arrives(self.ask)
    }

    pub(crate) fn answer(mut self, at: Option<u64>) {
        let check = self.oracles.asks.is_answered(self.ask, at);
        self.oracles.note(|| "answer".to_owned(), check);
        if let Some(reply) = self.reply.take() {
            reply.send(Asks::answer_to(self.ask));
        }
    }

    pub(crate) fn give_up(self, at: Option<u64>) {
        self.oracles.asks.is_given_up(self.ask, at);
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        // Noted first: by the time that the asker is told it must be known.
        self.oracles.asks.is_gone(self.ask);
        drop(self.reply.take());
    }
}

/// An odd thing that an actor does when it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    Plain,
    Waits,
    Spawns,
    Tells,
    Asks,
    Fails,
    Panics,
    SpawnsAndFails,
    FactoryPanics,
    StopsAtOnce,
    FailsAtStart,
    WaitsAtStart,
    StopsItself,
}

impl Opening {
    const ODD: [Self; 12] = [
        Self::Waits,
        Self::Spawns,
        Self::Tells,
        Self::Asks,
        Self::Fails,
        Self::Panics,
        Self::SpawnsAndFails,
        Self::FactoryPanics,
        Self::StopsAtOnce,
        Self::FailsAtStart,
        Self::WaitsAtStart,
        Self::StopsItself,
    ];

    fn fails(self) -> bool {
        matches!(
            self,
            Self::Fails
                | Self::Panics
                | Self::SpawnsAndFails
                | Self::FactoryPanics
                | Self::FailsAtStart
        )
    }
}

/// What an actor does when it has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closing {
    Plain,
    Tells,
    Waits,
    Asks,
    Fails,
    Panics,
    /// Its state's destructor does.
    DropPanics,
    /// Its state's destructor sends.
    DropTells,
    /// Its state's destructor asks, and waits.
    DropAsks,
    /// It starts children once more.
    Spawns,
}

impl Closing {
    const ODD: [Self; 9] = [
        Self::DropAsks,
        Self::Spawns,
        Self::DropPanics,
        Self::DropTells,
        Self::Tells,
        Self::Waits,
        Self::Asks,
        Self::Fails,
        Self::Panics,
    ];
}

/// What is known of one incarnation of an actor, by anybody.
pub(crate) struct Record<L: Load> {
    pub(crate) life: Arc<Life>,
    pub(crate) path: Option<String>,
    pub(crate) depth: u8,
    pub(crate) seed: u64,
    pub(crate) opening: Opening,
    pub(crate) closing: Closing,
    target: OnceLock<ActorRef<Note<L>>>,
    /// Whether it keeps its name for a while after its state is gone.
    pub(crate) lingers: AtomicBool,
    /// Messages that were sent to it, and that it has got.
    pub(crate) sent: AtomicU32,
    pub(crate) received: AtomicU32,
}

impl<L: Load> Record<L> {
    pub(crate) fn target(&self) -> Option<ActorRef<Note<L>>> {
        self.target.get().copied()
    }

    /// Who it is, for those who read what is wrong.
    pub(crate) fn who(&self) -> String {
        let number = self.life.number;
        match (&self.path, self.target()) {
            (Some(path), _) => format!("actor {number}, {path}"),
            (None, Some(target)) => format!("actor {number}, {}", target.id()),
            (None, None) => format!("actor {number}"),
        }
    }
}

/// An actor that can be sent to.
pub(crate) struct Known<L: Load> {
    pub(crate) record: Arc<Record<L>>,
    pub(crate) target: ActorRef<Note<L>>,
}

impl<L: Load> Clone for Known<L> {
    fn clone(&self) -> Self {
        Self {
            record: Arc::clone(&self.record),
            target: self.target,
        }
    }
}

type SpawnAnonymously<L> =
    Arc<dyn Fn(Props<Note<L>>) -> Result<ActorRef<Note<L>>, SpawnError> + Send + Sync>;

type ByTarget<L> = HashMap<ActorRef<Note<L>>, Arc<Record<L>>>;

/// What the actors of one run share.
pub(crate) struct World<L: Load> {
    pub(crate) oracles: Arc<Oracles>,
    pub(crate) weights: Weights,
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
    /// Questions that were left to threads outside.
    pub(crate) outside: Mutex<Vec<Question>>,
    /// Paths of actors that a fault may end.
    struck: Vec<String>,
    /// The actors that every worker's `configure` names.
    configured: Mutex<HashMap<u64, ActorRef<Note<L>>>>,
    meddling: bool,
    /// Whether the pool has started. While it does, workers that spawn a name by their node get
    /// what another one has begun.
    ready: AtomicBool,
    budget: AtomicI64,
    next_number: AtomicU32,
    roster: RwLock<Vec<Known<L>>>,
    by_target: Mutex<ByTarget<L>>,
}

impl<L: Load> World<L> {
    pub(crate) fn new(plan: &Plan, simulated: bool) -> Arc<Self> {
        Arc::new(Self {
            oracles: Arc::default(),
            weights: plan.weights.clone(),
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
            outside: Mutex::default(),
            struck: plan
                .strikes
                .iter()
                .map(|strike| strike.path.clone())
                .collect(),
            configured: Mutex::default(),
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
            by_target: Mutex::default(),
        })
    }

    pub(crate) fn node(&self) -> &WorkerNode {
        self.node.get().expect("it is set before anything is sent")
    }

    /// Whether so much is left to spend, which then is spent.
    pub(crate) fn spend(&self, cost: i64) -> bool {
        self.budget.fetch_sub(cost, SeqCst) > 0
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
                let check = report(&world.oracles, failure);
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
    fn meddle(self: &Arc<Self>, to: &Known<L>, seed: u64, waits: bool) {
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

    // ---- who there is -------------------------------------------------------------------------

    /// An actor knows itself, and is known from now on.
    pub(crate) fn meet(&self, record: &Arc<Record<L>>, target: ActorRef<Note<L>>) {
        if record.target.set(target).is_ok() {
            let record = Arc::clone(record);
            self.by_target.lock().insert(target, Arc::clone(&record));
            self.roster.write().push(Known { record, target });
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
            if known.record.life.runs() {
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

    pub(crate) fn all(&self) -> Vec<Known<L>> {
        self.roster.read().clone()
    }

    // ---- starting -----------------------------------------------------------------------------

    /// The record and the props of an actor to be.
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
        let life = Life::new(
            self.next_number(),
            parent.map(|parent| Arc::clone(&parent.life)),
        );
        let record = Arc::new(Record {
            life: Arc::new(life),
            path,
            depth: parent.map_or(0, |parent| parent.depth + 1),
            seed: rng.next(),
            opening,
            closing,
            target: OnceLock::new(),
            lingers: AtomicBool::new(false),
            sent: AtomicU32::new(0),
            received: AtomicU32::new(0),
        });
        if record
            .path
            .as_ref()
            .is_some_and(|path| self.struck.contains(path))
        {
            record.life.ends_itself();
        }
        let (world, of) = (Arc::clone(self), Arc::clone(&record));
        // What fails stops: the oracles follow one life of an actor, from its start to its end.
        let stopping = SupervisorStrategy::one_for_one().always(Directive::Stop);
        let props = Props::new(move || member::build(&world, &of)).supervising(stopping);
        (record, props)
    }

    /// Somebody tries to take a name.
    pub(crate) fn claim(&self, record: &Record<L>) -> Option<Claim> {
        let path = record.path.as_deref()?;
        if !self.ready.load(SeqCst) {
            self.oracles.names.linger(path);
        }
        Some(self.oracles.names.claim(path))
    }

    /// What came of an attempt to start an actor.
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
                let failing = record.opening.fails();
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
                report(&self.oracles, &failure)
            }
            Err(SpawnError::NameTaken(_)) => {
                self.oracles.saw("name was taken");
                Ok(())
            }
            Err(SpawnError::ShuttingDown | SpawnError::PoolClosed) if self.ends() => {
                self.oracles.saw("actor not started, as the pool ends");
                Ok(())
            }
            Err(error) => Err(format!("did not start: {error}")),
        };
        self.oracles.note(|| record.who(), check);
        None
    }

    /// Starts a top-level actor, from wherever this is called.
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

    /// Starts a top-level actor under a generated name, where the pool can do that. Answers
    /// whether it can.
    pub(crate) fn spawn_anonymous(self: &Arc<Self>, rng: &mut Rng) -> bool {
        let Some(spawn) = self.anonymously.read().clone() else {
            return false;
        };
        let (record, props) = self.conceive(None, None, rng);
        let result = spawn(props);
        self.started(&record, None, result);
        true
    }

    /// Starts an actor that does nothing odd under a name that nobody has.
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

    /// What every worker does before the pool has started: all of them name the same actors,
    /// and are given the same references.
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

    /// A name of a top-level actor that was there and is no more.
    pub(crate) fn draw_free_name(&self, rng: &mut Rng) -> Option<String> {
        let free = self.oracles.names.free_again();
        let names: Vec<_> = free.iter().filter_map(|path| top_level(path)).collect();
        (self.may_end() && !names.is_empty()).then(|| (*rng.pick(&names)).to_owned())
    }

    // ---- finding ------------------------------------------------------------------------------

    /// Looks an actor up that is known, and answers whoever was found.
    pub(crate) fn look_up(&self, known: &Known<L>) -> Option<Known<L>> {
        let path = known.record.path.as_deref()?;
        let life = &known.record.life;
        let (ran_before, gone_before) = (life.runs_in_public(), life.is_dropped());
        let wrong = self.node().lookup::<()>(path);
        let result = self.node().lookup::<Note<L>>(path);
        let sight = Sight {
            ran_before,
            // On other threads the name may go a moment after the state.
            gone_before: gone_before && self.simulated && !known.record.lingers.load(SeqCst),
            there_after: life.runs(),
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
        let record = self.by_target.lock().get(&target).cloned();
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

/// The name in a path of a top-level actor.
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

/// Takes the report of a failure in.
pub(crate) fn report(oracles: &Oracles, failure: &Failure) -> Check {
    use nexus_actors::{Cause, Stage};
    if matches!(&failure.cause, Cause::Panic(text) if text.starts_with("planned: ")) {
        // The fault came instead of the handler, for a message that counts as handled.
        oracles.handled.fetch_add(1, SeqCst);
        return Ok(());
    }
    let text = match &failure.cause {
        Cause::Panic(text) => text.clone(),
        Cause::Error(error) => error.to_string(),
        other => other.to_string(),
    };
    let when = match failure.during {
        Stage::Starting => When::Starting,
        Stage::Stopping => When::Stopping,
        _ => When::Handling,
    };
    oracles.failures.is_reported(&text, when)
}

// ---- sending -------------------------------------------------------------------------------

/// Tells the time, where whoever asks has a clock.
pub(crate) type Clock<'a> = &'a dyn Fn() -> Option<u64>;

pub(crate) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Somebody who sends: an actor, or a thread outside.
pub(crate) struct Sender<L: Load> {
    pub(crate) world: Arc<World<L>>,
    pub(crate) number: u32,
    sent: std::cell::RefCell<HashMap<u32, u32>>,
    /// What the envelopes of its messages must say.
    origin: std::cell::Cell<Option<Origin>>,
}

impl<L: Load> Sender<L> {
    pub(crate) fn new(world: Arc<World<L>>, number: u32) -> Self {
        Self {
            world,
            number,
            sent: Default::default(),
            origin: Default::default(),
        }
    }

    /// It is an actor, which handles that message.
    pub(crate) fn acts_as<M: Send + 'static>(&self, ctx: &Context<'_, M>) {
        let envelope = ctx.envelope();
        // Where there is no message there is no chain either.
        let none = envelope.message_id().get() == 0;
        self.origin.set(Some(Origin {
            sender: Some(ctx.self_ref().id()),
            cause: (!none).then(|| envelope.message_id()),
            chain: (!none).then(|| envelope.correlation_id()),
        }));
    }

    /// It is a thread outside.
    pub(crate) fn acts_outside(self) -> Self {
        self.origin.set(Some(Origin::default()));
        self
    }

    fn oracles(&self) -> &Arc<Oracles> {
        &self.world.oracles
    }

    fn violated(&self, text: &str, to: &Known<L>) {
        let (from, who) = (self.number, to.record.who());
        self.oracles()
            .violated(format!("sender {from} to {who}: {text}"));
    }

    fn sent_to(&self, to: &Record<L>) -> u32 {
        let sent = self.sent.borrow();
        sent.get(&to.life.number).copied().unwrap_or_default()
    }

    fn note(&self, to: &Known<L>, purse: &mut Purse) -> Note<L> {
        let seed = purse.rng.next();
        let boxed = purse.rng.percent(15);
        Note {
            from: self.number,
            number: self.sent_to(&to.record) + 1,
            to: to.target,
            fuel: purse.fuel,
            depth: purse.depth,
            seed,
            question: None,
            handed: None,
            origin: self.origin.get(),
            parting: self.draw_parting(to, purse),
            load: L::of(seed),
            boxed: boxed.then(|| Box::new(Load::of(!seed))),
            _counted: self.oracles().notes.one_more(),
        }
    }

    /// Seldom does a message have a destructor that sends. Whatever that sends has none.
    fn draw_parting(&self, to: &Known<L>, purse: &mut Purse) -> Option<Parting<L>> {
        let parts = purse.fuel > 0 && purse.rng.percent(5);
        parts.then(|| Parting {
            world: Arc::clone(&self.world),
            to: self
                .world
                .pick(&mut purse.rng)
                .unwrap_or_else(|| to.clone()),
            seed: purse.rng.next(),
            waits: purse.rng.percent(25),
        })
    }

    /// A message is on its way, and counts.
    fn count(&self, to: &Known<L>) {
        let mut sent = self.sent.borrow_mut();
        *sent.entry(to.record.life.number).or_default() += 1;
        to.record.sent.fetch_add(1, SeqCst);
        self.oracles().sent.fetch_add(1, SeqCst);
    }

    pub(crate) fn tell(&self, to: &Known<L>, mut purse: Purse) {
        let note = self.note(to, &mut purse);
        self.count(to);
        to.target.tell(note);
    }

    /// Hands somebody else's question on.
    pub(crate) fn hand_on(&self, to: &Known<L>, mut purse: Purse, handed: Question) {
        let note = Note {
            handed: Some(handed),
            ..self.note(to, &mut purse)
        };
        self.count(to);
        to.target.tell(note);
    }

    pub(crate) fn try_tell(&self, to: &Known<L>, mut purse: Purse) {
        let note = self.note(to, &mut purse);
        match to.target.try_tell(note) {
            Ok(()) => self.count(to),
            Err(error) => {
                self.oracles().saw("try_tell refused");
                let allowed = match &error {
                    TellError::Stopped(_) => to.record.life.may_have_stopped(),
                    _ => false,
                };
                if !allowed && !self.world.ends() {
                    self.violated(&format!("try_tell: {error:?}"), to);
                }
                self.is_given_back(to, &error.into_message());
            }
        }
    }

    fn is_given_back(&self, to: &Known<L>, note: &Note<L>) {
        if note.from != self.number || !note.load.is_of(note.seed) {
            self.violated("another message was given back", to);
        }
    }

    /// Sends, and waits until there is room.
    pub(crate) fn send(
        &self,
        to: &Known<L>,
        mut purse: Purse,
        timeout: Option<Duration>,
        clock: Clock<'_>,
    ) {
        let note = self.note(to, &mut purse);
        let began = clock();
        let lost = self.oracles();
        // Should the handler be ended meanwhile, the answer about room comes late.
        lost.other_late.fetch_add(1, SeqCst);
        let result = match timeout {
            Some(timeout) => to.target.send_timeout(note, timeout),
            None => to.target.send(note),
        };
        let timed_out = matches!(result, Err(SendError::Timeout(_)));
        if !timed_out {
            lost.other_late.fetch_sub(1, SeqCst);
        }
        let Err(error) = result else {
            self.oracles().saw("sent for certain");
            return self.count(to);
        };
        self.oracles().saw(match error {
            SendError::Timeout(_) => "send timed out",
            _ => "send refused",
        });
        let allowed = match &error {
            SendError::Stopped(_) => to.record.life.may_have_stopped(),
            SendError::Timeout(_) => timeout.is_some(),
            _ => false,
        };
        if !allowed && !self.world.ends() {
            self.violated(&format!("send: {error:?}"), to);
        }
        if let (true, Some(timeout), Some(began), Some(ended)) =
            (timed_out, timeout, began, clock())
        {
            let check = crate::oracles::never_early("send", began, ended, nanos(timeout));
            self.oracles()
                .note(|| format!("sender {}", self.number), check);
        }
        self.is_given_back(to, &error.into_message());
    }

    pub(crate) fn ask(
        &self,
        to: &Known<L>,
        mut purse: Purse,
        timeout: Duration,
        clock: Clock<'_>,
    ) -> Asked {
        let oracles = Arc::clone(self.oracles());
        let in_vain = to.record.life.is_dropped();
        let number = oracles.asks.begins(clock(), nanos(timeout), in_vain);
        let note = self.note(to, &mut purse);
        self.count(to);
        let question = |reply| {
            let question = Question {
                ask: number,
                reply: Some(reply),
                oracles: Arc::clone(&oracles),
            };
            Note {
                question: Some(question),
                ..note
            }
        };
        let ask = to.target.ask(question, timeout);
        Asked {
            ask: Some(ask),
            number,
            ended: false,
            prompt: self.world.prompt,
            _open: oracles.open_asks.one_more(),
            oracles,
        }
    }

    pub(crate) fn stop(&self, to: &Known<L>) {
        let sent = self.sent_to(&to.record);
        self.oracles().saw("stop");
        to.record.life.is_asked_to_stop(self.number, sent);
        to.target.stop();
    }
}

/// An ask under way, which the oracles know of.
pub(crate) struct Asked {
    ask: Option<Ask<u64>>,
    number: usize,
    ended: bool,
    prompt: bool,
    oracles: Arc<Oracles>,
    _open: Counted,
}

impl Asked {
    /// Waits for the answer. Answers whether it came.
    pub(crate) fn wait(self, clock: Clock<'_>) -> bool {
        self.wait_or_not(clock, false)
    }

    /// Waits, where it can wait here.
    fn try_to_wait(self) {
        self.wait_or_not(&|| None, true);
    }

    fn wait_or_not(mut self, clock: Clock<'_>, may_fail: bool) -> bool {
        use crate::oracles::Outcome;
        let Some(ask) = self.ask.take() else {
            return false;
        };
        let result = ask.wait();
        let outcome = match result {
            Ok(answer) => Outcome::Answer(answer),
            Err(AskError::Timeout(_)) => Outcome::Timeout,
            Err(AskError::NoReply(_)) => Outcome::NoReply,
            Err(AskError::TargetStopped(_)) => Outcome::TargetStopped,
            Err(AskError::TargetFailed(_)) => Outcome::TargetFailed,
            Err(AskError::PoolClosed(_)) => Outcome::PoolClosed,
            Err(AskError::CannotWait(WaitError::OutsideHandler | WaitError::Unwinding))
                if may_fail =>
            {
                self.oracles.saw("ask that could not wait");
                return false;
            }
            Err(error) => {
                self.oracles
                    .violated(format!("ask {}: {error}", self.number));
                return false;
            }
        };
        self.ended = true;
        self.oracles.saw(match outcome {
            Outcome::Answer(_) => "ask answered",
            Outcome::Timeout => "ask timed out",
            Outcome::NoReply => "ask without reply",
            Outcome::TargetStopped => "ask of a stopped actor",
            Outcome::TargetFailed => "ask of a failed actor",
            Outcome::PoolClosed => "ask of an ended pool",
        });
        let asks = &self.oracles.asks;
        let check = asks.ends(self.number, outcome, clock(), self.prompt);
        self.oracles.note(|| "asker".to_owned(), check);
        let ends = self.oracles.pool_ends.load(SeqCst);
        let check = asks.has_reason(self.number, outcome, self.oracles.failures.any());
        if !ends {
            self.oracles.note(|| "asker".to_owned(), check);
        }
        matches!(outcome, Outcome::Answer(_))
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if !self.ended {
            self.oracles.saw("ask dropped");
            self.oracles.asks.is_cancelled(self.number);
        }
    }
}
