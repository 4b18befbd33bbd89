//! The tasks of actors.
//!
//! A task is a slot among those of its actor's children. So its actor does not stop, passivate or start again
//! before its fiber is done with it, and diagnostics know which actor's it is. It has neither a mailbox nor a
//! recipe, and one turn, in which all of it is done. No strategy, count or list of children includes it.

use std::rc::Rc;
use std::sync::Arc;

use super::remove::remove;
use crate::address::Key;
use crate::failure::{Cause, Failure, Stage, TaskError, WaitEnd, drop_with_fate};
use crate::fiber::{FiberId, running_fiber};
use crate::observe::Numbers;
use crate::shard::{
    ActorState, JobEnd, MessageVtable, Role, Runnable, Shard, Slot, TaskJob, TaskRecord, adopt,
    interrupt, key_of, path_of, tell_hook, with_record,
};

/// Starts a task of an actor, displayed as type `T`. `by` is the task that starts it, if one does. Returns
/// the keys of the task and of the wait that ends with it.
pub(crate) fn spawn_task<T: 'static>(
    shard: &Shard,
    owner: Key,
    by: Option<Key>,
    job: impl FnOnce(Key) -> Box<dyn TaskJob>,
) -> (Key, Key) {
    // First, as the subscriber may do anything.
    #[cfg(feature = "tracing")]
    let span = shard.present_span();
    let larger = shard.slot(owner.slot()).attention.stack();
    let stack = larger.map_or(Ok(None), |class| shard.fibers.claim(class.bytes()));
    let (stack, no_stack) = match stack {
        Ok(stack) => (stack, None),
        Err(error) => (None, Some(error.to_string())),
    };
    let index = shard.slots().occupy();
    let slot = shard.slot(index);
    slot.occupy(MessageVtable::of::<T>(), owner.slot());
    slot.shut();
    slot.attention.need_stack(stack);
    slot.attention.mark_task();
    adopt(shard, owner.slot(), index);
    let key = key_of(shard, index);
    if let Some(tracer) = shard.observation.tracer() {
        tracer.starts(shard.id_of(key), &path_of(shard, index));
    }
    let done = shard
        .waits
        .begin_work(shard.id_of(key), slot.message_kind());
    // Cancelled at once if `by` was: their actor has cancelled all other tasks, and waits for their end.
    let cancelled = by.and_then(|by| with_record(shard.slot(by.slot()), |task| task.cancelled));
    slot.set_forced(shard.interrupts.is_forcing());
    let record = TaskRecord {
        job: Some(job(done)),
        envelope: shard.envelope(),
        told_of_sends: shard.current.told_of_sends(),
        #[cfg(feature = "tracing")]
        span,
        no_stack,
        fiber: None,
        cancelled,
    };
    slot.with_extra(|extra| extra.role = Some(Box::new(Role::Task(record))));
    shard.due.push(Runnable::Turn(index));
    (key, done)
}

/// Ends a task at its present wait, or else at its next one, or before it begins.
pub(crate) fn cancel_task(shard: &Shard, key: Key, end: WaitEnd) {
    let Some(slot) = shard.tenant(key) else {
        return;
    };
    let fiber = with_record(slot, |task| {
        let before = task.cancelled.replace(end);
        task.fiber.clone().filter(|_| before.is_none())
    });
    // A task that cannot unwind runs to its end.
    if let Some((fiber, wait)) = fiber.filter(|_| !cfg!(panic = "abort")) {
        shard.interrupts.cancel(fiber, wait, end);
        shard.due.push(Runnable::Task);
    }
}

/// Returns a fiber on which a cancelled task waits, if one is left. Called once for each [`Runnable::Task`]
/// of a cancelled task.
pub(crate) fn next_to_end(shard: &Shard) -> Option<FiberId> {
    let (fiber, wait) = shard.interrupts.next_to_end()?;
    // If nothing waits there any more, the fiber is in the run queue: it is resumed from there, and learns of
    // its cancellation then.
    let is_cancelled = shard.interrupts.end_on(fiber).is_some();
    let waits = is_cancelled && shard.waits.is_awaited_on(wait, fiber);
    waits.then_some(fiber)
}

/// Gives a task its turn.
pub(super) fn take_task_turn(shard: &Shard, key: Key) {
    let slot = shard.slot(key.slot());
    let (job, envelope, told, no_stack, cancelled) = with_record(slot, |task| {
        task.fiber = running_fiber().map(|fiber| (fiber, Rc::clone(&shard.current.record().wait)));
        let no_stack = task.no_stack.take();
        let job = task.job.take();
        (
            job,
            task.envelope,
            task.told_of_sends,
            no_stack,
            task.cancelled,
        )
    });
    let job = job.expect("a task has one turn");
    let forced = slot.is_forced().then_some(WaitEnd::Stopped);
    slot.enter(ActorState::Running);
    shard.begin_turn(key, slot);
    shard.current.tell_of_sends(told);
    #[cfg(feature = "tracing")]
    let span = with_record(slot, |task| task.span.take());
    #[cfg(feature = "tracing")]
    let entered = span.as_ref().map(tracing::Span::enter);
    let end = shard.with_envelope(envelope, || match (cancelled.or(forced), no_stack) {
        (Some(end), _) => job.refuse(shard, TaskError::Cancelled, end),
        (None, Some(text)) => job.refuse(shard, TaskError::NoStack(text), WaitEnd::Failed),
        (None, None) => job.run(shard, key),
    });
    #[cfg(feature = "tracing")]
    {
        drop(entered);
        shard.current.end_ask_spans();
    }
    shard.current.tell_of_sends(Numbers::NONE);
    let cancelled = with_record(slot, |task| task.cancelled.or(forced)).is_some();
    let (failure, is_its_actors) = match end {
        JobEnd::Quiet => (None, false),
        JobEnd::Noted(cause) => (Some(describe(shard, slot, cause)), false),
        JobEnd::Failed(cause) => (Some(describe(shard, slot, cause)), !cancelled),
    };
    let failed = failure.as_ref();
    shard.close_turn(failed.map(|failure| (envelope.message, Some(failure))));
    shard.act_as_nobody();
    if let Some(failure) = failure {
        tell_hook(shard, &failure);
        if is_its_actors {
            fail_owner(shard, slot.parent.get(), failure);
        } else {
            let _ = drop_with_fate(failure, WaitEnd::Failed);
        }
    }
    end_task(shard, key);
}

fn describe(shard: &Shard, slot: &Slot, cause: Cause) -> Arc<Failure> {
    let owner = slot.parent.get();
    Arc::new(Failure {
        actor: shard.id_of(key_of(shard, owner)),
        path: path_of(shard, owner),
        message_type: slot.message_type(),
        during: Stage::Task,
        cause,
    })
}

/// Makes the failure of a task that of its actor, in a turn of the actor.
fn fail_owner(shard: &Shard, owner: u32, failure: Arc<Failure>) {
    shard
        .slot(owner)
        .with_system(|system| system.task_failures.push_back(failure));
    interrupt(shard, key_of(shard, owner));
}

/// Removes a task of which nothing is left on any fiber.
fn end_task(shard: &Shard, key: Key) {
    let slot = shard.slot(key.slot());
    let role = slot.take_extra().and_then(|extra| extra.role);
    if let Some(Role::Task(TaskRecord {
        fiber: Some((fiber, _)),
        ..
    })) = role.as_deref()
    {
        shard.interrupts.ended(*fiber);
    }
    remove(shard, key, |_| {});
}
