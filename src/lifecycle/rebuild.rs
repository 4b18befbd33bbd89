//! Building an actor anew, in the same slot and with the same mail: after a restart, or for mail that wakes
//! it.

use std::sync::Arc;

use super::build::{FailedStart, build};
use super::own_messages::lose_stashed_if_withdrawn;
use super::stop::begin_stop;
use super::supervise::failed;
use crate::address::Key;
use crate::cancel::screen_withdrawn;
use crate::failure::{Cause, DeadLetterReason, Failure, Stage, Unwound, WaitEnd, drop_with_fate};
use crate::observe::{ActorStarted, StartKind};
use crate::shard::{Shard, report};
use crate::supervision::{History, Signal};
use crate::sync::{Mutant, is_mutated};

/// Drops the old instance and builds the new one. Returns whether the actor continues.
pub(super) fn finish_restart(shard: &Shard, key: Key, failure: Arc<Failure>) -> bool {
    let (slot, id) = (shard.slot(key.slot()), shard.id_of(key));
    if let Some(old) = slot.take_body() {
        let drop_it = || shard.acting_as(id, || drop_with_fate(old, WaitEnd::Failed));
        let dropped = shard.dropped_replies.because_of(Some(&failure), drop_it);
        if let Some(Unwound::Panicked(payload)) = dropped {
            report(shard, key, Stage::Restarting, Cause::Panic(payload));
        }
    }
    let goes_on = build_again(shard, key, Signal::PostRestart(failure), Stage::Restarting);
    if goes_on && shard.observation.is_of_events() {
        let restarts = shard.slot(key.slot()).with_system(|system| system.restarts);
        tell_of_start(shard, key, StartKind::Restart(restarts));
    }
    goes_on
}

fn tell_of_start(shard: &Shard, key: Key, kind: StartKind) {
    shard.tell_of_actor(key, |observer, actor| {
        observer.started(&ActorStarted { actor, kind });
    });
}

/// Builds a new instance, and tells it `first`. Returns whether the actor continues.
pub(super) fn build_again(shard: &Shard, key: Key, first: Signal, during: Stage) -> bool {
    let (slot, id) = (shard.slot(key.slot()), shard.id_of(key));
    let Some(recipe) = slot.recipe() else {
        unreachable!("a live actor has a recipe")
    };
    slot.with_system(|system| {
        system.building_again = true;
        system.unbuilt = false;
        // Its children will be others.
        system.children = History::default();
    });
    let built = shard.acting_as(id, || {
        build(shard, key, || recipe.build(shard, key), &first)
    });
    slot.with_system(|system| system.building_again = false);
    let _ = drop_with_fate((recipe, first), WaitEnd::Failed);
    let cause = match built {
        Ok(Some(body)) => {
            slot.take_in(body, shard.slabs());
            return true;
        }
        Ok(None) => {
            begin_stop(shard, key.slot(), DeadLetterReason::Stopped);
            return false;
        }
        Err(FailedStart::Unwound(Unwound::Forced)) => {
            begin_stop(shard, key.slot(), DeadLetterReason::Forced);
            return false;
        }
        Err(FailedStart::Error(error)) => Cause::Error(error),
        Err(FailedStart::Unwound(Unwound::Panicked(payload))) => Cause::Panic(payload),
    };
    // To resume it, now or after the decision of an ancestor, would be to continue with the instance that
    // it has, and it has none.
    slot.with_system(|system| system.unbuilt = true);
    failed(shard, key, during, cause)
}

/// If the message for which an actor would be rebuilt is a question that was withdrawn, drops it as lost.
/// Returns whether it was.
fn lose_next_if_withdrawn(shard: &Shard, key: Key) -> bool {
    if lose_stashed_if_withdrawn(shard, key) {
        return true;
    }
    let slot = shard.slot(key.slot());
    if slot.has_system() && slot.with_system(|system| system.store.is_some()) {
        return false; // stashed messages come before the mail
    }
    let next = slot.peek_envelope().map(|envelope| envelope.message_id());
    let reason = next.and_then(|message| screen_withdrawn(shard, key.slot(), message));
    if let Some(reason) = reason {
        slot.bury_next(shard, shard.id_of(key), reason);
    }
    reason.is_some()
}

/// Rebuilds an actor for the mail that has come, unless that was withdrawn. Returns whether the actor
/// continues.
pub(super) fn wake_up(shard: &Shard, key: Key) -> bool {
    if lose_next_if_withdrawn(shard, key) {
        return true; // the next message is checked in turn
    }
    let slot = shard.slot(key.slot());
    if let Some(tracer) = shard.observation.tracer() {
        tracer.wakes(shard.id_of(key));
    }
    slot.with_system(|system| system.passive = None);
    if is_mutated(Mutant::KeptMailLost) && slot.mailbox_len() > 1 {
        slot.bury_next(shard, shard.id_of(key), DeadLetterReason::Stopped);
    }
    let goes_on = build_again(shard, key, Signal::PreStart, Stage::Starting);
    if goes_on {
        tell_of_start(shard, key, StartKind::WokenUp);
    }
    goes_on
}
