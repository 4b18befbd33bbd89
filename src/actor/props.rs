//! Props: the recipe from which an actor is built, on whichever worker it will live.

use std::fmt;
use std::sync::Arc;

use super::behavior::{Actor, Behavior, IntoNext};
use super::context::Context;
use super::handling::resolve;
use crate::address::Key;
use crate::failure::BoxError;
use crate::lifecycle::Blueprint;
use crate::mailbox::{Mailbox, Overflow};
use crate::shard::{NewBody, Recipe, Shard, with_bound};
use crate::supervision::{SupervisorStrategy, default_strategy};

/// The recipe of an actor: a factory that is sent to the worker that will own it.
///
/// The factory is `Send + Sync`. What it builds need not be, since it is built on the owning worker and never
/// leaves it. Each start runs the factory again, so no two incarnations ever share an initial value.
///
/// For an actor made of a plain value that exists once, need not be `Clone`, and needs no restart, use
/// [`Once`].
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

type Factory<M> = Arc<dyn Fn() -> Behavior<M> + Send + Sync>;

/// What props consist of.
pub(crate) struct Formula<M> {
    /// `None` if the actor is made from a value, which is not stored here.
    factory: Option<Factory<M>>,
    strategy: Option<SupervisorStrategy>,
    stack_size: Option<usize>,
    mailbox: Mailbox,
}

impl<M> Clone for Formula<M> {
    fn clone(&self) -> Self {
        Self {
            factory: self.factory.clone(),
            strategy: self.strategy.clone(),
            stack_size: self.stack_size,
            mailbox: self.mailbox,
        }
    }
}

impl<M> Default for Formula<M> {
    fn default() -> Self {
        Self {
            factory: None,
            strategy: None,
            stack_size: None,
            mailbox: Mailbox::unbounded(),
        }
    }
}

