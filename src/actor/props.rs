//! Props: the recipe by which an actor is built, wherever it is to live.

use std::fmt;
use std::sync::{Arc, LazyLock};

use super::behavior::{Actor, Behavior};
use super::body::{Body, resolve};
use super::bound::{Mailbox, Overflow};
use super::context::Context;
use super::failure::{BoxError, SupervisorStrategy};
use super::id::Key;
use super::queueing::with_bound;
use super::shard::Shard;
use crate::supervision::Strategy;

/// The recipe of an actor: a factory that is sent to the worker that will own it.
///
/// The factory is `Send + Sync`; what it builds need not be, since it is built on the owning
/// worker and never leaves it. Each start runs the factory again, so no two incarnations ever
/// share an initial value.
///
/// ```
/// use nexus_actors::prelude::*;
/// use std::{cell::RefCell, rc::Rc};
///
/// // State that is not `Send`.
/// let journal = Props::new(|| {
///     let lines = Rc::new(RefCell::new(Vec::new()));
///     Behavior::receive(move |_ctx, line: String| lines.borrow_mut().push(line))
/// });
/// # let _ = journal;
/// ```
pub struct Props<M> {
    formula: Arc<Formula<M>>,
}

/// What props consist of.
pub(crate) struct Formula<M> {
    factory: Arc<dyn Fn() -> Behavior<M> + Send + Sync>,
    strategy: Option<SupervisorStrategy>,
    stack_size: Option<usize>,
    mailbox: Mailbox,
}

impl<M> Clone for Formula<M> {
    fn clone(&self) -> Self {
        Self {
            factory: Arc::clone(&self.factory),
            strategy: self.strategy.clone(),
            stack_size: self.stack_size,
            mailbox: self.mailbox,
        }
    }
}

/// The strategy of an actor whose props name none.
static DEFAULT_STRATEGY: LazyLock<SupervisorStrategy> = LazyLock::new(Strategy::one_for_one);

