//! The watchdog: a thread that looks which handlers hold their worker for long, and tells of them.
//!
//! It looks now and then while the pool works. When all workers have been idle for a while it goes
//! to sleep, and the next worker that wakes up wakes it: an idle pool is not looked at.

use parking_lot::Mutex;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use crate::actor::core::PoolCore;
use crate::actor::{ActorId, ActorPath, Beat, catch_user, drop_quietly, look_at_handler};

/// Looks within the time after which a handler is told of.
const LOOKS: u32 = 4;
/// The shortest time between two looks.
const LEAST: Duration = Duration::from_millis(1);

/// Called with every slow handler, on the watchdog's thread.
pub(super) type SlowHook = Box<dyn Fn(&SlowHandler) + Send + Sync>;

/// A handler that has run for long without giving way, and so holds its worker: no other actor of
/// that worker goes on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SlowHandler {
    /// The actor.
    pub actor: ActorId,
    /// Its path, where it has a name.
    pub path: Option<ActorPath>,
    /// The type of its messages.
    pub message_type: &'static str,
    /// For how long it has run, at the least.
    pub running_for: Duration,
}

impl fmt::Display for SlowHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{path}")?,
            None => write!(f, "the actor {}", self.actor)?,
        }
        let (message_type, worker) = (self.message_type, self.actor.worker());
        let running_for = self.running_for;
        write!(
            f,
            " has held worker {worker} for {running_for:.1?}, handling a {message_type}"
        )
    }
}

/// What workers and the watchdog share.
#[derive(Default)]
pub(super) struct Watch {
    asleep: AtomicBool,
    ended: AtomicBool,
    dog: OnceLock<Thread>,
}

impl Watch {
    /// A worker that was idle goes on.
    ///
    /// Relaxed: where a worker misses that the watchdog is about to sleep, the watchdog still looks
    /// once more, a good while later, before it does.
    #[inline]
    pub(super) fn someone_works(&self) {
        if self.asleep.load(Relaxed) {
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        self.asleep.store(false, Relaxed);
        if let Some(dog) = self.dog.get() {
            dog.unpark();
        }
    }
}

/// The watchdog of a pool. Ends when it is dropped.
pub(super) struct Watchdog {
    watch: Arc<Watch>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Watchdog {
    /// Starts to look for handlers that run for longer than `after`.
    pub(super) fn start(
        core: &Arc<PoolCore>,
        after: Duration,
        hook: SlowHook,
    ) -> std::io::Result<Self> {
        let watch = Arc::new(Watch::default());
        let round = Round {
            seen: core.beats.iter().map(|_| Seen::default()).collect(),
            core: Arc::clone(core),
            after: after.max(LEAST),
            hook,
        };
        let watching = Arc::clone(&watch);
        let thread = thread::Builder::new()
            .name(format!("{}-watchdog", core.name))
            .spawn(move || round.run(&watching))?;
        let _ = watch.dog.set(thread.thread().clone());
        Ok(Self {
            watch,
            thread: Mutex::new(Some(thread)),
        })
    }

    pub(super) fn watch(&self) -> Arc<Watch> {
        Arc::clone(&self.watch)
    }

    /// Ends it, and waits for its end unless it is the caller.
    pub(super) fn end(&self) {
        // Release: what was done before is seen by the watchdog's last look.
        self.watch.ended.store(true, Release);
        self.watch.wake();
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
struct Seen {
    turn: u64,
    since: Instant,
    /// The time after which the handler that runs is told of next.
    next: Duration,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            turn: 0,
            since: Instant::now(),
            next: Duration::ZERO,
        }
    }
}

/// The rounds that the watchdog makes.
struct Round {
    core: Arc<PoolCore>,
    after: Duration,
    seen: Vec<Seen>,
    hook: SlowHook,
}

impl Round {
    fn run(mut self, watch: &Watch) {
        let interval = (self.after / LOOKS).max(LEAST);
        // Acquire pairs with the release in `end`.
        while !watch.ended.load(Acquire) {
            if self.look() {
                thread::park_timeout(interval);
            } else {
                self.sleep(watch);
            }
        }
        let _ = drop_quietly(self.hook);
    }

    /// Sleeps until somebody works, unless somebody does already.
    fn sleep(&mut self, watch: &Watch) {
        watch.asleep.store(true, Relaxed);
        thread::park_timeout(self.after);
        // Its end is looked for here too: where it was ordered just before it said that it sleeps, the
        // order has been taken for no more than an early end of the first rest. Acquire, as in `run`.
        while !watch.ended.load(Acquire) && !self.look() && watch.asleep.load(Relaxed) {
            thread::park();
        }
        watch.asleep.store(false, Relaxed);
    }

    /// Looks at every worker. Answers whether anything has gone on since the last look, or a
    /// handler runs.
    fn look(&mut self) -> bool {
        let mut works = false;
        for (worker, seen) in (0..).zip(&mut self.seen) {
            let beat = &self.core.beats[worker as usize];
            let turn = beat.turn();
            works |= turn != seen.turn || Beat::is_running(turn);
            if turn != seen.turn {
                *seen = Seen {
                    turn,
                    since: Instant::now(),
                    next: self.after,
                };
            } else if Beat::is_running(turn) {
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

/// Tells of the handler that runs, if it is still the one that was seen.
fn tell(core: &PoolCore, worker: u32, (turn, running_for): (u64, Duration), hook: &SlowHook) {
    let found = look_at_handler(&core.beats[worker as usize]);
    let Some(found) = found.filter(|found| found.turn == turn) else {
        return;
    };
    let actor = ActorId::new(core.home(worker), found.key);
    let slow = SlowHandler {
        actor,
        path: core.directory.name_of(actor),
        message_type: found.message_type,
        running_for,
    };
    let _ = catch_user(|| hook(&slow));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor::core::unregister;
    use crate::pool::{core_of_one_worker, lanes};

    #[test]
    fn its_end_is_not_slept_over_where_it_is_ordered_just_before_the_rest() {
        let core = core_of_one_worker(lanes(1).0);
        let watch = Arc::new(Watch::default());
        let mut round = Round {
            core: Arc::clone(&core),
            after: LEAST,
            seen: vec![Seen::default()],
            hook: Box::new(|_| {}),
        };
        let (told, ended) = std::sync::mpsc::channel();
        let resting = Arc::clone(&watch);
        let _dog = thread::spawn(move || {
            // As `Watchdog::end` does, after this thread has looked whether it is to end.
            resting.ended.store(true, Release);
            resting.wake();
            thread::current().unpark();
            round.sleep(&resting);
            told.send(()).expect("the test waits");
        });
        let ends = ended.recv_timeout(Duration::from_secs(60));
        unregister(&core);
        assert_eq!(ends, Ok(()), "it sleeps, and nobody will wake it");
    }
}
