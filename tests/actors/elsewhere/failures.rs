//! The parent's strategy decides about children on other workers.

use super::{Job, at, child_of, worker};
use crate::common::{LONG, Log, SECOND, SEEDS, eventually, ms, pool_of, with_pool};
use nexus_actors::prelude::*;
use nexus_actors::sim::{Sim, check};
use nexus_actors::supervision::Backoff;

fn one_for_one() -> SupervisorStrategy {
    SupervisorStrategy::one_for_one()
}

/// A parent on worker 0 with that strategy, and a child on worker 1.
fn family(sim: &mut Sim, log: &Log, strategy: SupervisorStrategy) -> [ActorRef<Job>; 2] {
    let parent = worker(log).supervising(strategy);
    let parent = sim.spawn_on(0, "parent", parent).unwrap();
    [parent, child_of(parent, 1, "child", worker(log))]
}

#[test]
fn s4_17_a_restart_elsewhere_keeps_the_mail_and_the_reference() {
    check(SEEDS, |sim| {
        let log = Log::default();
        let [_, child] = family(sim, &log, one_for_one());
        child.tell(Job::note(&log, "1"));
        child.tell(Job::fail());
        child.tell(Job::note(&log, "2"));
        child.tell(Job::fail());
        child.tell(Job::note(&log, "3"));
        sim.run_until_idle();
        child.tell(Job::note(&log, "4"));
        sim.run_until_idle();
        let all = [
            "1",
            "PreRestart",
            "PostRestart",
            "2",
            "PreRestart",
            "PostRestart",
            "3",
            "4",
        ];
        assert_eq!(log.of("child"), all);
        assert_eq!(log.of("parent"), [""; 0]);
        assert_eq!(sim.lookup::<Job>("/user/parent/child"), Ok(child));
    });
}

#[test]
fn s4_17_one_that_fails_too_often_stops_and_its_parent_is_told() {
    check(SEEDS, |sim| {
        let log = Log::default();
        let [parent, child] = family(sim, &log, one_for_one().limit(2, LONG));
        at(parent, move |ctx| ctx.watch(child));
        for _ in 0..3 {
            child.tell(Job::fail());
        }
        child.tell(Job::note(&log, "is lost"));
        sim.run_until_idle();
        let restart = ["PreRestart", "PostRestart"];
        let mut all = restart.repeat(2);
        all.push("PostStop(Failed)");
        assert_eq!(log.of("child"), all);
        let told = ["ChildFailed(child)", "Terminated(failed), 0 left"];
        assert_eq!(log.of("parent"), told);
        // The name is free, and the next child of that name starts afresh.
        let next = child_of(parent, 1, "child", worker(&log));
        next.tell(Job::fail());
        sim.run_until_idle();
        assert_eq!(log.of("child")[5..], ["PreRestart", "PostRestart"]);
    });
}

#[test]
fn s4_17_one_elsewhere_is_resumed_or_stopped_as_its_parent_decides() {
    check(SEEDS, |sim| {
        let log = Log::default();
        let decided = one_for_one().decide(|failure| match failure.cause {
            nexus_actors::failure::Cause::Panic(_) => Directive::Stop,
            _ => Directive::Resume,
        });
        let [_, child] = family(sim, &log, decided);
        child.tell(Job::fail());
        child.tell(Job::note(&log, "goes on"));
        child.tell(Job::new(|_ctx| panic!("planned")));
        child.tell(Job::note(&log, "is lost"));
        sim.run_until_idle();
        assert_eq!(log.of("child"), ["goes on", "PostStop(Failed)"]);
        assert_eq!(log.of("parent"), ["ChildFailed(child)"]);
    });
}

#[test]
fn s4_17_a_child_that_decides_for_itself_does_not_ask_its_parent_which_is_told() {
    check(SEEDS, |sim| {
        let log = Log::default();
        let parent = sim.spawn_on(0, "parent", worker(&log)).unwrap();
        let stops = || one_for_one().always(Directive::Stop);
        let own =
            Props::new(move || Behavior::receive(|ctx, Job(work)| work(ctx)).supervise(stops()));
        let child = child_of(parent, 1, "child", own);
        child.tell(Job::fail());
        sim.run_until_idle();
        assert_eq!(log.lines(), ["parent ChildFailed(child)"]);
    });
}

