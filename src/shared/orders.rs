//! Orders from any thread to one worker, beside its mail: a flood of mail must not hold them up.
//!
//! There is a list, and a flag that says whether to look at it, as the worker looks at every tick, and there
//! is hardly ever anything. Mail wakes a worker that sleeps; so whoever gives an order sends some, a *nudge*.
//!
//! | step             | by whom      | flag            | list            |
//! |------------------|--------------|-----------------|-----------------|
//! | [`Orders::give`] | any thread   | set, afterwards | the order added |
//! | [`Orders::take`] | the worker   | cleared, before | emptied         |
//!
//! **No order is lost.** Wherever the list is not empty, the flag is set, or is about to be by whoever has
//! added to the list last. For it is set after that, and cleared before the list is emptied. (Where it is set
//! and the list is empty, a look is wasted.)
//!
//! **No order is slept over.** The nudge comes after the flag was set, and whoever takes the nudge in sees
//! that. The worker sleeps only where nothing has come, *and* the flag is not set: the nudge may have been
//! taken in by the tick that had looked at the flag too early.
//!
//! **Order.** An order that goes *behind* the mail is taken before the mail is, and followed after that: so
//! what its giver sent before it is there ([`Orders::take_before`]). One that goes *ahead* of the mail is
//! looked for once more after the mail was taken in, and followed before any of that is handled: so what its
//! giver sent after it does not overtake it ([`Orders::take_around`]).
//!
//! **Orderings.** All are relaxed. What is ordered lies under the lock of the list. Where a worker has read a
//! flag that was set, its way to the list leads there after the one that set it has left it; for if it was
//! there first, whoever came after it has set the flag later than that. A flag that is to be seen for the sake
//! of a nudge, or of mail that was sent after it, is handed over by that. Checked by
//! `loom-tests/tests/orders.rs`.

use crate::sync::{AtomicBool, Mutant, Mutex, is_mutated};
use std::collections::VecDeque;
use std::sync::atomic::Ordering::Relaxed;

/// How often orders that go ahead of the mail are looked for while mail is taken in.
const LOOKS: u32 = 4;

/// Orders to one worker, or to actors of one.
pub struct Orders<T> {
    any: AtomicBool,
    given: Mutex<VecDeque<T>>,
}

impl<T> Default for Orders<T> {
    fn default() -> Self {
        Self {
            any: AtomicBool::new(false),
            given: Mutex::new(VecDeque::new()),
        }
    }
}

impl<T> Orders<T> {
    /// Gives an order, and has the worker woken by `nudge`, which sends it something.
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

    /// Whether there are orders. Whoever gave one, and sent something then, is seen here by the worker that
    /// has taken that in.
    #[inline(always)]
    pub fn any(&self) -> bool {
        self.any.load(Relaxed)
    }

    /// Takes the orders. The worker's.
    pub fn take(&self) -> VecDeque<T> {
        // A look first: it is read at every tick, and hardly ever written.
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

    /// Takes the orders, and the mail behind that; `receive` is told whether there are orders. They are to be
    /// followed afterwards. The worker's.
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
    /// followed before any of it is handled. The worker's.
    ///
    /// What is taken in is taken in after the orders that were given before it. So that an order does not
    /// overtake what its giver sent before, unless that is more than a measure, mail is taken in again where
    /// an order has come meanwhile.
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
