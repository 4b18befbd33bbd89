//! Turns: how an actor handles its mail, and what comes before it.

use super::elsewhere::take_stand_in_turn;
use super::instance::touch;
use super::next_step::Wanted;
use super::observed::{observed_message, observed_turn, tell_of_wait};
use super::own_messages::handle_kept;
use super::passivate::{begin_passivation, fall_asleep, sleep};
use super::rebuild::{finish_restart, wake_up};
use super::settle::settle;
use super::stop::{begin_stop, go_on_to_the_end};
use super::supervise::{answered, carry_out, failed_by_child, failed_by_task};
use super::tasks::take_task_turn;
use crate::address::Key;
use crate::cancel::screen;
use crate::failure::{Caught, DeadLetterReason, Stage, Unwound, WaitEnd, catch, catch_user};
use crate::fiber::StackClass;
use crate::shard::{ActorState, Body, NO_SLOT, Runnable, Shard, Slot, TurnEnd, TurnOf, key_of};
use crate::supervision::Signal;
use crate::sync::{Mutant, is_mutated};

/// Gives an actor its turn: it handles what was in its mailbox when the turn began, up to a limit, or
/// continues with what the system wants of it.
///
/// If the turn needs another stack than the fiber has, does nothing and returns the stack that it needs.
#[inline(always)]
pub(crate) fn take_turn(shard: &Shard, index: u32) -> Option<StackClass> {
    let slot = shard.slot(index);
    if slot.attention.any() {
        let stack = needs_another_stack(shard, slot);
        if stack.is_some() {
            return stack;
        }
        if slot.attention.get() && !do_what_is_wanted(shard, index) {
            shard.act_as_nobody();
            return None;
        }
        if slot.attention.screened() || slot.attention.is_noted() {
            handle_special_mail(shard, slot, index);
            shard.act_as_nobody();
            return None;
        }
    }
    handle_mail(shard, slot, index, false);
    shard.act_as_nobody();
    None
}

#[cold]
fn needs_another_stack(shard: &Shard, slot: &Slot) -> Option<StackClass> {
    let stack = slot.attention.stack();
    stack.filter(|_| shard.fibers.running_class() != stack)
}

#[cold]
#[inline(never)]
fn handle_special_mail(shard: &Shard, slot: &Slot, index: u32) {
    handle_mail(shard, slot, index, true);
}

#[inline(always)]
fn handle_mail(shard: &Shard, slot: &Slot, index: u32, is_special: bool) {
    let key = Key::new(index, slot.generation());
    let waiting = slot.mailbox_len();
    if waiting > 0 {
        let Some(mut body) = slot.take_body() else {
            if is_mutated(Mutant::HandledWhileWaiting) {
                return slot.discard_next(shard, WaitEnd::NoReply);
            }
            unreachable!("a running actor has a body")
        };
        shard.begin_turn(key, slot);
        let end = if is_special && slot.attention.screened() {
            screened_turn(shard, slot, key, &mut *body).map_err(CaughtTurn::Otherwise)
        } else if is_special || shard.observes_one_of(waiting) {
            observed_turn(shard, slot, key, &mut *body).map_err(CaughtTurn::Otherwise)
        } else {
            shard.leave_messages(waiting.min(shard.budget.get().messages_per_turn));
            catch(|| body.turn(shard, slot, key, TurnOf::Mail)).map_err(CaughtTurn::By)
        };
        if slot.is_timed() {
            touch(shard, slot);
        }
        match end {
            Ok(TurnEnd::Done) => {
                // There is nothing to drop, which the compiler does not know.
                std::mem::forget(end);
                shard.close_turn(None);
                slot.put_body(body);
            }
            end => {
                let end = end.map_err(CaughtTurn::classify);
                if !settle(shard, slot, key, body, end, Stage::Handling) {
                    return;
                }
            }
        }
    }
    end_turn(shard, slot, index);
}

/// How a turn ended that did not return.
enum CaughtTurn {
    By(Caught),
    Otherwise(Unwound),
}

impl CaughtTurn {
    #[cold]
    fn classify(self) -> Unwound {
        match self {
            Self::By(caught) => caught.classify(),
            Self::Otherwise(unwound) => unwound,
        }
    }
}

// ---- what comes before the mail -----------------------------------------------------------------