impl<M: Send + 'static> Props<M> {
    /// Creates props from a factory that builds a behaviour.
    ///
    /// The factory runs for each start, so it cannot give away what it has captured and has to clone it.
    /// [`receive`](Self::receive) and [`with_state`](Self::with_state) clone for the caller.
    pub fn new(factory: impl Fn() -> Behavior<M> + Send + Sync + 'static) -> Self {
        Self {
            formula: Arc::new(Formula {
                factory: Some(Arc::new(factory)),
                ..Formula::default()
            }),
        }
    }

    /// Creates props of a behaviour that is a function: [`Behavior::receive`]. What the function has captured
    /// is cloned for each start.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    ///
    /// let pool = WorkerPool::builder().workers(1).start()?;
    /// let (journal, lines) = std::sync::mpsc::channel();
    /// let journal = Props::receive(move |_ctx, line: String| Ok(journal.send(line)?));
    /// pool.spawn("journal", journal)?.tell("started".to_owned());
    /// assert_eq!(lines.recv()?, "started");
    /// pool.shutdown(Duration::from_secs(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn receive<F, R>(handler: F) -> Self
    where
        F: FnMut(&mut Context<'_, M>, M) -> R + Clone + Send + Sync + 'static,
        R: IntoNext<M> + 'static,
    {
        Self::new(move || Behavior::receive(handler.clone()))
    }

    /// Creates props of a behaviour that is a state and a function: [`Behavior::with_state`].
    ///
    /// Both are cloned for each start, so each instance begins with this state. State that cannot be cloned,
    /// or sent to another thread, is made by the factory of [`new`](Self::new).
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    ///
    /// struct Add(i64, Reply<i64>);
    ///
    /// fn main() -> Result<(), BoxError> {
    ///     let pool = WorkerPool::builder().start()?;
    ///     let counter = pool.spawn_anonymous(Props::with_state(0, |sum, _, Add(number, reply)| {
    ///         *sum += number;
    ///         reply.send(*sum);
    ///     }))?;
    ///     let sum = counter.ask(|reply| Add(5, reply), Duration::from_secs(1));
    ///     assert_eq!(sum.wait()?, 5);
    ///     Ok(())
    /// }
    /// ```
    pub fn with_state<S, F, R>(state: S, handler: F) -> Self
    where
        S: Clone + Send + Sync + 'static,
        F: FnMut(&mut S, &mut Context<'_, M>, M) -> R + Clone + Send + Sync + 'static,
        R: IntoNext<M> + 'static,
    {
        Self::new(move || Behavior::with_state(state.clone(), handler.clone()))
    }

    /// Creates props that build an [`Actor`].
    pub fn from_actor<A, F>(factory: F) -> Self
    where
        A: Actor<Message = M>,
        F: Fn() -> A + Send + Sync + 'static,
    {
        Self::new(move || Behavior::actor(factory()))
    }

    /// Sets the strategy with which the actor supervises its children. By default a child that fails is
    /// restarted, at most 3 times in 60 s. The strategy for the actor's own failures is its parent's, or that
    /// of its behaviour: [`Behavior::supervise`](crate::Behavior::supervise).
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

    /// Sets the stack size for an actor that needs a deep stack. All of its code runs on a stack of at least
    /// that many bytes.
    ///
    /// The size is from 64 KiB to 1 GiB; with any other size, starting the actor fails with
    /// [`SpawnError::InvalidStackSize`](crate::SpawnError::InvalidStackSize). If the pool's stacks are at
    /// least that large, the actor runs on one of those.
    ///
    /// The stack is reserved when the actor starts, and takes memory only as far as it is used. Each of the
    /// actor's turns costs two more stack switches, and a handler that spawns the actor yields to others
    /// until it has started. If such a handler cannot wait, as in a destructor that a panic runs, the
    /// factory, the setup and `PreStart` run on the handler's stack.
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

    /// Sets the actor's mailbox. By default it is unbounded. A restart keeps the mailbox, its bound and its
    /// mail.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use std::time::Duration;
    ///
    /// let pool = WorkerPool::builder().workers(1).start()?;
    /// let slow = Props::new(|| Behavior::receive(|ctx, _: u8| Ok(ctx.sleep(Duration::from_millis(1))?)));
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

    /// Sets the strategy for the actor's own failures.
    pub(crate) fn supervised_by_itself(self, strategy: SupervisorStrategy) -> Self {
        let factory = self.formula.factory.clone();
        let factory = factory.map(|factory| -> Factory<M> {
            Arc::new(move || factory().supervise(strategy.clone()))
        });
        Self {
            formula: Arc::new(Formula {
                factory,
                ..(*self.formula).clone()
            }),
        }
    }
}

/// An actor that is made once, from values that are moved into it.
///
/// Its factory need not be `Clone`, nor callable twice, and nothing of it is retained. This is the cheapest
/// way to start an actor, and the one for state that exists once, such as an open connection. The price is
/// that there is no second instance: the actor stops if it fails, whatever its supervisor says about
/// restarts, and it stops where another actor would [passivate](crate::Next::Passivate).
///
/// ```
/// use nexus_actors::prelude::*;
/// use std::time::Duration;
///
/// let pool = WorkerPool::builder().workers(1).start()?;
/// let cargo = vec![1, 2, 3]; // moved into the actor, not copied
/// let ship = pool.spawn("ship", Once::new(move || {
///     Behavior::with_state(cargo, |cargo, _ctx, reply: Reply<usize>| reply.send(cargo.len()))
/// }))?;
/// assert_eq!(ship.ask(|reply| reply, Duration::from_secs(5)).wait()?, 3);
/// pool.shutdown(Duration::from_secs(5))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Once<M> {
    factory: Box<dyn FnOnce() -> Behavior<M> + Send>,
    /// Made for the first setting that is not the default.
    formula: Option<Arc<Formula<M>>>,
}

impl<M: Send + 'static> Once<M> {
    /// Creates an actor whose behaviour the function makes, on the worker that will own it.
    pub fn new(factory: impl FnOnce() -> Behavior<M> + Send + 'static) -> Self {
        Self {
            factory: Box::new(factory),
            formula: None,
        }
    }

    /// Creates an actor that is this value.
    pub fn actor<A>(actor: A) -> Self
    where
        A: Actor<Message = M> + Send,
    {
        Self::new(move || Behavior::actor(actor))
    }

    /// As [`Props::supervising`].
    #[must_use]
    pub fn supervising(self, strategy: SupervisorStrategy) -> Self {
        self.with(|formula| formula.strategy = Some(strategy))
    }

    /// As [`Props::stack_size`].
    #[must_use]
    pub fn stack_size(self, bytes: usize) -> Self {
        self.with(|formula| formula.stack_size = Some(bytes))
    }

    /// As [`Props::mailbox`].
    #[must_use]
    pub fn mailbox(self, mailbox: Mailbox) -> Self {
        self.with(|formula| formula.mailbox = mailbox)
    }

    fn with(self, change: impl FnOnce(&mut Formula<M>)) -> Self {
        let mut formula = self.formula.as_deref().cloned().unwrap_or_default();
        change(&mut formula);
        Self {
            formula: Some(Arc::new(formula)),
            ..self
        }
    }
}

