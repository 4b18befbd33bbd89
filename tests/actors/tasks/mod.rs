//! Tasks of actors: row 6.4 of the contract.

mod bound;
mod family;
mod many;
mod running;

use crate::common::{LONG, Log, OnDrop, SECOND, SEEDS, ms};
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;

type Run = Box<dyn FnOnce(&mut Context<'_, Do>) -> Result<(), BoxError> + Send>;

enum Do {
    Run(Run),
    Ask(Reply<u32>),
}

fn run(
    actor: ActorRef<Do>,
    code: impl FnOnce(&mut Context<'_, Do>) -> Result<(), BoxError> + Send + 'static,
) {
    actor.tell(Do::Run(Box::new(code)));
}

/// Does what it is told, replies to what it is asked, and records its signals.
fn doer(log: &Log) -> Props<Do> {
    let log = log.clone();
    Props::new(move || {
        let log = log.clone();
        Behavior::receive(|ctx: &mut Context<'_, Do>, message| match message {
            Do::Run(run) => run(ctx),
            Do::Ask(reply) => {
                reply.send(7);
                Ok(())
            }
        })
        .on_signal(move |_ctx, signal| {
            log.add(match signal {
                Signal::PreStart => "starts",
                Signal::PostStop(_) => "stopped",
                Signal::PreRestart(_) => "restarts",
                Signal::PostRestart(_) => "restarted",
                _ => return,
            });
        })
    })
}

/// Starts a doer, and returns its log.
fn start_doer(sim: &mut Sim) -> (Log, ActorRef<Do>) {
    let log = Log::default();
    let actor = sim.spawn("doer", doer(&log)).unwrap();
    (log, actor)
}

/// Records that it was dropped.
fn guard(log: &Log, name: &str) -> OnDrop<impl FnMut() + use<>> {
    let (log, name) = (log.clone(), name.to_owned());
    OnDrop(move || log.add(format!("{name} dropped")))
}

fn calm(test: impl Fn(&mut Sim)) {
    crate::common::check_calm(SEEDS, test);
}
