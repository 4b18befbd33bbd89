//! Which routee is chosen, for messages and for questions.

use super::{Job, LONG, Log, SECOND, SEEDS, in_turn, note_all, routees_of, worker};
use nexus_actors::Router;
use nexus_actors::address::ActorId;
use nexus_actors::prelude::*;
use nexus_actors::routing::RouterRef;
use nexus_actors::sim::{Sim, check};
use nexus_actors::supervision::Backoff;
use std::collections::{HashMap, HashSet};

#[test]
fn round_robin_goes_in_turn_on_one_worker_and_spread_over_all() {
    for spread in [false, true] {
        Sim::builder().workers(3).check(SEEDS, |sim| {
            let log = Log::default();
            let router = in_turn(&sim.node(0), &log, spread);
            note_all(router, 0..9);
            sim.run_until_idle();
            let routees = routees_of(router);
            let workers: HashSet<usize> = routees.iter().map(|one| one.id().worker()).collect();
            assert_eq!(workers.len(), if spread { 3 } else { 1 });
            for (at, routee) in (0..).zip(routees) {
                assert_eq!(log.of(routee), [at, at + 3, at + 6]);
            }
        });
    }
}

#[test]
fn chance_is_fair_and_the_same_in_every_run_of_a_seed() {
    let run = |seed| {
        let mut sim = Sim::new(seed);
        let log = Log::default();
        let router = Router::random(4, worker(&log));
        let router = router.spawn(&sim.node(0), "router").unwrap();
        note_all(router, 0..4000);
        sim.run_until_idle();
        let counts = routees_of(router).into_iter().map(|one| log.of(one).len());
        // Without the number of the pool, which differs in each run.
        let chosen = log
            .all()
            .into_iter()
            .map(|(by, number)| (by.to_string(), number));
        (counts.collect::<Vec<_>>(), chosen.collect::<Vec<_>>())
    };
    let (counts, one) = run(1);
    assert!(
        counts.iter().all(|count| (900..1100).contains(count)),
        "{counts:?}"
    );
    assert!(one == run(1).1, "the same seed, the same choices");
    assert!(one != run(2).1, "another seed, other choices");
}

/// The routee of each key.
fn owners(log: &Log, router: RouterRef<Job>, keys: u32, sim: &mut Sim) -> HashMap<u32, ActorId> {
    log.take();
    note_all(router, 0..keys);
    sim.run_until_idle();
    let found = log.take();
    assert_eq!(found.len(), keys as usize);
    found.into_iter().map(|(by, key)| (key, by)).collect()
}

fn by_number(log: &Log, routees: usize) -> Router<Job> {
    Router::consistent_hash(routees, worker(log), |job: &Job| match job {
        Job::Note(number) => *number,
        _ => 0,
    })
}

#[test]
fn a_key_has_one_routee_and_one_routee_more_moves_its_share_alone() {
    const KEYS: u32 = 4000;
    let mut sim = Sim::new(3);
    let log = Log::default();
    let router = by_number(&log, 4).spawn(&sim.node(0), "router").unwrap();
    let four = owners(&log, router, KEYS, &mut sim);
    assert_eq!(four, owners(&log, router, KEYS, &mut sim));
    let before: HashSet<ActorId> = four.values().copied().collect();
    assert_eq!(before.len(), 4);

    assert_eq!(router.resize(5, LONG).wait().unwrap().unwrap(), 5);
    let five = owners(&log, router, KEYS, &mut sim);
    let moved: Vec<u32> = (0..KEYS).filter(|key| four[key] != five[key]).collect();
    assert!((600..1000).contains(&moved.len()), "{}", moved.len());
    assert!(moved.iter().all(|key| !before.contains(&five[key])));

    // The fifth leaves, and the mapping is as before; then one in the middle stops.
    router.resize(4, LONG).wait().unwrap().unwrap();
    assert_eq!(four, owners(&log, router, KEYS, &mut sim));
    let second = routees_of(router)[1];
    second.kill();
    sim.run_until_idle();
    let three = owners(&log, router, KEYS, &mut sim);
    for key in 0..KEYS {
        assert_ne!(three[&key], second.id());
        assert!(four[&key] == second.id() || four[&key] == three[&key]);
    }
}

#[test]
fn messages_of_one_key_keep_their_order() {
    check(SEEDS, |sim| {
        let log = Log::default();
        let node = sim.node(0);
        let router = Router::consistent_hash(3, worker(&log), |job: &Job| match job {
            Job::Note(number) => format!("key {}", number % 10),
            _ => String::new(),
        });
        let router = router.spread(&node).spawn(&node, "router").unwrap();
        note_all(router, 0..200);
        sim.run_until_idle();
        for routee in routees_of(router) {
            for key in 0..10 {
                let all = log.of(routee).into_iter();
                let own: Vec<u32> = all.filter(|number| number % 10 == key).collect();
                assert!(own.is_sorted() && (own.is_empty() || own.len() == 20));
            }
        }
        assert_eq!(log.numbers(), (0..200).collect::<Vec<_>>());
    });
}

#[test]
fn everybody_gets_a_copy_of_what_is_broadcast() {
    for spread in [false, true] {
        check(SEEDS, |sim| {
            let log = Log::default();
            let node = sim.node(0);
            let mut router = Router::broadcast(3, worker(&log));
            if spread {
                router = router.spread(&node);
            }
            let router = router.spawn(&node, "router").unwrap();
            note_all(router, 0..10);
            sim.run_until_idle();
            let routees = routees_of(router);
            assert_eq!(routees.len(), 3);
            for routee in routees {
                assert_eq!(log.of(routee), (0..10).collect::<Vec<_>>());
            }
        });
    }
}

