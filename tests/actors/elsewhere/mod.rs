//! Children on other workers: named, supervised, watched and stopped like any others.

mod ends;
mod failures;
mod races;
mod starts;

use crate::common::{Log, SOON};
use nexus_actors::BoxError;
use nexus_actors::prelude::*;
use std::time::Duration;

/// Work for an actor to do in its turn.
struct Job(Box<Work>);

type Work = dyn FnOnce(&mut Context<'_, Job>) -> Result<(), BoxError> + Send;

impl Job {
    fn new(
        work: impl FnOnce(&mut Context<'_, Job>) -> Result<(), BoxError> + Send + 'static,
    ) -> Self {
        Self(Box::new(work))
    }

    fn sleep(time: Duration) -> Self {
        Self::new(move |ctx| Ok(ctx.sleep(time)?))
    }

    fn fail() -> Self {
        Self::new(|_ctx| Err("torn".into()))
    }

    fn note(log: &Log, text: impl Into<String>) -> Self {
        let (log, text) = (log.clone(), text.into());
        Self::new(move |ctx| {
            log.add(format!("{} {text}", ctx.path().name()));
            Ok(())
        })
    }
}

/// An actor that does what it is told, and records under its name the signals that it is told.
fn worker(log: &Log) -> Props<Job> {
    let log = log.clone();
    Props::new(move || {
        let log = log.clone();
        Behavior::receive(|ctx, Job(work)| work(ctx)).on_signal(move |ctx, signal| {
            let text = match signal {
                Signal::PreStart => return,
                Signal::PreRestart(_) => "PreRestart".to_owned(),
                Signal::PostRestart(_) => "PostRestart".to_owned(),
                Signal::ChildFailed { child, failure } => {
                    assert_eq!(*child, failure.actor);
                    format!("ChildFailed({})", failure.path.name())
                }
                Signal::Terminated { reason, .. } => {
                    format!("Terminated({reason}), {} left", ctx.children().len())
                }
                other => format!("{other:?}"),
            };
            log.add(format!("{} {text}", ctx.path().name()));
        })
    })
}

/// Has an actor do something, and waits for the result.
fn at<R: Send + 'static>(
    actor: ActorRef<Job>,
    work: impl FnOnce(&mut Context<'_, Job>) -> R + Send + 'static,
) -> R {
    let ask = actor.ask(
        |reply| {
            Job::new(move |ctx| {
                reply.send(work(ctx));
                Ok(())
            })
        },
        SOON,
    );
    ask.wait().expect("it does that")
}

/// Has an actor start a child on that worker.
fn child_of(
    parent: ActorRef<Job>,
    worker: usize,
    name: &'static str,
    props: Props<Job>,
) -> ActorRef<Job> {
    at(parent, move |ctx| ctx.spawn_on(worker, name, props)).expect("it starts")
}
