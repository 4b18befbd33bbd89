//! Snapshots of the actors of a pool, a system or a simulation: where they are in their lives, what waits in
//! their mailboxes, what their handlers wait for.
//!
//! A snapshot stops nobody. Each worker looks at its own actors, some at a time, between the turns of others.
//! So a snapshot is not of one moment: an actor is as it was when its worker came to it.
//!
//! ```
//! use nexus_actors::inspect::{SnapshotOrder, SnapshotQuery};
//! use nexus_actors::prelude::*;
//!
//! let pool = WorkerPool::builder().workers(2).start()?;
//! let stuck = pool.spawn("stuck", Props::new(|| {
//!     Behavior::receive(|ctx, _: u32| Ok(ctx.sleep(Duration::from_secs(3600))?))
//! }))?;
//! (0..10).for_each(|number| stuck.tell(number));
//!
//! let deepest = SnapshotQuery::new().order(SnapshotOrder::Deepest).limit(3);
//! let snapshot = pool.snapshot(&deepest, Duration::from_secs(5));
//! assert!(snapshot.silent.is_empty());
//! for actor in &snapshot.actors {
//!     println!("{actor}"); // /user/stuck: running, 9 messages, waits for time to pass
//! }
//! # assert!(snapshot.actors.len() <= 1);
//! pool.shutdown(Duration::ZERO)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! This room asks the workers, and merges what they find. It changes nothing of an actor. The faces of the
//! drivers call it.

mod actor;
mod from_handlers;
mod merge;
mod query;
mod scan;
mod snapshot;
mod watch;

pub use self::actor::{ActorSnapshot, ActorStatus, CurrentMessage};
pub use self::query::{SnapshotOrder, SnapshotQuery};
pub use self::snapshot::{RunningNow, SilentWorker, Snapshot};
pub use self::watch::Watch;

pub(crate) use self::merge::{merge, snapshot_of, waiting_in};
pub(crate) use self::scan::scan;
