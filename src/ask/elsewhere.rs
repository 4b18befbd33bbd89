//! Waiting for an answer elsewhere than on the asking worker.

use super::block_on::block_on;
use super::driven::{Drive, can_drive, driver_at, driver_of};
use super::error::AskError;
use super::handle::{Ask, PendingAsk};
use super::outcome::outcome_of;
use crate::address::Key;
use crate::shard::with_current;

impl<R: Send + 'static> Ask<R> {
    /// As [`wait`](Self::wait), on whichever thread this is.
    #[cold]
    #[inline(never)]
    pub(super) fn wait_elsewhere(mut self) -> Result<R, AskError> {
        if let PendingAsk::Worker { home, wait } = self.waiting {
            if let Some(driver) = driver_at(home) {
                return wait_by_driving(&*driver, self, wait);
            }
            self.move_outside(home, wait);
        }
        // In a handler, only that actor waits; a thread that drives the pool continues to drive it.
        let pool = self.pool();
        if with_current(|shard| shard.is_some()) || driver_of(pool).is_some() {
            return block_on(pool, self)?;
        }
        match std::mem::replace(&mut self.waiting, PendingAsk::Over) {
            PendingAsk::Outside(outside) => outside.wait(),
            PendingAsk::Worker { .. } | PendingAsk::Over => unreachable!("it was moved outside"),
        }
    }
}

#[cold]
fn wait_by_driving<R: Send + 'static>(
    driver: &dyn Drive,
    ask: Ask<R>,
    wait: Key,
) -> Result<R, AskError> {
    can_drive()?;
    driver.drive_until_ended(wait)?;
    let shard = driver.shard();
    let outcome = outcome_of(&shard, wait);
    drop(ask); // given up only now: if this frame is unwound, the drop gives it up as well
    outcome
}
