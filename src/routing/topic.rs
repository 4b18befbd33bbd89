//! Topics: a message published under a name goes to every subscriber of that name.

use std::fmt;

use super::engine::goes_on_after_a_message;
use super::open::OpenError;
use super::open::RoutingKind;
use super::open::open;
use super::open::open_async;
use crate::actor::{Actor, ActorRef, Behavior, Context, HandlerResult, Next, Props, Recipient};
use crate::address::{ActorId, ActorPath};
use crate::ask::{Ask, Deadline, Reply};
use crate::memory::OrderedMap;
use crate::pool::WorkerNode;
use crate::supervision::Signal;
use crate::sync::{Mutant, is_mutated};

/// A name in a pool to which actors subscribe, so that each of them receives what is published
/// there.
///
/// A topic is an actor, `/topic/<name>`, started by the first call that opens it. A published
/// message goes through its mailbox, and from there to each subscriber by `tell`. So the messages
/// of one publisher arrive in order, and after a subscription everything the same sender publishes
/// reaches the new subscriber. A subscriber that stops is removed by itself. The time to subscribe
/// and to unsubscribe does not depend on the number of subscribers; the time of a message grows in
/// proportion to it. A message published while no actor is subscribed is counted, and becomes a
/// dead letter, as a message that was [not handled](crate::DeadLetterReason::Unhandled).
///
/// ```
/// use nexus_actors::Topic;
/// use nexus_actors::prelude::*;
/// use nexus_actors::testkit::Probe;
/// use std::time::Duration;
///
/// const SOON: Duration = Duration::from_secs(5);
///
/// let pool = WorkerPool::builder().workers(2).start()?;
/// let prices = Topic::<u32>::open(&pool.node(), "prices")?;
/// let till = Probe::new(&pool.node(), "till")?;
/// let board = Probe::new(&pool.node(), "board")?;
/// prices.subscribe(till.actor_ref());
/// prices.subscribe(board.actor_ref().contramap(|price: u32| format!("now {price}")));
/// prices.publish(5);
/// assert_eq!(till.expect(SOON), 5);
/// assert_eq!(board.expect(SOON), "now 5");
/// assert_eq!(prices.stats(SOON).wait()?.subscribers, 2);
/// pool.shutdown(SOON)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Topic<M: 'static> {
    actor: ActorRef<TopicMessage<M>>,
}

/// A message to a topic, made by [`Topic`].
pub struct TopicMessage<M: 'static>(TopicInner<M>);

enum TopicInner<M: 'static> {
    Publish(M),
    Subscribe(Recipient<M>),
    Unsubscribe(ActorId),
    Stats(Reply<TopicStats>),
}

/// What a topic has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicStats {
    /// Current subscribers.
    pub subscribers: usize,
    /// Messages published.
    pub published: u64,
    /// Copies of messages sent to subscribers.
    pub delivered: u64,
    /// Messages published while no actor was subscribed.
    pub unsubscribed: u64,
}

