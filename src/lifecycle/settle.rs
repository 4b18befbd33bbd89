//! How the handling of a message or a signal ends.

use std::sync::Arc;

use super::passivate::begin_passivation;
use super::stop::begin_stop;
use super::supervise::has_failed;
use crate::address::Key;
use crate::failure::Cause;
use crate::failure::DeadLetterReason;
use crate::failure::Stage;
use crate::failure::Unwound;
use crate::failure::WaitEnd;
use crate::failure::drop_with_fate;
use crate::shard::{BodyBox, Shard, Slot, TurnEnd, describe, report};

/// Settles what a handler has left open, and puts its body back. Returns whether the actor continues.
pub(super) fn settle(
    shard: &Shard,
    slot: &Slot,
    key: Key,
    body: BodyBox,
    end: Result<TurnEnd, Unwound>,
    during: Stage,
) -> bool {
    if let Ok(TurnEnd::Done) = end {
        shard.close_turn(None);
        slot.put_body(body);
        return true;
    }
    end_turn_early(shard, key, body, end, during)
}

/// Ends a turn that did not simply return. Returns whether the actor continues.
#[cold]
fn end_turn_early(
    shard: &Shard,
    key: Key,
    body: BodyBox,
    end: Result<TurnEnd, Unwound>,
    during: Stage,
) -> bool {
    let slot = shard.slot(key.slot());
    match end {
        Ok(TurnEnd::Failed(error)) => fail(shard, key, body, Cause::Error(*error), during),
        Err(Unwound::Panicked(payload)) => fail(shard, key, body, Cause::Panic(payload), during),
        Ok(TurnEnd::Become(next)) => {
            shard.close_turn(None);
            if let Some(Unwound::Panicked(text)) = drop_with_fate(body, WaitEnd::NoReply) {
                report(shard, key, Stage::Handling, Cause::Panic(text));
            }
            slot.take_in(*next, shard.slabs());
            true
        }
        Ok(TurnEnd::Passivate) => {
            shard.close_turn(None);
            slot.put_body(body);
            begin_passivation(shard, key);
            false
        }
        Ok(TurnEnd::Done | TurnEnd::Stop) => {
            shard.close_turn(None);
            slot.put_body(body);
            begin_stop(shard, key.slot(), DeadLetterReason::Stopped);
            false
        }
        Err(Unwound::Forced) => {
            shard.close_turn(Some((shard.envelope().message_id(), None)));
            slot.put_body(body);
            begin_stop(shard, key.slot(), DeadLetterReason::Forced);
            false
        }
    }
}

/// Ends a turn in which the actor has failed. Returns whether it continues.
fn fail(shard: &Shard, key: Key, body: BodyBox, cause: Cause, during: Stage) -> bool {
    let message = shard.envelope().message_id();
    let failure = Arc::new(describe(shard, key, during, cause));
    // The callers whose questions it has dropped are told of the failure too.
    shard.close_turn(Some((message, Some(&failure))));
    shard.slot(key.slot()).put_body(body);
    has_failed(shard, key, failure)
}
