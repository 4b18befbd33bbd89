//! References to actors: sixteen bytes, copied at will, without a count.

#![allow(unsafe_code)]

use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::{fmt, ptr};

use super::tell_error::TellError;
use crate::address::{ActorId, ActorPath, MessageId};
use crate::failure::WaitEnd;
use crate::lifecycle::send_order;
use crate::pool_core::{
    self, ActorOrder, envelope_from_outside, fits, last_message_from_outside, tell_again,
    tell_all_again,
};
use crate::shard::{
    Here, Message, Route, Shard, TypedKey, bury_without_pool, drop_lost, with_current,
};

/// A reference to one incarnation of an actor that handles messages of type `M`.
///
/// It is `Copy`, `Send` and `Sync`, and may be kept for any length of time. Once its actor has stopped,
/// whatever is sent through it becomes a dead letter, even if another actor has the same name or the same
/// memory.
///
/// Messages from one sender to one actor arrive in the order sent. A sender is an actor, or a thread outside
/// of the pool. Between the messages of two threads no order is promised, even if one has waited for the
/// other. A message that must come after everything that a thread has told has to be sent by that thread.
pub struct ActorRef<M> {
    /// The actor, marked if its mailbox is bounded. The mark makes the comparisons of the fast path of a send
    /// fail, so an unbounded actor pays nothing for it.
    address: ActorId,
    messages: PhantomData<fn(M)>,
}

