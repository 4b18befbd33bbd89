//! Actors: references, behaviours, mailboxes, and the life of an actor on its worker.
//!
//! Everything here runs on one thread at a time, the owning worker's, but for a few values that
//! travel: references, batches, and the shared [`core`] of a pool.

mod batch;
mod beat;
mod behavior;
mod body;
mod bound;
mod bounded;
mod context;
pub(crate) mod core;
mod counts;
mod current;
mod dead_letter;
mod directory;
mod envelope;
mod failure;
mod fate;
mod gates;
mod id;
mod kept;
pub(crate) mod lifecycle;
mod mailbox;
mod observer;
mod offload;
mod outbox;
mod overflow;
mod path;
mod props;
mod queueing;
mod recipient;
mod reference;
mod run_queue;
mod shard;
mod slot;
mod stash;
mod stats;
mod timers;
mod transport;
mod unwind;
mod verdict;
mod waiting;
mod waits;

pub use self::behavior::{Actor, Behavior, HandlerResult, IntoNext, Next, Signal};
pub use self::bound::{Mailbox, MailboxError, Overflow};
pub use self::context::{Context, WaitError};
pub use self::core::dead_letters_without_pool;
pub use self::dead_letter::{DeadLetter, DeadLetterReason, DeadLetters, Subscription};
pub use self::envelope::Envelope;
pub use self::failure::{BoxError, Cause, Failure, Stage, SupervisorStrategy};
pub use self::id::{ActorId, MessageId};
pub use self::lifecycle::{SpawnError, TerminationReason};
pub use self::path::{ActorPath, NameError, PathError, validate_name};
pub use self::props::Props;
pub use self::recipient::Recipient;
pub use self::reference::{ActorRef, TellError};
pub use self::stash::StashError;
pub use self::stats::WorkerStats;
pub use self::timers::{TimerKey, Timers};
pub use self::waiting::{Waiting, WaitsFor};

pub(crate) use self::batch::{Batch, FROM_OUTSIDE, Parcel};
pub(crate) use self::beat::Beat;
pub(crate) use self::current::{enter, with_current};
pub(crate) use self::directory::{Directory, DirectoryEntry};
pub(crate) use self::fate::{End, Marks, drop_with_fate, fate_of_dropped_reply};
pub(crate) use self::gates::{Door, Room, RoomFreed, dispatch};
pub(crate) use self::id::{Home, Key};
pub(crate) use self::observer::{Intervention, Observer};
pub(crate) use self::offload::{Job, Offload};
pub(crate) use self::queueing::{give_up, wait_for_room};
pub(crate) use self::run_queue::Due;
pub(crate) use self::shard::{Order, Shard, Task};
pub(crate) use self::transport::{Source, Transport};
pub(crate) use self::unwind::{AbortOnPanic, Unwound, catch_user, drop_quietly};
pub(crate) use self::waiting::{name_targets, waiting_on};
