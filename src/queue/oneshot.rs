//! A one-shot slot for a thread that waits: one value, one sender, one receiver.
//!
//! The first terminal event wins, and it is one transition of one word:
//!
//! | word      | meaning                              | send             | drop the sender  | wait        | time-out | drop the receiver |
//! |-----------|--------------------------------------|------------------|------------------|-------------|----------|-------------------|
//! | `EMPTY`   | no value, no thread parked           | → `FULL`         | → `CLOSED`       | → `WAITING` | → `GONE` | → `GONE`          |
//! | `WAITING` | no value, the receiver parks         | → `FULL`, wake   | → `CLOSED`, wake | –           | → `GONE` | –                 |
//! | `FULL`    | the value lies in its cell           | –                | –                | take it     | take it  | drop it           |
//! | `CLOSED`  | the sender left without sending      | –                | –                | error       | error    | –                 |
//! | `GONE`    | the receiver left without receiving  | value returned   | –                | –           | –        | –                 |
//!
//! A dash stands for what cannot happen, or for a change that is never read: the sender swaps without
//! looking first, so it may overwrite `GONE`, which the receiver, being gone, does not read again. A
//! receiver is not dropped while [`Receiver::recv`] waits on it. A receiver that a task polls first
//! takes the waiter's cell back: `WAITING` to `EMPTY`, which succeeds only if the sender has not
//! swapped `WAITING` out.
//!
//! **No lost wake-up.** The sender that swaps `WAITING` out unparks the receiver, and a thread's token
//! stays until the thread parks. A token proves nothing, though. It may come from an earlier waker
//! that was late, or from the user's own code; so the receiver reads the word after every sleep. In
//! turn, a waker that is late here leaves its token to the thread's next wait, as
//! [`std::thread::park`] warns.
//!
//! **Orderings.** The value is written before the swap to `FULL` (release) and read after `FULL` was
//! seen (acquire), at every place that may see it: a sleep may end before the sender has unparked. The
//! parked thread's handle is written before the exchange to `WAITING` (release) and read by the swap
//! that takes `WAITING` out (acquire). `GONE` hands over nothing, and is relaxed; what is left in the
//! cells then is freed with the slot, which its `Arc` orders after all else. Checked by
//! `loom-tests/tests/oneshot.rs`.

#![allow(unsafe_code)]

use crate::sync::{Arc, AtomicU8, Mutant, UnsafeCell, is_mutated, ordering, thread};
use std::mem::MaybeUninit;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// How long [`Receiver::look_for_a_while`] spins.
const A_WHILE: Duration = Duration::from_micros(20);

/// Reads of the word between two reads of the clock.
const LOOKS: u32 = 64;

const EMPTY: u8 = 0;
const WAITING: u8 = 1;
const FULL: u8 = 2;
const CLOSED: u8 = 3;
const GONE: u8 = 4;

struct OneshotCell<T> {
    word: AtomicU8,
    value: UnsafeCell<MaybeUninit<T>>,
    waiter: UnsafeCell<Option<OneshotWaiter>>,
}

/// What the sender wakes.
enum OneshotWaiter {
    Thread(thread::Thread),
    Task(Waker),
}

// SAFETY: the word says which half may touch which cell (see the table above). The value belongs to
// the sender until `FULL`, then to the receiver; if the sender swapped `GONE` out, it still belongs to
// the sender. The waiter's handle belongs to the receiver until `WAITING`, then to the sender if that
// swaps `WAITING` out, and otherwise to neither until the slot is freed. So a `T` only ever moves from
// one thread to another.
unsafe impl<T: Send> Send for OneshotCell<T> {}
// SAFETY: as for `Send`: no `&T` is ever handed out.
unsafe impl<T: Send> Sync for OneshotCell<T> {}

/// The sending half, for at most one value.
pub struct Sender<T> {
    slot: Option<Arc<OneshotCell<T>>>,
}

/// The receiving half, for at most one value.
pub struct Receiver<T> {
    slot: Arc<OneshotCell<T>>,
    done: bool,
}

/// Why nothing was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecvError {
    /// The sender was dropped without sending.
    Closed,
    /// The deadline passed. A value that comes later is returned to its sender.
    Timeout,
}

