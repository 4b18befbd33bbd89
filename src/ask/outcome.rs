//! The outcome of a worker's wait, for the asker.

use super::error::{AskDetails, AskError};
use crate::address::Key;
use crate::shard::Shard;

/// Takes the outcome of a wait that has ended.
pub(super) fn outcome_of<R: 'static>(shard: &Shard, wait: Key) -> Result<R, AskError> {
    let answer = shard.waits.take_value(wait);
    answer.ok_or_else(|| failure_of(shard, wait))
}

/// Says why a wait has ended without a value.
#[cold]
pub(super) fn failure_of(shard: &Shard, wait: Key) -> AskError {
    let asked = shard.waits.asked(wait);
    let cycle = shard.waits.take_cycle(wait);
    let failure = shard.waits.take_failure(wait);
    match shard.waits.take_end(wait) {
        Some(end) => AskError::of_worker(shard, end, asked, cycle, failure),
        None => AskError::PoolClosed(AskDetails::unknown()),
    }
}