impl<M> fmt::Debug for Once<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Once<{}>", std::any::type_name::<M>())
    }
}

/// What an actor can be started from: [`Props`], or [`Once`].
#[diagnostic::on_unimplemented(
    message = "no actor can be started from `{Self}`",
    label = "neither `Props` nor `Once`",
    note = "an `Actor` is started from `Props::from_actor(|| actor)`, or from `Once::actor(actor)`",
    note = "a `Behavior` is made where the actor lives: `Props::new(|| behavior)`, or `Once::new(|| behavior)`"
)]
pub trait Spawnable: sealed::Sealed + Send + Sized + 'static {
    /// The messages that the actor handles.
    type Message: Send + 'static;

    #[doc(hidden)]
    fn into_seed(self, _: sealed::Token) -> Seed<Self::Message>;
}

impl<M: Send + 'static> Spawnable for Props<M> {
    type Message = M;

    #[inline(always)]
    fn into_seed(self, _: sealed::Token) -> Seed<M> {
        Seed {
            once: None,
            formula: Some(self.formula),
        }
    }
}

impl<M: Send + 'static> Spawnable for Once<M> {
    type Message = M;

    #[inline(always)]
    fn into_seed(self, _: sealed::Token) -> Seed<M> {
        Seed {
            once: Some(self.factory),
            formula: self.formula,
        }
    }
}

mod sealed {
    /// Only types of this crate are [`Spawnable`](super::Spawnable).
    pub trait Sealed {}

    impl<M> Sealed for super::Props<M> {}
    impl<M> Sealed for super::Once<M> {}

    /// Only this crate can call methods that take one.
    #[derive(Debug)]
    pub struct Token(pub(super) ());
}

/// What an actor is started from, for its first instance.
#[doc(hidden)]
#[allow(missing_debug_implementations)] // hidden
pub struct Seed<M> {
    once: Option<Box<dyn FnOnce() -> Behavior<M> + Send>>,
    formula: Option<Arc<Formula<M>>>,
}

impl<M: Send + 'static> Seed<M> {
    #[inline(always)]
    pub(crate) fn of(spawnable: impl Spawnable<Message = M>) -> Self {
        spawnable.into_seed(sealed::Token(()))
    }
}

#[allow(unsafe_code)]
// SAFETY: both make their bodies from a `Behavior<M>`.
unsafe impl<M: Send + 'static> Blueprint for Seed<M> {
    type Message = M;
    type Recipe = Formula<M>;
    type Once = Box<dyn FnOnce() -> Behavior<M> + Send>;

    fn stack_size(&self) -> Option<usize> {
        self.formula.as_ref()?.stack_size
    }

    fn bound(&self) -> Option<(usize, Overflow)> {
        self.formula.as_ref()?.mailbox.bound()
    }

    #[inline(always)]
    fn split(self) -> (Option<Arc<Formula<M>>>, Option<Self::Once>) {
        (self.formula, self.once)
    }

    fn build_once(
        factory: Self::Once,
        shard: &Shard,
        key: Key,
    ) -> Result<Option<NewBody>, BoxError> {
        build_from(factory(), shard, key)
    }
}

/// Runs setups until there is a body. `None` means that the actor is to stop at once.
///
/// # Errors
///
/// The error of a setup.
pub(super) fn build_from<M: Send + 'static>(
    behavior: Behavior<M>,
    shard: &Shard,
    key: Key,
) -> Result<Option<NewBody>, BoxError> {
    let body = resolve(behavior, &mut Context::new(shard, key))?;
    Ok(body.map(|body| with_bound(shard, key, body)))
}

impl<M: Send + 'static> Recipe for Formula<M> {
    fn build(&self, shard: &Shard, key: Key) -> Result<Option<NewBody>, BoxError> {
        let Some(factory) = &self.factory else {
            unreachable!("an actor that was made once is not built again")
        };
        build_from(factory(), shard, key)
    }

    fn serves_again(&self) -> bool {
        self.factory.is_some()
    }

    fn strategy(&self) -> &SupervisorStrategy {
        self.strategy.as_ref().unwrap_or(default_strategy())
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
