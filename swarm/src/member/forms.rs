//! How an actor is built, and the forms of its behaviour.

use nexus_actors::prelude::*;
use std::rc::Rc;
use std::sync::Arc;

use super::{Ctx, DEPTH, Member};
use crate::note::{Load, Note, Purse};
use crate::oracles::When;
use crate::record::{Opening, Record};
use crate::rng::Rng;
use crate::world::World;

/// Builds an actor, as its props do.
pub(crate) fn build<L: Load>(world: &Arc<World<L>>, record: &Arc<Record<L>>) -> Behavior<Note<L>> {
    let member = Rc::new(Member::new(Arc::clone(world), Arc::clone(record)));
    if let Some(behavior) = member.starts_badly_again() {
        return behavior;
    }
    let own = world.own_strategy_of(record);
    let capacity = member.stash_capacity();
    let mut behavior = as_it_opens(member);
    if let Some(capacity) = capacity {
        let inner = behavior;
        behavior = Behavior::with_stash(capacity, move |_ctx| Ok(inner));
    }
    match own {
        Some(strategy) => behavior.supervise(strategy),
        None => behavior,
    }
}

fn as_it_opens<L: Load>(member: Rc<Member<L>>) -> Behavior<Note<L>> {
    let record = Arc::clone(&member.record);
    match record.opening {
        Opening::Plain | Opening::FailsAtStart | Opening::WaitsAtStart => {
            let form = record.seed;
            in_form(member, form)
        }
        Opening::FactoryPanics => panic!("{}", member.plan_failure(When::Starting)),
        Opening::StopsAtOnce => {
            record.life.stops_itself();
            Behavior::stopped()
        }
        _ => Behavior::setup(move |ctx| set_up(member, ctx)),
    }
}

/// The behaviour of a member, in one of the possible forms.
pub(super) fn in_form<L: Load>(member: Rc<Member<L>>, form: u64) -> Behavior<Note<L>> {
    let other = Rc::clone(&member);
    match form % 4 {
        0 => Behavior::actor(Structured(member)),
        1 => Behavior::receive(move |ctx, note| member.handle(ctx, note))
            .on_signal(move |ctx, signal| other.signal(ctx, signal)),
        2 => Behavior::with_state(member, |member, ctx, note| member.handle(ctx, note))
            .on_signal(move |ctx, signal| other.signal(ctx, signal)),
        _ => Behavior::setup(move |_ctx| Ok(in_form(member, form % 3))),
    }
}

fn set_up<L: Load>(
    member: Rc<Member<L>>,
    ctx: &mut Ctx<'_, L>,
) -> Result<Behavior<Note<L>>, BoxError> {
    let record = Arc::clone(&member.record);
    member.world.meet(&record, ctx.self_ref());
    member.sender.acts_as(ctx);
    let mut purse = Purse {
        fuel: 2,
        depth: DEPTH - 1,
        rng: Rng::new(record.seed),
    };
    match record.opening {
        Opening::Waits => member.sleep(ctx, &mut purse),
        Opening::Spawns => member.spawn_child(ctx, &mut purse, true),
        Opening::Tells => member.tell_some(&mut purse),
        Opening::Asks => member.ask(ctx, &mut purse),
        Opening::Fails => Err(member.plan_failure(When::Starting))?,
        Opening::Panics => panic!("{}", member.plan_failure(When::Starting)),
        Opening::SpawnsAndFails => {
            member.spawn_child(ctx, &mut purse, true);
            member.spawn_child(ctx, &mut purse, false);
            Err(member.plan_failure(When::Starting))?;
        }
        Opening::StopsItself => {
            let itself = member.known(ctx);
            member.sender.stop(&itself);
        }
        _ => {}
    }
    Ok(in_form(member, record.seed))
}

struct Structured<L: Load>(Rc<Member<L>>);

impl<L: Load> Actor for Structured<L> {
    type Message = Note<L>;

    fn receive(&mut self, ctx: &mut Ctx<'_, L>, note: Note<L>) -> HandlerResult<Note<L>> {
        self.0.handle(ctx, note)
    }

    fn signal(&mut self, ctx: &mut Ctx<'_, L>, signal: &Signal) -> HandlerResult<Note<L>> {
        self.0.signal(ctx, signal)
    }
}
