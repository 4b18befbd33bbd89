//! A one-shot slot for a thread that waits: one value, one sender, one receiver.
//!
//! The first terminal event wins, and it is one transition of one word:
//!
//! | word      | meaning                              | send             | drop the sender  | wait        | time-out | drop the receiver |
//! |-----------|--------------------------------------|------------------|------------------|-------------|----------|-------------------|
//! | `EMPTY`   | no value, nobody parked              | → `FULL`         | → `CLOSED`       | → `WAITING` | → `GONE` | → `GONE`          |
//! | `WAITING` | no value, the receiver parks         | → `FULL`, wake   | → `CLOSED`, wake | –           | → `GONE` | –                 |
//! | `FULL`    | the value lies in its cell           | –                | –                | take it     | take it  | drop it           |
//! | `CLOSED`  | the sender went without sending      | –                | –                | error       | error    | –                 |
//! | `GONE`    | the receiver went without receiving  | value given back | –                | –           | –        | –                 |
//!
//! A dash stands for what cannot happen, or changes nothing that anybody looks at: the sender
//! swaps without looking first, and so may write over `GONE`, which the receiver, being gone, does
//! not read again. A receiver on whose thread [`Receiver::recv`] waits is not dropped. One that a task
//! polls takes the waiter's cell back before it does anything else: `WAITING` to `EMPTY`, which
//! succeeds only if nobody has swapped `WAITING` out.
//!
//! **No lost wake-up.** Whoever swaps `WAITING` out unparks, and a thread's token outlasts the time
//! until it parks. A token proves nothing, though. It may be an earlier waker's, who was late, or
//! the user's own; so the receiver looks at the word after every sleep. In turn, a waker that is
//! late here leaves its token to whatever the thread waits for next, as [`std::thread::park`] warns.
//!
//! **Orderings.** The value is written before the swap to `FULL` (release) and read after `FULL`
//! was seen (acquire), wherever it may be seen: a sleep may end before the sender has unparked. The
//! parked thread's handle is written before the exchange to `WAITING` (release) and read by
//! whoever swaps `WAITING` out (acquire). `GONE` hands over nothing, and is relaxed; what then
//! still lies in the cells is freed with the slot, which its `Arc` orders after all else. Checked by
//! `loom-tests/tests/oneshot.rs`.

#![allow(unsafe_code)]

use crate::sync::{Arc, AtomicU8, Mutant, UnsafeCell, is_mutated, ordering, thread};
use std::mem::MaybeUninit;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// How long [`Receiver::look_for_a_while`] does.
const A_WHILE: Duration = Duration::from_micros(20);

/// Looks between two looks at the clock.
const LOOKS: u32 = 64;

const EMPTY: u8 = 0;
const WAITING: u8 = 1;
const FULL: u8 = 2;
const CLOSED: u8 = 3;
const GONE: u8 = 4;

struct Slot<T> {
    word: AtomicU8,
    value: UnsafeCell<MaybeUninit<T>>,
    waiter: UnsafeCell<Option<Waiter>>,
}

/// Who is to be woken.
enum Waiter {
    Thread(thread::Thread),
    Task(Waker),
}

// SAFETY: the word says who may touch which cell (see the table above): the value belongs to the
// sender until `FULL`, then to the receiver (or, where the sender swapped `GONE` out, to the
// sender still); the waiter's handle belongs to the receiver until `WAITING`, then to the sender
// if that swaps `WAITING` out, and otherwise to nobody until the slot is freed. So a `T` only
// ever moves from one thread to another.
unsafe impl<T: Send> Send for Slot<T> {}
// SAFETY: as for `Send`: no `&T` is ever given out.
unsafe impl<T: Send> Sync for Slot<T> {}

/// The half that sends at most one value.
pub struct Sender<T> {
    slot: Option<Arc<Slot<T>>>,
}

/// The half that receives at most one value.
pub struct Receiver<T> {
    slot: Arc<Slot<T>>,
    done: bool,
}

/// Why nothing was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecvError {
    /// The sender was dropped without sending.
    Closed,
    /// The time was over; a value that comes later is given back to its sender.
    Timeout,
}

