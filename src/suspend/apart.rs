//! Work on a larger stack than the caller's, while the caller waits for it.

use super::wait::{CannotWait, ForgetAtEnd, can_wait, wait_for};
use crate::address::ActorId;
use crate::failure::{WaitEnd, drop_with_fate};
use crate::fiber::StackClass;
use crate::shard::Shard;

/// Does work on a larger stack, which has been claimed, while the caller waits for it; or right here
/// if the caller cannot wait.
///
/// # Errors
///
/// Returns an error if the caller found out too late that it could not wait: the work is done without
/// it.
pub(crate) fn do_apart<R: 'static>(
    shard: &Shard,
    stack: Option<StackClass>,
    actor: ActorId,
    work: impl FnOnce(&Shard) -> R + 'static,
) -> Result<R, CannotWait> {
    if stack.is_none() || can_wait(shard).is_err() {
        return Ok(work(shard));
    }
    let mail = shard.slot(actor.key.slot()).message_kind();
    let wait = ForgetAtEnd(shard, shard.waits.begin_work(actor, mail));
    let (key, envelope) = (wait.1, shard.envelope());
    let task = move |shard: &Shard| {
        // What the work sends has the same cause as if the caller had sent it.
        let outcome = shard.with_envelope(envelope, || work(shard));
        if shard.waits.is_pending(key) {
            shard.follow_up(shard.waits.fulfil(key, outcome));
        } else {
            let _ = drop_with_fate(outcome, WaitEnd::NoReply);
        }
    };
    shard.tasks_open.set(shard.tasks_open.get() + 1);
    shard.queue_task(stack, Box::new(task));
    wait_for(shard, key)?;
    match shard.waits.take(key) {
        Some(Ok(outcome)) => Ok(outcome),
        _ => unreachable!("nothing but its task ends this wait"),
    }
}