#[test]
fn the_smallest_mailbox_counts_the_message_that_is_being_handled() {
    check(SEEDS, |sim| {
        let log = Log::default();
        let router = Router::smallest_mailbox(3, worker(&log));
        let router = router.spawn(&sim.node(0), "router").unwrap();
        let routees = routees_of(router);
        // Two are busy, one of them with more to do. The third receives all messages but its share.
        routees[0].tell(Job::Sleep(SECOND));
        routees[1].tell(Job::Sleep(SECOND));
        sim.run_until_idle();
        (0..5).for_each(|number| routees[1].tell(Job::Note(100 + number)));
        sim.run_until_idle();
        for number in 0..6 {
            router.tell(Job::Note(number));
            sim.run_until_idle();
        }
        assert_eq!(log.of(routees[2]), (0..6).collect::<Vec<_>>());
        // The third is busy too, so that all three fill up to one level: 6 messages each.
        routees[2].tell(Job::Sleep(2 * SECOND));
        sim.run_until_idle();
        note_all(router, 10..20);
        sim.run_for(10 * SECOND);
        let counts: Vec<usize> = routees.iter().map(|one| log.of(*one).len()).collect();
        assert_eq!(counts, [5, 5, 6 + 5]);
    });
}

#[test]
fn the_smallest_mailbox_passes_over_routees_that_wait_to_be_restarted() {
    check(SEEDS, |sim| {
        let log = Log::default();
        let backoff = Backoff::new(10 * SECOND, 10 * SECOND).unwrap();
        let router = Router::smallest_mailbox(2, worker(&log))
            .supervising(SupervisorStrategy::one_for_one().backoff(backoff));
        let router = router.spawn(&sim.node(0), "router").unwrap();
        let routees = routees_of(router);
        routees[0].tell(Job::Fail);
        sim.run_until_idle();
        note_all(router, 0..20);
        sim.run_for(SECOND);
        assert_eq!(log.of(routees[1]).len(), 20);
        routees[1].kill();
        sim.run_for(SECOND);
        note_all(router, 20..30);
        sim.run_for(20 * SECOND);
        assert_eq!(log.of(routees[0]), (20..30).collect::<Vec<_>>());
    });
}

#[test]
fn the_smallest_mailbox_takes_a_passive_routee_for_an_idle_one() {
    check(SEEDS, |sim| {
        let log = Log::default();
        let router = Router::smallest_mailbox(2, worker(&log));
        let router = router.spawn(&sim.node(0), "router").unwrap();
        let routees = routees_of(router);
        routees[0].passivate();
        routees[1].tell(Job::Sleep(SECOND));
        sim.run_until_idle();
        // The other one is busy.
        note_all(router, 0..1);
        sim.run_until_idle();
        assert_eq!(log.of(routees[0]), [0]);
        // Both are passive, and take turns.
        sim.run_for(2 * SECOND);
        routees.iter().for_each(|routee| routee.passivate());
        sim.run_until_idle();
        note_all(router, 1..5);
        sim.run_until_idle();
        let counts: Vec<usize> = routees.iter().map(|one| log.of(*one).len()).collect();
        assert_eq!(counts, [3, 2]);
        // A routee that is also suspended is skipped.
        routees[0].passivate();
        routees[0].suspend();
        sim.run_until_idle();
        note_all(router, 5..9);
        sim.run_until_idle();
        assert_eq!(log.of(routees[0]).len(), 3);
    });
}

type Search = (u64, Reply<usize>);

/// Answers with its worker after that many seconds; never if the number is 0.
fn searcher() -> Props<Search> {
    Props::new(|| {
        Behavior::receive(|ctx, (pace, reply): Search| {
            let worker = ctx.worker();
            ctx.sleep(SECOND * u32::try_from(worker).unwrap())?;
            if pace > 0 {
                reply.send(worker);
            }
            Ok(())
        })
    })
}

#[test]
fn the_first_answer_of_all_routees_counts() {
    Sim::builder().workers(3).check(SEEDS, |sim| {
        let node = sim.node(0);
        let router = Router::round_robin(3, searcher()).spread(&node);
        let router = router.spawn(&node, "router").unwrap();
        let asked = router.ask_first(|reply| (1, reply), LONG);
        assert_eq!(asked.wait(), Ok(0), "worker 0 does not sleep");
        assert!(sim.now() < SECOND);
        sim.run_for(10 * SECOND);
        assert_eq!(sim.stats().late_replies, 0, "the others were expected");
        // One has stopped, and one never answers: the ask continues until the third answers.
        router.routees(LONG).wait().unwrap()[0].kill();
        sim.run_until_idle();
        let asked = router.ask_first(|reply| (1, reply), LONG);
        assert_eq!(asked.wait(), Ok(1));
        sim.run_for(10 * SECOND);
        let begun = sim.now();
        let asked = router.ask_first(|reply| (0, reply), LONG);
        assert!(matches!(asked.wait(), Err(AskError::NoReply(_))));
        let took = sim.now() - begun;
        assert!(took >= 2 * SECOND && took < LONG, "the last one ends it");
    });
}

#[test]
fn an_ask_goes_to_one_routee_and_fails_with_it() {
    check(SEEDS, |sim| {
        let router = Router::round_robin(2, searcher());
        let router = router.spawn(&sim.node(0), "router").unwrap();
        let home = router.id().worker();
        assert_eq!(router.ask(|reply| (1, reply), LONG).wait(), Ok(home));
        assert!(matches!(
            router.ask(|reply| (0, reply), LONG).wait(),
            Err(AskError::NoReply(_))
        ));
        router.stop();
        sim.run_until_idle();
        let late = router.ask_first(|reply| (1, reply), LONG).wait();
        assert!(matches!(late, Err(AskError::TargetStopped(_))));
    });
}
