//! Calls of a worker by another worker, or by a thread outside: how an actor is started on another worker.

use std::time::Duration;

use super::driven::{can_drive, driver_of};
use super::error::AskError;
use super::handle::Ask;
use super::reply::Reply;
use crate::address::{ActorId, Envelope, Home, Key};
use crate::failure::{DeadLetterReason, WaitEnd, WaitError, drop_with_fate};
use crate::pool_core::PoolCore;
use crate::shard::{Parcel, Route, Shard, with_current};
use crate::suspend::can_wait;

/// The key of a parcel that is meant for the worker itself.
const WORKER_ITSELF: Key = Key::new(0, 0);

/// Runs `work` on a fiber of that worker, and waits for its result. `work` receives the wait that ends with
/// it, if that is a wait of another worker.
///
/// # Errors
///
/// [`AskError::CannotWait`] before anything was done; any other error means that the pool has ended.
pub(crate) fn call<R: Send + 'static>(
    core: &PoolCore,
    worker: u32,
    work: impl FnOnce(&Shard, Option<(Home, Key)>) -> R + Send + 'static,
) -> Result<R, AskError> {
    can_call(core, worker)?;
    begin_call_of(core, worker, None, work).wait()
}

/// Checks whether the caller could wait for a call.
///
/// # Errors
///
/// Says why it could not.
pub(crate) fn can_call(core: &PoolCore, worker: u32) -> Result<(), WaitError> {
    let home = core.home(worker);
    with_current(|shard| match shard {
        Some(shard) if shard.home != home => can_wait(shard).map_err(WaitError::from),
        None if driver_of(core.id).is_some() => can_drive(),
        _ => Ok(()),
    })
}

/// As [`call`], but does not wait yet.
pub(crate) fn begin_call<R: Send + 'static>(
    core: &PoolCore,
    worker: u32,
    timeout: Option<Duration>,
    work: impl FnOnce(&Shard) -> R + Send + 'static,
) -> Ask<R> {
    begin_call_of(core, worker, timeout, |shard, _| work(shard))
}

/// As [`begin_call`]; `work` receives the wait that ends with it, if that is a wait of another worker.
pub(crate) fn begin_call_of<R: Send + 'static>(
    core: &PoolCore,
    worker: u32,
    timeout: Option<Duration>,
    work: impl FnOnce(&Shard, Option<(Home, Key)>) -> R + Send + 'static,
) -> Ask<R> {
    let home = core.home(worker);
    let (ask, reply) = Ask::begin(timeout, ActorId::new(home, WORKER_ITSELF));
    with_current(|shard| match Route::new(shard, home) {
        Route::Here(shard) => reply.send(work(shard, None)),
        route @ Route::Across(_) => {
            route.send_away(ActorId::new(home, WORKER_ITSELF), Call { work, reply });
        }
        Route::Outside(_) => core.post(worker, WORKER_ITSELF, Envelope::NONE, Call { work, reply }),
    });
    ask
}

struct Call<W, R: Send + 'static> {
    work: W,
    reply: Reply<R>,
}

impl<W, R> Parcel for Call<W, R>
where
    W: FnOnce(&Shard, Option<(Home, Key)>) -> R + Send + 'static,
    R: Send + 'static,
{
    fn deliver(self, shard: &Shard, _to: Key, _envelope: &Envelope) {
        let Self { work, reply } = self;
        let caller = reply.wait_of_a_worker();
        shard.add_task(Box::new(move |shard| reply.send(work(shard, caller))));
    }

    fn bounce(self, _: &PoolCore, _: ActorId, _: Envelope, reason: DeadLetterReason) {
        let _ = drop_with_fate(self, WaitEnd::from(reason));
    }
}
