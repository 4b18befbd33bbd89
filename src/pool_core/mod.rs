//! What the workers of a pool share, and how a payload travels between threads: the core of a pool and the
//! registry of pools, batches, outboxes and the ports of threads outside, the counts, and the traits that a
//! driver implements. Every room from [`shard`](crate::shard) upward may use it; it never opens what it
//! carries, as a payload is unpacked by the shard that receives it, and it starts no thread and reads no
//! clock.
//!
//! The seams are [`Transport`] and [`Source`] (how mail travels), [`Directory`] (which actor has which name),
//! [`Offload`] (who runs blocking work) and [`Tracer`] (who sees a message before it is handled, and may inject
//! a fault). Threads implement the first three in `pool`; the simulation implements all four.

mod batch;
mod bounded;
mod contexts;
pub(crate) mod core;
mod counts;
mod directory;
mod entry;
mod known_paths;
mod name_waiters;
mod offload;
mod orders;
mod outbox;
mod payload;
mod ports;
mod posted;
mod registry;
mod running_handler;
mod stats;
mod tracer;
mod transport;

pub use self::registry::dead_letters_without_pool;
pub use self::stats::WorkerStats;

pub(crate) use self::batch::{Batch, FROM_OUTSIDE};
pub(crate) use self::bounded::{BoundedMailbox, MailPermit};
pub(crate) use self::contexts::keep_context;
pub(crate) use self::core::{CoreParts, FailureHook, PoolCore, SuspicionHook};
pub(crate) use self::counts::Counts;
pub(crate) use self::directory::{Directory, DirectoryEntry, NamePhase};
pub(crate) use self::known_paths::KnownActors;
pub(crate) use self::name_waiters::{Heard, NameLookup};
pub(crate) use self::offload::{Offload, OffloadJob};
pub(crate) use self::orders::{ActorOrder, WorkerOrder};
pub(crate) use self::outbox::Outboxes;
pub(crate) use self::payload::{Payload, PayloadReceiver, PoolReturn, fits};
pub(crate) use self::ports::{
    Ports, envelope_from_outside, last_post_has_woken, tell_again, tell_all_again,
};
pub(crate) use self::posted::{Mail, Posts};
pub(crate) use self::registry::{find, last_message_from_outside, register, unregister};
pub(crate) use self::running_handler::{
    RunningHandler, RunningTurn, WorkerActivity, last_handler, look_at_handler, look_at_waiting,
};
pub(crate) use self::tracer::{Intervention, Tracer};
pub(crate) use self::transport::{Source, Transport};
