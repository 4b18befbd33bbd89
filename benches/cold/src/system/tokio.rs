//! A task for each actor, with an unbounded channel: on the runtime of the calling thread, or on one of
//! several threads.

use super::{Role, System, Then};
use crate::moment::{Moment, PATIENCE};
use ::tokio::time::{sleep, timeout};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

pub(crate) struct Tokio {
    runtime: Runtime,
}

/// Makes a runtime of that many threads; with one, it is the calling thread's.
pub(crate) fn runtime(threads: usize) -> Runtime {
    let mut builder = match threads {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    let builder = builder.worker_threads(threads).enable_time();
    builder.build().expect("builds")
}

/// Runs a runtime until that moment.
pub(crate) fn run_until(runtime: &Runtime, moment: &Moment) {
    let reached = runtime.block_on(async { timeout(PATIENCE, moment.reached()).await });
    reached.expect("everything is handled in time");
}

async fn act<R: Role<Tokio>>(mut role: R, mut mail: UnboundedReceiver<R::Message>) {
    while let Some(message) = mail.recv().await {
        if role.take(&mut (), message) == Then::Stop {
            break;
        }
    }
}

impl System for Tokio {
    type Ref<R: Role<Self>> = UnboundedSender<R::Message>;
    type Recipe<R: Role<Self>> = R;
    type Here<'a, R: Role<Self>> = ();

    fn new(workers: usize) -> Self {
        Self {
            runtime: runtime(workers),
        }
    }

    fn recipe<R: Role<Self>>(role: R) -> Self::Recipe<R> {
        role
    }

    fn start<R: Role<Self>>(&self, _worker: usize, role: R) -> Self::Ref<R> {
        self.start_anywhere(&role)
    }

    fn start_anywhere<R: Role<Self>>(&self, recipe: &Self::Recipe<R>) -> Self::Ref<R> {
        let (sender, mail) = unbounded_channel();
        self.runtime.spawn(act(recipe.clone(), mail));
        sender
    }

    fn start_child<R: Role<Self>, P: Role<Self>>(
        _here: &mut Self::Here<'_, P>,
        recipe: &Self::Recipe<R>,
    ) -> Self::Ref<R> {
        let (sender, mail) = unbounded_channel();
        ::tokio::spawn(act(recipe.clone(), mail));
        sender
    }

    #[inline]
    fn tell<R: Role<Self>>(to: &Self::Ref<R>, message: R::Message) {
        assert!(to.send(message).is_ok(), "the task lives");
    }

    fn wait(&self, moment: &Moment) {
        run_until(&self.runtime, moment);
    }

    fn rest(&self, length: Duration) {
        // A timer must be made on the runtime.
        self.runtime.block_on(async { sleep(length).await });
    }

    fn end(self) {
        self.runtime.shutdown_background();
    }
}
