//! TODO

mod batch;
mod bounded;
pub(crate) mod core;
mod counts;
mod directory;
mod entry;
mod known_paths;
mod name_waiters;
mod observer;
mod offload;
mod orders;
mod outbox;
mod payload;
mod ports;
mod posted;
mod registry;
mod running_handler;
mod stats;
mod transport;
pub(crate) use self::batch::{Batch, FROM_OUTSIDE};
pub(crate) use self::bounded::BoundedMailbox;
pub(crate) use self::bounded::MailPermit;
pub(crate) use self::core::{CoreParts, FailureHook, PoolCore, SuspicionHook};
pub(crate) use self::counts::Counts;
pub(crate) use self::directory::Directory;
pub(crate) use self::directory::DirectoryEntry;
pub(crate) use self::directory::NamePhase;
pub(crate) use self::known_paths::KnownActors;
pub(crate) use self::name_waiters::Heard;
pub(crate) use self::name_waiters::NameLookup;
pub(crate) use self::observer::{Intervention, Observer};
pub(crate) use self::offload::Offload;
pub(crate) use self::offload::OffloadJob;
pub(crate) use self::orders::{ActorOrder, WorkerOrder};
pub(crate) use self::outbox::Outboxes;
pub(crate) use self::payload::Payload;
pub(crate) use self::payload::PayloadReceiver;
pub(crate) use self::payload::PoolReturn;
pub(crate) use self::payload::fits;
pub(crate) use self::ports::{
    Ports, envelope_from_outside, last_post_has_woken, tell_again, tell_all_again,
};
pub(crate) use self::posted::{Mail, Posts};
pub use self::registry::dead_letters_without_pool;
pub(crate) use self::registry::{find, last_message_from_outside, register, unregister};
pub(crate) use self::running_handler::RunningTurn;
pub(crate) use self::running_handler::WorkerActivity;
pub(crate) use self::running_handler::{
    RunningHandler, last_handler, look_at_handler, look_at_waiting,
};
pub use self::stats::WorkerStats;
pub(crate) use self::transport::{Source, Transport};
