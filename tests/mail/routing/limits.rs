//! Invalid routers, full routees, and routers under threads.

use super::{Job, LONG, Log, SEEDS, note_all, routees_of, worker};
use nexus_actors::prelude::*;
use nexus_actors::routing::{RouterError, RouterRef};
use nexus_actors::sim::{Sim, check};
use nexus_actors::testkit::expect_terminated;
use nexus_actors::{DeadLetterReason, Router, SpawnError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(5);

#[test]
fn routers_that_cannot_be_are_refused_with_the_reason() {
    check(0..5, |sim| {
        let log = Log::default();
        let node = sim.node(0);
        let none = Router::round_robin(0, worker(&log)).spawn(&node, "router");
        assert!(matches!(none, Err(RouterError::NoRoutees)));
        let blind = Router::smallest_mailbox(2, worker(&log)).spread(&node);
        let blind = blind.spawn(&node, "router");
        assert!(matches!(blind, Err(RouterError::MailboxesOutOfSight)));
        let named = Router::random(2, worker(&log)).spawn(&node, "no name");
        let expected =
            SpawnError::InvalidName(nexus_actors::address::validate_name("no name").unwrap_err());
        assert_eq!(named.unwrap_err().to_string(), expected.to_string());
        // Nothing of them is left, and nothing of routees if another routee did not start.
        let started = Arc::new(Mutex::new(0));
        let broken = Props::new(move || {
            let started = Arc::clone(&started);
            Behavior::<Job>::setup(move |_ctx| {
                let mut started = started.lock().unwrap();
                *started += 1;
                if *started == 3 {
                    Err("the third")?
                }
                Ok(Behavior::empty())
            })
        });
        let failed = Router::round_robin(3, broken).spread(&node);
        let failed = failed.spawn(&node, "router").unwrap_err();
        assert!(failed.to_string().contains("the third"), "{failed}");
        sim.run_until_idle();
        assert_eq!(sim.pending().actors, 0);

        let router = Router::random(2, worker(&log)).spawn(&node, "router");
        let router = router.unwrap();
        let zero = router.resize(0, LONG).wait().unwrap();
        assert!(matches!(zero, Err(RouterError::NoRoutees)));
        assert_eq!(routees_of(router).len(), 2);
        assert!(format!("{router:?}").starts_with("RouterRef<"));
    });
}

#[test]
fn a_local_router_whose_routee_does_not_start_leaves_nothing_behind() {
    check(0..5, |sim| {
        let started = Arc::new(Mutex::new(0));
        let broken = Props::new(move || {
            *started.lock().unwrap() += 1;
            assert!(*started.lock().unwrap() < 3, "the third");
            Behavior::<Job>::empty()
        });
        let failed = Router::random(4, broken).spawn(&sim.node(0), "router");
        assert!(matches!(
            failed,
            Err(RouterError::Spawn(SpawnError::Failed(_)))
        ));
        sim.run_until_idle();
        assert_eq!((sim.pending().actors, sim.pending().names), (0, 0));
    });
}

#[test]
fn routers_can_be_configured_on_every_worker_and_are_one() {
    let log = Log::default();
    let configured = log.clone();
    let configure = move |node: &WorkerNode| {
        let spread = Router::round_robin(3, worker(&configured)).spread(node);
        spread.spawn(node, "spread")?;
        Router::round_robin(2, worker(&configured)).spawn(node, "local")?;
        Ok(())
    };
    for seed in 0..20 {
        let sim = Sim::builder().seed(seed).workers(3);
        let mut sim = sim.configure(configure.clone()).start().unwrap();
        assert_eq!(sim.pending().actors, 3 + 2 + 2);
        let router = RouterRef::from(sim.lookup("/user/spread").unwrap());
        note_all(router, 0..9);
        sim.run_until_idle();
        assert_eq!(log.numbers(), (0..9).collect::<Vec<_>>());
        log.take();
    }
    let pool = WorkerPool::builder().workers(3).configure(configure);
    let pool = pool.start().unwrap();
    let router = RouterRef::<Job>::from(pool.lookup("/user/spread").unwrap());
    assert_eq!(routees_of(router).len(), 3);
    pool.shutdown(SOON).unwrap();
}

#[test]
fn routers_work_under_threads_while_they_are_resized() {
    let pool = WorkerPool::builder().workers(3).start().unwrap();
    let node = pool.node();
    let log = Log::default();
    let spread = Router::round_robin(3, worker(&log)).spread(&node);
    let spread = spread.spawn(&node, "spread").unwrap();
    let local = Router::smallest_mailbox(3, worker(&log));
    let local = local.spawn(&node, "local").unwrap();
    let senders: Vec<_> = (0..4)
        .map(|sender| {
            std::thread::spawn(move || {
                for number in 0..500 {
                    let router = if number % 2 == 0 { spread } else { local };
                    router.tell(Job::Note(sender * 500 + number));
                }
            })
        })
        .collect();
    for size in [5, 1, 4, 2] {
        assert_eq!(spread.resize(size, SOON).wait().unwrap().unwrap(), size);
        assert_eq!(local.resize(size, SOON).wait().unwrap().unwrap(), size);
    }
    senders
        .into_iter()
        .for_each(|sender| sender.join().unwrap());
    let routees = routees_of(spread);
    spread.stop();
    local.stop();
    expect_terminated(spread.actor_ref(), SOON);
    expect_terminated(local.actor_ref(), SOON);
    routees
        .into_iter()
        .for_each(|one| expect_terminated(one, SOON));
    let report = pool.shutdown(SOON).unwrap();
    assert_eq!((report.forced, report.unprocessed), (0, 0));
    assert_eq!(log.numbers(), (0..2000).collect::<Vec<_>>());
}

#[test]
fn what_a_full_routee_does_not_take_is_lost_once_for_its_reason() {
    let kinds = [
        (Overflow::DropNewest, DeadLetterReason::DroppedNewest, 0),
        (Overflow::DropOldest, DeadLetterReason::DroppedOldest, 3),
        (Overflow::Fail, DeadLetterReason::Full, 0),
        (Overflow::Backpressure, DeadLetterReason::Full, 0),
    ];
    for (overflow, reason, left) in kinds {
        check(SEEDS, |sim| {
            let log = Log::default();
            let mailbox = Mailbox::bounded(1, overflow).unwrap();
            let props = worker(&log).mailbox(mailbox);
            let router = Router::round_robin(1, props);
            let router = router.spawn(&sim.node(0), "router").unwrap();
            let routee = routees_of(router)[0];
            routee.suspend();
            sim.run_until_idle();
            let before = sim.stats().sent();
            note_all(router, 0..4);
            sim.run_until_idle();
            // Each message is sent to the router, which sends it to the routee.
            assert_eq!(sim.stats().sent() - before, 8, "{overflow:?}");
            assert_eq!(sim.dead_letters().count(reason), 3, "{overflow:?}");
            assert_eq!(sim.stats().dead_letters, 3);
            routee.resume();
            sim.run_until_idle();
            assert_eq!(log.numbers(), [left]);
        });
    }
}

#[test]
fn a_question_that_a_full_routee_does_not_take_ends_at_once() {
    for overflow in [Overflow::DropNewest, Overflow::Fail] {
        check(SEEDS, |sim| {
            let answers = Props::new(|| Behavior::receive(|_ctx, reply: Reply<u8>| reply.send(1)));
            let mailbox = Mailbox::bounded(1, overflow).unwrap();
            let router = Router::round_robin(1, answers.mailbox(mailbox));
            let router = router.spawn(&sim.node(0), "router").unwrap();
            let routee = router.routees(LONG).wait().unwrap()[0];
            routee.suspend();
            sim.run_until_idle();
            let [first, second] = [(); 2].map(|()| {
                let ask = router.ask(|reply| reply, LONG);
                sim.run_until_idle();
                ask
            });
            let refused = sim.run_until(second).unwrap_err();
            assert!(matches!(refused, AskError::MailboxFull(_)), "{refused:?}");
            routee.resume();
            assert_eq!(sim.run_until(first), Ok(1));
        });
    }
}
