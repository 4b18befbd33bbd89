//! Cycles of waits that go through something else than an ask: the start of an actor, a task, a future.

#[path = "../common/mod.rs"]
mod common;

mod futures;
mod held;
mod several;
mod starts;
mod tasks;

use nexus_actors::Cycle;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

/// Does what it is told, and says how that has ended.
struct Told(Step, Reply<Ended>);
type Step = Box<dyn FnOnce(&mut Context<'_, Told>, &Reply<Ended>) -> Ended + Send>;
type Ended = Result<(), AskError>;

fn told() -> Props<Told> {
    Props::new(|| Behavior::receive(handle))
}

fn handle(ctx: &mut Context<'_, Told>, Told(step, reply): Told) {
    let ended = step(ctx, &reply);
    reply.send(ended);
}

/// A step that changes nothing.
fn nothing(reply: Reply<Ended>) -> Told {
    Told(Box::new(|_, _| Ok(())), reply)
}

fn tell(
    actor: ActorRef<Told>,
    step: impl FnOnce(&mut Context<'_, Told>, &Reply<Ended>) -> Ended + Send + 'static,
) -> Ask<Ended> {
    actor.ask(|reply| Told(Box::new(step), reply), HOUR)
}

/// What a deadlock names, from the one that has closed it.
#[track_caller]
fn cycle_of(error: &AskError) -> Vec<String> {
    assert_eq!(error.kind(), AskErrorKind::Deadlock, "{error}");
    let cycle = error.details().unwrap().cycle().unwrap();
    assert!(cycle.is_certain());
    paths(cycle)
}

fn paths(cycle: &Cycle) -> Vec<String> {
    let links = cycle.links().iter();
    links.map(|link| link.path.to_string()).collect()
}

#[track_caller]
fn in_no_time(sim: &mut Sim) {
    let soon = Duration::from_secs(1);
    assert!(sim.now() < soon, "a time-out was waited for");
    sim.run_until_idle();
    assert_eq!(sim.waiting(), []);
}

#[track_caller]
fn assert_through_task(error: &AskError, names: [&str; 2]) {
    let cycle = cycle_of(error);
    let fits = |(path, name): (&String, &str)| path.starts_with(name);
    assert_eq!(cycle.len(), 2, "{cycle:?}");
    assert!(cycle.iter().zip(names).all(fits), "{cycle:?}");
}
