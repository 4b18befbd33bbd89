//! Children that an actor starts on other workers of its pool.

use super::shared::spawn_error;
use crate::actor::{ActorRef, Context, Seed, Spawnable, start_for};
use crate::address::ActorPath;
use crate::ask::{call, can_call};
use crate::failure::{SpawnError, drop_quietly};
use crate::lifecycle::{give_up_child, stand_in_for};
use crate::shard::{Shard, path_of_child};

impl<M: Send + 'static> Context<'_, M> {
    /// Starts a child of that name on another worker of the pool.
    ///
    /// Returns when the child's setup is done. Only this actor waits for that; its worker continues with
    /// other actors.
    ///
    /// The child is a child like any other. Its path is below this actor's. This actor's strategy decides
    /// about its failures, and this actor is told [`Signal::ChildFailed`](crate::Signal::ChildFailed). The
    /// child has ended, and was told [`PostStop`](crate::Signal::PostStop), before this actor is. Messages to
    /// it take the same way as to any actor of that worker.
    ///
    /// A failure, the decision about it, or a stop passes between parent and child from worker to worker,
    /// behind what was sent on that way before. The child handles nothing until the decision has arrived. If
    /// the child's worker makes no progress, as in a handler that does not return, this actor's own end waits
    /// for it, except in a shutdown, which continues without it after the deadline.
    ///
    /// Workers are numbered from 0. With this actor's own [`worker`](Self::worker), this is the same as
    /// [`spawn`](Self::spawn).
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use std::time::Duration;
    ///
    /// // A parent with a child on each worker.
    /// let pool = WorkerPool::builder().workers(2).start()?;
    /// let parent = pool.spawn("parent", Props::new(|| Behavior::setup(|ctx| {
    ///     let child = Props::new(|| Behavior::receive(|ctx, reply: Reply<(String, usize)>| {
    ///         reply.send((ctx.path().to_string(), ctx.worker()));
    ///     }));
    ///     let children = [
    ///         ctx.spawn_on(0, "child-0", child.clone())?,
    ///         ctx.spawn_on(1, "child-1", child)?,
    ///     ];
    ///     Ok(Behavior::receive(move |_ctx, (n, reply): (usize, Reply<(String, usize)>)| {
    ///         children[n].tell(reply);
    ///     }))
    /// })))?;
    /// for n in [0, 1] {
    ///     let told = parent.ask(|reply| (n, reply), Duration::from_secs(5)).wait()?;
    ///     assert_eq!(told, (format!("/user/parent/child-{n}"), n));
    /// }
    /// pool.shutdown(Duration::from_secs(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SpawnError::NoSuchWorker`] if there is no worker with that index, [`SpawnError::CannotWait`] if this
    /// function cannot wait, [`SpawnError::ShuttingDown`] if that worker has begun to shut down; otherwise as
    /// for [`spawn`](Self::spawn).
    pub fn spawn_on<P: Spawnable>(
        &mut self,
        worker: usize,
        name: &str,
        props: P,
    ) -> Result<ActorRef<P::Message>, SpawnError> {
        let shard = self.shard();
        match place(shard, worker) {
            Ok(worker) if worker == shard.home.worker() => self.spawn(name, props),
            Ok(worker) => {
                let parent = self.self_ref().id().key.slot();
                let path = path_of_child(shard, parent, name);
                start_on(shard, worker, parent, path.map_err(SpawnError::from), props)
            }
            Err(error) => refuse(props, error),
        }
    }
}

/// Returns the worker with that index, if there is one.
fn place(shard: &Shard, worker: usize) -> Result<u32, SpawnError> {
    let workers = shard.core.workers.len();
    match u32::try_from(worker) {
        Ok(index) if worker < workers => Ok(index),
        _ => Err(SpawnError::NoSuchWorker { worker, workers }),
    }
}

fn refuse<P: Spawnable>(props: P, error: SpawnError) -> Result<ActorRef<P::Message>, SpawnError> {
    let _ = drop_quietly(props);
    Err(error)
}

/// Starts a child of an actor of this worker on another one.
fn start_on<P: Spawnable>(
    shard: &Shard,
    worker: u32,
    parent: u32,
    path: Result<ActorPath, SpawnError>,
    props: P,
) -> Result<ActorRef<P::Message>, SpawnError> {
    let core = &shard.core;
    // Checked before anything is done: a child that starts has a caller that waits for it.
    let can_start = path.and_then(|path| Ok((path, can_call(core, worker)?)));
    let path = match can_start {
        Ok((path, ())) => path,
        Err(error) => return refuse(props, error),
    };
    let supervised = stand_in_for::<P::Message>(shard, parent, &path);
    let started = call(core, worker, move |shard, caller| {
        start_for(shard, supervised, &path, Seed::of(props), caller)
    });
    started.unwrap_or_else(|error| {
        let has_closed = !core.transport.is_open(worker);
        give_up_child(shard, supervised.stand_in(), has_closed);
        Err(spawn_error(error))
    })
}
