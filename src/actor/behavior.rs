//! Behaviours: what an actor does with its messages, as functions or as a trait.

use std::marker::PhantomData;

use super::context::Context;
use super::handling::HandlerBody;
use super::handling::Receive;
use super::handling::Signalled;
use super::timers::Timers;
use crate::failure::BoxError;
use crate::shard::NewBody;
use crate::supervision::{Signal, SupervisorStrategy};

/// A handler's decision for the messages after this one.
#[derive(Debug, Default)]
#[non_exhaustive]
pub enum Next<M> {
    /// Continue as before.
    #[default]
    Same,
    /// Continue with this behaviour. A setup in it runs at once.
    Become(Behavior<M>),
    /// Stop after this message. The messages left in the mailbox become dead letters.
    Stop,
    /// Passivate after this message: the actor receives [`Signal::PostStop`], gives up its state, and is
    /// built again for the next message. See [`ActorRef::passivate`].
    ///
    /// [`ActorRef::passivate`]: crate::ActorRef::passivate
    Passivate,
    /// This message was not handled: it is counted as a dead letter.
    Unhandled,
}

/// The result of a handler: a decision, or an error that fails the actor.
pub type HandlerResult<M> = Result<Next<M>, BoxError>;

/// What a handler of a functional behaviour may return.
///
/// `()` continues as before, a [`Next`] decides, a [`Behavior`] is what the actor becomes, and a `Result` of
/// any of them fails the actor if it is an error.
///
/// The error of that `Result` is always a [`BoxError`], so a handler that uses `?` ends with `Ok(())` and
/// need not name its error type. `?` converts any error. A result with an error of another type is passed on
/// with `Ok(result?)`.
///
/// ```
/// use nexus_actors::prelude::*;
///
/// let sums: Behavior<&str> = Behavior::with_state(0, |sum: &mut u32, ctx, number: &str| {
///     *sum += number.parse::<u32>()?;
///     ctx.yield_now()?;
///     Ok(())
/// });
/// # let _ = sums;
/// ```
#[diagnostic::on_unimplemented(
    message = "a handler cannot return `{Self}`",
    label = "not what a handler of `{M}` returns",
    note = "a handler returns `()`, `Next`, `Behavior`, or a `Result` of one of them with `BoxError`",
    note = "a result with another error is passed on with `Ok(result?)`"
)]
pub trait IntoNext<M> {
    /// Returns the decision.
    ///
    /// # Errors
    ///
    /// The error that fails the actor.
    fn into_next(self) -> HandlerResult<M>;
}

impl<M> IntoNext<M> for () {
    #[inline]
    fn into_next(self) -> HandlerResult<M> {
        Ok(Next::Same)
    }
}

impl<M> IntoNext<M> for Next<M> {
    #[inline]
    fn into_next(self) -> HandlerResult<M> {
        Ok(self)
    }
}

impl<M> IntoNext<M> for Behavior<M> {
    fn into_next(self) -> HandlerResult<M> {
        Ok(Next::Become(self))
    }
}

// The only implementation for a `Result`, so that its error type is inferred.
impl<M, T: IntoNext<M>> IntoNext<M> for Result<T, BoxError> {
    #[inline]
    fn into_next(self) -> HandlerResult<M> {
        self?.into_next()
    }
}

/// What an actor does with its messages.
///
/// A behaviour is a value. A factory builds it on the worker that will own the actor. It need not be `Send`,
/// and never leaves that worker.
///
/// ```
/// use nexus_actors::prelude::*;
/// use std::time::Duration;
///
/// enum Door { Push, IsOpen(Reply<bool>) }
///
/// fn closed() -> Behavior<Door> {
///     Behavior::receive(|_ctx, message| match message {
///         Door::Push => Next::Become(open()),
///         Door::IsOpen(reply) => { reply.send(false); Next::Same }
///     })
/// }
///
/// fn open() -> Behavior<Door> {
///     Behavior::receive(|_ctx, message| match message {
///         Door::Push => Next::Become(closed()),
///         Door::IsOpen(reply) => { reply.send(true); Next::Same }
///     })
/// }
///
/// let pool = WorkerPool::builder().workers(1).start()?;
/// let door = pool.spawn("door", Props::new(closed))?;
/// door.tell(Door::Push);
/// assert!(door.ask(Door::IsOpen, Duration::from_secs(5)).wait()?);
/// pool.shutdown(Duration::from_secs(5))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a behaviour does nothing until an actor has it"]
pub struct Behavior<M> {
    pub(super) form: Form<M>,
}

