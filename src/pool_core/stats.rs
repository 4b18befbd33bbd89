//! Counts that a worker publishes for other threads to read, without a request.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// What one worker has done so far, and what it holds now. A snapshot that is not atomic: the fields are
/// read one after the other while the worker runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerStats {
    /// Actors that live on it.
    pub actors: u64,
    /// Actors that were ever started on it.
    pub started: u64,
    /// Restarts of its actors that have begun.
    pub restarts: u64,
    /// Messages sent on it, mainly by its actors, to actors of the same pool.
    pub sent: u64,
    /// Messages that its actors handled, or are handling; without those that they left unhandled.
    pub handled: u64,
    /// Messages that wait in its mailboxes.
    pub queued: u64,
    /// Messages in the stashes of its actors.
    pub stashed: u64,
    /// Handlers that wait, each on a fiber.
    pub waiting: u64,
    /// Fibers, waiting, running and idle.
    pub fibers: u64,
    /// Batches that other workers published to it, and times that it received what threads outside had
    /// sent: up to 256 messages each.
    pub batches: u64,
    /// How often it went to sleep.
    pub parks: u64,
    /// The time that it has spent in its rounds, in nanoseconds: looking for work, and doing it. The rest it has
    /// slept or spun. Measured by workers with threads of their own.
    pub busy_nanos: u64,
    /// Asks of its handlers and tasks.
    pub asks: u64,
    /// Of those, how many were not answered in time.
    pub asks_timed_out: u64,
    /// How many were not answered, as the reply was dropped.
    pub asks_without_reply: u64,
    /// How many were not answered, as the actor had stopped, or its pool had ended.
    pub asks_to_stopped: u64,
    /// How many were not answered, as the actor failed.
    pub asks_to_failed: u64,
    /// How many were not admitted, as the mailbox was full.
    pub asks_to_full: u64,
    /// How many were part of a deadlock.
    pub asks_in_deadlock: u64,
    /// How many were given up by the asker.
    pub asks_given_up: u64,
    /// The largest number of bytes that were used of a fiber's stack, in whole pages of memory.
    ///
    /// A stack counts as used down to the lowest page that was ever touched on it. The worker measures its
    /// stacks when no handler is on them: before it goes to sleep, now and then while it is busy, and when
    /// it ends a fiber. So a handler that waits counts once it has returned. A page that the system has
    /// swapped out meanwhile is not seen.
    pub stack_high_water: u64,
    /// Bytes of memory in the table of its actors, which has space for the largest number of actors since
    /// it last rested.
    pub bytes_in_slots: u64,
    /// Bytes of memory that its mailboxes and the states of its actors occupy. What actors own on the heap,
    /// in a `Vec` or a `Box`, is not included.
    pub bytes_in_slabs: u64,
    /// Bytes of memory in the table of pending waits: answers, timers, timeouts.
    pub bytes_in_waits: u64,
}

macro_rules! counters {
    ($($field:ident),* $(,)?) => {
        /// The published side of [`WorkerStats`]: written by the worker, read by any thread.
        #[derive(Default)]
        pub(crate) struct WorkerCounters { $($field: AtomicU64),* }

        impl WorkerCounters {
            /// Relaxed: each field is a number of its own, and no memory is handed over.
            pub(crate) fn publish(&self, stats: WorkerStats) {
                let WorkerStats { $($field),* } = stats;
                $(self.$field.store($field, Relaxed);)*
            }

            pub(crate) fn read(&self) -> WorkerStats {
                WorkerStats { $($field: self.$field.load(Relaxed)),* }
            }
        }
    };
}

counters!(
    actors,
    started,
    restarts,
    sent,
    handled,
    queued,
    stashed,
    waiting,
    fibers,
    batches,
    parks,
    busy_nanos,
    asks,
    asks_timed_out,
    asks_without_reply,
    asks_to_stopped,
    asks_to_failed,
    asks_to_full,
    asks_in_deadlock,
    asks_given_up,
    stack_high_water,
    bytes_in_slots,
    bytes_in_slabs,
    bytes_in_waits
);
