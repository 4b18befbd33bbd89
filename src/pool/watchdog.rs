//! The watchdog: a thread that detects and reports handlers that hold their worker for long.
//!
//! It checks periodically while the pool works. When all workers have been idle for a while it goes
//! to sleep, and the next worker that wakes up wakes it: an idle pool is not checked.

use parking_lot::Mutex;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::address::ActorId;
use crate::failure::{catch_user, drop_quietly};
use crate::observe::SlowHandler;
use crate::pool_core::{
    PoolCore, RunningHandler, WorkerActivity, look_at_handler, look_at_waiting,
};
use crate::shard::{call_observer, path_elsewhere};
use crate::shared::{Watcher, WorkFlags, watcher_of};

/// Checks within the time after which a handler is reported.
const LOOKS: u32 = 4;
/// The shortest time between two checks.
const LEAST: Duration = Duration::from_millis(1);

/// Called with every slow handler, on the watchdog's thread.
pub(super) type SlowHook = Box<dyn Fn(&SlowHandler) + Send + Sync>;

/// The watchdog of a pool. Dropping it ends it.
pub(super) struct Watchdog {
    flags: Arc<WorkFlags>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Watchdog {
    /// Starts watching for handlers that run for longer than `after`.
    pub(super) fn start(
        core: &Arc<PoolCore>,
        after: Duration,
        hook: SlowHook,
    ) -> std::io::Result<Self> {
        let watcher = watcher_of(core.activities.len());
        let flags = watcher.flags();
        let round = Round {
            seen: core
                .activities
                .iter()
                .map(|_| SeenTurn::default())
                .collect(),
            core: Arc::clone(core),
            after: after.max(LEAST),
            hook,
        };
        let thread = thread::Builder::new()
            .name(format!("{}-watchdog", core.name))
            .spawn(move || round.run(&watcher))?;
        Ok(Self {
            flags,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// The handle by which the workers report that they rest or continue.
    pub(super) fn flags(&self) -> Arc<WorkFlags> {
        Arc::clone(&self.flags)
    }

    /// Ends the watchdog, and waits for its end unless called on its own thread.
    pub(super) fn end(&self) {
        self.flags.end();
        let thread = self.thread.lock().take();
        if let Some(thread) = thread.filter(|dog| dog.thread().id() != thread::current().id()) {
            // The hook's panics are caught, and nothing else in it can panic.
            let _ = thread.join();
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.end();
    }
}

/// What was last seen of one worker.
struct SeenTurn {
    turn: u64,
    since: Instant,
    /// The running time at which the current handler is reported next.
    next: Duration,
}

impl Default for SeenTurn {
    fn default() -> Self {
        Self {
            turn: 0,
            since: Instant::now(),
            next: Duration::ZERO,
        }
    }
}

/// The watchdog's periodic check.
struct Round {
    core: Arc<PoolCore>,
    after: Duration,
    seen: Vec<SeenTurn>,
    hook: SlowHook,
}

impl Round {
    fn run(mut self, watcher: &Watcher) {
        let interval = (self.after / LOOKS).max(LEAST);
        while !watcher.has_ended() {
            if self.look() | watcher.sees_work() {
                watcher.pause(interval);
            } else {
                watcher.sleep();
            }
        }
        let _ = drop_quietly(self.hook);
    }

    /// Checks every worker. Returns whether any has made progress since the last check, or runs a
    /// handler.
    fn look(&mut self) -> bool {
        let mut works = false;
        for (worker, seen) in (0..).zip(&mut self.seen) {
            let activity = &self.core.activities[worker as usize];
            let turn = activity.turn();
            works |= turn != seen.turn || WorkerActivity::is_running(turn);
            if turn != seen.turn {
                *seen = SeenTurn {
                    turn,
                    since: Instant::now(),
                    next: self.after,
                };
            } else if WorkerActivity::is_running(turn) {
                let running_for = seen.since.elapsed();
                if running_for >= seen.next {
                    seen.next = running_for * 2;
                    tell(&self.core, worker, (turn, running_for), &self.hook);
                }
            }
        }
        works
    }
}

/// Reports the running handler, if it is still the one that was seen.
fn tell(core: &PoolCore, worker: u32, (turn, running_for): (u64, Duration), hook: &SlowHook) {
    let found = look_at_handler(&core.activities[worker as usize]);
    let Some(found) = found.filter(|found| found.turn == turn) else {
        return;
    };
    let slow = slow_handler(core, worker, &found, running_for);
    let _ = catch_user(|| hook(&slow));
    for observer in core.observers.iter() {
        call_observer(|| observer.slow_handler(&slow));
    }
}

/// The handler that is running on that worker, if there is one.
pub(super) fn running_on(
    core: &PoolCore,
    worker: u32,
    running_for: Duration,
) -> Option<SlowHandler> {
    let found = look_at_handler(&core.activities[worker as usize])?;
    Some(slow_handler(core, worker, &found, running_for))
}

fn slow_handler(
    core: &PoolCore,
    worker: u32,
    found: &RunningHandler,
    running_for: Duration,
) -> SlowHandler {
    let actor = ActorId::new(core.home(worker), found.key);
    let waiting = look_at_waiting(&core.activities[worker as usize])
        .map(|key| ActorId::new(core.home(worker), key))
        .filter(|other| *other != actor)
        .map(|other| (other, path_elsewhere(other)));
    SlowHandler {
        actor,
        path: path_elsewhere(actor),
        message_type: found.message_type,
        running_for,
        waiting: waiting.collect(),
    }
}
