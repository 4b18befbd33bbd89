//! Children on other workers end before their parents, whatever ends the parents.

use super::{Job, at, child_of, worker};
use crate::common::{
    LONG, Log, NEVER, OnDrop, SECOND, SEEDS, SOON, eventually, finish, gone, ms, pool_of, watchdog,
    with_pool,
};
use nexus_actors::SpawnError;
use nexus_actors::failure::TerminationReason;
use nexus_actors::prelude::*;
use nexus_actors::sim::{Sim, check};
use std::sync::mpsc;
use std::time::Duration;

/// Takes a while to end.
fn slow_to_end(log: &Log) -> Props<Job> {
    let log = log.clone();
    Props::new(move || {
        let log = log.clone();
        Behavior::receive(|ctx, Job(work)| work(ctx)).on_signal(move |ctx, signal| {
            let name = ctx.path().name().to_owned();
            if let Signal::PostStop(reason) = signal {
                log.add(format!("{name} ends"));
                // Recorded when the handler ends, even if a deadline unwinds it.
                let text = format!("{name} PostStop({reason:?})");
                let _note = OnDrop(|| log.add(text.clone()));
                let _ = ctx.sleep(ms(3));
            }
        })
    })
}

/// A grandchild on worker 0 of a child on worker 1 of a parent on worker 0.
fn family(parent: ActorRef<Job>, log: &Log) -> [ActorRef<Job>; 2] {
    let child = child_of(parent, 1, "child", slow_to_end(log));
    [child, child_of(child, 0, "grandchild", slow_to_end(log))]
}

