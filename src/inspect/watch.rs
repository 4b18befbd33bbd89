//! A watch: while it lasts, the workers count what each actor does.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crate::pool_core::PoolCore;

/// While a watch lasts, the workers count for each actor how many messages it handles, how long its handlers
/// run, and how long its mailbox gets: [`ActorSnapshot::handled`](super::ActorSnapshot::handled), `busy` and
/// `deepest`. It ends when it is dropped, and the counts are forgotten with the last watch of a pool.
///
/// Counting costs a worker little, as it counts in one of 64 ticks, and 32 bytes for each actor. Without a
/// watch it costs nothing.
#[must_use = "the watch ends when this is dropped"]
pub struct Watch(Arc<PoolCore>);

impl Watch {
    pub(crate) fn begin(core: &Arc<PoolCore>) -> Self {
        core.watches.fetch_add(1, Relaxed);
        Self(Arc::clone(core))
    }
}

impl Clone for Watch {
    fn clone(&self) -> Self {
        Self::begin(&self.0)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.watches.fetch_sub(1, Relaxed);
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watch").field(&self.0.name).finish()
    }
}
