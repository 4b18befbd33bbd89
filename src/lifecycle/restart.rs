//! How a restart begins: the old instance is told, and its children stop. `finish_restart` in `rebuild.rs`
//! completes it, unless the actor ends before.

use std::sync::Arc;

use super::instance::{end_what_it_began, let_go};
use super::stop::ask_children_to_stop;
use crate::address::Key;
use crate::deadlock::look_if_held_up;
use crate::failure::{
    Cause, DeadLetterReason, Failure, Stage, TerminationReason, Unwound, WaitEnd, catch_user,
    drop_with_fate,
};
use crate::shard::{Runnable, Shard, TurnEnd, report};
use crate::supervision::Signal;
use crate::sync::{Mutant, is_mutated};

/// Tells the old instance, and has its children stop. The new instance is built when they have, and not
/// before `after` nanoseconds have passed; mail waits until then.
pub(super) fn begin_restart(shard: &Shard, key: Key, failure: &Arc<Failure>, after: u64) {
    let slot = shard.slot(key.slot());
    tell_old(shard, key, &Signal::PreRestart(Arc::clone(failure)));
    shard.dropped_replies.because_of(Some(failure), || {
        let_go(
            shard,
            shard.slot(key.slot()),
            key,
            DeadLetterReason::Restarted,
        );
        if !is_mutated(Mutant::WatchKept) {
            end_what_it_began(shard, key, WaitEnd::Failed);
        }
    });
    let backoff = (after > 0).then(|| shard.begin_timed_wait(after));
    if let Some(wait) = backoff {
        shard.waits.attend_as_actor(wait, key.slot());
    }
    slot.with_system(|system| {
        system.restarting = Some(Arc::clone(failure));
        system.restarts += 1;
        system.backoff = backoff;
    });
    shard.counts.restarts.add(1);
    slot.attention.set(true);
    shard.dropped_replies.because_of(Some(failure), || {
        ask_children_to_stop(shard, slot, WaitEnd::Failed, TerminationReason::Failed);
    });
    look_if_held_up(shard, slot, key);
    shard.due.push(Runnable::Turn(key.slot()));
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
        Ok(end) => drop(drop_with_fate(end, WaitEnd::Failed)),
        Err(Unwound::Forced) => {}
    }
}
