//! The handshake with the clock: which waits are to end by themselves, and when.

use super::table::{Wait, Waits};
use crate::address::Key;
use crate::time::TimerId;

impl<C> Waits<C> {
    /// Whether the clock has something to take over.
    pub(crate) fn has_timer_requests(&self) -> bool {
        self.last_unarmed.get() != Key::NONE || !self.disarmed.borrow().is_empty()
    }

    /// Hands over the timeouts that were requested since the last call, in that order, except for those of
    /// waits that have ended already. `arm` returns the timer, and when it is due.
    pub(crate) fn arm_all(&self, mut arm: impl FnMut(Key, u64) -> (TimerId, u64)) {
        self.keep_unarmed(self.last_unarmed.replace(Key::NONE));
        for key in self.unarmed.borrow_mut().drain(..) {
            if let Some(wait) = self.pending(key) {
                let (timer, deadline) = arm(key, wait.timeout.get());
                self.arm_pending(wait, timer, deadline);
            }
        }
    }

    /// Gives a wait the timer that is to end it, due at that time. One that is due later is not needed.
    pub(crate) fn arm(&self, key: Key, timer: TimerId, deadline: u64) {
        match self.pending(key) {
            Some(wait) => self.arm_pending(wait, timer, deadline),
            None => self.disarmed.borrow_mut().push(timer),
        }
    }

    fn arm_pending(&self, wait: &Wait<C>, timer: TimerId, deadline: u64) {
        let armed = wait.timer.get();
        if armed.is_some() && wait.deadline.get() <= deadline {
            return self.disarmed.borrow_mut().push(timer);
        }
        self.disarmed.borrow_mut().extend(armed);
        wait.timer.set(Some(timer));
        wait.deadline.set(deadline);
    }

    /// Takes a timer that is no longer needed.
    pub(crate) fn next_disarmed(&self) -> Option<TimerId> {
        self.disarmed.borrow_mut().pop()
    }

    /// A wait whose timer has fired no longer has one.
    pub(crate) fn fired(&self, key: Key) {
        if let Some(wait) = self.pending(key) {
            wait.timer.set(None);
        }
    }
}
