//! Keyed timers and the receive time-out: rows 6.1, 6.2 and 6.5 of the contract.

mod clock;
mod end;
mod idle;
mod repeated;
mod single;
mod turns;

use crate::common::{LONG, Log, SECOND, SEEDS, ms};
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;

type Run = Box<dyn FnOnce(&mut Context<'_, Do>) -> Result<(), BoxError> + Send>;

enum Do {
    Say(&'static str),
    Run(Run),
    Done(Reply<()>),
}

/// Records what it is told, with the time, and does what it is told.
fn scribe(log: &Log) -> Props<Do> {
    let log = log.clone();
    Props::new(move || {
        let (log, told) = (log.clone(), log.clone());
        Behavior::receive(move |ctx: &mut Context<'_, Do>, message| {
            match message {
                Do::Say(text) => log.add(format!("{} {text}", ctx.now().as_millis())),
                Do::Run(run) => run(ctx)?,
                Do::Done(reply) => reply.send(()),
            }
            Ok(())
        })
        .on_signal(move |ctx, signal| match signal {
            Signal::ReceiveTimeout => told.add(format!("{} timeout", ctx.now().as_millis())),
            Signal::PostRestart(_) => told.add(format!("{} restarted", ctx.now().as_millis())),
            _ => {}
        })
    })
}

/// What a scribe has recorded since the last time, without the times.
fn texts(log: &Log) -> Vec<String> {
    let text = |line: &String| line.split_once(' ').unwrap().1.to_owned();
    log.take().iter().map(text).collect()
}

fn run(
    actor: ActorRef<Do>,
    code: impl FnOnce(&mut Context<'_, Do>) -> Result<(), BoxError> + Send + 'static,
) {
    actor.tell(Do::Run(Box::new(code)));
}

/// Starts a scribe, and returns its log.
fn start_scribe(sim: &mut Sim) -> (Log, ActorRef<Do>) {
    let log = Log::default();
    let actor = sim.spawn("scribe", scribe(&log)).unwrap();
    (log, actor)
}

/// A simulation in which nothing is left to chance, with one scribe.
fn orderly(directive: Directive) -> (Sim, Log, ActorRef<Do>) {
    let builder = Sim::builder().orderly().workers(1);
    let strategy = SupervisorStrategy::one_for_one().always(directive);
    let mut sim = builder.supervising(strategy).start().unwrap();
    let (log, actor) = start_scribe(&mut sim);
    sim.run_until_idle();
    (sim, log, actor)
}

fn calm(test: impl Fn(&mut Sim)) {
    crate::common::check_calm(SEEDS, test);
}
