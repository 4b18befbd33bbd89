//! Shutdown in phases: row 4.4 of the contract, for the user's hooks that run before the end.

use nexus_actors::pool::{CoordinateError, CoordinatedShutdown, HookOutcome, ShutdownError};
use nexus_actors::prelude::*;
use nexus_actors::testkit::Probe;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_secs(20);
/// Enough for hooks that do nothing, even while a panic prints its backtrace.
const ENOUGH: Duration = Duration::from_secs(2);
const SHORT: Duration = Duration::from_millis(50);

/// What the hooks write, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn add(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

fn pool() -> WorkerPool {
    WorkerPool::builder().workers(2).start().unwrap()
}

#[test]
fn s4_4_phases_run_in_their_order_and_before_the_pools_own_end() {
    let (pool, log) = (pool(), Log::default());
    let told = log.clone();
    let actor = pool.spawn(
        "actor",
        Props::new(move || {
            let (told, ended) = (told.clone(), told.clone());
            Behavior::receive(move |_ctx, text: &str| told.add(text)).on_signal(
                move |_ctx, signal| {
                    if matches!(signal, Signal::PostStop(_)) {
                        ended.add("actor stopped");
                    }
                },
            )
        }),
    );
    actor.unwrap();
    let says = |text: &'static str| {
        let log = log.clone();
        move |node: &WorkerNode| {
            thread::sleep(SHORT);
            log.add(text);
            node.lookup::<&str>("/user/actor")?.tell(text);
            Ok(())
        }
    };
    // Hooks are declared in a different order than they run in.
    let plan = CoordinatedShutdown::new()
        .phase("first", SOON)
        .phase("empty", SOON)
        .phase("second", SOON)
        .hook("second", "two", says("two"))
        .hook("first", "one", says("one"));
    let coordinated = pool.coordinate(plan).unwrap();
    assert!(coordinated.report().is_none());
    let report = coordinated.shutdown(SOON).unwrap();
    assert!(report.all_done(), "{report}");
    let names: Vec<&str> = report.phases.iter().map(|phase| &*phase.name).collect();
    assert_eq!(names, ["first", "empty", "second"]);
    assert!(report.phases[0].took >= SHORT && report.phases[0].hooks[0].took >= SHORT);
    assert_eq!(report.phases[2].hooks[0].name, "two");
    assert_eq!((report.pool.forced, report.pool.unprocessed), (0, 0));
    let lines = log.lines();
    let at = |line: &str| lines.iter().position(|one| one == line).unwrap();
    assert!(at("one") < at("two") && at("two") < at("actor stopped"));
    assert_eq!(lines.len(), 5, "each is heard by the actor too: {lines:?}");
    assert_eq!(lines.last().unwrap(), "actor stopped");
    assert_eq!(coordinated.report(), Some(report));
}

#[test]
fn s4_4_hooks_of_a_phase_run_at_the_same_time_and_on_no_worker() {
    let pool = pool();
    let (here, there) = (mpsc::channel(), mpsc::channel());
    let meet = |to: mpsc::Sender<()>, from: mpsc::Receiver<()>| {
        move |_node: &WorkerNode| {
            to.send(())?;
            from.recv_timeout(SOON)?;
            assert_eq!(thread::current().name(), Some("nexus-hook"));
            Ok(())
        }
    };
    let plan = CoordinatedShutdown::new()
        .phase("meet", SOON)
        .hook("meet", "one", meet(here.0, there.1))
        .hook("meet", "other", meet(there.0, here.1));
    let report = pool.coordinate(plan).unwrap().shutdown(SOON).unwrap();
    assert!(report.all_done(), "{report}");
}

