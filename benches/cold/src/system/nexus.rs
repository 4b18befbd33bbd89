//! Ours: a pool with default settings, except for the number of workers.

use super::{Role, System, Then};
use crate::moment::{Moment, PATIENCE};
use nexus_actors::prelude::*;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

pub(crate) struct Nexus {
    pool: WorkerPool,
    started: AtomicU64,
}

/// Ends a pool, which must have handled everything.
pub(crate) fn end(pool: &WorkerPool) {
    let dead = pool.dead_letters().total();
    let report = pool.shutdown(PATIENCE).expect("another thread ends it");
    let lost = (dead, report.forced, report.unprocessed);
    assert_eq!(lost, (0, 0, 0), "everything was handled");
}

/// Starts a pool of that many workers.
pub(crate) fn pool(workers: usize) -> WorkerPool {
    let builder = WorkerPool::builder().workers(workers);
    builder.start().expect("starts")
}

impl System for Nexus {
    type Ref<R: Role<Self>> = ActorRef<R::Message>;
    type Recipe<R: Role<Self>> = Props<R::Message>;
    type Here<'a, R: Role<Self>> = Context<'a, R::Message>;

    fn new(workers: usize) -> Self {
        Self {
            pool: pool(workers),
            started: AtomicU64::new(0),
        }
    }

    fn recipe<R: Role<Self>>(role: R) -> Self::Recipe<R> {
        Props::new(move || {
            let mut role = role.clone();
            Behavior::receive(move |ctx, message| match role.take(ctx, message) {
                Then::Stay => Next::Same,
                Then::Stop => Next::Stop,
            })
        })
    }

    fn start<R: Role<Self>>(&self, worker: usize, role: R) -> Self::Ref<R> {
        let name = format!("actor-{}", self.started.fetch_add(1, Relaxed));
        let started = self.pool.spawn_on(worker, &name, Self::recipe(role));
        started.expect("starts")
    }

    fn start_anywhere<R: Role<Self>>(&self, recipe: &Self::Recipe<R>) -> Self::Ref<R> {
        self.pool.spawn_anonymous(recipe.clone()).expect("starts")
    }

    fn start_child<R: Role<Self>, P: Role<Self>>(
        here: &mut Self::Here<'_, P>,
        recipe: &Self::Recipe<R>,
    ) -> Self::Ref<R> {
        here.spawn_anonymous(recipe.clone()).expect("starts")
    }

    #[inline]
    fn tell<R: Role<Self>>(to: &Self::Ref<R>, message: R::Message) {
        to.tell(message);
    }

    fn wait(&self, moment: &Moment) {
        moment.wait();
    }

    fn rest(&self, length: Duration) {
        std::thread::sleep(length);
    }

    fn end(self) {
        end(&self.pool);
    }
}