/// Makes a slot.
pub fn oneshot<T>() -> (Sender<T>, Receiver<T>) {
    let slot = Arc::new(Slot {
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
    /// Gives the value back when the receiver has gone.
    pub fn send(mut self, value: T) -> Result<(), T> {
        let Some(slot) = self.slot.take() else {
            return Err(value);
        };
        // SAFETY: before `FULL` the value's cell belongs to the sender.
        slot.value
            .with_mut(|place| unsafe { (*place).write(value) });
        // Release hands the value over to `take`; acquire takes over the waiter's handle.
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
    /// Whether the receiver has gone, so that a value would be given back.
    pub fn is_unwanted(&self) -> bool {
        // Relaxed: the answer hands nothing over.
        let word = self.slot.as_ref().map(|slot| slot.word.load(Relaxed));
        word.is_none_or(|word| word == GONE)
    }
}

fn wake<T>(slot: &Slot<T>) {
    // SAFETY: `WAITING` was swapped out by the caller with acquire, so the receiver wrote its
    // handle before and will not touch the cell again.
    let waiter = slot.waiter.with_mut(|place| unsafe { (*place).take() });
    match waiter {
        Some(Waiter::Thread(thread)) => thread.unpark(),
        Some(Waiter::Task(waker)) => waker.wake(),
        None => {}
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let Some(slot) = self.slot.take() else { return };
        // Acquire takes over the waiter's handle. Where this swaps `GONE` out, nobody is left to
        // look at the word.
        if slot.word.swap(CLOSED, Acquire) == WAITING {
            wake(&slot);
        }
    }
}

impl<T> Receiver<T> {
    /// Waits for the value, until `deadline` where there is one.
    ///
    /// # Errors
    ///
    /// [`RecvError::Closed`] as soon as the sender is dropped, [`RecvError::Timeout`] at the
    /// deadline. Either is final.
    pub fn recv(mut self, deadline: Option<Instant>) -> Result<T, RecvError> {
        let mut word = if is_mutated(Mutant::OneshotWaitUnclaimed) {
            self.slot.word.load(Acquire)
        } else {
            self.reclaim()
        };
        if word == EMPTY {
            word = self.announce(Waiter::Thread(thread::current()));
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

    /// Returns as soon as the outcome is there, or after about as long as it takes to wake a thread:
    /// whoever answers at once need not do that then.
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
            // Whoever is to answer may need this core for that.
            std::thread::yield_now();
        }
    }

    /// Looks for the value, and has the task woken when it is there.
    ///
    /// # Errors
    ///
    /// [`RecvError::Closed`], as [`recv`](Self::recv).
    ///
    /// # Panics
    ///
    /// When it is called again after the outcome.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, RecvError>> {
        assert!(!self.done, "the outcome has been taken");
        if is_mutated(Mutant::OneshotWakerKept) && self.slot.word.load(Acquire) == WAITING {
            return Poll::Pending;
        }
        let mut word = self.reclaim();
        if word == EMPTY {
            word = self.announce(Waiter::Task(cx.waker().clone()));
        }
        if word == WAITING {
            return Poll::Pending;
        }
        Poll::Ready(self.finish(word))
    }

    /// Whether the outcome is there.
    pub fn has_ended(&self) -> bool {
        // Relaxed: the answer hands nothing over.
        self.done || matches!(self.slot.word.load(Relaxed), FULL | CLOSED)
    }

    /// Takes the waiter's cell back, where it was handed over.
    fn reclaim(&mut self) -> u8 {
        if is_mutated(Mutant::OneshotAnnouncedTwice) {
            let word = self.slot.word.load(Acquire);
            return if word == WAITING { EMPTY } else { word };
        }
        // Acquire, either way: on failure it takes over the value.
        let back = self
            .slot
            .word
            .compare_exchange(WAITING, EMPTY, Acquire, Acquire);
        back.map_or_else(|word| word, |_| EMPTY)
    }

    /// Hands over who is to be woken.
    fn announce(&mut self, waiter: Waiter) -> u8 {
        // SAFETY: before `WAITING` the handle's cell belongs to the receiver.
        self.slot
            .waiter
            .with_mut(|place| unsafe { *place = Some(waiter) });
        // Release hands the handle over; acquire on failure takes over the value.
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

    /// Leaves, unless the outcome comes first: it is taken after all then.
    fn shut(&mut self, from: u8) -> Result<T, RecvError> {
        // Acquire on failure takes over the value.
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
            // keeps it from being read again.
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
        // A task that was polled may have left its waker: the cell is taken back first.
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
