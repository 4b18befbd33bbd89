//! The owner's half of a bounded mailbox: the senders that wait for capacity, first come first served.

use std::sync::Arc;

use crate::pool_core::{BoundedMailbox, MailPermit, PoolCore};
use crate::queue::WaitQueue;

/// Called for a waiting sender once there is room. Dropped if there will be none.
pub(super) type Grant = Box<dyn FnOnce(MailPermit)>;

/// The owner's half of a bounded mailbox.
pub(crate) struct CapacityQueue {
    pub(super) bounded: Arc<BoundedMailbox>,
    pub(super) line: WaitQueue<Grant>,
}

impl CapacityQueue {
    /// Returns the first waiter, and a permit for it.
    pub(super) fn next(&mut self, core: &PoolCore) -> Option<(Grant, MailPermit)> {
        if !self.line.is_empty() && self.bounded.is_blocked(&*core.transport) {
            return None;
        }
        let grant = self.line.next(&self.bounded.gate)?;
        Some((grant, MailPermit::of(Arc::clone(&self.bounded))))
    }
}
