//! The senders that wait for capacity in a bounded mailbox, first come first served.

use std::sync::Arc;

use crate::pool_core::PoolCore;
use crate::pool_core::{Door, Room};
use crate::queue::Line;

/// Called for a waiting sender once there is room. Dropped if there will be none.
pub(crate) type Grant = Box<dyn FnOnce(Room)>;

/// The owner's half of a bounded mailbox.
pub(crate) struct Bound {
    pub(crate) door: Arc<Door>,
    pub(crate) line: Line<Grant>,
}

impl Bound {
    /// Returns the first waiter, and a permit for it.
    pub(crate) fn next(&mut self, core: &PoolCore) -> Option<(Grant, Room)> {
        if !self.line.is_empty() && self.door.is_blocked(&*core.transport) {
            return None;
        }
        let grant = self.line.next(&self.door.gate)?;
        Some((grant, Room::of(Arc::clone(&self.door))))
    }
}
