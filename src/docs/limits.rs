//! What is not promised, and what you may miss. This module contains only text.
//!
//! The rows are those of [`guarantees`](super::guarantees). A limit that belongs to a row is there too,
//! in its context.
//!
//! # What is not there
//!
//! What users of other actor systems may look for and will not find:
//!
//! - **Priorities** among the messages of a mailbox (row 3.5).
//! - **Metadata** in envelopes, such as a trace context.
//! - **Moving actors, other numbers of workers, other machines.** An actor stays on its worker, a pool
//!   keeps its size, and messages do not leave the process or outlive it.
//! - **Survival of a stack overflow.** It is reported (row 4.10), and ends the process. It is not
//!   reported if foreign code with frames larger than a page jumps over the guard below the stack.
//! - **Any number of handlers that wait.** Each holds a stack. If the system grants no memory for another
//!   one, the wait fails with [`WaitError::NoStack`].
//! - **Safety nets under `panic = "abort"`.** What row 4.4 and row 4.9 promise rests on unwinding, and so
//!   does the cancelling of tasks. Without it a panic ends the process, a deadline leaves handlers that
//!   wait where they are, with everything that they own, and an actor stops when its tasks have returned.
//! - **A second panic in one unwinding.** If a destructor panics while the stack of its handler unwinds,
//!   because of a panic, a forced end or a cancelled task, Rust itself ends the process.
//!
//! # Messages
//!
//! - `tell` reports nothing, and an `Ok` of `try_tell` does not say that the message will be handled
//!   (row 1.4).
//! - Messages of different senders have no order between them, with the one exception that row 1.6 names.
//! - The messages under way to a mailbox that drops the oldest are not bounded. Such a message is bounded
//!   when it arrives (row 3.1).
//! - An actor cannot wait for room in its own mailbox: that fails at once (row 3.3).
//! - A very large message needs stacks that have room for it (row 3.1).
//! - Only the last 256 dead letters are stored, and a message that a subscriber itself loses is counted
//!   without being told (row 7.1).
//! - The sum of all messages holds for a pool that has ended and none of whose workers is stuck
//!   (row 7.2).
//!
//! # Names
//!
//! - The path of an actor with a generated name is not known on other threads than its worker's, as long
//!   as it was not asked from there. Its id is available (row 1.14). For the same reason the error of an
//!   ask may name such an actor by its id alone (row 5.3).
//! - The path of an actor that has ended is known for a while only: each worker stores the paths of a
//!   thousand of them (row 1.14).
//!
//! # Asks and deadlocks
//!
//! - A handler that is quicker than the notice that its asker has given up still gets the question. A
//!   forwarded question of a thread outside the pool is looked for only where it was first sent
//!   (row 5.4).
//! - The place of a withdrawn question in a bounded mailbox is free at once only if fewer than a thousand
//!   messages are before it (row 5.4).
//! - A cycle of handlers that hold a reply and wait plainly is not certain. It is reported as suspected,
//!   and the error names it if the time-out comes (row 5.6).
//! - Waits for other futures, for several asks of which one is enough, and for work beside the workers
//!   are no part of a cycle (row 5.6).
//! - An ask that is polled by an executor that blocks the thread of a handler ends by its time (row 5.1).
//! - The threads that do blocking work are bounded in number. Work that has not begun at a shutdown's
//!   deadline is not done (row 6.4).
//!
//! # Time
//!
//! - A fixed rate skips what was missed: at most one message of a timer waits (row 6.1).
//! - The time-out of a question may count from the end of the round in which it was asked, not from the
//!   call (row 6.2).
//!
//! # Failures and ends
//!
//! - A restart loses the state and the message that failed, which is not tried again (row 4.7). This
//!   holds for top-level actors too (row 4.6).
//! - An actor started from `Once` is never restarted. Its first failure stops it, unless it is resumed
//!   (row 1.13).
//! - A worker that is stuck, in a handler that never returns, is left behind at the end of a shutdown
//!   (row 4.4, row 4.15).
//! - A shutdown may end later than its deadline, by the time that the forced end takes (row 4.15).
//! - A worker of a pool cannot wait for the shutdown of that pool (row 4.4).
//! - A system or simulation in a thread-local ends the process if its waiting handlers may have borrowed
//!   other thread-locals that its thread has destroyed. Two cases of this are not detected (row 4.16).
//! - A simulation that is dropped by a panic, or in a handler of another one, may tell parents of their
//!   end before children of other workers (row 4.17).
//!
//! # Pools, systems and simulations
//!
//! - A handler that neither waits nor calls `yield_now` holds its worker. In a pool it is reported, and
//!   in a system or a simulation it is not (row 9.3).
//! - A simulation repeats a run only if its handlers depend on nothing outside (row 9.1).
//! - A worker keeps a few MiB of the memory of a peak, and of a peak of timers as much as was taken up to
//!   the last one that is not over (row 9.5).
//!
//! [`WaitError::NoStack`]: crate::WaitError::NoStack
