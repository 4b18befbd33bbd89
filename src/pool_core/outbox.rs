//! The outboxes of one worker: parcels that gather for other workers until they are published.

#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::batch::{Batch, FROM_OUTSIDE, SEGMENT_BYTES, SIZES, WORKER_BATCH_WORDS};
use super::core::PoolCore;
use super::entry::Last;
use super::payload::Payload;
use crate::address::{Envelope, Key, MessageCause, MessageId};
use crate::failure::DeadLetterReason;
use crate::sync::{Mutant, is_mutated};

/// Emptied batches that a worker keeps for its own use.
const SPARE_BATCHES: usize = 4;

/// An open batch for each other worker, if there is anything for it.
pub(crate) struct Outboxes {
    core: Arc<PoolCore>,
    worker: u32,
    open: Box<[Open]>,
    /// The workers for which a batch was opened.
    unflushed: RefCell<Vec<u32>>,
    /// Whether there may be any.
    gathers: Cell<bool>,
    /// Emptied batches of other workers, the most recent one last: its memory is in this core's cache, and
    /// an answer goes back in the batch that brought the question.
    spare: RefCell<Vec<Batch>>,
    /// A batch that [`Mutant::BatchesReordered`] keeps for later.
    held_back: Cell<Option<(u32, Batch)>>,
}

/// What is being filled for one worker.
#[derive(Default)]
struct Open {
    batch: Cell<Option<Batch>>,
    /// The size of the next batch: one more after a full batch, one less after the publication of one that
    /// a smaller batch could have held.
    size: Cell<usize>,
    /// What was said of the last entry. It is no part of the batch: nothing reads it there, and it would be
    /// carried back and forth.
    last: Last,
}

impl Outboxes {
    /// Creates the outboxes of that worker.
    pub(crate) fn new(core: Arc<PoolCore>, worker: u32) -> Self {
        let open = core.worker_indices().map(|_| Open::default()).collect();
        Self {
            core,
            worker,
            open,
            unflushed: RefCell::default(),
            gathers: Cell::new(false),
            spare: RefCell::new(Vec::with_capacity(SPARE_BATCHES)),
            held_back: Cell::new(None),
        }
    }

    /// Sends a parcel to another worker of this pool, with the next flush.
    pub(crate) fn send<P: Payload>(&self, worker: u32, to: Key, envelope: Envelope, parcel: P) {
        let open = &self.open[worker as usize];
        let mut batch = self.open_batch(worker);
        let mut left = parcel;
        while let Err(parcel) = batch.try_push(&open.last, to, envelope, left) {
            left = parcel;
            batch = self.next_batch(worker, batch);
        }
        open.batch.set(Some(batch));
    }

    /// Reserves the place of a parcel to another worker, which goes with the next flush.
    ///
    /// # Safety
    ///
    /// As for [`Batch::push_place`].
    pub(crate) unsafe fn place<P: Payload>(
        &self,
        worker: u32,
        to: Key,
        cause: MessageCause,
        message: MessageId,
    ) -> *mut P {
        let open = &self.open[worker as usize];
        // SAFETY: one thread uses an outbox, and nothing else runs while this code reads and writes it; the
        // rest is the caller's promise.
        unsafe {
            let Some(batch) = &mut *open.batch.as_ptr() else {
                return self.place_first(worker, to, cause, message);
            };
            let place = batch.push_place(&open.last, to, cause, message);
            place.unwrap_or_else(|| self.place_in_next(worker, to, cause, message))
        }
    }

    /// # Safety
    ///
    /// As for [`place`](Self::place).
    #[inline(always)]
    unsafe fn place_first<P: Payload>(
        &self,
        worker: u32,
        to: Key,
        cause: MessageCause,
        message: MessageId,
    ) -> *mut P {
        let open = &self.open[worker as usize];
        self.begin_unflushed(worker);
        let mut batch = self.empty_batch(worker);
        // SAFETY: the caller's promises; any parcel that fits has space in an empty batch.
        let place = unsafe { batch.push_first_place(&open.last, to, cause, message) };
        open.batch.set(Some(batch));
        place
    }

