//! Passivation: row 6.5 of the contract.

mod asleep;
mod failures;
mod model;
mod orders;

use crate::common::{LONG, Log, OnDrop, SECOND, SEEDS, ms};
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;

type Run = Box<dyn FnOnce(&mut Context<'_, Do>) -> Result<Next<Do>, BoxError> + Send>;

enum Do {
    Say(u32),
    Ask(Reply<u32>),
    Rest,
    Run(Run),
}

fn run(
    actor: ActorRef<Do>,
    code: impl FnOnce(&mut Context<'_, Do>) -> Result<Next<Do>, BoxError> + Send + 'static,
) {
    actor.tell(Do::Run(Box::new(code)));
}

fn noting(log: Log) -> impl FnMut(&mut Context<'_, Do>, &Signal) + 'static {
    move |_ctx, signal| {
        log.add(match signal {
            Signal::PreStart => "starts",
            Signal::PostStop(_) => "stopped",
            Signal::PreRestart(_) => "restarts",
            Signal::PostRestart(_) => "restarted",
            Signal::ReceiveTimeout => "idle",
            Signal::Terminated { .. } => "terminated",
            _ => return,
        });
    }
}

fn handle(log: &Log, ctx: &mut Context<'_, Do>, message: Do) -> Result<Next<Do>, BoxError> {
    match message {
        Do::Say(number) => log.add(number.to_string()),
        Do::Ask(reply) => reply.send(7),
        Do::Rest => return Ok(Next::Passivate),
        Do::Run(run) => return run(ctx),
    }
    Ok(Next::Same)
}

/// Records what it is told to say, its signals, and when its state is dropped.
fn sleeper(log: &Log) -> Props<Do> {
    let log = log.clone();
    Props::new(move || {
        let (log, signals, dropped) = (log.clone(), log.clone(), log.clone());
        let state = OnDrop(move || dropped.add("dropped"));
        Behavior::receive(move |ctx: &mut Context<'_, Do>, message| {
            let _in_the_state = &state;
            handle(&log, ctx, message)
        })
        .on_signal(noting(signals))
    })
}

/// Starts a sleeper, and returns its log.
fn start_sleeper(sim: &mut Sim) -> (Log, ActorRef<Do>) {
    let log = Log::default();
    let actor = sim.spawn("sleeper", sleeper(&log)).unwrap();
    (log, actor)
}

fn calm(test: impl Fn(&mut Sim)) {
    crate::common::check_calm(SEEDS, test);
}
