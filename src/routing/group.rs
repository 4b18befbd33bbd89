//! Groups: actors that have joined under one name, and how members are found.

use std::fmt;
use std::hash::Hash;

use super::members::Members;
use super::open::{OpenError, RoutingKind, open, open_async};
use super::router::point_of_key;
use crate::actor::{Actor, ActorRef, Behavior, Context, HandlerResult, Next, Props};
use crate::address::{ActorId, ActorPath};
use crate::ask::{Ask, Deadline, Reply};
use crate::pool::WorkerNode;
use crate::supervision::Signal;
use crate::sync::{Mutant, is_mutated};

/// A name in a pool under which actors join so that others can find them: all of them, the next in
/// turn, or the one that owns a key.
///
/// A group is an actor, `/group/<name>`, started by the first call that opens it. A member that
/// stops leaves the group by itself. After a join, every question of the same sender finds the new
/// member. The time to join, to leave, and to be found does not depend on the number of members.
///
/// ```
/// use nexus_actors::Group;
/// use nexus_actors::prelude::*;
/// use std::time::Duration;
///
/// const SOON: Duration = Duration::from_secs(5);
///
/// let pool = WorkerPool::builder().workers(2).start()?;
/// let tellers = Group::<u32>::open(&pool.node(), "tellers")?;
/// let teller = pool.spawn("teller", Props::new(|| Behavior::receive(|_ctx, _amount| ())))?;
/// tellers.join(teller);
/// assert_eq!(tellers.owner_of("account 4711", SOON).wait()?, Some(teller));
/// assert_eq!(tellers.members(SOON).wait()?, [teller]);
/// tellers.leave(teller.id());
/// assert_eq!(tellers.in_turn(SOON).wait()?, None);
/// pool.shutdown(SOON)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Group<M: 'static> {
    actor: ActorRef<GroupMessage<M>>,
}

/// A message to a group, made by [`Group`].
pub struct GroupMessage<M: 'static>(GroupInner<M>);

enum GroupInner<M: 'static> {
    Join(ActorRef<M>),
    Leave(ActorId),
    Members(Reply<Vec<ActorRef<M>>>),
    Owner(u64, Reply<Option<ActorRef<M>>>),
    InTurn(Reply<Option<ActorRef<M>>>),
}

impl<M: Send + 'static> Group<M> {
    /// Opens the group of that name. If there is none, starts it on the worker that the ring
    /// selects.
    ///
    /// # Errors
    ///
    /// [`OpenError::WrongType`] if the group of that name is for actors of other messages;
    /// [`OpenError::Spawn`] if the group could not be started, for example because the name is
    /// invalid.
    pub fn open(node: &WorkerNode, name: &str) -> Result<Self, OpenError> {
        let actor = open::<M, _>(node, RoutingKind::Group, name, &Self::props())?;
        Ok(Self { actor })
    }

    /// As [`open`](Self::open), for `async` code: the executor's thread is not blocked. Begins when
    /// it is awaited.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub async fn open_async(node: &WorkerNode, name: &str) -> Result<Self, OpenError> {
        let actor = open_async::<M, _>(node, RoutingKind::Group, name, Self::props()).await?;
        Ok(Self { actor })
    }

    fn props() -> Props<GroupMessage<M>> {
        Props::new(|| Behavior::actor(Joined(Members::new())))
    }

    /// Makes an actor a member until it leaves or stops. Does nothing if it is a member already.
    pub fn join(self, member: ActorRef<M>) {
        self.actor.tell(GroupMessage(GroupInner::Join(member)));
    }

    /// Removes a member. Does nothing if the actor is not a member.
    pub fn leave(self, member: ActorId) {
        self.actor.tell(GroupMessage(GroupInner::Leave(member)));
    }

    /// Asks for the members, in the order in which they joined.
    pub fn members(self, within: impl Into<Deadline>) -> Ask<Vec<ActorRef<M>>> {
        let members = |reply| GroupMessage(GroupInner::Members(reply));
        self.actor.ask(members, within)
    }

    /// Asks for the member that owns a key, by consistent hashing. The owner stays the same until a
    /// member joins or leaves; each additional member takes about its share of the keys from the
    /// others. `None` if there is no member.
    ///
    /// The first such question builds a ring of the members, with 512 points each, which takes time
    /// if there are many. After that, each member that joins or leaves adds the time for its own
    /// points to the next answer.
    pub fn owner_of<K: Hash + ?Sized>(
        self,
        key: &K,
        within: impl Into<Deadline>,
    ) -> Ask<Option<ActorRef<M>>> {
        let point = point_of_key(key);
        let owner = |reply| GroupMessage(GroupInner::Owner(point, reply));
        self.actor.ask(owner, within)
    }

    /// Asks for the members one after the other; all callers share one turn. `None` if there is no
    /// member.
    pub fn in_turn(self, within: impl Into<Deadline>) -> Ask<Option<ActorRef<M>>> {
        let in_turn = |reply| GroupMessage(GroupInner::InTurn(reply));
        self.actor.ask(in_turn, within)
    }

    /// The path of this group, for a log line: from any thread, while the group lives and for a
    /// while after. See [`ActorId::path`].
    pub fn path(self) -> Option<ActorPath> {
        self.actor.path()
    }

    /// The group as an actor, to stop or watch it. If a group was stopped, opening it again makes a
    /// new one without members.
    pub fn actor_ref(self) -> ActorRef<GroupMessage<M>> {
        self.actor
    }
}

/// The state of a group.
struct Joined<M>(Members<M>);

impl<M: Send + 'static> Actor for Joined<M> {
    type Message = GroupMessage<M>;

    fn receive(
        &mut self,
        ctx: &mut Context<'_, Self::Message>,
        message: Self::Message,
    ) -> HandlerResult<Self::Message> {
        let members = &mut self.0;
        match message.0 {
            GroupInner::Join(member) => {
                if members.add(member) {
                    ctx.watch(member);
                }
            }
            GroupInner::Leave(member) => {
                ctx.unwatch_id(member);
                members.remove(member);
            }
            GroupInner::Members(reply) => reply.send(members.actors().collect()),
            GroupInner::Owner(point, reply) => reply.send(members.by_point(point)),
            GroupInner::InTurn(reply) => reply.send(members.in_turn()),
        }
        Ok(Next::Same)
    }

    fn signal(
        &mut self,
        _ctx: &mut Context<'_, Self::Message>,
        signal: &Signal,
    ) -> HandlerResult<Self::Message> {
        if let Signal::Terminated { actor, .. } = signal
            && !is_mutated(Mutant::DeadMemberKept)
        {
            self.0.remove(*actor);
        }
        Ok(Next::Same)
    }
}

impl<M: 'static> Clone for Group<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M: 'static> Copy for Group<M> {}

impl<M: 'static> fmt::Debug for Group<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = std::any::type_name::<M>();
        f.debug_tuple(&format!("Group<{of}>"))
            .field(&self.actor)
            .finish()
    }
}

impl<M: 'static> fmt::Debug for GroupMessage<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            GroupInner::Join(_) => "Join(..)",
            GroupInner::Leave(_) => "Leave(..)",
            GroupInner::Members(_) => "Members(..)",
            GroupInner::Owner(..) => "Owner(..)",
            GroupInner::InTurn(_) => "InTurn(..)",
        })
    }
}