    /// # Safety
    ///
    /// As for [`place`](Self::place).
    #[inline(never)]
    unsafe fn place_in_next<P: Payload>(
        &self,
        worker: u32,
        to: Key,
        cause: MessageCause,
        message: MessageId,
    ) -> *mut P {
        let open = &self.open[worker as usize];
        let mut batch = self.open_batch(worker);
        loop {
            // SAFETY: the caller's promises.
            if let Some(place) = unsafe { batch.push_place(&open.last, to, cause, message) } {
                open.batch.set(Some(batch));
                return place;
            }
            batch = self.next_batch(worker, batch);
        }
    }

    fn begin_unflushed(&self, worker: u32) {
        self.unflushed.borrow_mut().push(worker);
        self.gathers.set(true);
    }

    fn open_batch(&self, worker: u32) -> Batch {
        self.open[worker as usize].batch.take().unwrap_or_else(|| {
            self.begin_unflushed(worker);
            self.empty_batch(worker)
        })
    }

    #[cold]
    fn next_batch(&self, worker: u32, full: Batch) -> Batch {
        let size = &self.open[worker as usize].size;
        size.set((size.get() + 1).min(SIZES.len() - 1));
        if is_mutated(Mutant::BatchesReordered) {
            if let Some(held) = self.held_back.replace(Some((worker, full))) {
                self.publish(held.0, held.1);
            }
            return self.empty_batch(worker);
        }
        self.publish(worker, full);
        // If it was refused, destructors of its messages may have begun another batch, or flushed.
        let begun = self.open[worker as usize].batch.take();
        if begun.is_none() && !self.unflushed.borrow().contains(&worker) {
            self.begin_unflushed(worker);
        }
        begun.unwrap_or_else(|| self.empty_batch(worker))
    }

    fn empty_batch(&self, to: u32) -> Batch {
        let open = &self.open[to as usize];
        open.last.forget();
        if let Some(size) = open.size.get().checked_sub(1)
            && let Some(segment) = self.core.segments[size].take()
        {
            return Batch::in_segment(self.worker, segment, SEGMENT_BYTES[size]);
        }
        let spare = self.spare.borrow_mut().pop();
        let reused = spare.or_else(|| self.core.transport.reuse(self.worker));
        reused.unwrap_or_else(|| Batch::new(self.worker, WORKER_BATCH_WORDS))
    }

    /// Keeps an emptied batch, or returns it to the worker that filled it, or to the pool's store.
    pub(crate) fn recycle(&self, batch: Batch) {
        let mut batch = match batch.into_segment() {
            Ok((size, segment)) => return self.core.segments[size].give_back(segment),
            Err(small) => small,
        };
        let mut spare = self.spare.borrow_mut();
        if spare.len() < SPARE_BATCHES && batch.origin() != FROM_OUTSIDE {
            batch.set_origin(self.worker);
            spare.push(batch);
        } else {
            drop(spare);
            self.core.transport.recycle(batch);
        }
    }

    fn publish(&self, worker: u32, batch: Batch) {
        if let Err(refused) = self.core.transport.send(worker, batch) {
            refused.bounce(
                self.core.as_pool(),
                self.core.home(worker),
                DeadLetterReason::PoolClosed,
            );
        }
    }

    /// Publishes what has gathered.
    #[inline]
    pub(crate) fn flush(&self) {
        if self.gathers.get() {
            self.flush_all();
        }
    }

    fn flush_all(&self) {
        // One at a time: bouncing a batch drops messages, whose destructors may send.
        loop {
            let Some(worker) = self.unflushed.borrow_mut().pop() else {
                return self.gathers.set(false);
            };
            let open = &self.open[worker as usize];
            if let Some(batch) = open.batch.take() {
                if let Some(smaller) = open.size.get().checked_sub(1)
                    && batch.filled() <= SIZES[smaller]
                {
                    open.size.set(smaller);
                }
                self.publish(worker, batch);
            }
            if let Some((worker, batch)) = self.held_back.take() {
                self.publish(worker, batch);
            }
        }
    }
}
