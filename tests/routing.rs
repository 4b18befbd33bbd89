//! Routers: how messages are spread over a group of actors, and what becomes of them when the group
//! changes.

use nexus_actors::prelude::*;
use nexus_actors::sim::{Sim, check};
use nexus_actors::testkit::{DeadLetterProbe, FailureLog, expect_terminated};
use nexus_actors::{
    ActorId, Backoff, BoxError, DeadLetterReason, Router, RouterError, RouterMessage, RouterRef,
};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(5);
const LONG: Duration = Duration::from_secs(3600);
const SECOND: Duration = Duration::from_secs(1);
const SEEDS: std::ops::Range<u64> = 0..40;

/// Who has handled which number, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<(ActorId, u32)>>>);

impl Log {
    fn all(&self) -> Vec<(ActorId, u32)> {
        self.0.lock().unwrap().clone()
    }

    fn take(&self) -> Vec<(ActorId, u32)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn of<M: Send + 'static>(&self, actor: ActorRef<M>) -> Vec<u32> {
        let own = |(by, number): (ActorId, u32)| (by == actor.id()).then_some(number);
        self.all().into_iter().filter_map(own).collect()
    }

    fn numbers(&self) -> Vec<u32> {
        let mut numbers: Vec<u32> = self.all().iter().map(|(_, number)| *number).collect();
        numbers.sort_unstable();
        numbers
    }
}

#[derive(Clone)]
enum Job {
    Note(u32),
    Sleep(Duration),
    Fail,
    Stop,
}

fn worker(log: &Log) -> Props<Job> {
    let log = log.clone();
    Props::new(move || {
        let log = log.clone();
        Behavior::receive(move |ctx, job| {
            match job {
                Job::Note(number) => log.0.lock().unwrap().push((ctx.self_ref().id(), number)),
                Job::Sleep(length) => ctx.sleep(length)?,
                Job::Fail => return Err(BoxError::from("torn")),
                Job::Stop => return Ok(Next::Stop),
            }
            Ok(Next::Same)
        })
    })
}

fn note_all(router: RouterRef<Job>, numbers: std::ops::Range<u32>) {
    numbers.for_each(|number| router.tell(Job::Note(number)));
}

fn routees_of(router: RouterRef<Job>) -> Vec<ActorRef<Job>> {
    router.routees(LONG).wait().unwrap()
}

// ---- who is chosen ------------------------------------------------------------------------------

#[test]
fn round_robin_goes_in_turn_on_one_worker_and_spread_over_all() {
    for spread in [false, true] {
        Sim::builder().workers(3).check(SEEDS, |sim| {
            let log = Log::default();
            let node = sim.node(0);
            let mut router = Router::round_robin(3, worker(&log));
            if spread {
                router = router.spread(&node);
            }
            let router = router.spawn(&node, "router").unwrap();
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
        // Without the number of the pool, which is another one in each run.
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

/// The routee of each key, with so many of them.
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

    // The fifth goes, and all is as it was; then one in the middle stops.
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
        // Two are busy, one of them with more to do; the third gets all but its share.
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
        // The third is busy too, so that they fill up to one level, 6 messages each.
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
        // Both are passive: in turn.
        sim.run_for(2 * SECOND);
        routees.iter().for_each(|routee| routee.passivate());
        sim.run_until_idle();
        note_all(router, 1..5);
        sim.run_until_idle();
        let counts: Vec<usize> = routees.iter().map(|one| log.of(*one).len()).collect();
        assert_eq!(counts, [3, 2]);
        // One that is suspended besides is passed over.
        routees[0].passivate();
        routees[0].suspend();
        sim.run_until_idle();
        note_all(router, 5..9);
        sim.run_until_idle();
        assert_eq!(log.of(routees[0]).len(), 3);
    });
}

// ---- questions ------------------------------------------------------------------------------------

type Search = (u64, Reply<usize>);

/// Answers with its worker, after as many seconds as that says; not at all for a 0.
fn searcher() -> Props<Search> {
    Props::new(|| {
        Behavior::receive(|ctx, (pace, reply): Search| {
            let worker = ctx.worker();
            ctx.sleep(SECOND * u32::try_from(worker).unwrap())?;
            if pace > 0 {
                reply.send(worker);
            }
            Ok::<_, WaitError>(())
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
        // One has stopped, one never answers: the ask goes on until the third does.
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

// ---- changes --------------------------------------------------------------------------------------

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
            let mut router = Router::round_robin(3, worker(&log));
            if spread {
                router = router.spread(&node);
            }
            let router = router.spawn(&node, "router").unwrap();
            note_all(router, 0..30);
            router.stop();
            sim.run_until_idle();
            assert_eq!(log.numbers(), (0..30).collect::<Vec<_>>());
            assert_eq!(sim.pending().actors, 0);
            // A killed one takes them along as well.
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

// ---- what cannot be -------------------------------------------------------------------------------

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
        let expected = SpawnError::InvalidName(nexus_actors::validate_name("no name").unwrap_err());
        assert_eq!(named.unwrap_err().to_string(), expected.to_string());
        // Nothing of them is left, nor of routees whose sisters did not start.
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

// ---- routees with bounded mailboxes -------------------------------------------------------------

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
            // Each is sent to the router, and by that to the routee.
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
