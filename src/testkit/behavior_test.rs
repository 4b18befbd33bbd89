//! A behaviour alone, tried message by message.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::dead_letter_probe::DeadLetterProbe;
use super::failure_log::FailureLog;
use super::failure_record::FailureRecord;
use super::outcome::Outcome;
use crate::actor::{
    ActorPath, ActorRef, Behavior, DeadLetterReason, DeadLetters, Props, Shard, SpawnError, Stage,
    lifecycle,
};
use crate::ask::{Ask, AskError, Reply, call};
use crate::pool::{StartError, WorkerNode};
use crate::sim::Sim;

/// The name of the actor that has the behaviour.
const NAME: &str = "behavior";

/// Tries one behaviour alone, message by message, with no system in sight.
///
/// Each message is handled before [`tell`](Self::tell) returns, which says how. Time stands still
/// until it is [advanced](Self::advance). Nothing is left to chance, and nothing happens on another
/// thread. The behaviour is that of an actor at `/user/behavior`, which can do all that an actor
/// can: spawn children, send, ask, wait.
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

/// How things stood before the last message.
#[derive(Clone, Copy, Default)]
struct Before {
    refused: bool,
    failures: usize,
    letters: usize,
}

/// Why a behaviour could not be tried.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BehaviorTestError {
    /// There is no room for another pool, or no memory for it.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The behaviour's factory or setup failed, or its handling of `PreStart`; or it ended in its start.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
}

impl<M: Send + 'static> BehaviorTest<M> {
    /// Starts the behaviour that the factory makes.
    ///
    /// # Errors
    ///
    /// [`BehaviorTestError`]; among them that the setup has failed.
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

    /// Starts a behaviour that works with others, which `prepare` makes first: probes, as a rule.
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
    /// As for [`new`](Self::new), and what `prepare` answers.
    pub fn with_peers<P>(
        prepare: impl FnOnce(&WorkerNode) -> Result<(Props<M>, P), SpawnError>,
    ) -> Result<(Self, P), BehaviorTestError> {
        let failures = FailureLog::new();
        // No events are kept, as nobody looks at them.
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

    /// Sends a message, has it handled as far as that goes without time passing, and says how that
    /// ended.
    pub fn tell(&mut self, message: M) -> Outcome {
        self.note();
        self.actor.tell(message);
        self.sim.run_until_idle();
        self.outcome()
    }

    /// Asks, and goes on until there is an answer, or it is certain that there will be none. Time
    /// passes as far as it has to, without a limit.
    ///
    /// # Errors
    ///
    /// As for [`Ask::wait`](crate::Ask::wait): [`AskError::CannotWait`] with
    /// [`WaitError::NothingLeft`](crate::WaitError::NothingLeft) where somebody has kept the
    /// reply, and nothing is left to do that could lead to an answer.
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

    /// Lets time pass, with all that happens in it, and says how the last message stands now.
    pub fn advance(&mut self, by: Duration) -> Outcome {
        self.sim.run_for(by);
        // What came about in the last moment may have consequences.
        self.sim.run_until_idle();
        self.outcome()
    }

    /// How the last message that was told, or asked, stands now.
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

    /// Whether it takes messages: it has not stopped, nor begun to.
    pub fn is_alive(&self) -> bool {
        let key = self.actor.id().key;
        self.look(move |shard| shard.takes_mail(key))
    }

    /// The paths of its children that live, the oldest first.
    pub fn children(&self) -> Vec<ActorPath> {
        let key = self.actor.id().key;
        self.look(move |shard| lifecycle::paths_of_children(shard, key))
    }

    /// What has failed: the behaviour itself, its children, its peers.
    pub fn failures(&self) -> Vec<FailureRecord> {
        self.failures.failures()
    }

    /// What was lost.
    pub fn dead_letters(&self) -> Arc<DeadLetters> {
        self.sim.dead_letters()
    }

    /// The time that has passed.
    pub fn now(&self) -> Duration {
        self.sim.now()
    }

    /// The actor that has the behaviour, for others to send to. What they send is handled when
    /// the test goes on.
    pub fn actor_ref(&self) -> ActorRef<M> {
        self.actor
    }

    /// Where it lives: for more probes.
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

    /// Looks at the worker.
    fn look<R: Send + 'static>(&self, look: impl FnOnce(&Shard) -> R + Send + 'static) -> R {
        let looked = call(&self.node.shared.core, self.node.index, |shard, _| {
            look(shard)
        });
        looked.expect("nobody else has ended the simulation, or is driving it")
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