#[test]
fn s4_4_hooks_that_overrun_fail_or_panic_are_reported_and_hold_nothing_up() {
    let (pool, log) = (pool(), Log::default());
    let (release, held) = mpsc::channel::<()>();
    let last = log.clone();
    let plan = CoordinatedShutdown::new()
        .phase("bad", ENOUGH)
        .phase("good", SOON)
        .hook("bad", "hangs", move |_| Ok(held.recv()?))
        .hook("bad", "fails", |_| Err("no port".into()))
        .hook("bad", "panics", |_| panic!("planned"))
        .hook("good", "goes on", move |_| {
            last.add("good");
            Ok(())
        });
    let begun = Instant::now();
    let report = pool.coordinate(plan).unwrap().shutdown(SOON).unwrap();
    assert!(begun.elapsed() < SOON);
    let outcomes: Vec<_> = report.phases[0]
        .hooks
        .iter()
        .map(|hook| hook.outcome.clone())
        .collect();
    assert_eq!(
        outcomes,
        [
            HookOutcome::Overran,
            HookOutcome::Failed("no port".into()),
            HookOutcome::Panicked("planned".into()),
        ]
    );
    assert!(report.phases[0].took >= ENOUGH && report.phases[0].hooks[0].took >= ENOUGH);
    assert!(report.phases[0].hooks[1].took < ENOUGH);
    assert_eq!(log.lines(), ["good"]);
    assert!(!report.all_done());
    assert_eq!(
        report.to_string(),
        "bad, hangs: overran its time, and was left behind\n\
         bad, fails: failed: no port\n\
         bad, panics: panicked: planned\n\
         good, goes on: done\n\
         the pool: 0 actors stopped by force, 0 messages left"
    );
    drop(release);
}

#[test]
fn s4_4_one_time_bounds_the_phases_and_the_pool_together() {
    let pool = pool();
    let stuck = Props::new(|| Behavior::receive(|ctx, _: u8| Ok(ctx.sleep(60 * SOON)?)));
    let stuck = pool.spawn("stuck", stuck).unwrap();
    stuck.tell(1);
    stuck.tell(2);
    let (release, held) = mpsc::channel::<()>();
    let plan = CoordinatedShutdown::new()
        .phase("long", SOON)
        .phase("late", SOON)
        .hook("long", "hangs", move |_| Ok(held.recv()?))
        .hook("late", "comes too late", |_| Ok(()));
    let begun = Instant::now();
    let report = pool.coordinate(plan).unwrap().shutdown(SHORT).unwrap();
    assert!(begun.elapsed() < SOON);
    assert_eq!(report.phases[0].hooks[0].outcome, HookOutcome::Overran);
    assert_eq!(report.phases[1].hooks[0].outcome, HookOutcome::Skipped);
    assert_eq!((report.pool.forced, report.pool.unprocessed), (1, 1));
    drop(release);
}

#[test]
fn s4_4_it_happens_once_however_many_ask() {
    let (pool, log) = (pool(), Log::default());
    let once = log.clone();
    let plan = CoordinatedShutdown::new()
        .phase("phase", SOON)
        .hook("phase", "hook", move |_| {
            thread::sleep(SHORT);
            once.add("hook");
            Ok(())
        });
    let coordinated = pool.coordinate(plan).unwrap();
    let others: Vec<_> = (0..4)
        .map(|number| {
            let coordinated = coordinated.clone();
            thread::spawn(move || match number {
                0 => coordinated.wait(),
                _ => coordinated.shutdown(SOON),
            })
        })
        .collect();
    let report = coordinated.shutdown(SOON).unwrap();
    for other in others {
        assert_eq!(other.join().unwrap().unwrap(), report);
    }
    assert_eq!(coordinated.shutdown(Duration::ZERO).unwrap(), report);
    assert_eq!(log.lines(), ["hook"]);
    assert!(format!("{coordinated:?}").contains("done"));
}

#[test]
fn s4_4_an_actor_may_ask_for_it_and_cannot_wait_for_it() {
    let (pool, log) = (pool(), Log::default());
    let probe = Probe::new(&pool.node(), "probe").unwrap();
    let hook = log.clone();
    let plan = CoordinatedShutdown::new()
        .phase("phase", SOON)
        .hook("phase", "hook", move |_| {
            hook.add("hook");
            Ok(())
        });
    let coordinated = pool.coordinate(plan).unwrap();
    let (ends, to) = (coordinated.clone(), probe.actor_ref());
    let actor = Props::new(move || {
        let ends = ends.clone();
        Behavior::receive(move |_ctx, ()| {
            let waited = ends.wait().unwrap_err();
            to.tell((ends.shutdown(SOON).unwrap_err(), waited));
        })
    });
    pool.spawn("actor", actor).unwrap().tell(());
    let expected = (ShutdownError::OnWorker, ShutdownError::OnWorker);
    let report = coordinated.wait().unwrap();
    assert_eq!(probe.drain(), [expected]);
    assert!(report.all_done());
    assert_eq!(log.lines(), ["hook"]);
}