/// A way to end a parent, and what the parent is told last.
type Way = (&'static str, fn(&ActorRef<Job>), &'static [&'static str]);

const WAYS: [Way; 4] = [
    ("stop", |parent| parent.stop(), &["PostStop(Stopped)"]),
    ("kill", |parent| parent.kill(), &["PostStop(Killed)"]),
    (
        "restart",
        |parent| parent.tell(Job::fail()),
        &["PreRestart", "PostRestart"],
    ),
    (
        "passivation",
        |parent| parent.passivate(),
        &["PostStop(Passivated)"],
    ),
];

fn assert_leaf_first(log: &Log, way: &str, last: &[&str]) {
    let lines = log.lines();
    let place = |line: &str| {
        let found = lines.iter().position(|one| one.starts_with(line));
        found.unwrap_or_else(|| panic!("{way}: no {line} in {lines:?}"))
    };
    assert!(
        place("grandchild PostStop") < place("child ends"),
        "{way}: {lines:?}"
    );
    let end = format!("parent {}", last.last().unwrap());
    assert!(place("child PostStop") < place(&end), "{way}: {lines:?}");
    assert_eq!(log.of("parent"), last, "{way}");
}

#[test]
fn s4_17_children_elsewhere_have_ended_before_their_parent_is_told() {
    for (way, end, last) in WAYS {
        check(SEEDS, |sim| {
            let log = Log::default();
            let restarts = SupervisorStrategy::one_for_one();
            let top = worker(&log).supervising(restarts);
            let top = sim.spawn_on(0, "top", top).unwrap();
            let parent = child_of(top, 0, "parent", worker(&log));
            family(parent, &log);
            end(&parent);
            sim.run_for(SECOND);
            assert_leaf_first(&log, way, last);
            assert!(sim.lookup::<Job>("/user/top/parent/child").is_err());
        });
    }
}

#[test]
fn s4_17_in_a_pool_children_elsewhere_end_first_too() {
    for workers in [2, 8] {
        for (way, end, last) in WAYS {
            let log = Log::default();
            let builder = pool_of(workers).supervising(SupervisorStrategy::one_for_one());
            with_pool(builder, |pool| {
                let parent = pool.spawn_on(0, "parent", worker(&log)).unwrap();
                family(parent, &log);
                end(&parent);
                eventually(way, || log.of("parent") == last);
                assert_leaf_first(&log, way, last);
                gone(pool, "/user/parent/child");
            });
        }
    }
}

#[test]
fn s4_17_a_shutdown_in_time_stops_children_elsewhere_first() {
    check(SEEDS, |sim| {
        let log = Log::default();
        let parent = sim.spawn_on(0, "parent", worker(&log)).unwrap();
        let [child, _] = family(parent, &log);
        child.tell(Job::sleep(ms(1)));
        child.tell(Job::note(&log, "is handled"));
        sim.run_until_idle();
        assert_eq!(sim.shutdown(LONG).forced, 0);
        assert_eq!(log.of("child")[0], "is handled");
        assert_leaf_first(&log, "shutdown", &["PostStop(Stopped)"]);
    });
    for workers in [2, 8] {
        let log = Log::default();
        with_pool(pool_of(workers), |pool| {
            let parent = pool.spawn_on(0, "parent", worker(&log)).unwrap();
            family(parent, &log);
        });
        assert_leaf_first(&log, "shutdown", &["PostStop(Stopped)"]);
    }
}

#[test]
fn s4_17_a_deadline_ends_children_elsewhere_first() {
    let begin = |parent: ActorRef<Job>, log: &Log| {
        for actor in family(parent, log) {
            actor.tell(Job::sleep(NEVER));
            actor.tell(Job::note(log, "is lost"));
        }
        parent.tell(Job::sleep(NEVER));
    };
    check(SEEDS, |sim| {
        let log = Log::default();
        let parent = sim.spawn_on(0, "parent", worker(&log)).unwrap();
        begin(parent, &log);
        sim.run_until_idle();
        let report = sim.shutdown(SECOND);
        assert_eq!(report.forced, 3, "{report:?}");
        assert_leaf_first(&log, "deadline", &["PostStop(Killed)"]);
    });
    for workers in [2, 8] {
        let _watchdog = watchdog();
        let pool = pool_of(workers).start().unwrap();
        let log = Log::default();
        let parent = pool.spawn_on(0, "parent", worker(&log)).unwrap();
        begin(parent, &log);
        let report = finish(&pool, ms(1));
        assert_eq!(report.forced, 3, "{report:?}");
        let mut forced: Vec<_> = report
            .forced_actors
            .iter()
            .map(ToString::to_string)
            .collect();
        forced.sort();
        let all = [
            "/user/parent",
            "/user/parent/child",
            "/user/parent/child/grandchild",
        ];
        assert_eq!(forced, all);
        assert_leaf_first(&log, "deadline", &["PostStop(Killed)"]);
    }
}

#[test]
fn s4_17_a_worker_that_is_stuck_with_a_child_holds_up_no_other() {
    for workers in [2, 3] {
        let _watchdog = watchdog();
        let pool = pool_of(workers).start().unwrap();
        let log = Log::default();
        let parent = pool.spawn_on(0, "parent", worker(&log)).unwrap();
        let child = child_of(parent, 1, "child", worker(&log));
        let other = child_of(parent, workers - 1, "other", worker(&log));
        let (enter, entered) = mpsc::channel();
        let (let_go, gone) = mpsc::channel::<()>();
        child.tell(Job::new(move |_ctx| {
            enter.send(())?;
            let _ = gone.recv();
            Ok(())
        }));
        entered.recv_timeout(SOON).unwrap();
        let report = pool.shutdown(Duration::ZERO).unwrap();
        assert_eq!(report.stuck_workers.len(), 1, "{report}");
        let stuck = &report.stuck_workers[0];
        assert_eq!(stuck.worker, 1);
        assert_eq!(stuck.handler.as_ref().unwrap().actor, child.id());
        assert_eq!(log.of("parent"), ["PostStop(Killed)"]);
        // An actor on a worker other than the stuck one has ended too.
        let ended = log.of("other").len();
        assert_eq!(ended, usize::from(other.id().worker() != 1));
        drop(let_go);
    }
}

#[test]
fn s4_17_who_watches_a_child_elsewhere_is_told_why_it_ended() {
    type End = (fn(&Stage<'_>), TerminationReason);
    struct Stage<'a> {
        sim: &'a Sim,
        parent: ActorRef<Job>,
        child: ActorRef<Job>,
    }
    let ends: [End; 5] = [
        (|stage| stage.child.stop(), TerminationReason::Stopped),
        (|stage| stage.child.kill(), TerminationReason::Killed),
        (
            |stage| stage.child.tell(Job::fail()),
            TerminationReason::Failed,
        ),
        (|stage| stage.parent.kill(), TerminationReason::Killed),
        (
            |stage| {
                assert_eq!(stage.sim.pending().messages, 0);
                stage.parent.tell(Job::fail());
            },
            TerminationReason::Failed,
        ),
    ];
    for (end, reason) in ends {
        check(SEEDS, |sim| {
            let log = Log::default();
            let stops = || SupervisorStrategy::one_for_one().always(Directive::Stop);
            let top = worker(&log).supervising(stops());
            let top = sim.spawn_on(1, "top", top).unwrap();
            let parent = child_of(top, 0, "parent", worker(&log).supervising(stops()));
            let child = child_of(parent, 1, "child", worker(&log));
            let watcher = sim.spawn_on(0, "watcher", worker(&log)).unwrap();
            at(watcher, move |ctx| ctx.watch(child));
            sim.run_until_idle();
            end(&Stage { sim, parent, child });
            sim.run_until_idle();
            assert_eq!(log.of("watcher"), [format!("Terminated({reason}), 0 left")]);
        });
    }
}

#[test]
fn s4_17_none_starts_on_a_worker_that_shuts_down() {
    check(SEEDS, |sim| {
        let log = Log::default();
        let parent = sim.spawn_on(0, "parent", worker(&log)).unwrap();
        let (noting, props) = (log.clone(), worker(&log));
        // Its mail is handled after the shutdown has begun everywhere.
        parent.tell(Job::sleep(SECOND));
        parent.tell(Job::new(move |ctx| {
            let started = ctx.spawn_on(1, "child", props);
            noting.add(format!("{}", started.unwrap_err()));
            Ok(())
        }));
        sim.run_until_idle();
        assert_eq!(sim.shutdown(LONG).forced, 0);
        let told = SpawnError::ShuttingDown.to_string();
        assert_eq!(log.lines(), [told, "parent PostStop(Stopped)".to_owned()]);
    });
}
