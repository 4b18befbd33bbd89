//! The table of the pools of this process, in which a copied reference finds its pool; and the dead letters
//! of messages whose pool is not there any more.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, LazyLock};

use super::core::{CoreParts, PoolCore};
use super::ports;
use crate::address::{Home, MOST_POOL, MessageId};
use crate::failure::DeadLetters;
use crate::shared::{Numbered, Table, TableGuard};

/// Pools that can be alive at the same time in one process.
const MOST_POOLS: usize = 1024;

static POOLS: Table<PoolCore, MOST_POOLS> = Table::new();

pub(super) static WITHOUT_POOL: LazyLock<Arc<DeadLetters>> = LazyLock::new(Arc::default);

impl Numbered for PoolCore {
    fn number(&self) -> u32 {
        self.id
    }
}

/// Makes a pool's core and enters it into the table under a number that no earlier pool had. Returns
/// `None` if too many pools are alive.
pub(crate) fn register(parts: CoreParts) -> Option<Arc<PoolCore>> {
    POOLS.register(MOST_POOL, |id| PoolCore::new(id, parts))
}

/// Removes a pool from the table: from now on, messages to it are dead letters of no pool.
pub(crate) fn unregister(core: &PoolCore) {
    drop(POOLS.forget(core.id));
}

/// Returns the pool of a reference, as long as it is in the table.
#[inline]
pub(crate) fn find(home: Home) -> Option<TableGuard<PoolCore>> {
    POOLS.find(home.pool())
}

/// Returns the dead letters of pools that no longer exist: messages sent through references that outlived
/// their pool's last handle.
pub fn dead_letters_without_pool() -> Arc<DeadLetters> {
    Arc::clone(&WITHOUT_POOL)
}

/// Returns the id of the last message that this thread has sent to that pool, of which it is no worker.
pub(crate) fn last_message_from_outside(home: Home) -> MessageId {
    let repeatable =
        find(home).and_then(|core| Some(core.ids_from_outside.as_ref()?.load(Relaxed)));
    match repeatable {
        Some(last) => MessageId::start_of_block(0).plus(last),
        None => ports::last_message(),
    }
}
