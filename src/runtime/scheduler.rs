//! The scheduler: fibers on demand.
//!
//! The loop over what is due runs *on* a fiber, so a handler that never waits costs a function
//! call. When a handler waits, its fiber stays with it, and the root goes on with the loop on
//! another fiber; when what it waited for is there, the loop's fiber hands the thread over and
//! is kept for next time.

use crate::actor::lifecycle::take_turn;
use crate::actor::{AbortOnPanic, Due, Shard, Task, Unwound, catch_user, with_current};
use crate::fiber::{FiberId, Resume, StackError, Suspend, suspend};

/// Messages after which a tick gives no more turns, so that one busy actor does not keep its worker
/// from its inbox and its timers for many turns.
const MESSAGES_PER_TICK: u64 = 1024;

/// Does what is due, up to `turns` turns. Called on the worker's own stack.
///
/// # Errors
///
/// When there is no fiber yet, and no memory for one.
pub(super) fn run(shard: &Shard, turns: u32) -> Result<(), StackError> {
    if shard.due.is_empty() {
        return Ok(());
    }
    shard.turns_left.set(turns);
    shard
        .messages_until
        .set(shard.counts.handled.get() + MESSAGES_PER_TICK);
    let fiber = shard.fibers.take_idle()?;
    drive(shard, fiber, Resume::Run);
    Ok(())
}

/// Ends the handler that waits on a fiber: its stack unwinds, running its destructors.
pub(super) fn end(shard: &Shard, fiber: FiberId) {
    if cfg!(panic = "abort") {
        return; // it cannot unwind; it stays where it is, and is leaked
    }
    shard.turns_left.set(0);
    drive(shard, fiber, Resume::End);
}

/// Resumes a fiber, and then whichever is to go on, until the loop has nothing more to do.
fn drive(shard: &Shard, mut fiber: FiberId, mut what_for: Resume) {
    loop {
        let why = shard.fibers.resume(fiber, what_for);
        // Comparisons, where a match would be a jump through a table: a waiting handler and one
        // that goes on alternate, which the processor learns of a comparison.
        if why == Some(Suspend::Blocked) {
            let spare = shard.fibers.take_idle();
            fiber = spare.expect("a handler makes sure of a spare stack before it waits");
        } else if let Some(Suspend::SwitchTo(next)) = why {
            shard.fibers.keep(fiber);
            fiber = next;
        } else if let Some(next) = next_after(shard, fiber, why) {
            fiber = next;
        } else {
            return;
        }
        what_for = Resume::Run;
    }
}

/// The fiber that is to go on after one that has nothing more to do; `None`: no other for now.
fn next_after(shard: &Shard, fiber: FiberId, why: Option<Suspend>) -> Option<FiberId> {
    match why? {
        Suspend::Idle => {
            shard.fibers.keep(fiber);
            None
        }
        Suspend::Apart(class) => {
            shard.fibers.keep(fiber);
            let larger = shard.fibers.take_idle_of(class);
            if larger.is_err() {
                // Each actor has been promised a stack; but handlers of others, which have stopped,
                // may still wait on theirs in a destructor. It is tried again.
                shard.put_back_apart(class);
            }
            larger.or_else(|_| shard.fibers.take_idle()).ok()
        }
        Suspend::Rejoin => {
            shard.fibers.keep_larger(fiber);
            let goes_on = shard.turns_left.get() > 0;
            goes_on.then(|| shard.fibers.take_idle().ok())?
        }
        Suspend::Blocked | Suspend::SwitchTo(_) => unreachable!("these are looked at before"),
    }
}

/// What every fiber of a worker runs.
pub(super) fn fiber_body() {
    let _runtime_panics_abort = AbortOnPanic;
    with_current(|shard| {
        let shard = shard.expect("a fiber runs only within its worker's tick");
        if shard.fibers.running_class().is_some() {
            while next_resume_apart(shard) == Resume::Run {}
        } else {
            while next_resume(shard) == Resume::Run {}
        }
    });
}

/// Does a task, which a shutdown may end by force while it waits.
fn do_task(shard: &Shard, task: Task) {
    let ended = catch_user(|| task(shard));
    shard.task_done();
    if let Err(Unwound::Panicked(text)) = ended {
        unreachable!("a task catches the panics of the user's code in it, but: {text}");
    }
}

/// Does what needs this fiber's larger stack, and then gives the thread away.
#[cold]
fn next_resume_apart(shard: &Shard) -> Resume {
    match shard.task_apart.take() {
        Some(task) => do_task(shard, task),
        None => {
            let moved_on = take_turn(shard, shard.apart.get());
            debug_assert!(moved_on.is_none(), "this is the stack that it needs");
        }
    }
    end_turn(shard);
    suspend(Suspend::Rejoin)
}

#[inline(always)]
fn end_turn(shard: &Shard) {
    shard.outboxes.flush();
    if shard.counts.handled.get() >= shard.messages_until.get() {
        shard.turns_left.set(0);
    }
}

/// Does one thing that is due, or gives the thread away.
#[inline(always)]
fn next_resume(shard: &Shard) -> Resume {
    let turns = shard.turns_left.get();
    if turns == 0 {
        return suspend(Suspend::Idle);
    }
    let Some(due) = shard.due.pop() else {
        return suspend(Suspend::Idle);
    };
    shard.turns_left.set(turns - 1);
    match due {
        Due::Turn(slot) => {
            if let Some(class) = take_turn(shard, slot) {
                shard.apart.set(slot);
                return suspend(Suspend::Apart(class));
            }
            end_turn(shard);
        }
        Due::Fiber(fiber) => return suspend(Suspend::SwitchTo(fiber)),
        Due::Task => {
            if let Some((stack, task)) = shard.next_task() {
                if let Some(class) = stack {
                    shard.task_apart.set(Some(task));
                    return suspend(Suspend::Apart(class));
                }
                do_task(shard, task);
                shard.outboxes.flush();
            }
        }
    }
    Resume::Run
}
