//! The state of shutdown that the workers of a pool share.

use parking_lot::Mutex;

use crate::address::ActorPath;
use crate::pool_core::{PoolCore, WorkerOrder};
use crate::shared::Quorum;

/// The number of forcibly stopped actors whose paths are stored. The others are only counted.
const NAMED: usize = 100;

/// The progress of a pool's workers towards their end.
#[derive(Debug, Default)]
pub(crate) struct ShutdownProgress {
    quorum: Quorum,
    state: Mutex<ShutdownState>,
}

#[derive(Debug, Default)]
struct ShutdownState {
    /// The workers that have no actors left.
    quiet: Vec<u32>,
    /// Workers that were forced to end, and whose actors have children on others.
    waiting: Vec<u32>,
    forced: u64,
    forced_actors: Vec<ActorPath>,
}

impl ShutdownProgress {
    /// Notes a worker that has no actors left, or never had any. The last one orders all of them to close.
    pub(crate) fn one_more_is_quiet(&self, core: &PoolCore, worker: u32) {
        self.state.lock().quiet.push(worker);
        if self.quorum.one_more(core.workers.len()) {
            Self::close_all(core);
        }
    }

    /// Orders every worker to close. A worker that is not quiet is forced.
    pub(crate) fn close_all(core: &PoolCore) {
        for worker in core.worker_indices() {
            core.give_order(worker, WorkerOrder::Close);
        }
    }

    /// Returns the workers that have no actors left.
    pub(crate) fn quiet(&self) -> Vec<u32> {
        self.state.lock().quiet.clone()
    }

    /// Notes a worker that is forced to end while its actors have children on other workers, for whose end they
    /// wait.
    pub(super) fn note_waiting(&self, worker: u32) {
        self.state.lock().waiting.push(worker);
    }

    /// Returns the workers whose actors may wait for the end of others.
    pub(crate) fn waiting(&self) -> Vec<u32> {
        self.state.lock().waiting.clone()
    }

    /// Notes an actor that was stopped by the deadline of a shutdown. `path` is called only if the path is
    /// stored.
    pub(super) fn note_forced(&self, path: &dyn Fn() -> ActorPath) {
        let mut state = self.state.lock();
        state.forced += 1;
        if state.forced_actors.len() < NAMED {
            let path = path();
            state.forced_actors.push(path);
        }
    }

    /// The number of actors that were stopped by the deadline of a shutdown.
    pub(crate) fn forced(&self) -> u64 {
        self.state.lock().forced
    }

    /// Returns the paths of these actors, or of the first hundred.
    pub(crate) fn forced_actors(&self) -> Vec<ActorPath> {
        self.state.lock().forced_actors.clone()
    }
}