impl<M: Send + 'static> ActorRef<M> {
    /// # Safety
    ///
    /// The tenancy that `address` names was begun for `M`.
    pub(crate) const unsafe fn assume(address: ActorId) -> Self {
        Self {
            address,
            messages: PhantomData,
        }
    }

    /// Returns the path of this actor, for a log line: from any thread, while the actor lives and for a while
    /// after. See [`ActorId::path`].
    pub fn path(self) -> Option<ActorPath> {
        self.id().path()
    }

    /// Returns the incarnation that this refers to.
    pub fn id(self) -> ActorId {
        ActorId {
            home: self.address.home.unmarked(),
            ..self.address
        }
    }

    /// Returns what this holds: the actor, marked if its mailbox is bounded.
    pub(crate) fn address(self) -> ActorId {
        self.address
    }

    pub(crate) fn is_bounded(self) -> bool {
        self.address.home.is_marked()
    }

    #[inline(always)]
    pub(super) fn typed_key(self) -> TypedKey<M> {
        // SAFETY: a reference is made only for a tenancy of `M`.
        unsafe { TypedKey::assume(self.address.key) }
    }

    /// Sends a message and forgets it: never blocks, never fails.
    ///
    /// A message that cannot be delivered, or for which a bounded mailbox has no capacity, becomes a dead
    /// letter.
    #[inline(always)]
    pub fn tell(self, message: M) {
        self.put::<false>(message);
    }

    /// As [`tell`](Self::tell), for a message with a reply: the actor's worker takes it in as a question.
    #[inline(always)]
    pub(crate) fn tell_question(self, message: M) {
        self.put::<true>(message);
    }

    /// As [`tell_question`](Self::tell_question), and returns the question's id. That need not be the last
    /// one drawn: a message may be dropped for this one, and then the code that is notified of it, and its
    /// destructor, may send messages of their own.
    #[inline(never)]
    pub(crate) fn tell_question_noted(self, message: M) -> MessageId {
        let home = self.id().home;
        let next = with_current(|shard| {
            let shard = shard.filter(|shard| shard.home.pool() == home.pool());
            shard.map(Shard::peek_message_id)
        });
        self.tell_question(message);
        next.unwrap_or_else(|| last_message_from_outside(home))
    }

    #[inline(always)]
    fn put<const QUESTION: bool>(self, message: M) {
        match self.place_for_message::<QUESTION>(Here::now().shard()) {
            // SAFETY: the message is written before anything else is done.
            Some(place) => unsafe { place.write(message) },
            None => self.tell_elsewhere::<QUESTION>(apart(message)),
        }
    }

    /// Sends messages, in order, each as [`tell`](Self::tell) does. From a thread outside of the pool this
    /// costs less per message than single calls of `tell`: up to 32 messages are published at once.
    ///
    /// That many are taken from the iterator before the first of them is sent. If the iterator panics, the
    /// messages that it has returned before are sent. Do not pass an iterator that waits for what the actor
    /// does with earlier messages.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use std::time::Duration;
    ///
    /// enum Sum {
    ///     Add(u64),
    ///     Get(Reply<u64>),
    /// }
    ///
    /// let pool = WorkerPool::builder().workers(1).start()?;
    /// let sum = pool.spawn("sum", Props::new(|| {
    ///     Behavior::with_state(0, |sum: &mut u64, _ctx, message| match message {
    ///         Sum::Add(more) => *sum += more,
    ///         Sum::Get(reply) => reply.send(*sum),
    ///     })
    /// }))?;
    /// sum.tell_all((1..=100).map(Sum::Add));
    /// assert_eq!(sum.ask(Sum::Get, Duration::from_secs(5)).wait()?, 5050);
    /// pool.shutdown(Duration::from_secs(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn tell_all(self, messages: impl IntoIterator<Item = M>) {
        let messages = messages.into_iter();
        // Whichever path is taken, each message finds its own: an iterator may do anything.
        if self.is_bounded() || !fits::<Message<M>>() || Here::now().shard().is_some() {
            return messages.for_each(|message| self.tell(message));
        }
        let mut gathered = Gathered::new(self);
        messages.for_each(|message| gathered.push(message));
    }

    /// Returns where a message can be written directly: in the actor's mailbox, if the actor is on this
    /// worker and takes mail, or in the batch for another worker of this pool. Nowhere, if observers are to be
    /// told of the message, or of its arrival.
    ///
    /// The message must be written before anything else is done.
    #[inline(always)]
    fn place_for_message<const QUESTION: bool>(self, shard: Option<&Shard>) -> Option<*mut M> {
        match Route::of_send(shard, self.address.home) {
            Route::Here(shard) => self.place_here(shard),
            Route::Across(shard) => self.place_across::<QUESTION>(shard),
            Route::Outside(_) => None,
        }
    }

    /// Makes room for a message in the mailbox of an actor of this worker, under an envelope.
    ///
    /// The message must be written before anything else is done.
    #[inline(always)]
    fn place_here(self, shard: &Shard) -> Option<*mut M> {
        // SAFETY: the envelope is written here, the message by all callers, at once.
        unsafe {
            let item = shard.admit(self.typed_key(), shard.cause_of_sent())?;
            (&raw mut (*item).id).write(shard.next_message());
            Some(&raw mut (*item).message)
        }
    }

    /// Makes room for a message in the batch for another worker of this pool, unless it is too large for that.
    ///
    /// The message must be written before anything else is done.
    #[inline(never)]
    fn place_across<const QUESTION: bool>(self, shard: &Shard) -> Option<*mut M> {
        if !fits::<Message<M, QUESTION>>() {
            return None;
        }
        let (cause, message) = (shard.cause_of_sent(), shard.next_message());
        shard.counts.sent_across.add(1);
        let ActorId { home, key } = self.address;
        // SAFETY: it fits, and is written by all callers at once; a `Message` is nothing but an
        // `M` (`repr(transparent)`).
        let place: *mut Message<M, QUESTION> =
            unsafe { shard.outboxes.place(home.worker(), key, cause, message) };
        Some(place.cast())
    }

    #[inline(never)]
    fn tell_elsewhere<const QUESTION: bool>(self, message: M) {
        let mut message = message;
        if Here::now().shard().is_none() {
            let ActorId { home, key } = self.address;
            // For an actor with a bounded mailbox this fails, as the mark makes its pool look like another
            // one.
            match tell_again(home, key, Message::<M, QUESTION>(message)) {
                Ok(()) => return,
                Err(Message(refused)) => message = refused,
            }
        }
        if self.is_bounded() {
            return self.tell_bounded::<QUESTION>(message);
        }
        with_current(|shard| match Route::new(shard, self.address.home) {
            Route::Here(shard) => self.tell_here::<QUESTION>(shard, message),
            route => self.tell_away::<QUESTION>(route, message),
        })
    }

    /// Sends a message to an actor of this worker whose mailbox may be shut.
    fn tell_here<const QUESTION: bool>(self, shard: &Shard, message: M) {
        let envelope = shard.next_envelope();
        shard.tell_of_sending(self.id(), envelope, QUESTION, &message);
        shard.put(self.typed_key(), envelope, message);
    }

    /// Sends a message to an actor that is not here.
    fn tell_away<const QUESTION: bool>(self, route: Route<'_>, message: M) {
        match route {
            Route::Here(shard) | Route::Across(shard) => {
                let envelope = shard.next_envelope();
                shard.tell_of_sending(self.id(), envelope, QUESTION, &message);
                shard.counts.sent_across.add(1);
                shard.outboxes.send(
                    self.address.home.worker(),
                    self.address.key,
                    envelope,
                    Message::<M, QUESTION>(message),
                );
            }
            Route::Outside(shard) => {
                let sender = shard.map(Shard::acting);
                match pool_core::find(self.address.home) {
                    Some(core) => {
                        let envelope = core.envelope_from_outside(sender);
                        core.count_outside();
                        let worker = self.address.home.worker();
                        let parcel = Message::<M, QUESTION>(message);
                        core.post(worker, self.address.key, envelope, parcel);
                        if shard.is_none() {
                            core.keep_ports(self.address.home);
                        }
                    }
                    None => {
                        let envelope = envelope_from_outside(sender);
                        bury_without_pool::<M>(self.id(), envelope);
                        drop_lost(message, WaitEnd::PoolClosed);
                    }
                }
            }
        }
    }

    /// Sends a message, and returns it if it is already certain that it cannot be delivered. Never blocks.
    ///
    /// `Ok` says that the message is in the actor's mailbox or, if the actor belongs to another worker, on
    /// its way there. If the mailbox is bounded, the message has a permit of its own. If the actor stops in
    /// between, the message becomes a dead letter.
    ///
    /// # Errors
    ///
    /// [`TellError`] says why, and holds the message.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use std::time::Duration;
    ///
    /// let pool = WorkerPool::builder().workers(1).start()?;
    /// let actor = pool.spawn("actor", Props::new(|| Behavior::receive(|_ctx, _: u8| ())))?;
    /// assert!(actor.try_tell(1).is_ok());
    /// pool.shutdown(Duration::from_secs(5))?;
    /// assert_eq!(actor.try_tell(2).unwrap_err().into_message(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_tell(self, message: M) -> Result<(), TellError<M>> {
        if let Some(place) = self.place_for_message::<false>(Here::now().shard()) {
            // SAFETY: the message is written before anything else is done.
            unsafe { place.write(message) };
            return Ok(());
        }
        if self.is_bounded() {
            return self.try_tell_bounded(message);
        }
        with_current(|shard| match Route::new(shard, self.address.home) {
            Route::Here(shard) if shard.takes_mail(self.address.key) => {
                self.tell_here::<false>(shard, message);
                Ok(())
            }
            Route::Here(_) => Err(TellError::Stopped(message)),
            route @ Route::Across(_) => {
                self.tell_away::<false>(route, message);
                Ok(())
            }
            Route::Outside(shard) => self.try_tell_from_outside(shard, message),
        })
    }

    /// As [`tell`](Self::tell), but returns the message if it is certain at the call that the actor has
    /// stopped.
    pub(crate) fn tell_unless_stopped(self, message: M) -> Result<(), M> {
        if self.is_bounded() {
            return self.tell_bounded_unless_stopped(message);
        }
        match self.try_tell(message) {
            Ok(()) => Ok(()),
            Err(TellError::Stopped(message)) => Err(message),
            Err(other) => {
                self.tell(other.into_message());
                Ok(())
            }
        }
    }

    fn try_tell_from_outside(self, shard: Option<&Shard>, message: M) -> Result<(), TellError<M>> {
        let mut message = message;
        if shard.is_none() {
            let ActorId { home, key } = self.address;
            match tell_again(home, key, Message::<M>(message)) {
                Ok(()) => return Ok(()),
                Err(Message(refused)) => message = refused,
            }
        }
        let Some(core) = pool_core::find(self.address.home) else {
            return Err(TellError::PoolClosed(message));
        };
        if !core.transport.is_open(self.address.home.worker()) {
            return Err(TellError::PoolClosed(message));
        }
        let envelope = core.envelope_from_outside(shard.map(Shard::acting));
        core.count_outside();
        core.post(
            self.address.home.worker(),
            self.address.key,
            envelope,
            Message::<M>(message),
        );
        if shard.is_none() {
            core.keep_ports(self.address.home);
        }
        Ok(())
    }

    /// Asks the actor to stop when it has handled the messages that it has. Messages that come later become
    /// dead letters.
    ///
    /// Its children are asked as well, and stop before it does. This has no effect on an actor that has
    /// stopped or is stopping.
    pub fn stop(self) {
        self.order(ActorOrder::Stop);
    }

    /// Stops the actor after the message that it is handling: the rest of its mail becomes dead letters. The
    /// order goes ahead of its mail.
    pub fn kill(self) {
        self.order(ActorOrder::Kill);
    }

    /// Suspends the actor: it handles no more mail until it is [resumed](Self::resume).
    ///
    /// The message that it is handling is completed. The actor still receives signals, and can be killed. A
    /// stop keeps its place in the mail. Suspending the actor again changes nothing.
    pub fn suspend(self) {
        self.order(ActorOrder::Suspend);
    }

    /// Lets a suspended actor continue.
    pub fn resume(self) {
        self.order(ActorOrder::Resume);
    }

    /// Passivates the actor after the message that it is handling: it gives up its state until mail comes. A
    /// handler passivates its own actor with [`Next::Passivate`](crate::Next::Passivate).
    ///
    /// The instance ends as if the actor stopped: its children and its tasks end, and so do its timers, its
    /// receive time-out and its watches. It receives [`Signal::PostStop`](crate::Signal::PostStop), in which
    /// it can save what it knows, and is dropped. The actor itself stays, with its name and its references;
    /// its watchers receive nothing. A suspended actor is passivated as well, and wakes up when it is
    /// resumed.
    ///
    /// Its mail waits, including what came before, and stashed messages come first. For the first message the
    /// factory runs again, the new instance receives [`Signal::PreStart`](crate::Signal::PreStart), and it
    /// continues with the mail, in order. If a message waits already, that happens at once. A start that
    /// fails is a failure of the actor, at [`Stage::Starting`](crate::failure::Stage::Starting), and its
    /// supervisor decides. Nothing can be resumed then, so the actor stops instead.
    ///
    /// A passive actor that is asked to stop, or whose parent stops, stops without being built again if no
    /// mail waits. A restart because of a sibling's failure leaves it passive.
    ///
    /// This has no effect on an actor that is stopping or passive.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use nexus_actors::sim::Sim;
    /// use std::sync::{Arc, Mutex};
    /// use std::time::Duration;
    ///
    /// // It counts, and keeps the count in a safe place when nobody has come by for a minute.
    /// let safe = Arc::new(Mutex::new(0));
    /// let place = Arc::clone(&safe);
    /// let counter = Props::new(move || {
    ///     let place = Arc::clone(&place);
    ///     Behavior::setup(move |ctx| {
    ///         ctx.set_receive_timeout(Duration::from_secs(60));
    ///         let count = std::rc::Rc::new(std::cell::Cell::new(*place.lock().unwrap()));
    ///         let counted = std::rc::Rc::clone(&count);
    ///         Ok(Behavior::receive(move |_ctx, reply: Reply<u32>| {
    ///             counted.set(counted.get() + 1);
    ///             reply.send(counted.get());
    ///         })
    ///         .on_signal(move |_ctx, signal| match signal {
    ///             Signal::ReceiveTimeout => Next::Passivate,
    ///             Signal::PostStop(_) => { *place.lock().unwrap() = count.get(); Next::Same }
    ///             _ => Next::Same,
    ///         }))
    ///     })
    /// });
    /// let mut sim = Sim::builder().orderly().start()?;
    /// let counter = sim.spawn("counter", counter)?;
    /// let ask = || counter.ask(|reply| reply, Duration::from_secs(5)).wait();
    /// assert_eq!((ask()?, ask()?), (1, 2));
    /// sim.run_for(Duration::from_secs(61));
    /// assert_eq!(*safe.lock().unwrap(), 2);
    /// assert_eq!(ask()?, 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn passivate(self) {
        self.order(ActorOrder::Passivate);
    }

    fn order(self, order: ActorOrder) {
        send_order(self.id(), order);
    }
}

