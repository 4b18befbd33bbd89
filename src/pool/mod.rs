//! Pools: the workers on threads of their own, their transport, directory, placement by consistent hash,
//! watchdog, side threads and shutdown, with the public builder, handle and node. Users call it, and `system`
//! and `sim` reuse its parts; it reaches an actor only by calls of its worker, and never touches a shard of a
//! running worker from another thread.

mod awaited;
mod builder;
mod configure;
mod coordinated;
mod directory;
mod driver;
mod error;
mod handle;
mod node;
mod ring;
mod shared;
mod shutdown;
mod side_threads;
#[cfg(feature = "signals")]
mod signals;
mod spawn_on;
mod spin_policy;
mod time;
mod transport;
mod watchdog;

pub use self::awaited::{ShuttingDown, Spawning};
pub use self::builder::WorkerPoolBuilder;
pub use self::coordinated::{
    CoordinateError, Coordinated, CoordinatedReport, CoordinatedShutdown, HookOutcome, HookReport,
    PhaseReport,
};
pub use self::driver::WaitStrategy;
pub use self::error::StartError;
pub use self::handle::{PoolStats, WorkerPool};
pub use self::node::WorkerNode;
pub use self::ring::ConsistentHashRing;
pub use self::shared::LookupError;
pub use self::shutdown::{ShutdownError, ShutdownReport, StuckWorker};
pub use self::time::{ManualTime, TimeSource};
pub use crate::deadlock::{Waiting, WaitsFor};
pub use crate::observe::SlowHandler;
pub use crate::pool_core::{WorkerStats, dead_letters_without_pool};

pub(crate) use self::builder::{
    DEFAULT_STACK_SIZE, check_stacks, check_workers, default_blocking_threads, default_guardian,
    no_stack, write_failures, write_suspicions,
};
pub(crate) use self::configure::{Configure, run_configure};
pub(crate) use self::directory::WorkerDirectory;
pub(crate) use self::ring::points_on_ring;
pub(crate) use self::shared::PoolShared;
pub(crate) use self::side_threads::SideThreads;
pub(crate) use self::time::start_clock;
pub(crate) use self::transport::lanes;

/// What one worker shares with others, for tests that make the parts around it themselves.
#[cfg(test)]
pub(crate) fn core_of_one_worker(
    transport: impl crate::pool_core::Transport + 'static,
) -> std::sync::Arc<crate::pool_core::PoolCore> {
    use crate::pool_core::{CoreParts, register};
    let parts = CoreParts {
        name: "one worker".to_owned(),
        workers: 1,
        transport: Box::new(transport),
        directory: Box::new(WorkerDirectory::default()),
        offload: Box::new(SideThreads::new("one worker", 1)),
        on_failure: Box::new(|_| {}),
        on_suspicion: Box::new(|_| {}),
        guardian: default_guardian(),
        scopes: crate::scope::Scopes::default(),
        observers: crate::observe::Observers::default(),
        repeatable: false,
    };
    register(parts).expect("few pools are alive in a test")
}
