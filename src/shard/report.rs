//! Describing failures, and reporting them to the pool's hook.

use super::state::Shard;
use super::tree::path_of;
use crate::address::Key;
use crate::failure::{Cause, Failure, Stage, WaitEnd, catch_user, drop_with_fate};

pub(crate) fn describe(shard: &Shard, key: Key, during: Stage, cause: Cause) -> Failure {
    let message_type = shard.slot(key.slot()).message_type();
    Failure {
        actor: shard.id_of(key),
        path: path_of(shard, key.slot()),
        message_type,
        during,
        cause,
    }
}

/// Tells the pool's hook of a failure that needs no decision.
#[cold]
pub(crate) fn report(shard: &Shard, key: Key, during: Stage, cause: Cause) {
    let failure = describe(shard, key, during, cause);
    tell_hook(shard, &failure);
    let _ = drop_with_fate(failure, WaitEnd::Failed);
}

pub(crate) fn tell_hook(shard: &Shard, failure: &Failure) {
    // A panic of the hook has been reported by the panic hook.
    let _ = catch_user(|| (shard.core.on_failure)(failure));
    if shard.observation.is_of_events() {
        shard.tell_observers(|observer| observer.failed(failure));
    }
}
