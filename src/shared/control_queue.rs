//! Orders from any thread to one worker, beside its mail: a flood of mail must not delay them.
//!
//! There is a list, and a flag that says whether to read it: the worker checks it at every tick, and the list
//! is almost always empty. Mail wakes a sleeping worker; so the thread that gives an order also sends some, a
//! *nudge*.
//!
//! | step             | by           | flag            | list            |
//! |------------------|--------------|-----------------|-----------------|
//! | [`ControlQueue::give`] | any thread   | set, afterwards | the order added |
//! | [`ControlQueue::take`] | the worker   | cleared, before | emptied         |
//!
//! **No order is lost.** If the list is not empty, the flag is set, or is about to be set by the thread that
//! added to the list last. For the flag is set after the list grows, and cleared before the list is emptied.
//! (If it is set and the list is empty, one look is wasted.)
//!
//! **No order is slept over.** The nudge comes after the flag was set, and the worker that takes the nudge in
//! sees the flag. The worker sleeps only if no mail has come *and* the flag is not set: the nudge may have
//! been taken in by a tick that had read the flag too early.
//!
//! **Order.** An order that goes *behind* the mail is taken before the mail is, and followed after the mail.
//! So what its giver sent before it is there ([`ControlQueue::take_before`]). For an order that goes *ahead*
//! of the mail, the list is read once more after the mail was taken in, and the order is followed before any
//! of that mail is handled. So what its giver sent after it does not overtake it
//! ([`ControlQueue::take_around`]).
//!
//! **Orderings.** All are relaxed. The orders lie under the lock of the list. If a worker has read a set
//! flag, it enters the list after the thread that set the flag has left it: if the worker had been there
//! first, the later thread would have set the flag later than that. A flag that must be seen because of a
//! nudge, or of mail that was sent after it, is handed over by that mail. Checked by
//! `loom-tests/tests/control_queue.rs`.

use crate::sync::{AtomicBool, Mutant, Mutex, is_mutated};
use std::collections::VecDeque;
use std::sync::atomic::Ordering::Relaxed;

/// How often orders that go ahead of the mail are looked for while mail is taken in.
const LOOKS: u32 = 4;

/// Orders to one worker, or to actors of one worker.
pub struct ControlQueue<T> {
    any: AtomicBool,
    given: Mutex<VecDeque<T>>,
}

impl<T> Default for ControlQueue<T> {
    fn default() -> Self {
        Self {
            any: AtomicBool::new(false),
            given: Mutex::new(VecDeque::new()),
        }
    }
}

impl<T> ControlQueue<T> {
    /// Gives an order. `nudge` sends something to the worker, so that it wakes.
    pub fn give(&self, order: T, nudge: impl FnOnce()) {
        if is_mutated(Mutant::OrderNudgedEarly) {
            nudge();
            return self.add(order);
        }
        self.add(order);
        nudge();
    }

    fn add(&self, order: T) {
        if is_mutated(Mutant::OrderFlaggedEarly) {
            self.any.store(true, Relaxed);
            return self.given.lock().push_back(order);
        }
        self.given.lock().push_back(order);
        self.any.store(true, Relaxed);
    }

    /// Whether there are orders. An order whose giver then sent something is seen here by the worker that has
    /// taken that in.
    #[inline(always)]
    pub fn any(&self) -> bool {
        self.any.load(Relaxed)
    }

    /// Takes the orders. For the worker only.
    pub fn take(&self) -> VecDeque<T> {
        // Checked first: the flag is read at every tick, and hardly ever written.
        if !self.any() {
            return VecDeque::new();
        }
        if is_mutated(Mutant::OrdersClearedLate) {
            let orders = std::mem::take(&mut *self.given.lock());
            self.any.store(false, Relaxed);
            return orders;
        }
        self.any.store(false, Relaxed);
        std::mem::take(&mut *self.given.lock())
    }

    /// Takes the orders, and then the mail; `receive` is told whether there are orders. They are to be
    /// followed afterwards. For the worker only.
    #[inline]
    pub fn take_before(&self, receive: impl FnOnce(bool)) -> VecDeque<T> {
        if is_mutated(Mutant::OrdersTakenBehindMail) {
            receive(true);
            return self.take();
        }
        let orders = self.take();
        receive(!orders.is_empty());
        orders
    }

    /// Takes orders that go ahead of the mail, and a measure of mail with each `receive`. They are to be
    /// followed before any of that mail is handled. For the worker only.
    ///
    /// Mail is taken in after the orders that were given before it. An order must not overtake what its giver
    /// sent before it, unless that is more than a measure. So mail is taken in again if an order has come
    /// meanwhile.
    #[inline]
    pub fn take_around(&self, mut receive: impl FnMut()) -> VecDeque<T> {
        if self.any() {
            return self.take_around_some(receive);
        }
        receive();
        self.take_behind()
    }

    #[cold]
    fn take_around_some(&self, mut receive: impl FnMut()) -> VecDeque<T> {
        let mut orders = VecDeque::new();
        for _ in 0..LOOKS {
            let more = self.take();
            let again = !more.is_empty();
            orders.extend(more);
            receive();
            if !again {
                break;
            }
        }
        orders.extend(self.take_behind());
        orders
    }

    #[inline]
    fn take_behind(&self) -> VecDeque<T> {
        if is_mutated(Mutant::OrdersUnseenAfterMail) {
            return VecDeque::new();
        }
        self.take()
    }
}
