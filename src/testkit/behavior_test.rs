//! Testing a single behaviour, message by message.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::dead_letter_probe::DeadLetterProbe;
use super::failure_log::FailureLog;
use super::failure_record::FailureRecord;
use super::outcome::Outcome;
use crate::actor::{ActorRef, Behavior, Props};
use crate::address::ActorPath;
use crate::ask::{Ask, AskError, Reply, call};
use crate::failure::{DeadLetterReason, DeadLetters, SpawnError, Stage};
use crate::pool::{StartError, WorkerNode};
use crate::shard::{Shard, paths_of_children};
use crate::sim::Sim;

/// The name of the actor that has the behaviour.
const NAME: &str = "behavior";

/// Tests one behaviour in isolation, message by message, without a system.
///
/// Each message is handled before [`tell`](Self::tell) returns, which reports the outcome. Time
/// stands still until it is [advanced](Self::advance). Nothing is left to chance, and nothing
/// happens on another thread. The behaviour is that of an actor at `/user/behavior`, which can do
/// everything an actor can: spawn children, send, ask, wait.
///
/// ```
/// use nexus_actors::prelude::*;
/// use nexus_actors::testkit::{BehaviorTest, Outcome};
/// use std::time::Duration;
///
/// enum Oven { Bake(Duration), Clean, Loaves(Reply<u32>) }
///
/// fn oven() -> Behavior<Oven> {
///     Behavior::with_state(0, |loaves, ctx, message| match message {
///         Oven::Bake(time) if time.is_zero() => Err("raw".into()),
///         Oven::Bake(time) => {
///             ctx.sleep(time).map_err(|_| "no time")?;
///             *loaves += 1;
///             Ok(Next::Same)
///         }
///         Oven::Clean => Ok(Next::Unhandled),
///         Oven::Loaves(reply) => { reply.send(*loaves); Ok(Next::Same) }
///     })
/// }
///
/// let hour = Duration::from_secs(3600);
/// let mut test = BehaviorTest::new(oven)?;
/// assert_eq!(test.tell(Oven::Clean), Outcome::Unhandled);
/// assert_eq!(test.tell(Oven::Bake(hour)), Outcome::Waiting);
/// assert_eq!(test.advance(hour), Outcome::Handled);
/// assert_eq!(test.ask(Oven::Loaves)?, 1);
/// assert_eq!(test.tell(Oven::Bake(Duration::ZERO)), Outcome::Failed("raw".into()));
/// assert_eq!(test.ask(Oven::Loaves)?, 0); // it was restarted, as anywhere
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct BehaviorTest<M> {
    actor: ActorRef<M>,
    node: WorkerNode,
    failures: FailureLog,
    letters: DeadLetterProbe,
    before: Before,
    sim: Sim,
}

/// The state before the last message.
#[derive(Clone, Copy, Default)]
struct Before {
    refused: bool,
    failures: usize,
    letters: usize,
}

/// Why a behaviour could not be tested.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BehaviorTestError {
    /// No further pool can be started, or there is no memory for it.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The behaviour's factory or setup failed, or its handling of `PreStart`; or the behaviour
    /// ended while it started.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
}

