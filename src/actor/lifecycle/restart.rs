//! Restarts: a failed actor starts again, in the same slot and with the same mail.

use std::sync::Arc;

use super::keep::{end_what_it_began, let_go};
use super::start::{FailedStart, build};
use super::stop::{ask_children_to_stop, begin_stop};
use super::supervise::{failed, report};
use super::watch::TerminationReason;
use crate::actor::behavior::Signal;
use crate::actor::body::TurnEnd;
use crate::actor::dead_letter::DeadLetterReason;
use crate::actor::failure::{Cause, Failure, Stage};
use crate::actor::fate::{End, drop_with_fate};
use crate::actor::id::Key;
use crate::actor::run_queue::Due;
use crate::actor::shard::Shard;
use crate::actor::unwind::{Unwound, catch_user};
use crate::supervision::History;
use crate::sync::{Mutant, is_mutated};

/// Tells the old instance, and has its children stop. The new instance is built when they have, and not
/// before `after` nanoseconds have passed; mail waits until then.
pub(super) fn begin_restart(shard: &Shard, key: Key, failure: &Arc<Failure>, after: u64) {
    let slot = shard.slot(key.slot());
    tell_old(shard, key, &Signal::PreRestart(Arc::clone(failure)));
    shard.verdicts.because_of(Some(failure), || {
        let_go(
            shard,
            shard.slot(key.slot()),
            key,
            DeadLetterReason::Restarted,
        );
        if !is_mutated(Mutant::WatchKept) {
            end_what_it_began(shard, key, End::Failed);
        }
    });
    let backoff = (after > 0).then(|| shard.begin_timed_wait(after));
    if let Some(wait) = backoff {
        shard.waits.attend_as_actor(wait, key.slot());
    }
    slot.with_system(|system| {
        system.restarting = Some(Arc::clone(failure));
        system.backoff = backoff;
    });
    slot.special.set(true);
    shard.verdicts.because_of(Some(failure), || {
        ask_children_to_stop(shard, slot, End::Failed, TerminationReason::Failed);
    });
    shard.look_if_held_up(slot, key);
    shard.due.push(Due::Turn(key.slot()));
}

/// Tells an instance that is certain to end. Its decision changes nothing.
fn tell_old(shard: &Shard, key: Key, signal: &Signal) {
    let slot = shard.slot(key.slot());
    let Some(mut body) = slot.take_body() else {
        return;
    };
    let told = shard.acting_as(shard.id_of(key), || {
        catch_user(|| body.signal(shard, key, signal))
    });
    slot.put_body(body);
    match told {
        Ok(TurnEnd::Failed(error)) => report(shard, key, Stage::Restarting, Cause::Error(*error)),
        Err(Unwound::Panicked(payload)) => {
            report(shard, key, Stage::Restarting, Cause::Panic(payload))
        }
        // A behaviour that it wants to become is dropped here.
        Ok(end) => drop(drop_with_fate(end, End::Failed)),
        Err(Unwound::Forced) => {}
    }
}

/// Drops the old instance and builds the new one. Returns whether the actor continues.
pub(super) fn finish_restart(shard: &Shard, key: Key, failure: Arc<Failure>) -> bool {
    let (slot, id) = (shard.slot(key.slot()), shard.id_of(key));
    if let Some(old) = slot.take_body() {
        let drop_it = || shard.acting_as(id, || drop_with_fate(old, End::Failed));
        let dropped = shard.verdicts.because_of(Some(&failure), drop_it);
        if let Some(Unwound::Panicked(payload)) = dropped {
            report(shard, key, Stage::Restarting, Cause::Panic(payload));
        }
    }
    build_again(shard, key, Signal::PostRestart(failure), Stage::Restarting)
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
    let _ = drop_with_fate((recipe, first), End::Failed);
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
