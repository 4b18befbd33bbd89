//! The guard of a question that is being made.

use crate::address::Key;
use crate::cancel::give_up_wait;
use crate::shard::Shard;

/// A question that is being made. If making it unwinds there is no handle to drop: this guard gives the ask
/// up.
pub(super) struct Unsent<'a> {
    shard: &'a Shard,
    wait: Key,
}

impl<'a> Unsent<'a> {
    #[inline(always)]
    pub(super) fn of(shard: &'a Shard, wait: Key) -> Self {
        Self { shard, wait }
    }

    #[inline(always)]
    pub(super) fn sent(self) {
        std::mem::forget(self);
    }
}

impl Drop for Unsent<'_> {
    // Inlined, so that it stays in registers if nothing unwinds.
    #[inline(always)]
    fn drop(&mut self) {
        give_up_unsent(self.shard, self.wait);
    }
}

#[cold]
#[inline(never)]
fn give_up_unsent(shard: &Shard, wait: Key) {
    give_up_wait(shard, wait);
}