type Setup<M> = Box<dyn FnOnce(&mut Context<'_, M>) -> Result<Behavior<M>, BoxError>>;

/// What a behaviour consists of.
pub(super) enum Form<M> {
    Ready(NewBody),
    Setup(Setup<M>),
    /// A behaviour, and a strategy that is consulted first about its failures.
    Supervised(Box<Behavior<M>>, Box<SupervisorStrategy>),
    Stopped,
}

impl<M> std::fmt::Debug for Behavior<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let form = match self.form {
            Form::Ready(_) => "receive",
            Form::Setup(_) => "setup",
            Form::Supervised(..) => "supervised",
            Form::Stopped => "stopped",
        };
        write!(f, "Behavior::{form}")
    }
}

impl<M: Send + 'static> Behavior<M> {
    /// Creates a behaviour that handles each message with a function. Its state, if any, is what the function
    /// has captured.
    pub fn receive<F, R>(handler: F) -> Self
    where
        F: FnMut(&mut Context<'_, M>, M) -> R + 'static,
        R: IntoNext<M> + 'static,
    {
        Self::ready(Function {
            handler,
            returns: PhantomData,
        })
    }

    /// Creates a behaviour that handles each message with a function and a state, which the function may
    /// change.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    ///
    /// let sum: Behavior<u64> = Behavior::with_state(0, |sum, _ctx, number| *sum += number);
    /// ```
    pub fn with_state<S, F, R>(state: S, handler: F) -> Self
    where
        S: 'static,
        F: FnMut(&mut S, &mut Context<'_, M>, M) -> R + 'static,
        R: IntoNext<M> + 'static,
    {
        Self::ready(Stateful {
            state,
            handler,
            returns: PhantomData,
        })
    }

    /// Creates a behaviour with a function that runs first and has the actor's context: to spawn children, to
    /// ask other actors, or to store a reference to its own actor.
    ///
    /// An error or a panic fails the start, and is returned to the actor or thread that spawned it.
    pub fn setup<F>(setup: F) -> Self
    where
        F: FnOnce(&mut Context<'_, M>) -> Result<Self, BoxError> + 'static,
    {
        Self {
            form: Form::Setup(Box::new(setup)),
        }
    }

    /// Creates a behaviour with a function that starts timers first: a [`setup`](Self::setup) that is given
    /// the actor's [`Timers`]. Handlers get them from [`Context::timers`].
    pub fn with_timers<F>(start: F) -> Self
    where
        F: FnOnce(&mut Timers<'_, M>) -> Result<Self, BoxError> + 'static,
    {
        Self::setup(move |ctx| start(&mut ctx.timers()))
    }

    /// Gives the actor a stash of that capacity first, and then creates the behaviour, as a
    /// [`setup`](Self::setup) does.
    ///
    /// An actor has one stash, with the capacity that was given last. Its messages stay in it when the actor
    /// becomes another behaviour.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use std::time::Duration;
    ///
    /// enum Door { Knock(Reply<&'static str>), Unlock }
    ///
    /// fn open() -> Behavior<Door> {
    ///     Behavior::receive(|_ctx, message| if let Door::Knock(reply) = message {
    ///         reply.send("come in");
    ///     })
    /// }
    ///
    /// let locked = Props::new(|| Behavior::with_stash(10, |_ctx| {
    ///     Ok(Behavior::receive(|ctx, message| match message {
    ///         Door::Knock(_) => match ctx.stash(message) {
    ///             Ok(()) => Next::Same,
    ///             Err(_full) => Next::Unhandled,
    ///         },
    ///         Door::Unlock => { ctx.unstash_all(); Next::Become(open()) }
    ///     }))
    /// }));
    ///
    /// let pool = WorkerPool::builder().workers(1).start()?;
    /// let door = pool.spawn("door", locked)?;
    /// let knock = door.ask(Door::Knock, Duration::from_secs(5));
    /// door.tell(Door::Unlock);
    /// assert_eq!(knock.wait()?, "come in");
    /// pool.shutdown(Duration::from_secs(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_stash<F>(capacity: usize, setup: F) -> Self
    where
        F: FnOnce(&mut Context<'_, M>) -> Result<Self, BoxError> + 'static,
    {
        Self::setup(move |ctx| {
            let in_hand = ctx.make_stash(capacity);
            let behavior = setup(ctx)?;
            Ok(match in_hand.noted_by_nobody() {
                Some(in_hand) => behavior.around(move |inner| in_hand.noting(inner)),
                None => behavior,
            })
        })
    }

    /// Creates a behaviour that stops the actor at once. An actor becomes it at the end of a conversation.
    ///
    /// An actor whose first behaviour this is does not start: the spawn returns
    /// [`SpawnError::EndedInStart`](crate::SpawnError::EndedInStart).
    pub fn stopped() -> Self {
        Self {
            form: Form::Stopped,
        }
    }

    /// Creates a behaviour that handles nothing: each message becomes a dead letter. The actor lives, and
    /// receives signals.
    pub fn empty() -> Self {
        Self::receive(|_ctx, _message| Next::Unhandled)
    }

    /// Adds a strategy that is consulted about this behaviour's failures before the parent's. If it
    /// escalates, the next one around it is consulted, and finally the parent's. The strategy for the
    /// failures of this actor's children is another one: [`Props::supervising`](crate::Props::supervising).
    ///
    /// A restart concerns the whole actor, and only that, so a strategy for all children has the same effect
    /// here as one for each child. The strategy applies until the actor becomes a behaviour that is
    /// supervised itself.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    ///
    /// let careless: Behavior<&str> = Behavior::receive(|_ctx, number: &str| {
    ///     let number: u32 = number.parse()?;
    ///     println!("{number}");
    ///     Ok(())
    /// });
    /// let goes_on = careless.supervise(SupervisorStrategy::one_for_one().always(Directive::Resume));
    /// # let _ = goes_on;
    /// ```
    pub fn supervise(self, strategy: SupervisorStrategy) -> Self {
        Self {
            form: Form::Supervised(Box::new(self), Box::new(strategy)),
        }
    }

    /// Creates a behaviour that handles messages with an [`Actor`].
    pub fn actor<A: Actor<Message = M>>(actor: A) -> Self {
        Self::ready(Structured(actor))
    }

    /// Adds a function that receives every signal, after the behaviour itself.
    ///
    /// The function returns what a handler of messages may: to continue, to become another behaviour, to
    /// stop, or an error. If the behaviour itself has decided anything but to continue, the function is not
    /// called. A decision at [`Signal::PostStop`] or [`Signal::PreRestart`] changes nothing.
    ///
    /// The function has no access to the state of [`with_state`](Self::with_state). For state that messages
    /// and signals share, implement [`Actor`].
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    ///
    /// let careful: Behavior<u8> = Behavior::receive(|_ctx, _message| ())
    ///     .on_signal(|ctx, signal| println!("{}: {signal:?}", ctx.path()));
    /// ```
    pub fn on_signal<F, R>(self, on_signal: F) -> Self
    where
        F: FnMut(&mut Context<'_, M>, &Signal) -> R + 'static,
        R: IntoNext<M> + 'static,
    {
        self.around(move |inner| {
            NewBody::new(Signalled {
                inner,
                on_signal,
                messages: PhantomData::<fn(M) -> R>,
            })
        })
    }

    /// Wraps the body that this behaviour resolves to.
    fn around(self, wrap: impl FnOnce(NewBody) -> NewBody + 'static) -> Self {
        let form = match self.form {
            Form::Ready(inner) => Form::Ready(wrap(inner)),
            Form::Setup(setup) => Form::Setup(Box::new(move |ctx| Ok(setup(ctx)?.around(wrap)))),
            Form::Supervised(inner, strategy) => {
                Form::Supervised(Box::new(inner.around(wrap)), strategy)
            }
            Form::Stopped => Form::Stopped,
        };
        Self { form }
    }

    fn ready(receive: impl Receive<M>) -> Self {
        Self {
            form: Form::Ready(HandlerBody::<M, _>::body(receive)),
        }
    }
}

struct Function<F, R> {
    handler: F,
    returns: PhantomData<fn() -> R>,
}

impl<M, F, R> Receive<M> for Function<F, R>
where
    F: FnMut(&mut Context<'_, M>, M) -> R + 'static,
    R: IntoNext<M> + 'static,
{
    const HEARS_SIGNALS: bool = false;

    #[inline]
    fn receive(&mut self, ctx: &mut Context<'_, M>, message: M) -> HandlerResult<M> {
        (self.handler)(ctx, message).into_next()
    }

    fn signal(&mut self, _: &mut Context<'_, M>, _: &Signal) -> HandlerResult<M> {
        Ok(Next::Same)
    }
}

struct Stateful<S, F, R> {
    state: S,
    handler: F,
    returns: PhantomData<fn() -> R>,
}

impl<M, S, F, R> Receive<M> for Stateful<S, F, R>
where
    S: 'static,
    F: FnMut(&mut S, &mut Context<'_, M>, M) -> R + 'static,
    R: IntoNext<M> + 'static,
{
    const HEARS_SIGNALS: bool = false;

    #[inline]
    fn receive(&mut self, ctx: &mut Context<'_, M>, message: M) -> HandlerResult<M> {
        (self.handler)(&mut self.state, ctx, message).into_next()
    }

    fn signal(&mut self, _: &mut Context<'_, M>, _: &Signal) -> HandlerResult<M> {
        Ok(Next::Same)
    }
}

/// An actor as a type of its own, for actors that need more than a function or two.
///
/// ```
/// use nexus_actors::prelude::*;
/// use std::time::Duration;
///
/// struct Account { balance: i64 }
///
/// enum Banking { Deposit(i64), Balance(Reply<i64>) }
///
/// impl Actor for Account {
///     type Message = Banking;
///
///     fn receive(
///         &mut self,
///         _ctx: &mut Context<'_, Banking>,
///         message: Banking,
///     ) -> HandlerResult<Banking> {
///         match message {
///             Banking::Deposit(amount) if amount < 0 => Err("a deposit is positive")?,
///             Banking::Deposit(amount) => self.balance += amount,
///             Banking::Balance(reply) => reply.send(self.balance),
///         }
///         Ok(Next::Same)
///     }
/// }
///
/// let pool = WorkerPool::builder().workers(1).start()?;
/// let account = pool.spawn("account", Props::from_actor(|| Account { balance: 0 }))?;
/// account.tell(Banking::Deposit(5));
/// assert_eq!(account.ask(Banking::Balance, Duration::from_secs(5)).wait()?, 5);
/// pool.shutdown(Duration::from_secs(5))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Actor: 'static {
    /// The type of the messages that the actor handles.
    type Message: Send + 'static;

    /// Handles a message.
    ///
    /// # Errors
    ///
    /// An error fails the actor.
    fn receive(
        &mut self,
        ctx: &mut Context<'_, Self::Message>,
        message: Self::Message,
    ) -> HandlerResult<Self::Message>;

    /// Handles a signal. The default does nothing. A decision at [`Signal::PostStop`] or
    /// [`Signal::PreRestart`] changes nothing.
    ///
    /// # Errors
    ///
    /// An error at [`Signal::PreStart`] fails the start; one at [`Signal::PostStop`] or
    /// [`Signal::PreRestart`] is reported; any other fails the actor.
    fn signal(
        &mut self,
        _ctx: &mut Context<'_, Self::Message>,
        _signal: &Signal,
    ) -> HandlerResult<Self::Message> {
        Ok(Next::Same)
    }
}

struct Structured<A>(A);

impl<A: Actor> Receive<A::Message> for Structured<A> {
    const HEARS_SIGNALS: bool = true;

    #[inline]
    fn receive(
        &mut self,
        ctx: &mut Context<'_, A::Message>,
        message: A::Message,
    ) -> HandlerResult<A::Message> {
        self.0.receive(ctx, message)
    }

    fn signal(
        &mut self,
        ctx: &mut Context<'_, A::Message>,
        signal: &Signal,
    ) -> HandlerResult<A::Message> {
        self.0.signal(ctx, signal)
    }
}
