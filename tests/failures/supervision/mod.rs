//! Supervision, orders to single actors, and death watch: rows 4.1 to 4.11 of the contract, in
//! simulation, so that every case runs under many interleavings.

mod instances;
mod orders;
mod restarts;
mod watch;

use crate::common::{Log, SECOND, SEEDS};
use nexus_actors::BoxError;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use std::sync::{Arc, Mutex};
use std::time::Duration;

enum Do {
    Say(&'static str),
    Fail(&'static str),
    Panic(&'static str),
    Sleep(Duration),
    Count(Reply<u32>),
    Never(Reply<u32>),
}

/// Records all that happens to it, and counts what it is told to say.
fn scribe(log: &Log) -> Props<Do> {
    let log = log.clone();
    Props::new(move || {
        let (log, told) = (log.clone(), log.clone());
        Behavior::with_state(0_u32, move |said: &mut u32, ctx, message| {
            let name = ctx.path().name().to_owned();
            match message {
                Do::Say(text) => {
                    *said += 1;
                    log.add(format!("{name} says {text}"));
                }
                Do::Fail(text) => return Err(BoxError::from(text)),
                Do::Panic(text) => panic!("{text}"),
                Do::Sleep(length) => ctx.sleep(length)?,
                Do::Count(reply) => reply.send(*said),
                Do::Never(_reply) => return Err("with a question".into()),
            }
            Ok(Next::Same)
        })
        .on_signal(move |ctx, signal| {
            let name = ctx.path().name().to_owned();
            let text = match signal {
                Signal::PreRestart(failure) => format!("PreRestart({})", failure.cause),
                Signal::PostRestart(failure) => format!("PostRestart({})", failure.cause),
                Signal::ChildFailed { failure, .. } => {
                    format!("ChildFailed({}: {})", failure.path.name(), failure.cause)
                }
                Signal::Terminated { reason, .. } => format!("Terminated({reason})"),
                other => format!("{other:?}"),
            };
            told.add(format!("{name} {text}"));
        })
    })
}

/// Restarts without a limit, each time after this delay.
fn restarts_after(delay: Duration) -> SupervisorStrategy {
    let backoff = nexus_actors::supervision::Backoff::new(delay, delay).unwrap();
    SupervisorStrategy::one_for_one()
        .without_limit()
        .backoff(backoff)
}

type Children = Arc<Mutex<Vec<ActorRef<Do>>>>;

/// A parent that starts children of these names, one after the other.
fn family(
    log: &Log,
    names: &'static [&'static str],
    strategy: Option<SupervisorStrategy>,
) -> (Props<Do>, Children) {
    let (log, children) = (log.clone(), Children::default());
    let started = Arc::clone(&children);
    let props = Props::new(move || {
        let (log, started) = (log.clone(), Arc::clone(&started));
        Behavior::setup(move |ctx| {
            started.lock().unwrap().clear();
            for name in names {
                let child = ctx.spawn(name, scribe(&log))?;
                started.lock().unwrap().push(child);
            }
            let told = log.clone();
            Ok(Behavior::receive(move |_ctx, message| match message {
                Do::Fail(text) => Err(BoxError::from(text)),
                _ => Ok(()),
            })
            .on_signal(move |_ctx, signal| match signal {
                Signal::ChildFailed { failure, .. } => {
                    told.add(format!("parent hears {}", failure.cause));
                }
                Signal::PostRestart(_) => told.add("parent restarted"),
                _ => {}
            }))
        })
    });
    let props = match strategy {
        Some(strategy) => props.supervising(strategy),
        None => props,
    };
    (props, children)
}

/// Starts a parent of one child, and returns the child.
fn only_child(sim: &mut Sim, log: &Log, strategy: Option<SupervisorStrategy>) -> ActorRef<Do> {
    let (props, children) = family(log, &["child"], strategy);
    sim.spawn("parent", props).unwrap();
    children.lock().unwrap()[0]
}
