//! The harness of the integration tests: pools of several sizes, a check of conservation at the end
//! of each, a watchdog against hangs, and child processes for tests that may end the process.
#![allow(dead_code)] // each test binary uses only a part

use nexus_actors::pool::{ShutdownReport, WorkerPoolBuilder};
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use nexus_actors::{Failure, LookupError};
use std::process::{Command, Output};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// The pool sizes for tests that need no particular size.
pub(crate) const SIZES: [usize; 3] = [1, 2, 8];

/// Longer than anything takes that succeeds.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Longer than any test lasts: a wait that ends only by this time-out has hung.
pub(crate) const NEVER: Duration = Duration::from_secs(3600);

/// The seeds for tests whose claim must hold in any order of events.
pub(crate) const SEEDS: std::ops::Range<u64> = 0..60;

/// Longer than anything takes in a simulation, where time costs nothing.
pub(crate) const LONG: Duration = Duration::from_secs(3600);

pub(crate) const SECOND: Duration = Duration::from_secs(1);

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const HANG: Duration = Duration::from_secs(120);
const CHILD_HANG: Duration = Duration::from_secs(15);
const CHILD: &str = "NEXUS_ACTORS_TEST_CHILD";

/// Aborts the process, with the test's name, unless it is dropped in time.
pub(crate) struct Watchdog {
    _alive: mpsc::Sender<()>,
}

/// Watches the calling test.
pub(crate) fn watchdog() -> Watchdog {
    let child = std::env::var(CHILD).ok();
    let limit = if child.is_some() { CHILD_HANG } else { HANG };
    let name = child.unwrap_or_else(|| thread::current().name().unwrap_or("?").to_owned());
    let (alive, ended) = mpsc::channel::<()>();
    thread::spawn(move || {
        if ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            eprintln!("watchdog: {name} hangs");
            std::process::abort();
        }
    });
    Watchdog { _alive: alive }
}

/// Returns a builder of a pool of that many workers, in which a top-level actor stops when it
/// fails: tests wait for that end. The default strategy is tested by `first_hour`.
pub(crate) fn pool_of(workers: usize) -> WorkerPoolBuilder {
    WorkerPool::builder()
        .workers(workers)
        .supervising(stopping())
}

/// Stops every actor that fails.
pub(crate) fn stopping() -> SupervisorStrategy {
    SupervisorStrategy::one_for_one().always(Directive::Stop)
}

/// Runs a test with pools of several sizes, each of which must end without force.
pub(crate) fn with_pools(test: impl Fn(&WorkerPool)) {
    for workers in SIZES {
        with_pool(pool_of(workers), &test);
    }
}

/// Runs a test with one pool, which must end without force. Returns the result of the test.
pub(crate) fn with_pool<R>(builder: WorkerPoolBuilder, test: impl FnOnce(&WorkerPool) -> R) -> R {
    let _watchdog = watchdog();
    let pool = builder.start().expect("the pool starts");
    let answer = test(&pool);
    let report = finish(&pool, SOON);
    assert_eq!(report.forced, 0, "every actor stops by itself: {report:?}");
    answer
}

/// Shuts a pool down. Checks that no worker is stuck and that every message is accounted for.
pub(crate) fn finish(pool: &WorkerPool, within: Duration) -> ShutdownReport {
    let report = pool.shutdown(within).expect("a test is no worker");
    assert_eq!(
        report.stuck_workers.len(),
        0,
        "no worker is stuck: {report:?}"
    );
    assert_conserved(pool);
    report
}

/// Checks that each message sent was handled, was lost, or is waiting.
pub(crate) fn assert_conserved(pool: &WorkerPool) {
    let stats = pool.stats();
    assert_eq!(
        stats.sent(),
        stats.handled() + stats.dead_letters + stats.queued() + stats.stashed(),
        "sent = handled + dead letters + queued + stashed: {stats:?}"
    );
}