impl<M: Send + 'static> Props<M> {
    /// Props that build a behaviour.
    pub fn new(factory: impl Fn() -> Behavior<M> + Send + Sync + 'static) -> Self {
        Self {
            formula: Arc::new(Formula {
                factory: Arc::new(factory),
                strategy: None,
                stack_size: None,
                mailbox: Mailbox::unbounded(),
            }),
        }
    }

    /// Props that build an [`Actor`].
    pub fn from_actor<A, F>(factory: F) -> Self
    where
        A: Actor<Message = M>,
        F: Fn() -> A + Send + Sync + 'static,
    {
        Self::new(move || Behavior::actor(factory()))
    }

    /// These props, for an actor that supervises its children so. By default a child that fails is
    /// restarted, at most 3 times in 60 s.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    ///
    /// let office = Props::new(|| Behavior::receive(|_ctx, _: u8| ()))
    ///     .supervising(SupervisorStrategy::one_for_one().always(Directive::Stop));
    /// # let _ = office;
    /// ```
    pub fn supervising(self, strategy: SupervisorStrategy) -> Self {
        Self {
            formula: Arc::new(Formula {
                strategy: Some(strategy),
                ..(*self.formula).clone()
            }),
        }
    }

    /// These props, for an actor that needs a deep stack: all of its code runs on one of at
    /// least so many bytes, from 64 KiB to 1 GiB, or on that of the pool where it is no smaller.
    /// Another size makes starting the actor fail with
    /// [`SpawnError::InvalidStackSize`](crate::SpawnError::InvalidStackSize).
    ///
    /// The stack is made sure of when the actor starts, and takes memory only as far as it is used.
    /// Each of the actor's turns costs two switches of stacks more, and a handler that spawns the
    /// actor gives way to others until it has started. Where such a handler cannot wait, as in a
    /// destructor that a panic runs, the factory, the setup and `PreStart` run on its own stack.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use std::time::Duration;
    ///
    /// fn depth(left: u32) -> u32 {
    ///     if left == 0 { 0 } else { 1 + std::hint::black_box(depth(left - 1)) }
    /// }
    ///
    /// let pool = WorkerPool::builder().workers(1).start()?; // with stacks of 256 KiB
    /// let deep = pool.spawn("deep", Props::new(|| {
    ///     Behavior::receive(|_ctx, reply: Reply<u32>| reply.send(depth(50_000)))
    /// }).stack_size(64 << 20))?;
    /// assert_eq!(deep.ask(|reply| reply, Duration::from_secs(5)).wait()?, 50_000);
    /// pool.shutdown(Duration::from_secs(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stack_size(self, bytes: usize) -> Self {
        Self {
            formula: Arc::new(Formula {
                stack_size: Some(bytes),
                ..(*self.formula).clone()
            }),
        }
    }

    /// These props, for an actor with such a mailbox. By default it is unbounded. A restart keeps the
    /// mailbox, its bound and its mail.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use std::time::Duration;
    ///
    /// let pool = WorkerPool::builder().workers(1).start()?;
    /// let slow = Props::new(|| Behavior::receive(|ctx, _: u8| ctx.sleep(Duration::from_millis(1))));
    /// let slow = slow.mailbox(Mailbox::bounded(2, Overflow::Backpressure)?);
    /// let actor = pool.spawn("slow", slow)?;
    /// for number in 0..10 {
    ///     actor.send(number)?; // waits for room
    /// }
    /// let report = pool.shutdown(Duration::from_secs(5))?;
    /// assert_eq!(report.unprocessed, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn mailbox(self, mailbox: Mailbox) -> Self {
        Self {
            formula: Arc::new(Formula {
                mailbox,
                ..(*self.formula).clone()
            }),
        }
    }

    pub(crate) fn bound(&self) -> Option<(usize, Overflow)> {
        self.formula.mailbox.bound()
    }

    /// These props, for an actor whose own failures are dealt with so.
    pub(crate) fn supervised_by_itself(self, strategy: SupervisorStrategy) -> Self {
        let factory = Arc::clone(&self.formula.factory);
        Self {
            formula: Arc::new(Formula {
                factory: Arc::new(move || factory().supervise(strategy.clone())),
                ..(*self.formula).clone()
            }),
        }
    }

    pub(crate) fn formula(&self) -> &Arc<Formula<M>> {
        &self.formula
    }

    pub(crate) fn into_formula(self) -> Arc<Formula<M>> {
        self.formula
    }
}

/// How an actor is built, whatever its messages are.
pub(crate) trait Recipe: Send + Sync {
    /// Runs the factory and its setups. `None`: the actor is to stop at once.
    ///
    /// # Errors
    ///
    /// That of a setup.
    fn build(&self, shard: &Shard, key: Key) -> Result<Option<Box<dyn Body>>, BoxError>;

    /// The stack that its handlers need, where it says so.
    fn stack_size(&self) -> Option<usize>;

    /// How the actor supervises its children.
    fn strategy(&self) -> &SupervisorStrategy;
}

impl<M: Send + 'static> Recipe for Formula<M> {
    fn build(&self, shard: &Shard, key: Key) -> Result<Option<Box<dyn Body>>, BoxError> {
        let body = resolve((self.factory)(), &mut Context::new(shard, key))?;
        Ok(body.map(|body| with_bound(shard, key, body)))
    }

    fn stack_size(&self) -> Option<usize> {
        self.stack_size
    }

    fn strategy(&self) -> &SupervisorStrategy {
        self.strategy.as_ref().unwrap_or(&DEFAULT_STRATEGY)
    }
}

impl<M> Clone for Props<M> {
    fn clone(&self) -> Self {
        Self {
            formula: Arc::clone(&self.formula),
        }
    }
}

impl<M> fmt::Debug for Props<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Props<{}>", std::any::type_name::<M>())
    }
}