/// How many messages [`ActorRef::tell_all`] publishes at once.
const AT_ONCE: usize = 32;

/// Messages that a thread outside of the pool is about to send at once. When dropped, it sends them.
struct Gathered<M: Send + 'static> {
    to: ActorRef<M>,
    /// The first `len` of them are written.
    messages: [MaybeUninit<Message<M>>; AT_ONCE],
    len: usize,
}

impl<M: Send + 'static> Gathered<M> {
    fn new(to: ActorRef<M>) -> Self {
        Self {
            to,
            messages: [const { MaybeUninit::uninit() }; AT_ONCE],
            len: 0,
        }
    }

    fn push(&mut self, message: M) {
        self.messages[self.len].write(Message(message));
        self.len += 1;
        if self.len == AT_ONCE {
            self.send();
        }
    }

    fn send(&mut self) {
        let ActorId { home, key } = self.to.address;
        let count = std::mem::take(&mut self.len);
        let mut told = 0;
        // The first message makes this thread keep the ports, if it does not yet.
        while told < count {
            let rest = self.messages[told..count].as_ptr().cast::<Message<M>>();
            // SAFETY: that many are written, and fit, and none of them is used again if they were sent.
            if unsafe { tell_all_again(home, key, rest, count - told) } {
                return;
            }
            // SAFETY: it is written, and not used again.
            let Message(message) = unsafe { self.messages[told].assume_init_read() };
            told += 1;
            self.to.tell(message);
        }
    }
}

impl<M: Send + 'static> Drop for Gathered<M> {
    fn drop(&mut self) {
        self.send();
    }
}

impl<M> Clone for ActorRef<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for ActorRef<M> {}

impl<M> PartialEq for ActorRef<M> {
    fn eq(&self, other: &Self) -> bool {
        self.address == other.address
    }
}

impl<M> Eq for ActorRef<M> {}

impl<M> Hash for ActorRef<M> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.address.hash(state);
    }
}

impl<M> fmt::Debug for ActorRef<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ActorRef<{}>({})",
            std::any::type_name::<M>(),
            self.address
        )
    }
}

/// Returns the message in memory of its own, for a call that takes it there. On the common path, which makes
/// no call, it thus stays in registers.
#[inline(always)]
fn apart<M>(message: M) -> M {
    let message = ManuallyDrop::new(message);
    // SAFETY: the source of the read is not dropped.
    unsafe { ptr::from_ref(&*message).read() }
}

#[cfg(test)]
mod tests;
