//! A part of an actor's protocol: an address for messages of type `N`, whatever else the actor handles.

use std::fmt;
use std::sync::Arc;

use super::reference::ActorRef;
use crate::address::{ActorId, ActorPath, MessageId};

/// An actor to which messages of type `N` can be sent, whatever its own messages are.
///
/// Give it to an actor that has to know only a part of another one's protocol. Make it from an
/// [`ActorRef<N>`](ActorRef) by `From`, or from a reference for other messages by [`ActorRef::contramap`].
/// As a reference, it stands for one life of one actor.
///
/// There is no `try_tell`: the message is converted before it is known whether it can be delivered, and the
/// original cannot be given back. Use the reference itself for that.
///
/// ```
/// use nexus_actors::prelude::*;
/// use nexus_actors::Recipient;
/// use std::time::Duration;
///
/// enum Till { Paid(u32), Sum(Reply<u32>) }
///
/// /// Knows nothing of tills.
/// fn customer(pays: Recipient<u32>) -> Props<()> {
///     Props::new(move || {
///         let pays = pays.clone();
///         Behavior::receive(move |_ctx, ()| pays.tell(5))
///     })
/// }
///
/// let pool = WorkerPool::builder().workers(1).start()?;
/// let till = pool.spawn("till", Props::new(|| {
///     Behavior::with_state(0, |sum: &mut u32, _ctx, message| match message {
///         Till::Paid(amount) => *sum += amount,
///         Till::Sum(reply) => reply.send(*sum),
///     })
/// }))?;
/// let customer = pool.spawn_near(till, "customer", customer(till.contramap(Till::Paid)))?;
/// customer.tell(());
/// customer.tell(());
/// while till.ask(Till::Sum, Duration::from_secs(5)).wait()? < 10 {}
/// pool.shutdown(Duration::from_secs(5))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Recipient<N> {
    id: ActorId,
    way: Way<N>,
}

/// How a message gets to the actor.
enum Way<N> {
    /// As it is.
    Direct(ActorRef<N>),
    /// Converted.
    Through(Arc<dyn Convert<N>>),
}

/// What is done with a message that is to be converted.
trait Convert<N>: Send + Sync {
    fn tell(&self, message: N);

    /// Returns its id.
    fn tell_question(&self, message: N) -> MessageId;
}

/// The target, and the conversion for it.
struct Converted<T, F>(T, F);

impl<M, N, F> Convert<N> for Converted<ActorRef<M>, F>
where
    M: Send + 'static,
    F: Fn(N) -> M + Send + Sync,
{
    fn tell(&self, message: N) {
        self.0.tell(self.1(message));
    }

    fn tell_question(&self, message: N) -> MessageId {
        self.0.tell_question_noted(self.1(message))
    }
}

impl<N, O, F> Convert<O> for Converted<Recipient<N>, F>
where
    N: Send + 'static,
    F: Fn(O) -> N + Send + Sync,
{
    fn tell(&self, message: O) {
        self.0.tell(self.1(message));
    }

    fn tell_question(&self, message: O) -> MessageId {
        self.0.tell_question(self.1(message))
    }
}

impl<N: Send + 'static> Recipient<N> {
    /// Sends a message and forgets it: never blocks, never fails. A message that cannot be
    /// delivered becomes a dead letter.
    ///
    /// The conversion runs at the call, as a part of the sender's code: its panic is the sender's.
    pub fn tell(&self, message: N) {
        match &self.way {
            Way::Direct(actor) => actor.tell(message),
            Way::Through(converted) => converted.tell(message),
        }
    }

    /// As [`tell`](Self::tell), for a message with a reply. Returns its id.
    pub(crate) fn tell_question(&self, message: N) -> MessageId {
        match &self.way {
            Way::Direct(actor) => actor.tell_question_noted(message),
            Way::Through(converted) => converted.tell_question(message),
        }
    }

    /// Returns the incarnation that this refers to.
    pub fn id(&self) -> ActorId {
        self.id
    }

    /// Returns the path of this actor, for a log line: from any thread, while it lives and for a while
    /// after. See [`ActorId::path`].
    pub fn path(&self) -> Option<ActorPath> {
        self.id.path()
    }

    /// Returns the same actor, for messages that `convert` turns into those that this recipient takes.
    pub fn contramap<O: Send + 'static>(
        &self,
        convert: impl Fn(O) -> N + Send + Sync + 'static,
    ) -> Recipient<O> {
        Recipient {
            id: self.id,
            way: Way::Through(Arc::new(Converted(self.clone(), convert))),
        }
    }
}

impl<M: Send + 'static> ActorRef<M> {
    /// Returns this actor, for messages that `convert` turns into those that it handles: to hand out a part
    /// of its protocol, as with `actor.contramap(Order::Cancel)`. See [`Recipient`].
    pub fn contramap<N: Send + 'static>(
        self,
        convert: impl Fn(N) -> M + Send + Sync + 'static,
    ) -> Recipient<N> {
        Recipient {
            id: self.id(),
            way: Way::Through(Arc::new(Converted(self, convert))),
        }
    }
}

impl<N: Send + 'static> From<ActorRef<N>> for Recipient<N> {
    fn from(actor: ActorRef<N>) -> Self {
        Self {
            id: actor.id(),
            way: Way::Direct(actor),
        }
    }
}

impl<N> Clone for Recipient<N> {
    fn clone(&self) -> Self {
        let way = match &self.way {
            Way::Direct(actor) => Way::Direct(*actor),
            Way::Through(converted) => Way::Through(Arc::clone(converted)),
        };
        Self { id: self.id, way }
    }
}

impl<N> fmt::Debug for Recipient<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient<{}>({})", std::any::type_name::<N>(), self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use static_assertions::assert_impl_all;

    struct NotClone;
    assert_impl_all!(Recipient<NotClone>: Clone, Send, Sync, fmt::Debug);
    assert_impl_all!(Recipient<std::cell::Cell<u8>>: Send, Sync);
}