impl<M: Send + 'static> BehaviorTest<M> {
    /// Starts the behaviour that the factory makes.
    ///
    /// # Errors
    ///
    /// [`BehaviorTestError`], for example if the setup has failed.
    pub fn new(
        factory: impl Fn() -> Behavior<M> + Send + Sync + 'static,
    ) -> Result<Self, BehaviorTestError> {
        Self::from_props(Props::new(factory))
    }

    /// Starts the behaviour of these props.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn from_props(props: Props<M>) -> Result<Self, BehaviorTestError> {
        let (test, ()) = Self::with_peers(|_node| Ok((props, ())))?;
        Ok(test)
    }

    /// Starts a behaviour that works with other actors, which `prepare` makes first: usually
    /// probes.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use nexus_actors::testkit::{BehaviorTest, Outcome, Probe};
    /// use std::time::Duration;
    ///
    /// let (mut test, ledger) = BehaviorTest::with_peers(|node| {
    ///     let ledger = Probe::new(node, "ledger")?;
    ///     let to = ledger.actor_ref();
    ///     let till = Props::new(move || {
    ///         Behavior::receive(move |_ctx, coin: u32| to.tell(format!("{coin} cents")))
    ///     });
    ///     Ok((till, ledger))
    /// })?;
    /// assert_eq!(test.tell(50), Outcome::Handled);
    /// assert_eq!(ledger.expect(Duration::ZERO), "50 cents");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new), and any error that `prepare` returns.
    pub fn with_peers<P>(
        prepare: impl FnOnce(&WorkerNode) -> Result<(Props<M>, P), SpawnError>,
    ) -> Result<(Self, P), BehaviorTestError> {
        let failures = FailureLog::new();
        // Events are not retained, as nothing reads them.
        let builder = Sim::builder().orderly().workers(1).keep_events(0);
        let mut sim = builder.on_failure(failures.hook()).start()?;
        let node = sim.node(0);
        let letters = DeadLetterProbe::new(&node);
        let (props, peers) = prepare(&node)?;
        let actor = sim.spawn(NAME, props)?;
        sim.run_until_idle();
        let before = Before::default();
        let test = Self {
            actor,
            node,
            failures,
            letters,
            before,
            sim,
        };
        Ok((test, peers))
    }

    /// Sends a message, runs its handling as far as it gets without time passing, and returns the
    /// outcome.
    pub fn tell(&mut self, message: M) -> Outcome {
        self.note();
        self.actor.tell(message);
        self.sim.run_until_idle();
        self.outcome()
    }

    /// Asks, and continues until there is an answer, or until it is certain that there will be
    /// none. Time passes as far as needed, without a limit.
    ///
    /// # Errors
    ///
    /// As for [`Ask::wait`](crate::Ask::wait): [`AskError::CannotWait`] with
    /// [`WaitError::NothingLeft`](crate::WaitError::NothingLeft) if the reply is still held
    /// somewhere and nothing is left to do that could lead to an answer.
    pub fn ask<R: Send + 'static>(
        &mut self,
        question: impl FnOnce(Reply<R>) -> M,
    ) -> Result<R, AskError> {
        self.note();
        let (ask, reply) = Ask::begin(None, self.actor.id());
        self.actor.tell(question(reply));
        let answer = ask.wait();
        self.sim.run_until_idle();
        answer
    }

    /// Lets time pass, with everything that happens in it, and returns the current outcome of the
    /// last message.
    pub fn advance(&mut self, by: Duration) -> Outcome {
        self.sim.run_for(by);
        // Events of the last moment may have consequences.
        self.sim.run_until_idle();
        self.outcome()
    }

    /// The current outcome of the last message that was told or asked.
    pub fn outcome(&mut self) -> Outcome {
        let own = |failure: &&FailureRecord| {
            failure.actor == self.actor.id() && failure.during == Stage::Handling
        };
        if let Some(failure) = self.failures.find_after(self.before.failures, own) {
            return Outcome::Failed(failure.cause);
        }
        if self.before.refused {
            return Outcome::Refused;
        }
        if self.is_waiting() {
            return Outcome::Waiting;
        }
        if self.was_unhandled() {
            return Outcome::Unhandled;
        }
        if self.is_alive() {
            Outcome::Handled
        } else {
            Outcome::Stopped
        }
    }

    /// Whether the actor accepts messages: it has neither stopped nor begun to stop.
    pub fn is_alive(&self) -> bool {
        let key = self.actor.id().key;
        self.look(move |shard| shard.takes_mail(key))
    }

    /// The paths of its live children, oldest first.
    pub fn children(&self) -> Vec<ActorPath> {
        let key = self.actor.id().key;
        self.look(move |shard| paths_of_children(shard, key))
    }

    /// The failures so far: of the behaviour itself, its children, and its peers.
    pub fn failures(&self) -> Vec<FailureRecord> {
        self.failures.failures()
    }

    /// The messages that were lost.
    pub fn dead_letters(&self) -> Arc<DeadLetters> {
        self.sim.dead_letters()
    }

    /// The time that has passed.
    pub fn now(&self) -> Duration {
        self.sim.now()
    }

    /// The actor that has the behaviour, as a target for others. What they send is handled when the
    /// test continues.
    pub fn actor_ref(&self) -> ActorRef<M> {
        self.actor
    }

    /// The node that the actor lives on, for example to make more probes.
    pub fn node(&self) -> &WorkerNode {
        &self.node
    }

    fn note(&mut self) {
        self.before = Before {
            refused: !self.is_alive(),
            failures: self.failures.len(),
            letters: self.letters.len(),
        };
    }

    fn was_unhandled(&self) -> bool {
        let target = self.actor.id();
        self.letters.has_after(self.before.letters, |letter| {
            letter.target == target && letter.reason == DeadLetterReason::Unhandled
        })
    }

    fn is_waiting(&self) -> bool {
        let waiting = self.sim.waiting();
        let own = |id| id == self.actor.id();
        let mut actors = waiting.into_iter().filter_map(|one| one.actor);
        actors.any(|(id, _)| own(id))
    }

    /// Runs `look` on the worker.
    fn look<R: Send + 'static>(&self, look: impl FnOnce(&Shard) -> R + Send + 'static) -> R {
        let looked = call(&self.node.shared.core, self.node.index, |shard, _| {
            look(shard)
        });
        looked.expect("no other caller has ended or is driving the simulation")
    }
}

impl<M> fmt::Debug for BehaviorTest<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BehaviorTest")
            .field("actor", &self.actor)
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}