#[test]
fn s4_4_a_plan_that_cannot_be_is_refused_with_the_reason() {
    let pool = pool();
    let twice = CoordinatedShutdown::new()
        .phase("drain", SOON)
        .phase("drain", SHORT);
    let error = pool.coordinate(twice).unwrap_err();
    assert_eq!(error, CoordinateError::DuplicatePhase("drain".into()));
    let nowhere = CoordinatedShutdown::new()
        .phase("drain", SOON)
        .hook("drian", "typo", |_| Ok(()))
        .phase("drain", SOON);
    let error = pool.coordinate(nowhere).unwrap_err();
    let (phase, hook) = ("drian".to_owned(), "typo".to_owned());
    assert_eq!(error, CoordinateError::UnknownPhase { phase, hook });
    assert!(error.to_string().contains("drian"));
    let plan = CoordinatedShutdown::new()
        .phase("drain", SHORT)
        .hook("drain", "hook", |_| Ok(()));
    assert_eq!(format!("{plan:?}"), "{\"drain\": (50ms, [\"hook\"])}");
    // The pool is unchanged.
    pool.coordinate(plan).unwrap().shutdown(SOON).unwrap();
}

/// Runs in a process of its own, because the signal must end that process.
#[cfg(feature = "signals")]
#[test]
fn s4_4_after_the_end_a_signal_ends_the_process() {
    use signal_hook::consts::SIGTERM;
    use signal_hook::low_level::raise;
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    const CHILD: &str = "NEXUS_TEST_SIGNALS_CHILD";
    if std::env::var_os(CHILD).is_some() {
        let pool = pool();
        let coordinated = pool.coordinate(CoordinatedShutdown::new()).unwrap();
        coordinated.shutdown_on_signals(SOON).unwrap();
        raise(SIGTERM).unwrap();
        coordinated.wait().unwrap();
        println!("has waited");
        raise(SIGTERM).unwrap();
        thread::sleep(SOON);
        return;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "s4_4_after_the_end_a_signal_ends_the_process"])
        .args(["--nocapture", "--test-threads=1"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("has waited"), "{said}");
    assert_eq!(output.status.signal(), Some(SIGTERM), "{said}");
}

/// One test for all signals, because they belong to the whole process.
#[cfg(feature = "signals")]
#[test]
fn s4_4_signals_begin_the_shutdown_and_a_second_one_forces_the_end() {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::low_level::raise;

    let pool = pool();
    let stuck = Props::new(|| Behavior::receive(|ctx, _: u8| Ok(ctx.sleep(60 * SOON)?)));
    pool.spawn("stuck", stuck).unwrap().tell(1);
    let (begun, has_begun) = mpsc::channel();
    let plan = CoordinatedShutdown::new()
        .phase("phase", SOON)
        .hook("phase", "hook", move |_| Ok(begun.send(())?));
    let coordinated = pool.coordinate(plan).unwrap();
    coordinated.shutdown_on_signals(60 * SOON).unwrap();
    let before = Instant::now();
    raise(SIGTERM).unwrap();
    has_begun.recv_timeout(SOON).unwrap();
    raise(SIGINT).unwrap();
    let report = coordinated.wait().unwrap();
    assert!(report.all_done());
    assert_eq!(report.pool.forced, 1);
    assert!(before.elapsed() < 2 * SOON);
}

#[test]
fn s4_4_a_phase_ends_at_a_moment_or_when_its_hooks_have() {
    let pool = pool();
    let (release, released) = mpsc::channel::<()>();
    let plan = CoordinatedShutdown::new()
        .phase("over", Instant::now())
        .phase("open", Deadline::NEVER)
        .hook("over", "late", move |_pool| Ok(released.recv()?))
        .hook("open", "in time", |_pool| Ok(()));
    let coordinated = pool.coordinate(plan).unwrap();
    let report = coordinated.shutdown(SOON).unwrap();
    let outcomes = report.phases.iter().map(|phase| &phase.hooks[0].outcome);
    let outcomes: Vec<&HookOutcome> = outcomes.collect();
    assert_eq!(outcomes, [&HookOutcome::Overran, &HookOutcome::Done]);
    drop(release);
}
