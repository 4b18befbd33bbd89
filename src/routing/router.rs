//! Routers: how one is described and started.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use xxhash_rust::xxh3::Xxh3;

use super::engine::{Logic, Plan, routing};
use super::error::RouterError;
use super::handle::{RouterMessage, RouterRef};
use crate::actor::{Context, Props};
use crate::pool::WorkerNode;
use crate::supervision::SupervisorStrategy;

/// The recipe of a router: an actor that distributes its messages to routees, which it starts and
/// supervises.
///
/// The routees are children of the router and live on its worker, unless they are
/// [spread](Self::spread). A routee that fails is restarted, or handled as
/// [`supervising`](Self::supervising) says; it keeps its mail. A routee that stops leaves the
/// router and is not replaced: see [`RouterRef::resize`]. A panic of the user's functions in the
/// router itself (the one for the key, or the clone for a broadcast) costs that message alone.
///
/// ```
/// use nexus_actors::Router;
/// use nexus_actors::prelude::*;
/// use std::time::Duration;
///
/// const SOON: Duration = Duration::from_secs(5);
///
/// let pool = WorkerPool::builder().workers(2).start()?;
/// let worker = Props::new(|| Behavior::receive(|ctx, reply: Reply<String>| {
///     reply.send(ctx.path().to_string());
/// }));
/// let workers = Router::round_robin(2, worker).spawn(&pool.node(), "workers")?;
/// assert_eq!(workers.ask(|reply| reply, SOON).wait()?, "/user/workers/routee-1");
/// assert_eq!(workers.ask(|reply| reply, SOON).wait()?, "/user/workers/routee-2");
/// assert_eq!(workers.ask(|reply| reply, SOON).wait()?, "/user/workers/routee-1");
/// assert_eq!(workers.resize(3, SOON).wait()??, 3);
/// pool.shutdown(SOON)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a router does nothing until it is started"]
pub struct Router<M> {
    routees: usize,
    props: Props<M>,
    logic: Logic<M>,
    spread: Option<WorkerNode>,
    strategy: SupervisorStrategy,
}