/// Makes a slot.
pub fn oneshot<T>() -> (Sender<T>, Receiver<T>) {
    let slot = Arc::new(OneshotCell {
        word: AtomicU8::new(EMPTY),
        value: UnsafeCell::new(MaybeUninit::uninit()),
        waiter: UnsafeCell::new(None),
    });
    (
        Sender {
            slot: Some(slot.clone()),
        },
        Receiver { slot, done: false },
    )
}

impl<T> Sender<T> {
    /// Sends the value.
    ///
    /// # Errors
    ///
    /// Returns the value if the receiver is gone.
    pub fn send(mut self, value: T) -> Result<(), T> {
        let Some(slot) = self.slot.take() else {
            return Err(value);
        };
        // SAFETY: before `FULL` the value's cell belongs to the sender.
        slot.value
            .with_mut(|place| unsafe { (*place).write(value) });
        // Release hands the value over to `finish`; acquire takes the waiter's handle over.
        match slot
            .word
            .swap(FULL, ordering(AcqRel, Mutant::OneshotPublishRelaxed))
        {
            GONE => {
                // SAFETY: the receiver has gone, so the cell is still the sender's, and full.
                Err(slot
                    .value
                    .with(|place| unsafe { (*place).assume_init_read() }))
            }
            WAITING => {
                if !is_mutated(Mutant::OneshotSendWithoutWaking) {
                    wake(&slot);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl<T> Sender<T> {
    /// Whether the receiver is gone, so that a value would be returned.
    pub fn is_unwanted(&self) -> bool {
        // Relaxed: the result hands nothing over.
        let word = self.slot.as_ref().map(|slot| slot.word.load(Relaxed));
        word.is_none_or(|word| word == GONE)
    }
}

fn wake<T>(slot: &OneshotCell<T>) {
    // SAFETY: the caller swapped `WAITING` out with acquire, so the receiver wrote its handle before
    // and will not touch the cell again.
    let waiter = slot.waiter.with_mut(|place| unsafe { (*place).take() });
    match waiter {
        Some(OneshotWaiter::Thread(thread)) => thread.unpark(),
        Some(OneshotWaiter::Task(waker)) => waker.wake(),
        None => {}
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let Some(slot) = self.slot.take() else { return };
        // Acquire takes the waiter's handle over. If this swaps `GONE` out, the word is not read
        // again.
        if slot.word.swap(CLOSED, Acquire) == WAITING {
            wake(&slot);
        }
    }
}

impl<T> Receiver<T> {
    /// Waits for the value, until `deadline` if there is one.
    ///
    /// # Errors
    ///
    /// [`RecvError::Closed`] as soon as the sender is dropped, [`RecvError::Timeout`] at the deadline.
    /// Both are final.
    pub fn recv(mut self, deadline: Option<Instant>) -> Result<T, RecvError> {
        let mut word = if is_mutated(Mutant::OneshotWaitUnclaimed) {
            self.slot.word.load(Acquire)
        } else {
            self.reclaim()
        };
        if word == EMPTY {
            word = self.announce(OneshotWaiter::Thread(thread::current()));
        }
        while word == WAITING {
            let Some(left) = time_left(deadline) else {
                return self.give_up();
            };
            match left {
                None => thread::park(),
                Some(left) => thread::park_timeout(left),
            }
            word = self.slot.word.load(Acquire);
        }
        self.finish(word)
    }

    /// Spins until the outcome is there, or for about as long as it takes to wake a thread. A sender
    /// that replies at once then need not wake one.
    pub fn look_for_a_while(&self, deadline: Option<Instant>) {
        let by = Instant::now() + A_WHILE;
        let by = deadline.map_or(by, |deadline| deadline.min(by));
        loop {
            for _ in 0..LOOKS {
                if self.has_ended() {
                    return;
                }
                std::hint::spin_loop();
            }
            if Instant::now() >= by {
                return;
            }
            // The replying thread may need this core.
            std::thread::yield_now();
        }
    }

    /// Checks for the value, and has the task woken when it is there.
    ///
    /// # Errors
    ///
    /// [`RecvError::Closed`], as [`recv`](Self::recv).
    ///
    /// # Panics
    ///
    /// If it is called again after the outcome was returned.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, RecvError>> {
        assert!(!self.done, "polled after completion");
        if is_mutated(Mutant::OneshotWakerKept) && self.slot.word.load(Acquire) == WAITING {
            return Poll::Pending;
        }
        let mut word = self.reclaim();
        if word == EMPTY {
            word = self.announce(OneshotWaiter::Task(cx.waker().clone()));
        }
        if word == WAITING {
            return Poll::Pending;
        }
        Poll::Ready(self.finish(word))
    }

    /// Whether the outcome is there.
    pub fn has_ended(&self) -> bool {
        // Relaxed: the result hands nothing over.
        self.done || matches!(self.slot.word.load(Relaxed), FULL | CLOSED)
    }

    /// Takes the waiter's cell back if it was handed over.
    fn reclaim(&mut self) -> u8 {
        if is_mutated(Mutant::OneshotAnnouncedTwice) {
            let word = self.slot.word.load(Acquire);
            return if word == WAITING { EMPTY } else { word };
        }
        // Acquire in both cases: on failure it takes the value over.
        let back = self
            .slot
            .word
            .compare_exchange(WAITING, EMPTY, Acquire, Acquire);
        back.map_or_else(|word| word, |_| EMPTY)
    }

    /// Hands over what the sender is to wake.
    fn announce(&mut self, waiter: OneshotWaiter) -> u8 {
        // SAFETY: before `WAITING` the handle's cell belongs to the receiver.
        self.slot
            .waiter
            .with_mut(|place| unsafe { *place = Some(waiter) });
        // Release hands the handle over; acquire on failure takes the value over.
        let announced = self
            .slot
            .word
            .compare_exchange(EMPTY, WAITING, Release, Acquire);
        announced.map_or_else(|word| word, |_| WAITING)
    }

    /// Stops waiting, as at a deadline.
    ///
    /// # Errors
    ///
    /// [`RecvError::Timeout`], unless the outcome was there first.
    pub fn give_up_polling(mut self) -> Result<T, RecvError> {
        match self.reclaim() {
            EMPTY => self.shut(EMPTY),
            word => self.finish(word),
        }
    }

    fn give_up(mut self) -> Result<T, RecvError> {
        if is_mutated(Mutant::OneshotTimeoutByStore) {
            self.slot.word.store(GONE, Release);
            self.done = true;
            return Err(RecvError::Timeout);
        }
        self.shut(WAITING)
    }

    /// Marks the receiver as gone. If the outcome comes first, takes the outcome instead.
    fn shut(&mut self, from: u8) -> Result<T, RecvError> {
        // Acquire on failure takes the value over.
        match self
            .slot
            .word
            .compare_exchange(from, GONE, Relaxed, Acquire)
        {
            Ok(_) => {
                self.done = true;
                Err(RecvError::Timeout)
            }
            Err(word) => self.finish(word),
        }
    }

    fn finish(&mut self, word: u8) -> Result<T, RecvError> {
        self.done = true;
        if word == FULL {
            // SAFETY: `FULL` was read with acquire, so the value is written and now ours; `done`
            // prevents a second read.
            Ok(self
                .slot
                .value
                .with(|place| unsafe { (*place).assume_init_read() }))
        } else {
            Err(RecvError::Closed)
        }
    }
}

/// `None`: no time is left. `Some(None)`: there is no deadline.
fn time_left(deadline: Option<Instant>) -> Option<Option<Duration>> {
    let Some(deadline) = deadline else {
        return Some(None);
    };
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        None
    } else {
        Some(Some(left))
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        // A polled task may have left its waker: the cell is taken back first.
        let _ = self.reclaim();
        // Acquire: a value that came first is dropped here, by its last owner.
        if self
            .slot
            .word
            .compare_exchange(EMPTY, GONE, Relaxed, Acquire)
            == Err(FULL)
        {
            // SAFETY: as in `finish`.
            drop(
                self.slot
                    .value
                    .with(|place| unsafe { (*place).assume_init_read() }),
            );
        }
    }
}