/// Does what the system wants of an actor. Returns whether the actor continues with its mail.
#[cold]
#[inline(never)]
fn do_what_is_wanted(shard: &Shard, index: u32) -> bool {
    let slot = shard.slot(index);
    let key = key_of(shard, index);
    if slot.attention.is_task() {
        take_task_turn(shard, key);
        return false;
    }
    if slot.attention.is_stand_in() {
        take_stand_in_turn(shard, key);
        return false;
    }
    let mut left = shard.budget.get().messages_per_turn;
    loop {
        if slot.state() == ActorState::Stopping {
            go_on_stopping(shard, slot, index);
            return false;
        }
        if slot.is_forced() {
            begin_stop(shard, index, DeadLetterReason::Forced);
            return false;
        }
        let goes_on = match slot.with_system(|system| system.next(shard, slot)) {
            Wanted::Nothing => {
                slot.attention.set(false);
                return true;
            }
            Wanted::Rest => {
                slot.set_resting(true);
                return false;
            }
            Wanted::End(reason) => {
                begin_stop(shard, index, reason.of_mail());
                false
            }
            Wanted::Restart(failure) => finish_restart(shard, key, failure),
            Wanted::NotBuilt => {
                begin_stop(shard, index, DeadLetterReason::Failed);
                false
            }
            Wanted::Passivate => {
                begin_passivation(shard, key);
                false
            }
            Wanted::FallAsleep => {
                fall_asleep(shard, key);
                true
            }
            Wanted::Sleep => {
                sleep(shard, key);
                false
            }
            Wanted::WakeUp => wake_up(shard, key),
            Wanted::Decision(decision, failure) => carry_out(shard, key, decision, &failure),
            Wanted::Answer(decision, failure) => answered(shard, key, decision, failure),
            Wanted::ChildFailure(failure) => failed_by_child(shard, key, failure),
            Wanted::TaskFailure(failure) => failed_by_task(shard, key, failure),
            Wanted::Signal(signal) => tell(shard, key, &signal),
            Wanted::Kept(kept, envelope) => {
                left -= 1;
                handle_kept(shard, key, kept, envelope)
            }
        };
        if !goes_on {
            return false;
        }
        if left == 0 {
            // Other actors have their turns too.
            shard.due.push(Runnable::Turn(index));
            return false;
        }
    }
}

/// Finishes a stop if the last child is gone; the actor may have been woken earlier for another reason.
fn go_on_stopping(shard: &Shard, slot: &Slot, index: u32) {
    if slot.first_child.get() == NO_SLOT {
        go_on_to_the_end(shard, index);
    } else {
        slot.queued.set(false);
    }
}

/// Tells a running actor a signal. Returns whether it continues.
pub(super) fn tell(shard: &Shard, key: Key, signal: &Signal) -> bool {
    let slot = shard.slot(key.slot());
    let Some(mut body) = slot.take_body() else {
        unreachable!("a running actor has a body")
    };
    shard.begin_turn(key, slot);
    let end = catch_user(|| body.signal(shard, key, signal));
    let goes_on = settle(shard, slot, key, body, end, Stage::Signalled);
    shard.act_as_nobody();
    goes_on
}

// ---- the mail ---------------------------------------------------------------------------------

/// A turn of an actor with questions withdrawn from its mail.
fn screened_turn(
    shard: &Shard,
    slot: &Slot,
    key: Key,
    body: &mut dyn Body,
) -> Result<TurnEnd, Unwound> {
    for _ in 0..slot.mailbox_len().min(shard.budget.get().messages_per_turn) {
        let Some(envelope) = slot.peek_envelope() else {
            break;
        };
        if let Some(reason) = screen(shard, key.slot(), envelope.message) {
            slot.bury_next(shard, shard.id_of(key), reason);
            if slot.attention.get() {
                break; // its destructor may have suspended or killed the actor
            }
            continue;
        }
        let end = if slot.attention.is_noted() || shard.observes_one_of(1) {
            tell_of_wait(shard, slot, key);
            observed_message(shard, slot, key, body)
        } else {
            shard.leave_messages(1);
            catch_user(|| body.turn(shard, slot, key, TurnOf::Mail))
        };
        let goes_on = matches!(end, Ok(TurnEnd::Done));
        if !goes_on || slot.attention.get() {
            return end;
        }
    }
    Ok(TurnEnd::Done)
}

#[inline(always)]
fn end_turn(shard: &Shard, slot: &Slot, index: u32) {
    if slot.attention.get() {
        shard.due.push(Runnable::Turn(index));
    } else if slot.state() == ActorState::Running {
        if slot.mailbox_len() > 0 {
            if is_mutated(Mutant::TurnForgotten) {
                return slot.queued.set(false);
            }
            shard.due.push(Runnable::Turn(index));
        } else {
            slot.release_mailbox(shard.slabs());
            slot.queued.set(false);
        }
    } else if slot.mailbox_len() > 0 {
        shard.due.push(Runnable::Turn(index));
    } else {
        begin_stop(shard, index, DeadLetterReason::Stopped);
    }
}
