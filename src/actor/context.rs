//! The context: what an actor can do and find out during its turn.

use std::marker::PhantomData;
use std::time::Duration;

use super::props::{Seed, Spawnable};
use super::reference::ActorRef;
use super::spawn::{self, get_or_start_child};
use super::timers::{Timers, nanos};
use crate::address::{ActorId, ActorPath, Envelope, Key};
use crate::failure::{SpawnError, WaitError, drop_quietly};
use crate::lifecycle::{self, set_receive_timeout, unwatch};
use crate::self_queue::{self, InHand, StashError};
use crate::shard::{Name, Shard, actor_of, children_of, path_of};
use crate::supervision::SupervisorStrategy;
use crate::suspend::{ForgetAtEnd, wait_for, yield_now};

/// What an actor can do and find out while it handles a message or a signal.
///
/// The handler borrows it, and cannot store it.
pub struct Context<'a, M> {
    shard: &'a Shard,
    actor: Key,
    /// Whether a message is being handled, rather than a signal.
    handling: bool,
    messages: PhantomData<fn(M)>,
}

impl<'a, M: Send + 'static> Context<'a, M> {
    pub(super) fn new(shard: &'a Shard, actor: Key) -> Self {
        Self {
            shard,
            actor,
            handling: false,
            messages: PhantomData,
        }
    }

    pub(crate) fn shard(&self) -> &'a Shard {
        self.shard
    }

    /// A context for handling messages.
    pub(super) fn handling(shard: &'a Shard, actor: Key) -> Self {
        Self {
            handling: true,
            ..Self::new(shard, actor)
        }
    }

    /// Returns a reference to this actor.
    #[inline]
    #[allow(unsafe_code)]
    pub fn self_ref(&self) -> ActorRef<M> {
        // SAFETY: a context for `M` is made only by bodies and setups of an actor of `M`.
        unsafe { ActorRef::assume(self.shard.address_of(self.actor)) }
    }

    /// Returns this actor's path, such as `/user/orders/order-123`.
    pub fn path(&self) -> ActorPath {
        path_of(self.shard, self.actor.slot())
    }

    /// Returns the sender and the ids of the message being handled. In a setup or a signal, they are those of
    /// the message that led to it, if any.
    pub fn envelope(&self) -> Envelope {
        self.shard.envelope()
    }

    /// Returns the actor that sent the message being handled, or `None` if it was sent from outside of any
    /// actor.
    pub fn sender(&self) -> Option<ActorId> {
        self.envelope().sender()
    }

    /// Returns the index of the worker that owns this actor.
    pub fn worker(&self) -> usize {
        self.shard.home.worker() as usize
    }

    /// Returns the number of messages that wait in this actor's mailbox.
    pub fn mailbox_len(&self) -> usize {
        self.shard.slot(self.actor.slot()).mailbox_len()
    }

    /// Returns the time since the pool's clock began.
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.shard.read_clock())
    }

    /// Starts a child of that name on this worker, and returns when the child's setup is done.
    ///
    /// To start a child on another worker, use [`spawn_on`](Self::spawn_on). There is no `spawn_all` for
    /// children: a start on the own worker is a call, not a round trip. Top-level actors are started, and
    /// actors looked up, with a [`WorkerNode`](crate::WorkerNode) that the handler captures.
    ///
    /// # Errors
    ///
    /// [`SpawnError`] says why the child could not start. Nothing of it is left behind.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use std::time::Duration;
    ///
    /// let pool = WorkerPool::builder().workers(1).start()?;
    /// let parent = pool.spawn("parent", Props::new(|| Behavior::setup(|ctx| {
    ///     let child = ctx.spawn("child", Props::new(|| {
    ///         Behavior::receive(|ctx, reply: Reply<String>| reply.send(ctx.path().to_string()))
    ///     }))?;
    ///     Ok(Behavior::receive(move |_ctx, reply: Reply<String>| child.tell(reply)))
    /// })))?;
    /// let path = parent.ask(|reply| reply, Duration::from_secs(5)).wait()?;
    /// assert_eq!(path, "/user/parent/child");
    /// pool.shutdown(Duration::from_secs(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn spawn<P: Spawnable>(
        &mut self,
        name: &str,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        spawn::start(
            self.shard,
            self.actor.slot(),
            Name::Given(name),
            Seed::of(props),
            None,
        )
    }

    /// Returns the child of that name, or starts it from these props if there is none.
    ///
    /// If the previous child of that name is still ending, this actor waits until it has stopped, and a new
    /// one is started. For top-level actors, use
    /// [`WorkerNode::get_or_spawn`](crate::WorkerNode::get_or_spawn): a handler captures the node, which
    /// [`WorkerPool::node`](crate::WorkerPool::node) returns.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use std::time::Duration;
    ///
    /// let pool = WorkerPool::builder().workers(1).start()?;
    /// let room = Props::new(|| Behavior::with_state(0, |said, _ctx, reply: Reply<u32>| {
    ///     *said += 1;
    ///     reply.send(*said);
    /// }));
    /// let house = pool.spawn("house", Props::new(move || {
    ///     let room = room.clone();
    ///     Behavior::receive(move |ctx, (name, reply): (&str, Reply<u32>)| {
    ///         ctx.get_or_spawn(name, room.clone())?.tell(reply);
    ///         Ok(())
    ///     })
    /// }))?;
    /// for (said, name) in [(1, "hall"), (1, "attic"), (2, "hall")] {
    ///     assert_eq!(house.ask(|reply| (name, reply), Duration::from_secs(5)).wait()?, said);
    /// }
    /// pool.shutdown(Duration::from_secs(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SpawnError::WrongType`] if the child of that name handles other messages. Otherwise as for
    /// [`spawn`](Self::spawn), but never [`NameTaken`](SpawnError::NameTaken).
    pub fn get_or_spawn<P: Spawnable>(
        &mut self,
        name: &str,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        get_or_start_child(self.shard, self.actor.slot(), name, props)
    }

    /// Starts a child under a generated name. The child is not in the directory.
    ///
    /// # Errors
    ///
    /// As for [`spawn`](Self::spawn).
    pub fn spawn_anonymous<P: Spawnable>(
        &mut self,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        spawn::start(
            self.shard,
            self.actor.slot(),
            Name::Generated,
            Seed::of(props),
            None,
        )
    }

    /// Starts a child under a generated name with a prefix that says what the child is, such as `$conn-17`
    /// for `conn`.
    ///
    /// No other actor ever has the same path. The child is in the directory, like one with a given name.
    ///
    /// # Errors
    ///
    /// As for [`spawn`](Self::spawn). The prefix must itself be a valid name.
    pub fn spawn_prefixed<P: Spawnable>(
        &mut self,
        prefix: &str,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        let path = self.shard.core.generate_path(&self.path(), prefix)?;
        spawn::start(
            self.shard,
            self.actor.slot(),
            Name::At(&path),
            Seed::of(props),
            None,
        )
    }

    /// Returns the children that are alive, on any worker, including those that are stopping. The child that
    /// was started last comes first.
    pub fn children(&self) -> Vec<ActorId> {
        let children = children_of(self.shard, self.actor.slot());
        children
            .filter_map(|child| actor_of(self.shard, child))
            .collect()
    }

    /// Watches another actor, of any worker or pool.
    ///
    /// When that actor has stopped, this one receives [`Signal::Terminated`](crate::Signal::Terminated),
    /// once. If it has stopped already, the signal comes at once. Watching an actor again while it is watched
    /// changes nothing.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use std::time::Duration;
    ///
    /// let pool = WorkerPool::builder().workers(1).start()?;
    /// let worker = pool.spawn("worker", Props::new(|| {
    ///     Behavior::receive(|_ctx, _: u8| Next::Stop)
    /// }))?;
    /// let (tell, told) = std::sync::mpsc::channel();
    /// let manager = Props::new(move || {
    ///     let tell = tell.clone();
    ///     Behavior::setup(move |ctx| {
    ///         ctx.watch(worker);
    ///         Ok(Behavior::<u8>::empty().on_signal(move |_ctx, signal| {
    ///             if let Signal::Terminated { actor, .. } = signal {
    ///                 let _ = tell.send(*actor);
    ///             }
    ///         }))
    ///     })
    /// });
    /// pool.spawn("manager", manager)?;
    /// worker.tell(1);
    /// assert_eq!(told.recv()?, worker.id());
    /// pool.shutdown(Duration::from_secs(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn watch<T: Send + 'static>(&mut self, actor: ActorRef<T>) {
        lifecycle::watch(self.shard, self.actor, actor.id());
    }

    /// Stops watching the actor. A notice that is already under way is not delivered.
    pub fn unwatch<T: Send + 'static>(&mut self, actor: ActorRef<T>) {
        unwatch(self.shard, self.actor, actor.id());
    }

    /// As [`watch`](Self::watch), for an actor of any message type.
    pub(crate) fn watch_id(&mut self, actor: ActorId) {
        lifecycle::watch(self.shard, self.actor, actor);
    }

    /// As [`unwatch`](Self::unwatch), for an actor of any message type.
    pub(crate) fn unwatch_id(&mut self, actor: ActorId) {
        unwatch(self.shard, self.actor, actor);
    }

    /// Returns this actor's timers, which send it messages at a later time, once or repeatedly.
    pub fn timers(&mut self) -> Timers<'_, M> {
        Timers::new(self.shard, self.actor)
    }

    /// Sends this actor [`Signal::ReceiveTimeout`](crate::Signal::ReceiveTimeout) when it has handled no
    /// message for that long, and again after each further period without one.
    ///
    /// The period starts now, and again at the end of each turn in which the actor has handled mail. Signals
    /// and the messages of timers do not count. A new time-out replaces the previous one, and a restart ends
    /// it.
    ///
    /// # Panics
    ///
    /// If the time is zero.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use nexus_actors::sim::Sim;
    /// use std::time::Duration;
    ///
    /// // A session that ends when nobody has talked to it for a minute.
    /// let session = Props::new(|| Behavior::setup(|ctx| {
    ///     ctx.set_receive_timeout(Duration::from_secs(60));
    ///     Ok(Behavior::receive(|_ctx, _line: &str| ()).on_signal(|_ctx, signal| match signal {
    ///         Signal::ReceiveTimeout => Next::Stop,
    ///         _ => Next::Same,
    ///     }))
    /// }));
    /// let mut sim = Sim::builder().orderly().start()?;
    /// let session = sim.spawn("session", session)?;
    /// sim.run_for(Duration::from_secs(59));
    /// session.tell("hello");
    /// sim.run_for(Duration::from_secs(59));
    /// assert_eq!(session.try_tell("still here"), Ok(()));
    /// sim.run_for(Duration::from_secs(61));
    /// assert!(sim.lookup::<&str>("/user/session").is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_receive_timeout(&mut self, after: Duration) {
        assert!(!after.is_zero(), "a receive time-out cannot be zero");
        set_receive_timeout(self.shard, self.actor, Some(nanos(after)));
    }

    /// Cancels the receive time-out.
    pub fn cancel_receive_timeout(&mut self) {
        set_receive_timeout(self.shard, self.actor, None);
    }

    pub(super) fn make_stash(&mut self, capacity: usize) -> InHand {
        self_queue::make::<M>(self.shard, self.actor, capacity)
    }

    /// Stashes the message that is being handled, with its envelope, until
    /// [`unstash_all`](Self::unstash_all). It then does not count as handled.
    ///
    /// The behaviour needs a stash: [`Behavior::with_stash`](crate::Behavior::with_stash). Any other message
    /// that is stashed (a second one in the same handling, or one in a setup or a signal) counts as sent by
    /// the actor to itself. Messages in the stash when the actor stops or is restarted become dead letters.
    ///
    /// # Errors
    ///
    /// [`StashError`] returns the message if the stash is full or if there is none.
    pub fn stash(&mut self, message: M) -> Result<(), StashError<M>> {
        self_queue::put(self.shard, self.actor, self.handling, message)
    }

    /// Takes all messages out of the stash, to be handled after the current message and before the mail.
    ///
    /// They are handled in the order in which they were stashed, after the messages that an earlier call has
    /// taken out. A message that is stashed in the meantime stays in the stash until the next call.
    pub fn unstash_all(&mut self) {
        self_queue::replay::<M>(self.shard, self.actor);
    }

    /// Returns the number of stashed messages. Messages that [`unstash_all`](Self::unstash_all) has taken out
    /// are not counted, but use the stash's capacity until they are handled.
    pub fn stash_len(&self) -> usize {
        self_queue::len::<M>(self.shard, self.actor)
    }

    /// Supervises the actor's behaviour with these strategies, the outermost first. If there are none, those
    /// set before remain.
    pub(super) fn supervise_itself(&mut self, strategies: Vec<SupervisorStrategy>) {
        if !strategies.is_empty() {
            let slot = self.shard.slot(self.actor.slot());
            let before = slot.with_system(|system| system.supervise_itself(strategies));
            let _ = drop_quietly(before);
        }
    }

    /// Waits for that long. Only this actor waits: its messages queue, and its worker continues with other
    /// actors.
    ///
    /// Meanwhile other handlers of this worker run on this thread. A [`SwitchHook`](crate::scope::SwitchHook)
    /// removes what a handler has entered on its thread for the duration of a call. If the handler holds a
    /// lock of the standard library, the worker stops forever when another handler wants that lock. Code that
    /// relies on its thread-locals or its scopes until it returns must not wait: see
    /// [`no_wait`](crate::actor::no_wait()).
    ///
    /// # Errors
    ///
    /// [`WaitError`] if this function cannot wait.
    pub fn sleep(&mut self, duration: Duration) -> Result<(), WaitError> {
        sleep(self.shard, duration)
    }

    /// Yields: every other actor of this worker that is due has its turn first.
    ///
    /// This is for handlers that compute for a long time. A handler that never waits holds its worker.
    ///
    /// # Errors
    ///
    /// [`WaitError`] if this function cannot wait.
    pub fn yield_now(&mut self) -> Result<(), WaitError> {
        Ok(yield_now(self.shard)?)
    }
}

impl<M> std::fmt::Debug for Context<'_, M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("actor", &self.shard.id_of(self.actor))
            .finish()
    }
}

/// Waits for time to pass.
pub(super) fn sleep(shard: &Shard, duration: Duration) -> Result<(), WaitError> {
    let wait = ForgetAtEnd(shard, shard.begin_timed_wait(nanos(duration)));
    Ok(wait_for(shard, wait.1)?)
}
