//! The router as an actor: it chooses a routee for each message, and starts and watches the
//! routees.

use std::sync::Arc;

use super::error::RouterError;
use super::handle::{RouterInner, RouterMessage};
use super::members::Members;
use crate::actor::{Actor, ActorRef, Behavior, Context, HandlerResult, Next, Props};
use crate::failure::{Failure, SpawnError, Stage};
use crate::pool::WorkerNode;
use crate::shard::{Shard, with_current};
use crate::supervision::{Directive, Signal, SupervisorStrategy};
use crate::sync::{Mutant, is_mutated};

/// How the router chooses a routee.
pub(super) enum Logic<M> {
    RoundRobin,
    Random,
    /// By the point of the message's key on the ring.
    Key(Box<dyn Fn(&M) -> u64 + Send + Sync>),
    SmallestMailbox,
    /// Every routee, each with a copy.
    Broadcast(fn(&M) -> M),
}

/// What a router is made from each time it starts.
pub(super) struct Plan<M> {
    pub(super) routees: usize,
    pub(super) props: Props<M>,
    pub(super) logic: Logic<M>,
    /// The pool whose workers the routees are spread over; `None` for children of the router.
    pub(super) spread: Option<WorkerNode>,
}

/// The state of a router.
struct RouterActor<M: Send + 'static> {
    plan: Arc<Plan<M>>,
    routees: Members<M>,
    /// How many routees the router has ever started.
    started: usize,
}

/// True for one call in four, at random: when a mutant strikes.
fn is_one_in_four() -> bool {
    with_current(|shard| shard.is_some_and(|shard| shard.random().is_multiple_of(4)))
}

/// The behaviour of a router.
pub(super) fn routing<M: Send + 'static>(plan: Arc<Plan<M>>) -> Behavior<RouterMessage<M>> {
    let behavior = Behavior::setup(move |ctx| {
        let mut engine = RouterActor {
            plan,
            routees: Members::new(),
            started: 0,
        };
        engine.resize(ctx, engine.plan.routees)?;
        Ok(Behavior::actor(engine))
    });
    behavior.supervise(goes_on_after_a_message())
}

/// While a message is handled, only user code can fail: the function for its key, or its clone.
/// Such a failure costs this message, not the routees.
pub(super) fn goes_on_after_a_message() -> SupervisorStrategy {
    SupervisorStrategy::one_for_one().decide(|failure: &Failure| match failure.during {
        Stage::Handling => Directive::Resume,
        _ => Directive::Escalate,
    })
}

impl<M: Send + 'static> Actor for RouterActor<M> {
    type Message = RouterMessage<M>;

    fn receive(
        &mut self,
        ctx: &mut Context<'_, Self::Message>,
        message: Self::Message,
    ) -> HandlerResult<Self::Message> {
        match message.0 {
            RouterInner::Message(message) => return Ok(self.route(message)),
            RouterInner::Scatter(_) if self.routees.len() == 0 => return Ok(Next::Unhandled),
            RouterInner::Scatter(ask) => ask(&self.actors()),
            RouterInner::Resize(size, reply) => reply.send(self.resize(ctx, size)),
            RouterInner::Routees(reply) => reply.send(self.actors()),
        }
        Ok(Next::Same)
    }

    fn signal(
        &mut self,
        _ctx: &mut Context<'_, Self::Message>,
        signal: &Signal,
    ) -> HandlerResult<Self::Message> {
        if let Signal::Terminated { actor, .. } = signal {
            self.routees.remove(*actor);
        }
        Ok(Next::Same)
    }
}

impl<M: Send + 'static> RouterActor<M> {
    fn actors(&self) -> Vec<ActorRef<M>> {
        self.routees.actors().collect()
    }

    // ---- messages ---------------------------------------------------------------------------

    fn route(&mut self, message: M) -> Next<RouterMessage<M>> {
        match self.plan.logic {
            Logic::Broadcast(copy) => self.send_to_all(&message, copy),
            _ => self.send_to_one(message),
        }
    }

    /// Skips a routee that has stopped and whose termination notice has not arrived yet.
    fn send_to_one(&mut self, mut message: M) -> Next<RouterMessage<M>> {
        while let Some(routee) = self.choose(&message) {
            if is_mutated(Mutant::DroppedToldAgain) {
                match routee.try_tell(message) {
                    Ok(()) => {}
                    Err(refused) => routee.tell(refused.into_message()),
                }
                return Next::Same;
            }
            message = match routee.tell_unless_stopped(message) {
                Ok(()) => return Next::Same,
                Err(message) => message,
            };
            self.routees.remove(routee.id());
        }
        Next::Unhandled
    }

    fn send_to_all(&mut self, message: &M, copy: fn(&M) -> M) -> Next<RouterMessage<M>> {
        if self.routees.len() == 0 {
            return Next::Unhandled;
        }
        self.routees
            .actors()
            .for_each(|routee| routee.tell(copy(message)));
        if is_mutated(Mutant::RouteeDoubled)
            && let Some(routee) = self.routees.newest()
        {
            routee.tell(copy(message));
        }
        Next::Same
    }

    fn choose(&mut self, message: &M) -> Option<ActorRef<M>> {
        match &self.plan.logic {
            Logic::RoundRobin | Logic::Broadcast(_) => {
                if is_mutated(Mutant::RouteeSkipped) && is_one_in_four() {
                    let _ = self.routees.in_turn();
                }
                self.routees.in_turn()
            }
            Logic::Random => {
                let number = with_current(|shard| shard.map(Shard::random))?;
                self.routees.by_chance(number)
            }
            Logic::Key(point_of) if is_mutated(Mutant::KeysWander) && is_one_in_four() => {
                self.routees.by_point(!point_of(message))
            }
            Logic::Key(point_of) => self.routees.by_point(point_of(message)),
            Logic::SmallestMailbox => with_current(|shard| {
                let load = |routee: ActorRef<M>| shard?.load_of(routee.id().key);
                self.routees.in_turn_with_least(load)
            }),
        }
    }

    // ---- routees ----------------------------------------------------------------------------

    /// Surplus routees stop after they have handled the messages they already have.
    fn resize(
        &mut self,
        ctx: &mut Context<'_, RouterMessage<M>>,
        size: usize,
    ) -> Result<usize, RouterError> {
        if size == 0 {
            return Err(RouterError::NoRoutees);
        }
        while self.routees.len() < size {
            let routee = self.start_one(ctx)?;
            ctx.watch(routee);
            self.routees.add(routee);
        }
        while self.routees.len() > size
            && let Some(routee) = self.routees.newest()
        {
            ctx.unwatch(routee);
            self.routees.remove(routee.id());
            routee.stop();
        }
        Ok(size)
    }

    fn start_one(
        &mut self,
        ctx: &mut Context<'_, RouterMessage<M>>,
    ) -> Result<ActorRef<M>, SpawnError> {
        self.started += 1;
        let props = self.plan.props.clone();
        match &self.plan.spread {
            None => ctx.spawn(&format!("routee-{}", self.started), props),
            Some(node) => {
                let worker = (self.started - 1) % node.workers();
                node.shared.spawn(node.shared.worker(worker)?, None, props)
            }
        }
    }
}

/// Children stop with their parent. Routees on other workers are told to stop, behind everything
/// that was sent to them.
impl<M: Send + 'static> Drop for RouterActor<M> {
    fn drop(&mut self) {
        if self.plan.spread.is_some() {
            self.routees.actors().for_each(ActorRef::stop);
        }
    }
}
