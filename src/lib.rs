//! An actor system for one machine: a pool of worker threads, each of which runs its actors on
//! stackful fibers, joined by lock-free queues.
//!
//! - An actor belongs to one worker for life, so a send from that worker touches no atomic.
//! - A handler is a plain function. It may wait in the middle, for another actor or for time. Only its actor
//!   waits, and the code needs no `async`.
//! - A reference is sixteen bytes, is copied at will, and never reaches the wrong actor.
//!
//! ```
//! use nexus_actors::prelude::*;
//!
//! enum Counter {
//!     Add(i64),
//!     Get(Reply<i64>),
//! }
//!
//! fn main() -> Result<(), BoxError> {
//!     let pool = WorkerPool::builder().start()?;
//!     let counter = pool.spawn_anonymous(Props::with_state(0, |sum, _, message| match message {
//!         Counter::Add(number) => *sum += number,
//!         Counter::Get(reply) => reply.send(*sum),
//!     }))?;
//!     counter.tell(Counter::Add(5));
//!     assert_eq!(counter.ask(Counter::Get, Duration::from_secs(1)).wait()?, 5);
//!     Ok(())
//! }
//! ```
//!
//! Start with [`WorkerPool`], [`Behavior`] and [`ActorRef::ask`]. An actor is started from [`Props`], which
//! build its state anew for each restart, or from [`Once`], for a plain value that exists once. With the
//! feature `derive`, `#[derive(Message)]` generates methods from the variants of a message enum.
//!
//! [`ActorSystem`] runs the same actors on the calling thread. [`sim`] steps a whole pool by a seed, to test
//! it, and [`testkit`] has the tools with which tests observe actors. [`control`] is the protocol of an ask,
//! for custom transports. [`docs::guarantees`] lists what the library promises, row by row, and
//! [`docs::limits`] what it does not.
//!
//! # Features
//!
//! None is on by default.
//!
//! - `async`: `ActorRef::sink`, and `stream`, for the traits of the crate `futures`.
//! - `derive`: `#[derive(Message)]`.
//! - `signals`: `Coordinated::shutdown_on_signals`, for Ctrl-C and SIGTERM.
//! - `tokio`: a runtime for the futures that handlers wait for, passed to a builder with its method `tokio`.
//! - `tracing`: each handler is in its own spans, even while other handlers run. No call is needed.

#[cfg(not(unix))]
compile_error!("nexus-actors needs a Unix: its fiber stacks are mapped with mmap");

#[cfg(not(nexus_loom))]
pub mod actor;
#[cfg(not(nexus_loom))]
pub mod address;
#[cfg(not(nexus_loom))]
pub mod ask;
#[cfg(not(nexus_loom))]
mod cancel;
pub mod control;
#[cfg(not(nexus_loom))]
mod deadlock;
#[cfg(not(nexus_loom))]
pub mod docs;
#[cfg(not(nexus_loom))]
pub mod failure;
#[cfg(not(nexus_loom))]
mod fiber;
#[cfg(not(nexus_loom))]
pub mod inspect;
#[cfg(not(nexus_loom))]
mod lifecycle;
#[cfg(not(nexus_loom))]
pub mod mailbox;
mod memory;
#[cfg(not(nexus_loom))]
pub mod observe;
#[cfg(not(nexus_loom))]
pub mod pool;
#[cfg(not(nexus_loom))]
mod pool_core;
mod queue;
#[cfg(not(nexus_loom))]
pub mod routing;
#[cfg(not(nexus_loom))]
pub mod scope;
#[cfg(not(nexus_loom))]
mod self_queue;
#[cfg(not(nexus_loom))]
mod shard;
mod shared;
#[cfg(not(nexus_loom))]
pub mod sim;
#[cfg(all(feature = "async", not(nexus_loom)))]
pub mod streams;
#[cfg(not(nexus_loom))]
pub mod supervision;
#[cfg(not(nexus_loom))]
mod suspend;
mod sync;
#[cfg(not(nexus_loom))]
pub mod system;
#[cfg(not(nexus_loom))]
pub mod testkit;
#[cfg(not(nexus_loom))]
mod time;
#[cfg(not(nexus_loom))]
mod wait;
#[cfg(not(nexus_loom))]
mod worker;

#[cfg(not(nexus_loom))]
pub use crate::actor::{
    Actor, ActorRef, Behavior, Context, HandlerResult, Next, Once, Props, Recipient, Task,
};
#[cfg(not(nexus_loom))]
pub use crate::address::ActorPath;
#[cfg(not(nexus_loom))]
pub use crate::ask::{Ask, AskError, Deadline, Reply, SendError, all, first};
#[cfg(not(nexus_loom))]
pub use crate::failure::{BoxError, DeadLetterReason, Failure, SpawnError, WaitError};
#[cfg(not(nexus_loom))]
pub use crate::mailbox::{Mailbox, Overflow};
#[cfg(not(nexus_loom))]
pub use crate::pool::{LookupError, StartError, WorkerNode, WorkerPool};
#[cfg(not(nexus_loom))]
pub use crate::routing::{Group, Router, Topic};
#[cfg(not(nexus_loom))]
pub use crate::supervision::{Directive, Signal, SupervisorStrategy};
#[cfg(not(nexus_loom))]
pub use crate::system::ActorSystem;
#[cfg(all(feature = "derive", not(nexus_loom)))]
pub use nexus_actors_derive::Message;

/// What the first hour with this crate needs: `use nexus_actors::prelude::*;`. Types that one meets in the
/// path of an error, in a test, or in a later hour are imported by their names.
#[cfg(not(nexus_loom))]
pub mod prelude {
    pub use crate::{
        Actor, ActorRef, ActorSystem, Ask, AskError, Behavior, BoxError, Context, Deadline,
        Directive, Group, HandlerResult, Mailbox, Next, Once, Overflow, Props, Reply, Router,
        Signal, SupervisorStrategy, Topic, WorkerNode, WorkerPool, all, first,
    };
    #[cfg(feature = "derive")]
    pub use nexus_actors_derive::Message;
    pub use std::time::Duration;
}

/// The protocols between threads, for the model checks. Exists under `--cfg nexus_loom` only.
#[cfg(nexus_loom)]
#[doc(hidden)]
pub mod model {
    pub use crate::queue::{
        AcquireError, CAPACITY, Chain, Claim, Closed, Gate, GateOwner, Inbox, InboxReceiver,
        Ingress, Link, Looked, Mark, Node, Permit, Pushed, Reader, RecvError, WaitQueue, inbox,
        ingress, once, oneshot,
    };
    pub use crate::shared::{
        Activity, ActivityMark, Cancellations, ControlQueue, Jobs, Numbered, Quorum, RetainedMap,
        Table, TableGuard, Watcher, Woken, WorkFlags, watcher_of,
    };
    pub use crate::sync::{Mutant, with_mutant};
}

/// The named mutants, for the swarm. Exists under `--cfg nexus_mutants` only.
#[cfg(all(nexus_mutants, not(nexus_loom)))]
#[doc(hidden)]
pub mod mutants {
    pub use crate::sync::{Mutant, with_mutant};
}

/// The program in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
