//! The handle of a running router.

use std::fmt;

use super::error::RouterError;
use crate::actor::{ActorRef, Recipient};
use crate::address::{ActorId, ActorPath};
use crate::ask::{Ask, Deadline, Reply};

/// A running router: it forwards each message to its routees, as its strategy says.
///
/// A `RouterRef` is a copyable reference, as an [`ActorRef`] is. A message goes through the
/// router's mailbox and from there to a routee, whose [`Context::sender`](crate::Context::sender)
/// is the router. Messages of one sender that go to the same routee keep their order.
///
/// If no routee is left, a message becomes a dead letter, as one that was [not
/// handled](crate::DeadLetterReason::Unhandled).
pub struct RouterRef<M: 'static> {
    actor: ActorRef<RouterMessage<M>>,
}

/// A message to a router: one for its routees, or about them. [`RouterRef`] makes it, or `From`
/// makes it from a routee's message.
pub struct RouterMessage<M: 'static>(pub(super) RouterInner<M>);

pub(super) enum RouterInner<M: 'static> {
    Message(M),
    /// A question to all routees.
    Scatter(Scatter<M>),
    Resize(usize, Reply<Result<usize, RouterError>>),
    Routees(Reply<Vec<ActorRef<M>>>),
}

type Scatter<M> = Box<dyn FnOnce(&[ActorRef<M>]) + Send>;

impl<M: Send + 'static> RouterRef<M> {
    /// Sends a message, fire and forget, to the routee or routees that the strategy chooses.
    pub fn tell(self, message: M) {
        self.actor.tell(RouterMessage::from(message));
    }

    /// Asks the routee that the strategy chooses. If the strategy chooses several, as a broadcast
    /// does, use [`ask_first`](Self::ask_first).
    pub fn ask<R: Send + 'static>(
        self,
        question: impl FnOnce(Reply<R>) -> M,
        within: impl Into<Deadline>,
    ) -> Ask<R> {
        let asked = |reply| RouterMessage::from(question(reply));
        self.actor.ask(asked, within)
    }

    /// Asks all routees, whatever the strategy is, and returns the first answer; the others are
    /// dropped. `question` makes each routee's message, on the router's worker. If no routee
    /// answers, the ask ends when the last reply is dropped, with the reason of that one.
    ///
    /// ```
    /// use nexus_actors::Router;
    /// use nexus_actors::prelude::*;
    /// use std::time::Duration;
    ///
    /// let pool = WorkerPool::builder().workers(2).start()?;
    /// let searcher = Props::new(|| Behavior::receive(|ctx, (word, reply): (&str, Reply<usize>)| {
    ///     ctx.sleep(Duration::from_millis(ctx.worker() as u64 * 500))?;
    ///     reply.send(word.len());
    ///     Ok(())
    /// }));
    /// let search = Router::round_robin(2, searcher).spread(&pool.node());
    /// let search = search.spawn(&pool.node(), "search")?;
    /// let found = search.ask_first(|reply| ("nexus", reply), Duration::from_secs(5));
    /// assert_eq!(found.wait()?, 5);
    /// pool.shutdown(Duration::from_secs(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn ask_first<R: Send + 'static>(
        self,
        question: impl Fn(Reply<R>) -> M + Send + 'static,
        within: impl Into<Deadline>,
    ) -> Ask<R> {
        let asked = |reply: Reply<R>| {
            let scatter: Scatter<M> = Box::new(move |routees| {
                for (routee, reply) in routees.iter().zip(reply.share(routees.len())) {
                    routee.tell(question(reply));
                }
            });
            RouterMessage(RouterInner::Scatter(scatter))
        };
        self.actor.ask(asked, within)
    }

    /// Makes the router start as many routees as are missing, or stop the surplus ones, the newest
    /// first; the answer is the number of routees. Nothing is lost: a routee that is to stop first
    /// handles what was sent to it. The resize happens even if the answer is not awaited.
    ///
    /// A size of zero changes nothing, and the answer is [`RouterError::NoRoutees`]. If a routee
    /// cannot be started, the answer says why, and those that were started stay.
    pub fn resize(
        self,
        routees: usize,
        within: impl Into<Deadline>,
    ) -> Ask<Result<usize, RouterError>> {
        let resize = |reply| RouterMessage(RouterInner::Resize(routees, reply));
        self.actor.ask(resize, within)
    }

    /// Asks for the routees, the oldest first.
    pub fn routees(self, within: impl Into<Deadline>) -> Ask<Vec<ActorRef<M>>> {
        let routees = |reply| RouterMessage(RouterInner::Routees(reply));
        self.actor.ask(routees, within)
    }

    /// Asks the router to stop after it has forwarded the messages it already has. Its routees then
    /// handle what they have, and stop; those that are its children stop before the router does.
    pub fn stop(self) {
        self.actor.stop();
    }

    /// The router's incarnation.
    pub fn id(self) -> ActorId {
        self.actor.id()
    }

    /// The path of this router, for a log line: from any thread, while the router lives and for a
    /// while after. See [`ActorId::path`].
    pub fn path(self) -> Option<ActorPath> {
        self.actor.path()
    }

    /// The router as an actor, to watch it or to pass it on.
    pub fn actor_ref(self) -> ActorRef<RouterMessage<M>> {
        self.actor
    }

    /// The router as a recipient of the messages of its routees.
    pub fn recipient(self) -> Recipient<M> {
        self.actor.contramap(RouterMessage::from)
    }
}

impl<M: Send + 'static> From<ActorRef<RouterMessage<M>>> for RouterRef<M> {
    /// Wraps a router that was started from its [props](crate::Router::props), or looked up.
    fn from(actor: ActorRef<RouterMessage<M>>) -> Self {
        Self { actor }
    }
}

impl<M: 'static> From<M> for RouterMessage<M> {
    fn from(message: M) -> Self {
        Self(RouterInner::Message(message))
    }
}

impl<M: 'static> Clone for RouterRef<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M: 'static> Copy for RouterRef<M> {}

impl<M: 'static> PartialEq for RouterRef<M> {
    fn eq(&self, other: &Self) -> bool {
        self.actor == other.actor
    }
}

impl<M: 'static> Eq for RouterRef<M> {}

impl<M: 'static> fmt::Debug for RouterRef<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = std::any::type_name::<M>();
        f.debug_tuple(&format!("RouterRef<{of}>"))
            .field(&self.actor)
            .finish()
    }
}

impl<M: 'static> fmt::Debug for RouterMessage<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            RouterInner::Message(_) => "Message(..)",
            RouterInner::Scatter(_) => "Scatter(..)",
            RouterInner::Resize(..) => "Resize(..)",
            RouterInner::Routees(_) => "Routees(..)",
        })
    }
}
