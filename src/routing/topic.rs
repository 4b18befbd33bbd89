//! Topics: who has subscribed to a name is told what is published there.

use std::fmt;

use super::engine::goes_on_after_a_message;
use super::open::{Kind, OpenError, open, open_async};
use crate::actor::{
    Actor, ActorId, ActorPath, ActorRef, Behavior, Context, HandlerResult, Next, Props, Recipient,
    Signal,
};
use crate::ask::{Ask, Deadline, Reply};
use crate::memory::OrderedMap;
use crate::pool::WorkerNode;
use crate::sync::{Mutant, is_mutated};

/// A name in a pool to which actors subscribe, so that each of them is told what is published there.
///
/// A topic is an actor, `/topic/<name>`, which the first who opens it starts. What is published
/// goes through its mailbox, and from there to each subscriber by `tell`; so the messages of one
/// publisher arrive in order, and whoever subscribes is told what the same sender publishes
/// afterwards. A subscriber that stops leaves by itself. To subscribe and to leave takes as long however
/// many have subscribed, and a message takes as long as there are subscribers. What is published while nobody has
/// subscribed is counted, and becomes a dead letter, as a message that was
/// [not handled](crate::DeadLetterReason::Unhandled).
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

/// A message to a topic. It is made by [`Topic`].
pub struct TopicMessage<M: 'static>(Inner<M>);

enum Inner<M: 'static> {
    Publish(M),
    Subscribe(Recipient<M>),
    Unsubscribe(ActorId),
    Stats(Reply<TopicStats>),
}

/// What a topic has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicStats {
    /// Subscribers at the moment.
    pub subscribers: usize,
    /// Messages that were published.
    pub published: u64,
    /// Copies of them that were sent to subscribers.
    pub delivered: u64,
    /// Messages that were published while nobody had subscribed.
    pub unheard: u64,
}

impl<M: Clone + Send + 'static> Topic<M> {
    /// The topic of that name, which is started where there is none, on the worker that the ring
    /// names.
    ///
    /// # Errors
    ///
    /// [`OpenError::WrongType`] where there is one of that name for other messages;
    /// [`OpenError::Spawn`] where it could not be started, as with a name that is none.
    pub fn open(node: &WorkerNode, name: &str) -> Result<Self, OpenError> {
        let actor = open::<M, _>(node, Kind::Topic, name, &Self::props())?;
        Ok(Self { actor })
    }

    /// As [`open`](Self::open), for `async` code, whose executor's thread is not blocked. Begins when it is awaited.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub async fn open_async(node: &WorkerNode, name: &str) -> Result<Self, OpenError> {
        let actor = open_async::<M, _>(node, Kind::Topic, name, Self::props()).await?;
        Ok(Self { actor })
    }

    fn props() -> Props<TopicMessage<M>> {
        Props::new(|| {
            let subscribed = Subscribed {
                subscribers: OrderedMap::new(),
                stats: TopicStats::default(),
            };
            // A clone that panics must not cost the subscribers their places.
            Behavior::actor(subscribed).supervise(goes_on_after_a_message())
        })
    }

    /// Tells all who have subscribed.
    pub fn publish(self, message: M) {
        self.actor.tell(TopicMessage(Inner::Publish(message)));
    }

    /// Has an actor, or a part of its protocol, told what is published from now on, until it
    /// unsubscribes or stops. An actor has one subscription at most: this replaces the one before.
    pub fn subscribe(self, subscriber: impl Into<Recipient<M>>) {
        let subscribe = Inner::Subscribe(subscriber.into());
        self.actor.tell(TopicMessage(subscribe));
    }

    /// Has the actor told no more. Nothing happens where it has not subscribed.
    pub fn unsubscribe(self, subscriber: ActorId) {
        self.actor
            .tell(TopicMessage(Inner::Unsubscribe(subscriber)));
    }

    /// Asks for what the topic has done so far.
    pub fn stats(self, within: impl Into<Deadline>) -> Ask<TopicStats> {
        let stats = |reply| TopicMessage(Inner::Stats(reply));
        self.actor.ask(stats, within)
    }

    /// The path of this topic, for a log line: from any thread, while it lives and for a while after. See
    /// [`ActorId::path`].
    pub fn path(self) -> Option<ActorPath> {
        self.actor.path()
    }

    /// The topic as an actor: to be stopped, or watched. A topic that was stopped is a new one, without
    /// subscribers, when it is opened again.
    pub fn actor_ref(self) -> ActorRef<TopicMessage<M>> {
        self.actor
    }

    /// The topic as somebody who publishes what it is sent.
    pub fn recipient(self) -> Recipient<M> {
        let publish = |message| TopicMessage(Inner::Publish(message));
        self.actor.contramap(publish)
    }
}

/// The state of a topic.
struct Subscribed<M> {
    /// In the order in which they have subscribed.
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
            Inner::Publish(message) => return Ok(self.publish(&message)),
            Inner::Subscribe(subscriber) => {
                self.remove(subscriber.id());
                ctx.watch_id(subscriber.id());
                self.subscribers.insert(subscriber.id(), subscriber);
            }
            Inner::Unsubscribe(subscriber) => {
                ctx.unwatch_id(subscriber);
                if !is_mutated(Mutant::UnsubscribedTold) {
                    self.remove(subscriber);
                }
            }
            Inner::Stats(reply) => reply.send(TopicStats {
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
            self.stats.unheard += 1;
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
            Inner::Publish(_) => "Publish(..)",
            Inner::Subscribe(_) => "Subscribe(..)",
            Inner::Unsubscribe(_) => "Unsubscribe(..)",
            Inner::Stats(_) => "Stats(..)",
        })
    }
}