/// Runs that test alone, in a process of its own. An environment variable holds its name.
pub(crate) fn run_again(test: &str, variable: &str) -> Output {
    let this = std::env::current_exe().expect("a test has a path");
    Command::new(this)
        .args([test, "--exact", "--nocapture"])
        .env(variable, test)
        .output()
        .expect("a test can be started again")
}

/// Runs `body` in a process of its own, because it may abort or hang. The process must succeed.
pub(crate) fn in_child(test: &str, body: impl FnOnce()) {
    if std::env::var(CHILD).is_ok_and(|child| child == test) {
        let _watchdog = watchdog();
        return body();
    }
    let output = run_again(test, CHILD);
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success() && out.contains("1 passed"),
        "{}\n{out}\n{err}",
        output.status
    );
}

/// Checks repeatedly until `condition` holds; panics if it does not hold soon.
#[track_caller]
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + SOON;
    while !condition() {
        assert!(Instant::now() < deadline, "never came: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Answers every question after it has handled everything sent before.
pub(crate) fn echo<R: Send + 'static>(
    answer: impl Fn() -> R + Send + Sync + 'static,
) -> Props<Reply<R>> {
    let answer = Arc::new(answer);
    Props::new(move || {
        let answer = Arc::clone(&answer);
        Behavior::receive(move |_ctx, reply: Reply<R>| reply.send(answer()))
    })
}

/// Returns after a worker has completed a full round since the call.
pub(crate) fn round_trip(pool: &WorkerPool, worker: usize) {
    for _ in 0..2 {
        let name = format!("barrier-{worker}-{:?}", thread::current().id());
        let name: String = name
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
            .collect();
        let actor = pool
            .spawn_on(worker, &name, echo(|| ()))
            .expect("a barrier starts");
        actor
            .ask(|reply| reply, SOON)
            .wait()
            .expect("a barrier answers");
        actor.stop();
        gone(pool, &format!("/user/{name}"));
    }
}

/// Waits until no actor is alive at that path.
#[track_caller]
pub(crate) fn gone(pool: &WorkerPool, path: &str) {
    eventually("the actor is gone", || {
        matches!(pool.lookup::<()>(path), Err(LookupError::NotFound(_)))
    });
}

/// A log that actors and threads write to, in order.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn add(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// Returns what was written since the last call.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// Returns the rest of each line that begins with that name and a space.
    pub(crate) fn of(&self, name: &str) -> Vec<String> {
        let own = |line: &String| line.strip_prefix(&format!("{name} ")).map(str::to_owned);
        self.lines().iter().filter_map(own).collect()
    }

    pub(crate) fn hook(&self) -> impl Fn(&Failure) + Send + Sync + 'static {
        let log = self.clone();
        move |failure| log.add(failure.to_string())
    }
}

/// Runs a function when it is dropped.
pub(crate) struct OnDrop<F: FnMut()>(pub(crate) F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Panics when it is dropped.
pub(crate) struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("planned: dropped a bomb");
    }
}

/// Returns the kernel ids of this process's threads whose names begin with `prefix`.
pub(crate) fn threads_named(prefix: &str) -> Vec<String> {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else {
        return Vec::new();
    };
    tasks
        .flatten()
        .filter(|task| {
            std::fs::read_to_string(task.path().join("comm"))
                .is_ok_and(|name| name.starts_with(prefix))
        })
        .map(|task| task.file_name().to_string_lossy().into_owned())
        .collect()
}

/// Checks a test in which no actor may fail, so that a failed assertion within an actor is noticed.
pub(crate) fn check_calm(seeds: std::ops::Range<u64>, test: impl Fn(&mut Sim)) {
    let failures = Log::default();
    let hook = failures.clone();
    let builder = Sim::builder().on_failure(move |failure| hook.add(failure.to_string()));
    builder.check(seeds, |sim| {
        failures.take();
        test(sim);
        assert_eq!(failures.take(), [""; 0]);
    });
}