#[test]
fn s4_17_siblings_share_a_failure_wherever_they_live() {
    for all in [true, false] {
        check(SEEDS, |sim| {
            let log = Log::default();
            let strategy = if all {
                SupervisorStrategy::all_for_one()
            } else {
                SupervisorStrategy::rest_for_one()
            };
            let parent = worker(&log).supervising(strategy);
            let parent = sim.spawn_on(0, "parent", parent).unwrap();
            let names = ["a", "b", "c", "d"];
            let [a, b, c, d] = [(1, "a"), (0, "b"), (1, "c"), (0, "d")]
                .map(|(place, name)| child_of(parent, place, name, worker(&log)));
            b.tell(Job::fail());
            sim.run_until_idle();
            c.tell(Job::fail());
            for child in [a, b, c, d] {
                child.tell(Job::note(&log, "handles"));
            }
            sim.run_until_idle();
            let restarts = if all { [2, 2, 2, 2] } else { [0, 1, 2, 2] };
            for (name, restarts) in names.into_iter().zip(restarts) {
                let mut lines = log.of(name);
                lines.retain(|line| line == "handles");
                assert_eq!(lines.len(), 1, "{name}");
                let lines = log.of(name);
                let seen = lines.iter().filter(|line| *line == "PostRestart").count();
                assert_eq!(seen, restarts, "{name}: {lines:?}");
            }
        });
    }
}

#[test]
fn s4_17_a_failure_that_is_escalated_ends_the_child_with_its_parent_or_resumes_it() {
    for resumes in [false, true] {
        check(SEEDS, |sim| {
            let log = Log::default();
            let escalates = || one_for_one().always(Directive::Escalate);
            let top = one_for_one().always(if resumes {
                Directive::Resume
            } else {
                Directive::Restart
            });
            let top = sim
                .spawn_on(1, "top", worker(&log).supervising(top))
                .unwrap();
            let parent = child_of(top, 0, "parent", worker(&log).supervising(escalates()));
            let child = child_of(parent, 1, "child", worker(&log).supervising(escalates()));
            let last = child_of(child, 0, "last", worker(&log));
            last.tell(Job::fail());
            last.tell(Job::note(&log, "goes on"));
            child.tell(Job::note(&log, "goes on"));
            sim.run_until_idle();
            if resumes {
                assert_eq!(log.of("last"), ["goes on"]);
                assert_eq!(log.of("child"), ["goes on"]);
                assert_eq!(log.of("parent"), [""; 0]);
            } else {
                let child = log.of("child");
                assert_eq!(child.last().unwrap(), "PostStop(Failed)");
                assert_eq!(log.of("parent"), ["PreRestart", "PostRestart"]);
                let order = log.lines();
                let at = |line: &str| order.iter().position(|one| one == line);
                assert!(at("last PostStop(Failed)") < at("child PostStop(Failed)"));
                assert!(at("child PostStop(Failed)") < at("parent PostRestart"));
                assert!(at("last PostStop(Failed)").is_some());
            }
        });
    }
}

#[test]
fn s4_17_a_backoff_elsewhere_lasts_as_long_and_ends_with_a_stop() {
    check(SEEDS, |sim| {
        let log = Log::default();
        let delay = Backoff::new(SECOND, SECOND).unwrap();
        let [parent, child] = family(sim, &log, one_for_one().backoff(delay));
        child.tell(Job::fail());
        child.tell(Job::note(&log, "waits"));
        sim.run_for(ms(900));
        assert_eq!(log.take(), ["child PreRestart"]);
        sim.run_for(ms(200));
        assert_eq!(log.take(), ["child PostRestart", "child waits"]);
        child.tell(Job::fail());
        sim.run_for(ms(100));
        let began = sim.now();
        parent.stop();
        sim.run_until_idle();
        assert!(sim.now() - began < ms(500));
        assert_eq!(log.take(), ["child PreRestart", "parent PostStop(Stopped)"]);
    });
}

#[test]
fn s4_17_a_child_that_fails_while_its_parent_is_at_work_is_restarted() {
    for workers in [2, 8] {
        let log = Log::default();
        with_pool(pool_of(workers), |pool| {
            let parent = pool.spawn_on(0, "parent", worker(&log)).unwrap();
            let child = child_of(parent, 1, "child", worker(&log));
            // The parent waits in its handler; meanwhile its worker decides.
            let noting = log.clone();
            at(parent, move |ctx| {
                child.tell(Job::fail());
                child.tell(Job::note(&noting, "is back"));
                while noting.of("child").len() < 3 {
                    ctx.sleep(ms(1)).unwrap();
                }
            });
            assert_eq!(log.of("child"), ["PreRestart", "PostRestart", "is back"]);
            child.kill();
            eventually("it is gone", || at(parent, |ctx| ctx.children()).is_empty());
        });
    }
}

#[test]
fn s4_17_a_task_of_a_child_elsewhere_fails_for_it() {
    check(SEEDS, |sim| {
        let log = Log::default();
        let [_, child] = family(sim, &log, one_for_one());
        child.tell(Job::new(|ctx| {
            drop(ctx.spawn_task(|_task| panic!("planned")));
            Ok(())
        }));
        sim.run_until_idle();
        child.tell(Job::note(&log, "is back"));
        sim.run_until_idle();
        assert_eq!(log.of("child"), ["PreRestart", "PostRestart", "is back"]);
    });
}
