//! Cycles of waits through something other than an ask: the start of an actor, a task, a future.

mod apart;
mod futures;
mod held;
mod polls;
mod random;
mod searches;
mod several;
mod starts;
mod tasks;

use crate::common::ms;
use nexus_actors::ask::AskErrorKind;
use nexus_actors::failure::Cycle;
use nexus_actors::prelude::*;
use nexus_actors::sim::{Sim, SimBuilder};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

/// Runs a step, and answers with its outcome.
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

/// A step that does nothing.
fn nothing(reply: Reply<Ended>) -> Told {
    Told(Box::new(|_, _| Ok(())), reply)
}

fn tell(
    actor: ActorRef<Told>,
    step: impl FnOnce(&mut Context<'_, Told>, &Reply<Ended>) -> Ended + Send + 'static,
) -> Ask<Ended> {
    actor.ask(|reply| Told(Box::new(step), reply), HOUR)
}

// ---- actors that do as they are told, and may fail ---------------------------------------------

/// Does as it is told, and answers.
enum Do {
    Work(Work),
    Question(Reply<()>),
}
type Work = Box<dyn FnOnce(&mut Context<'_, Do>) -> Outcome + Send>;
type Outcome = Result<Next<Do>, BoxError>;

fn doer() -> Props<Do> {
    Props::new(|| {
        Behavior::receive(|ctx, message| match message {
            Do::Work(work) => work(ctx),
            Do::Question(reply) => {
                reply.send(());
                Ok(Next::Same)
            }
        })
    })
}

fn work(actor: ActorRef<Do>, work: impl FnOnce(&mut Context<'_, Do>) -> Outcome + Send + 'static) {
    actor.tell(Do::Work(Box::new(work)));
}

/// The outcomes of asks: of which asker, when, and how.
#[derive(Clone, Default)]
struct Answers(Arc<Mutex<Vec<Answer>>>);

type Answer = (&'static str, Duration, Result<(), AskError>);

impl Answers {
    fn note(&self, who: &'static str, at: Duration, answer: Result<(), AskError>) {
        self.0.lock().unwrap().push((who, at, answer));
    }

    /// Has an actor ask another one after a pause, and records the outcome.
    fn have_ask(&self, who: &'static str, asking: ActorRef<Do>, pause: u64, asked: ActorRef<Do>) {
        let answers = self.clone();
        work(asking, move |ctx| {
            ctx.sleep(ms(pause))?;
            let answer = asked.ask(Do::Question, HOUR).wait();
            answers.note(who, ctx.now(), answer);
            Ok(Next::Same)
        });
    }

    /// The askers that received a deadlock.
    fn deadlocks(&self) -> Vec<String> {
        let answers = self.0.lock().unwrap();
        let told = answers.iter().filter_map(|(who, at, answer)| {
            let error = answer.as_ref().err()?;
            (error.kind() == AskErrorKind::Deadlock).then(|| format!("{who} at {at:?}: {error}"))
        });
        told.collect()
    }
}

/// Simulations in which a failed actor restarts.
fn sims(workers: usize) -> SimBuilder {
    let sims = Sim::builder().workers(workers).on_failure(|_| {});
    sims.supervising(SupervisorStrategy::one_for_one())
}

/// The paths of a deadlock's cycle, beginning with the actor that closed it.
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
