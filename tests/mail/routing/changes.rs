//! Groups that change: sizes, failures, and the end of a router.

use super::{Job, LONG, Log, SECOND, SEEDS, in_turn, note_all, routees_of, worker};
use nexus_actors::Router;
use nexus_actors::prelude::*;
use nexus_actors::routing::{RouterMessage, RouterRef};
use nexus_actors::sim::{Sim, check};
use nexus_actors::testkit::{DeadLetterProbe, FailureLog};

#[test]
fn growing_and_shrinking_lose_nothing_that_was_accepted() {
    for spread in [false, true] {
        Sim::builder().workers(3).check(SEEDS, |sim| {
            let log = Log::default();
            let node = sim.node(0);
            let mut router = Router::round_robin(4, worker(&log));
            if spread {
                router = router.spread(&node);
            }
            let router = router.spawn(&node, "router").unwrap();
            let mut expected = 0;
            let mut resizes = Vec::new();
            for size in [1, 6, 2, 3, 1] {
                note_all(router, expected..expected + 20);
                expected += 20;
                resizes.push(router.resize(size, LONG));
            }
            note_all(router, expected..expected + 20);
            sim.run_until_idle();
            assert_eq!(log.numbers(), (0..expected + 20).collect::<Vec<_>>());
            assert_eq!(sim.dead_letters().total(), 0);
            assert_eq!(routees_of(router).len(), 1);
            assert_eq!(sim.pending().actors, 2, "the others have stopped");
        });
    }
}

#[test]
fn a_routee_that_stops_leaves_the_group_and_none_is_left_in_the_end() {
    for spread in [false, true] {
        check(SEEDS, |sim| {
            let log = Log::default();
            let letters = DeadLetterProbe::new(&sim.node(0));
            let node = sim.node(0);
            let mut router = Router::round_robin(2, worker(&log));
            if spread {
                router = router.spread(&node);
            }
            let router = router.spawn(&node, "router").unwrap();
            router.tell(Job::Stop);
            sim.run_until_idle();
            note_all(router, 0..5);
            sim.run_until_idle();
            let left = routees_of(router);
            assert_eq!(left.len(), 1);
            assert_eq!(log.of(left[0]), [0, 1, 2, 3, 4]);
            router.tell(Job::Stop);
            sim.run_until_idle();
            assert!(routees_of(router).is_empty());
            router.tell(Job::Note(9));
            sim.run_until_idle();
            letters.expect_type::<RouterMessage<Job>>(1);
            // It can have routees again.
            router.resize(2, LONG).wait().unwrap().unwrap();
            router.tell(Job::Note(10));
            sim.run_until_idle();
            assert_eq!(log.numbers().last(), Some(&10));
        });
    }
}

#[test]
fn a_local_routee_that_has_just_been_killed_is_passed_over() {
    check(SEEDS, |sim| {
        let log = Log::default();
        let router = Router::round_robin(3, worker(&log));
        let router = router.spawn(&sim.node(0), "router").unwrap();
        let routees = routees_of(router);
        // The orders and the messages travel together, from one sender.
        routees[0].kill();
        routees[2].kill();
        note_all(router, 0..6);
        sim.run_until_idle();
        assert_eq!(log.of(routees[1]), (0..6).collect::<Vec<_>>());
        assert_eq!(sim.dead_letters().total(), 0);
    });
}

#[test]
fn a_routee_that_fails_is_restarted_with_its_mail_until_it_fails_too_often() {
    for spread in [false, true] {
        check(SEEDS, |sim| {
            let log = Log::default();
            let node = sim.node(0);
            let mut router = Router::round_robin(2, worker(&log))
                .supervising(SupervisorStrategy::one_for_one().limit(2, 10 * SECOND));
            if spread {
                router = router.spread(&node);
            }
            let router = router.spawn(&node, "router").unwrap();
            let routees = routees_of(router);
            for round in 0..2 {
                router.tell(Job::Fail);
                router.tell(Job::Fail);
                note_all(router, 10 * round..10 * (round + 1));
            }
            sim.run_until_idle();
            assert_eq!(log.numbers(), (0..20).collect::<Vec<_>>());
            assert_eq!(routees_of(router), routees, "the same ones");
            router.tell(Job::Fail);
            sim.run_until_idle();
            assert_eq!(routees_of(router), [routees[1]]);
        });
    }
}

#[test]
fn an_escalated_failure_restarts_the_router_and_its_routees() {
    check(SEEDS, |sim| {
        let log = Log::default();
        let routed = log.clone();
        let parent = Props::new(move || {
            let routed = routed.clone();
            Behavior::setup(move |ctx| {
                let strategy = SupervisorStrategy::one_for_one().always(Directive::Escalate);
                Router::round_robin(3, worker(&routed))
                    .supervising(strategy)
                    .spawn_child(ctx, "router")?;
                Ok(Behavior::<()>::empty())
            })
        });
        sim.spawn("parent", parent).unwrap();
        let router = sim.lookup("/user/parent/router").unwrap();
        let router = RouterRef::<Job>::from(router);
        let before = routees_of(router);
        router.tell(Job::Fail);
        sim.run_until_idle();
        let after = routees_of(router);
        assert_eq!((before.len(), after.len()), (3, 3));
        assert!(before.iter().all(|one| !after.contains(one)));
        note_all(router, 0..3);
        sim.run_until_idle();
        assert_eq!(log.numbers(), [0, 1, 2]);
    });
}

#[test]
fn a_key_that_panics_costs_one_message() {
    let failures = FailureLog::new();
    let sim = Sim::builder().on_failure(failures.hook());
    let mut sim = sim.orderly().start().unwrap();
    let log = Log::default();
    let router = Router::consistent_hash(2, worker(&log), |job: &Job| match job {
        Job::Note(13) => panic!("unlucky"),
        Job::Note(number) => *number,
        _ => 0,
    });
    let router = router.spawn(&sim.node(0), "router").unwrap();
    let before = routees_of(router);
    (10..15).for_each(|number| router.tell(Job::Note(number)));
    sim.run_until_idle();
    failures.expect("unlucky");
    assert_eq!(log.numbers(), [10, 11, 12, 14]);
    assert_eq!(routees_of(router), before);
}

#[test]
fn a_router_that_stops_sends_on_what_it_has_and_stops_its_routees() {
    for spread in [false, true] {
        check(SEEDS, |sim| {
            let log = Log::default();
            let node = sim.node(0);
            let router = in_turn(&node, &log, spread);
            note_all(router, 0..30);
            router.stop();
            sim.run_until_idle();
            assert_eq!(log.numbers(), (0..30).collect::<Vec<_>>());
            assert_eq!(sim.pending().actors, 0);
            // A router that is killed stops its routees as well.
            let again = Router::round_robin(3, worker(&log)).spread(&node);
            let again = again.spawn(&node, "router").unwrap();
            sim.run_until_idle();
            assert_eq!(sim.pending().actors, 4);
            again.actor_ref().kill();
            sim.run_until_idle();
            assert_eq!(sim.pending().actors, 0);
        });
    }
}
