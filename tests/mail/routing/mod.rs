//! Routers: how messages are spread over a group of actors, and what happens to them when the group changes.

mod changes;
mod chosen;
mod limits;

use crate::common::{LONG, SECOND};
use nexus_actors::address::ActorId;
use nexus_actors::prelude::*;
use nexus_actors::routing::RouterRef;
use nexus_actors::{BoxError, Router};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SEEDS: std::ops::Range<u64> = 0..40;

/// Which actor has handled which number, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<(ActorId, u32)>>>);

impl Log {
    fn all(&self) -> Vec<(ActorId, u32)> {
        self.0.lock().unwrap().clone()
    }

    fn take(&self) -> Vec<(ActorId, u32)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn of<M: Send + 'static>(&self, actor: ActorRef<M>) -> Vec<u32> {
        let own = |(by, number): (ActorId, u32)| (by == actor.id()).then_some(number);
        self.all().into_iter().filter_map(own).collect()
    }

    fn numbers(&self) -> Vec<u32> {
        let mut numbers: Vec<u32> = self.all().iter().map(|(_, number)| *number).collect();
        numbers.sort_unstable();
        numbers
    }
}

#[derive(Clone)]
enum Job {
    Note(u32),
    Sleep(Duration),
    Fail,
    Stop,
}

fn worker(log: &Log) -> Props<Job> {
    let log = log.clone();
    Props::new(move || {
        let log = log.clone();
        Behavior::receive(move |ctx, job| {
            match job {
                Job::Note(number) => log.0.lock().unwrap().push((ctx.self_ref().id(), number)),
                Job::Sleep(length) => ctx.sleep(length)?,
                Job::Fail => return Err(BoxError::from("torn")),
                Job::Stop => return Ok(Next::Stop),
            }
            Ok(Next::Same)
        })
    })
}

fn note_all(router: RouterRef<Job>, numbers: std::ops::Range<u32>) {
    numbers.for_each(|number| router.tell(Job::Note(number)));
}

fn routees_of(router: RouterRef<Job>) -> Vec<ActorRef<Job>> {
    router.routees(LONG).wait().unwrap()
}

/// Starts a round-robin router to three workers, on its own worker or spread over all.
fn in_turn(node: &WorkerNode, log: &Log, spread: bool) -> RouterRef<Job> {
    let mut router = Router::round_robin(3, worker(log));
    if spread {
        router = router.spread(node);
    }
    router.spawn(node, "router").unwrap()
}
