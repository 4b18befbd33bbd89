//! The scheduler: fibers on demand.
//!
//! The loop over what is due runs *on* a fiber, so a handler that never waits costs a function call.
//! When a handler waits, its fiber stays with it, and the root continues the loop on another fiber.
//! When the wait is over, the loop's fiber switches to the handler's fiber and is kept for the next
//! time.

use crate::failure::{Unwound, abort_on_panic, catch_user};
use crate::fiber::{FiberId, Resume, StackError, Suspend, suspend};
use crate::lifecycle::{next_to_end, take_turn};
use crate::shard::{Chore, Runnable, Shard, with_current};

/// Does what is due, up to `turns` turns. Called on the worker's own stack.
///
/// # Errors
///
/// If there is no fiber yet, and no memory for one.
pub(super) fn run(shard: &Shard, turns: u32) -> Result<(), StackError> {
    if shard.due.is_empty() {
        return Ok(());
    }
    shard
        .messages_until
        .set(shard.counts.handled.get() + u64::from(shard.budget.get().messages));
    // A handler whose wait is over continues the loop itself, after its turn.
    let (fiber, turns) = match shard.due.pop_fiber() {
        Some(fiber) => (fiber, turns - 1),
        None => (shard.fibers.take_idle()?, turns),
    };
    shard.turns_left.set(turns);
    shard.drive(fiber, Resume::Run);
    Ok(())
}

/// Ends the handler that waits on a fiber: its stack unwinds and runs its destructors.
pub(super) fn end(shard: &Shard, fiber: FiberId) {
    if cfg!(panic = "abort") {
        return; // it cannot unwind; it stays where it is, and is leaked
    }
    shard.turns_left.set(0);
    shard.drive(fiber, Resume::End);
}

/// The body of every fiber of a worker.
pub(super) fn fiber_body() {
    abort_on_panic(loop_of_fiber);
}

fn loop_of_fiber() {
    with_current(|shard| {
        let shard = shard.expect("a fiber runs only within its worker's tick");
        shard.current.on_this_fiber(|acting| {
            // When it is resumed to end, the shard may be in the middle of its drop, and is not
            // touched any more, but for the list of records in `current`, which is dropped after the fibers.
            let go_on = || shard.current.set_current(acting);
            if shard.fibers.running_class().is_some() {
                while next_resume_apart(shard) == Resume::Run {
                    go_on();
                }
            } else {
                while next_resume(shard) == Resume::Run {
                    go_on();
                }
            }
        });
    });
}

/// Does a task, which a shutdown may end by force while the task waits.
fn do_task(shard: &Shard, task: Chore) {
    let ended = catch_user(|| task(shard));
    if shard.current.record().is_scoped.get() {
        shard.leave_scopes();
    }
    shard.task_done();
    if let Err(Unwound::Panicked(text)) = ended {
        unreachable!("a task catches the panics of the user's code in it, but: {text}");
    }
}

/// Does what needs this fiber's larger stack, and then suspends.
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

/// Turns ahead of the current one: how early the slot is fetched, and how early the actor and its
/// mail.
const SLOT_AHEAD: u32 = 8;
const ACTOR_AHEAD: u32 = 4;

/// Prefetches the data of turns that come up soon: with a great many actors, most of it is in no
/// cache.
#[inline(always)]
fn look_ahead(shard: &Shard) {
    if let Some(slot) = shard.due.turn_after(SLOT_AHEAD) {
        shard.slot(slot).prefetch();
    }
    if let Some(slot) = shard.due.turn_after(ACTOR_AHEAD) {
        shard.slot(slot).prefetch_actor();
    }
}

/// Does one thing that is due, or suspends.
#[inline(always)]
fn next_resume(shard: &Shard) -> Resume {
    let turns = shard.turns_left.get();
    if turns == 0 {
        return suspend(Suspend::Idle);
    }
    let slot = match shard.due.pop_turn() {
        Some(slot) => slot,
        None => match next_but_a_near_turn(shard) {
            Ok(slot) => slot,
            Err(resume) => return resume,
        },
    };
    shard.turns_left.set(turns - 1);
    if shard.slots().is_large() {
        look_ahead(shard);
    }
    if let Some(class) = take_turn(shard, slot) {
        shard.apart.set(slot);
        return suspend(Suspend::Apart(class));
    }
    end_turn(shard);
    Resume::Run
}

/// Does what is due other than a turn, or suspends.
///
/// # Errors
///
/// Returns `Err` if it did either; if the next thing due is a turn, returns its slot.
#[inline(always)]
fn next_but_a_near_turn(shard: &Shard) -> Result<u32, Resume> {
    let due = match shard.due.pop() {
        None => return Err(suspend(Suspend::Idle)),
        Some(Runnable::Turn(slot)) => return Ok(slot),
        Some(due) => due,
    };
    shard.turns_left.set(shard.turns_left.get() - 1);
    Err(match due {
        Runnable::Fiber(fiber) => suspend(Suspend::SwitchTo(fiber)),
        _ => next_task(shard),
    })
}

/// Does the next task, or ends a fiber that is to end.
#[inline(never)]
fn next_task(shard: &Shard) -> Resume {
    if let Some((stack, task)) = shard.next_task() {
        if let Some(class) = stack {
            shard.task_apart.set(Some(task));
            return suspend(Suspend::Apart(class));
        }
        do_task(shard, task);
        shard.outboxes.flush();
    } else if let Some(fiber) = next_to_end(shard) {
        return suspend(Suspend::End(fiber));
    }
    Resume::Run
}
