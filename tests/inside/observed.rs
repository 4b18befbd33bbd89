//! What observers are told, written down, on every driver.

use crate::common::*;
use nexus_actors::failure::DeadLetter;
use nexus_actors::observe::{
    ActorStarted, ActorStopped, ActorSupervised, AskBegun, AskEnded, Handled, Handling,
    MessageSource, ObservedActor, Observer, Sampling,
};
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use nexus_actors::{ActorPath, Failure, SpawnError};
use std::sync::{Arc, Mutex};

/// Writes down what it is told, as a line for each event.
#[derive(Default)]
pub(crate) struct Scribe {
    lines: Mutex<Vec<String>>,
    asks: bool,
}

impl Scribe {
    pub(crate) fn note(&self, line: String) {
        self.lines.lock().unwrap().push(line);
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// The lines about that actor, without its path.
    pub(crate) fn of(&self, path: &str) -> Vec<String> {
        let lines = self.lines();
        let of = lines.iter().filter_map(|line| line.strip_prefix(path));
        of.filter_map(|rest| rest.strip_prefix(": "))
            .map(str::to_owned)
            .collect()
    }
}

pub(crate) fn name(actor: &ObservedActor<'_>) -> ActorPath {
    actor.path()
}

impl Observer for Scribe {
    fn sampling(&self) -> Sampling {
        Sampling::All
    }

    fn observes_asks(&self) -> bool {
        self.asks
    }

    fn handling(&self, event: &Handling<'_>) {
        let what = match event.message.downcast_ref::<Do>() {
            Some(what) => format!("{what:?}"),
            None => "something".to_owned(),
        };
        let from = match event.source {
            MessageSource::Mailbox => "",
            MessageSource::Timer => " of a timer",
            MessageSource::Stash => " of the stash",
            _ => " of elsewhere",
        };
        self.note(format!("{}: handles {what}{from}", name(&event.actor)));
    }

    fn handled(&self, event: &Handled<'_>) {
        self.note(format!("{}: {}", name(&event.actor), event.outcome));
    }

    fn started(&self, event: &ActorStarted<'_>) {
        self.note(format!("{}: starts {:?}", name(&event.actor), event.kind));
    }

    fn not_started(&self, actor: &ObservedActor<'_>, error: &SpawnError) {
        let why = match error {
            SpawnError::Failed(failure) => failure.cause.to_string(),
            other => format!("{other:?}"),
        };
        self.note(format!("{}: does not start, {why}", name(actor)));
    }

    fn stopped(&self, event: &ActorStopped<'_>) {
        self.note(format!("{}: stops, {}", name(&event.actor), event.reason));
    }

    fn supervised(&self, event: &ActorSupervised<'_>) {
        let (directive, delay, restarts) = (event.directive, event.delay, event.restarts);
        self.note(format!(
            "{}: {directive:?} after {delay:?}, {restarts} restarts",
            name(&event.actor)
        ));
    }

    fn passivated(&self, actor: &ObservedActor<'_>) {
        self.note(format!("{}: is passive", name(actor)));
    }

    fn failed(&self, failure: &Failure) {
        self.note(format!("{}: fails, {}", failure.path, failure.cause));
    }

    fn dead_letter(&self, letter: &DeadLetter) {
        let path = letter.path().expect("known where it is lost");
        self.note(format!("{path}: loses, {}", letter.reason));
    }

    fn asking(&self, event: &AskBegun) {
        let path = event.asker.path().expect("it runs here");
        self.note(format!("{path}: asks with {:?}", event.timeout));
    }

    fn asked(&self, event: &AskEnded<'_>) {
        let path = event.asker.path().expect("it runs here");
        self.note(format!("{path}: has asked, {:?}", event.outcome));
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Do {
    Nothing,
    Leave,
    Fail,
    Panic,
    Become,
    Later,
    Stash,
    Unstash,
    Passivate,
    Stop,
}

pub(crate) fn doer() -> Props<Do> {
    Props::new(|| Behavior::with_stash(10, |_ctx| Ok(doing())))
}

pub(crate) fn doing() -> Behavior<Do> {
    Behavior::receive(|ctx: &mut Context<'_, Do>, what| {
        match what {
            Do::Nothing => {}
            Do::Leave => return Ok(Next::Unhandled),
            Do::Fail => return Err(BoxError::from("planned")),
            Do::Panic => panic!("planned"),
            Do::Become => return Ok(Next::Become(doing())),
            Do::Later => ctx.timers().start_single("later", Do::Nothing, ms(1)),
            Do::Stash => ctx.stash(Do::Nothing).map_err(|full| full.to_string())?,
            Do::Unstash => ctx.unstash_all(),
            Do::Passivate => return Ok(Next::Passivate),
            Do::Stop => return Ok(Next::Stop),
        }
        Ok(Next::Same)
    })
}

/// A driver of actors that is observed.
pub(crate) enum Driver {
    Pool(WorkerPool),
    System(ActorSystem),
    Sim(Box<Sim>),
}

impl Driver {
    /// Each kind of driver, with an observer of its own.
    pub(crate) fn all(asks: bool) -> Vec<(Self, Arc<Scribe>)> {
        let scribe = || {
            Arc::new(Scribe {
                asks,
                ..Scribe::default()
            })
        };
        let (of_pool, of_system, of_sim) = (scribe(), scribe(), scribe());
        let pool = WorkerPool::builder()
            .workers(2)
            .supervising(twice())
            .on_failure(|_| {})
            .observer(Arc::clone(&of_pool));
        let system = ActorSystem::builder()
            .supervising(twice())
            .on_failure(|_| {})
            .observer(Arc::clone(&of_system));
        let sim = Sim::builder()
            .seed(5)
            .supervising(twice())
            .observer(Arc::clone(&of_sim));
        vec![
            (Self::Pool(pool.start().unwrap()), of_pool),
            (Self::System(system.start().unwrap()), of_system),
            (Self::Sim(Box::new(sim.start().unwrap())), of_sim),
        ]
    }

    pub(crate) fn spawn<M: Send + 'static>(
        &mut self,
        name: &str,
        props: Props<M>,
    ) -> Result<ActorRef<M>, SpawnError> {
        match self {
            Self::Pool(pool) => pool.spawn(name, props),
            Self::System(system) => system.spawn(name, props),
            Self::Sim(sim) => sim.spawn(name, props),
        }
    }

    /// Ends it, when all actors have handled what they were sent.
    pub(crate) fn end(self) {
        match self {
            Self::Pool(pool) => drop(finish(&pool, SOON)),
            Self::System(system) => drop(system.shutdown(SOON)),
            Self::Sim(mut sim) => drop(sim.shutdown(SOON)),
        }
    }
}

/// Restarts an actor once, then stops it.
pub(crate) fn twice() -> SupervisorStrategy {
    SupervisorStrategy::one_for_one().limit(1, Duration::from_secs(60))
}

/// Drives until the scribe has that many lines of the actor.
pub(crate) fn until(driver: &mut Driver, scribe: &Scribe, path: &str, count: usize) {
    match driver {
        Driver::Pool(_) => eventually("lines", || scribe.of(path).len() >= count),
        Driver::System(system) => system.run(),
        Driver::Sim(sim) => sim.run_for(SECOND),
    }
    assert!(scribe.of(path).len() >= count, "{:?}", scribe.lines());
}

/// Notes the order in which messages are handled.
pub(crate) fn noting(log: &Log, name: &'static str) -> Props<u32> {
    let log = log.clone();
    Props::new(move || {
        let log = log.clone();
        Behavior::receive(move |_ctx, number: u32| log.add(format!("{name}{number}")))
    })
}