impl<M: Clone + Send + 'static> Topic<M> {
    /// Opens the topic of that name. If there is none, starts it on the worker that the ring
    /// selects.
    ///
    /// # Errors
    ///
    /// [`OpenError::WrongType`] if the topic of that name is for other messages;
    /// [`OpenError::Spawn`] if the topic could not be started, for example because the name is
    /// invalid.
    pub fn open(node: &WorkerNode, name: &str) -> Result<Self, OpenError> {
        let actor = open::<M, _>(node, RoutingKind::Topic, name, &Self::props())?;
        Ok(Self { actor })
    }

    /// As [`open`](Self::open), for `async` code: the executor's thread is not blocked. Begins when
    /// it is awaited.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub async fn open_async(node: &WorkerNode, name: &str) -> Result<Self, OpenError> {
        let actor = open_async::<M, _>(node, RoutingKind::Topic, name, Self::props()).await?;
        Ok(Self { actor })
    }

    fn props() -> Props<TopicMessage<M>> {
        Props::new(|| {
            let subscribed = Subscribed {
                subscribers: OrderedMap::new(),
                stats: TopicStats::default(),
            };
            // A clone that panics must not cost the subscribers their subscriptions.
            Behavior::actor(subscribed).supervise(goes_on_after_a_message())
        })
    }

    /// Sends a message to all subscribers.
    pub fn publish(self, message: M) {
        self.actor.tell(TopicMessage(TopicInner::Publish(message)));
    }

    /// Subscribes an actor, or a part of its protocol, to what is published from now on, until it
    /// unsubscribes or stops. An actor has at most one subscription: a new one replaces the old
    /// one.
    pub fn subscribe(self, subscriber: impl Into<Recipient<M>>) {
        let subscribe = TopicInner::Subscribe(subscriber.into());
        self.actor.tell(TopicMessage(subscribe));
    }

    /// Ends an actor's subscription. Does nothing if the actor is not subscribed.
    pub fn unsubscribe(self, subscriber: ActorId) {
        self.actor
            .tell(TopicMessage(TopicInner::Unsubscribe(subscriber)));
    }

    /// Asks for what the topic has done so far.
    pub fn stats(self, within: impl Into<Deadline>) -> Ask<TopicStats> {
        let stats = |reply| TopicMessage(TopicInner::Stats(reply));
        self.actor.ask(stats, within)
    }

    /// The path of this topic, for a log line: from any thread, while the topic lives and for a
    /// while after. See [`ActorId::path`].
    pub fn path(self) -> Option<ActorPath> {
        self.actor.path()
    }

    /// The topic as an actor, to stop or watch it. If a topic was stopped, opening it again makes a
    /// new one without subscribers.
    pub fn actor_ref(self) -> ActorRef<TopicMessage<M>> {
        self.actor
    }

    /// The topic as a recipient that publishes what is sent to it.
    pub fn recipient(self) -> Recipient<M> {
        let publish = |message| TopicMessage(TopicInner::Publish(message));
        self.actor.contramap(publish)
    }
}

/// The state of a topic.
struct Subscribed<M> {
    /// In the order of their subscription.
    subscribers: OrderedMap<ActorId, Recipient<M>>,
    stats: TopicStats,
}

impl<M: Clone + Send + 'static> Actor for Subscribed<M> {
    type Message = TopicMessage<M>;

    fn receive(
        &mut self,
        ctx: &mut Context<'_, Self::Message>,
        message: Self::Message,
    ) -> HandlerResult<Self::Message> {
        match message.0 {
            TopicInner::Publish(message) => return Ok(self.publish(&message)),
            TopicInner::Subscribe(subscriber) => {
                self.remove(subscriber.id());
                ctx.watch_id(subscriber.id());
                self.subscribers.insert(subscriber.id(), subscriber);
            }
            TopicInner::Unsubscribe(subscriber) => {
                ctx.unwatch_id(subscriber);
                if !is_mutated(Mutant::UnsubscribedTold) {
                    self.remove(subscriber);
                }
            }
            TopicInner::Stats(reply) => reply.send(TopicStats {
                subscribers: self.subscribers.len(),
                ..self.stats
            }),
        }
        Ok(Next::Same)
    }

    fn signal(
        &mut self,
        _ctx: &mut Context<'_, Self::Message>,
        signal: &Signal,
    ) -> HandlerResult<Self::Message> {
        if let Signal::Terminated { actor, .. } = signal {
            self.remove(*actor);
        }
        Ok(Next::Same)
    }
}

impl<M: Clone + Send + 'static> Subscribed<M> {
    fn publish(&mut self, message: &M) -> Next<TopicMessage<M>> {
        self.stats.published += 1;
        if self.subscribers.is_empty() {
            self.stats.unsubscribed += 1;
            return Next::Unhandled;
        }
        for subscriber in self.subscribers.values() {
            if is_mutated(Mutant::SubscriberToldTwice) && self.stats.published == 2 {
                subscriber.tell(message.clone());
            }
            subscriber.tell(message.clone());
            self.stats.delivered += 1;
        }
        Next::Same
    }

    fn remove(&mut self, subscriber: ActorId) {
        self.subscribers.remove(&subscriber);
    }
}

impl<M: 'static> Clone for Topic<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M: 'static> Copy for Topic<M> {}

impl<M: 'static> fmt::Debug for Topic<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = std::any::type_name::<M>();
        f.debug_tuple(&format!("Topic<{of}>"))
            .field(&self.actor)
            .finish()
    }
}

impl<M: 'static> fmt::Debug for TopicMessage<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            TopicInner::Publish(_) => "Publish(..)",
            TopicInner::Subscribe(_) => "Subscribe(..)",
            TopicInner::Unsubscribe(_) => "Unsubscribe(..)",
            TopicInner::Stats(_) => "Stats(..)",
        })
    }
}