impl<M: Send + 'static> Router<M> {
    /// A router that sends to its routees in turn.
    pub fn round_robin(routees: usize, props: Props<M>) -> Self {
        Self::new(routees, props, Logic::RoundRobin)
    }

    /// A router that chooses a routee at random for each message. In a simulation, the same seed
    /// makes the same choices.
    pub fn random(routees: usize, props: Props<M>) -> Self {
        Self::new(routees, props, Logic::Random)
    }

    /// A router that sends all messages with one key to one routee, as long as the number of
    /// routees stays the same. An additional routee takes its share of the keys, about 1 of `n +
    /// 1`, from the `n` others, and no key moves between those.
    ///
    /// The key is hashed with XXH3, without any seed of the process, and placed on a
    /// [`ConsistentHashRing`](crate::pool::ConsistentHashRing) of the routees.
    ///
    /// ```
    /// use nexus_actors::Router;
    /// use nexus_actors::prelude::*;
    ///
    /// struct Deposit { account: String, amount: i64 }
    ///
    /// let teller = Props::new(|| Behavior::receive(|_ctx, deposit: Deposit| {
    ///     println!("{}: {}", deposit.account, deposit.amount);
    /// }));
    /// let tellers = Router::consistent_hash(4, teller, |deposit: &Deposit| deposit.account.clone());
    /// # let _ = tellers;
    /// ```
    pub fn consistent_hash<K: Hash>(
        routees: usize,
        props: Props<M>,
        key: impl Fn(&M) -> K + Send + Sync + 'static,
    ) -> Self {
        let point_of = move |message: &M| point_of_key(&key(message));
        Self::new(routees, props, Logic::Key(Box::new(point_of)))
    }

    /// A router that sends each message to the routee with the fewest messages, the one being
    /// handled included. A routee that is suspended, or waits to be restarted, comes last; a
    /// passive one counts as idle; equal ones take turns. This is for routees on the router's own
    /// worker. Every message visits all of them.
    pub fn smallest_mailbox(routees: usize, props: Props<M>) -> Self {
        Self::new(routees, props, Logic::SmallestMailbox)
    }

    /// A router that sends a copy of every message to each routee.
    pub fn broadcast(routees: usize, props: Props<M>) -> Self
    where
        M: Clone,
    {
        Self::new(routees, props, Logic::Broadcast(M::clone))
    }

    fn new(routees: usize, props: Props<M>, logic: Logic<M>) -> Self {
        Self {
            routees,
            props,
            logic,
            spread: None,
            strategy: SupervisorStrategy::one_for_one(),
        }
    }

    /// Sets how the routees are supervised. By default a routee that fails is restarted, at most 3
    /// times in 60 s. What the strategy escalates becomes a failure of the router itself.
    ///
    /// Routees that are [spread](Self::spread) are supervised individually: a strategy for all of
    /// them means the same as one for each, and what it escalates goes to the pool's guardian.
    pub fn supervising(self, strategy: SupervisorStrategy) -> Self {
        Self { strategy, ..self }
    }

    /// Spreads the routees over all workers of the pool in turn, starting at worker 0. They are
    /// then top-level actors under generated names, and are asked to stop when the router has
    /// stopped. That request is their reason to stop, whatever the router's own reason is.
    ///
    /// When the pool shuts down, its workers stop their actors at the same time: a message that the
    /// router still forwards may arrive too late, and becomes a dead letter. Stop the router before
    /// that, for example with a [`CoordinatedShutdown`](crate::pool::CoordinatedShutdown).
    pub fn spread(self, node: &WorkerNode) -> Self {
        Self {
            spread: Some(node.clone()),
            ..self
        }
    }

    /// The props of the router, to start it anywhere an actor can be started. Its [`RouterRef`] is
    /// made from the reference.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use nexus_actors::Router;
    /// use nexus_actors::routing::RouterRef;
    /// use std::time::Duration;
    ///
    /// let pool = WorkerPool::builder().workers(2).start()?;
    /// let worker = Props::new(|| Behavior::receive(|_ctx, _: u8| ()));
    /// let props = Router::random(3, worker).props()?;
    /// let router = RouterRef::from(pool.spawn_on(1, "router", props)?);
    /// router.tell(7);
    /// pool.shutdown(Duration::from_secs(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`RouterError::NoRoutees`]; [`RouterError::MailboxesOutOfSight`] if the smallest mailbox is
    /// to be found among routees that are spread.
    pub fn props(self) -> Result<Props<RouterMessage<M>>, RouterError> {
        if self.routees == 0 {
            return Err(RouterError::NoRoutees);
        }
        if self.spread.is_some() && matches!(self.logic, Logic::SmallestMailbox) {
            return Err(RouterError::MailboxesOutOfSight);
        }
        let Self {
            routees,
            mut props,
            logic,
            spread,
            strategy,
        } = self;
        if spread.is_some() {
            props = props.supervised_by_itself(strategy.clone());
        }
        let plan = Arc::new(Plan {
            routees,
            props,
            logic,
            spread,
        });
        let factory = move || routing(Arc::clone(&plan));
        Ok(Props::new(factory).supervising(strategy))
    }

    /// Starts the router as a top-level actor of that name.
    ///
    /// # Errors
    ///
    /// As for [`props`](Self::props); [`RouterError::Spawn`] if the router or a routee could not be
    /// started.
    pub fn spawn(self, node: &WorkerNode, name: &str) -> Result<RouterRef<M>, RouterError> {
        Ok(node.spawn(name, self.props()?)?.into())
    }

    /// Starts the router as a child.
    ///
    /// # Errors
    ///
    /// As for [`spawn`](Self::spawn).
    pub fn spawn_child<P: Send + 'static>(
        self,
        ctx: &mut Context<'_, P>,
        name: &str,
    ) -> Result<RouterRef<M>, RouterError> {
        Ok(ctx.spawn(name, self.props()?)?.into())
    }
}

/// The point of a key on a ring.
pub(super) fn point_of_key(key: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = Xxh3::new();
    key.hash(&mut hasher);
    hasher.finish()
}

impl<M> fmt::Debug for Router<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let logic = match self.logic {
            Logic::RoundRobin => "round robin",
            Logic::Random => "random",
            Logic::Key(_) => "consistent hash",
            Logic::SmallestMailbox => "smallest mailbox",
            Logic::Broadcast(_) => "broadcast",
        };
        f.debug_struct("Router")
            .field("routees", &self.routees)
            .field("logic", &logic)
            .field("spread", &self.spread.is_some())
            .finish_non_exhaustive()
    }
}
