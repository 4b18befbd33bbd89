//! The test kit: section 9 of the contract, and dead letters of section 7.

mod common;

use common::{SOON, pool_of, with_pool};
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use nexus_actors::testkit::{
    BehaviorTest, BehaviorTestError, DeadLetterProbe, FailureLog, Outcome, Probe, ProbeError,
    expect_terminated, try_expect_terminated,
};
use nexus_actors::{Stage, StartError, dead_letters_without_pool};
use std::cell::Cell;
use std::fmt;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

const ZERO: Duration = Duration::ZERO;
const HOUR: Duration = Duration::from_secs(3600);

/// So short that to wait for it in vain delays no test for long.
const BRIEF: Duration = Duration::from_millis(30);

const SEEDS: u64 = 12;

/// Runs a scenario under every driver, and with several seeds where those decide. A new driver gets
/// its line here.
fn everywhere(scenario: impl Fn(&WorkerNode)) {
    under_threads(&scenario);
    under_simulation(&scenario);
    on_this_thread(&scenario);
}

fn on_this_thread(scenario: impl Fn(&WorkerNode)) {
    let system = ActorSystem::builder().on_failure(|_| ()).start().unwrap();
    scenario(&system.node());
    let report = system.shutdown(HOUR);
    assert_eq!((report.forced, report.stuck_workers), (0, 0));
    assert_eq!(system.stats().late_replies, 0);
}

fn under_threads(scenario: impl Fn(&WorkerNode)) {
    for workers in [1, 2] {
        with_pool(pool_of(workers).on_failure(|_| ()), |pool| {
            scenario(&pool.node());
        });
    }
}

fn under_simulation(scenario: impl Fn(&WorkerNode)) {
    for seed in 0..SEEDS {
        let workers = 1 + seed as usize % 3;
        let mut sim = Sim::builder().seed(seed).workers(workers).start().unwrap();
        scenario(&sim.node(workers - 1));
        assert_eq!(sim.pending().waits, 0, "nobody waits any more");
        let report = sim.shutdown(HOUR);
        assert_eq!((report.forced, report.stuck_workers), (0, 0));
        assert_eq!(sim.stats().late_replies, 0);
        assert!(sim.pending().is_empty(), "{:?}", sim.pending());
    }
}

/// The text with which `code` panics, as it must.
#[track_caller]
fn panics<R>(code: impl FnOnce() -> R) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(code)) else {
        panic!("it is to panic");
    };
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => (*payload.downcast::<&str>().expect("a text")).to_owned(),
    }
}

fn tell_all<M: Send + 'static>(to: ActorRef<M>, messages: impl IntoIterator<Item = M>) {
    messages.into_iter().for_each(|message| to.tell(message));
}

/// Sends a number to somebody after a time.
fn later(to: ActorRef<u32>) -> Props<(Duration, u32)> {
    Props::new(move || {
        Behavior::receive(move |ctx, (after, number)| {
            ctx.sleep(after)?;
            to.tell(number);
            Ok::<_, WaitError>(())
        })
    })
}

fn other_worker(node: &WorkerNode) -> usize {
    (node.index() + 1) % node.workers()
}

#[test]
fn s9_2_a_probe_gives_out_what_it_was_sent_in_order() {
    everywhere(|node| {
        let probe = Probe::new(node, "probe").unwrap();
        assert_eq!(probe.path().as_str(), "/user/probe");
        assert!(probe.is_empty());
        (0..5).for_each(|number: u32| probe.actor_ref().tell(number));
        assert_eq!(probe.expect(SOON), 0);
        assert_eq!(probe.try_expect(SOON), Ok(1));
        assert_eq!(probe.receive_n(2, SOON), [2, 3]);
        probe.expect_message(4, SOON);
        assert!(probe.is_empty());
    });
}

#[test]
fn s9_2_an_expectation_that_is_not_met_says_what_was_waited_for_and_how_long() {
    everywhere(|node| {
        let probe = Probe::<u32>::new(node, "probe").unwrap();
        let text = panics(|| probe.expect(BRIEF));
        let expected = "/user/probe: a message of type u32 did not come within 30ms \
                        (no message is there)";
        assert_eq!(text, expected);
        let error = probe.try_expect(ZERO).unwrap_err();
        assert!(
            matches!(
                &error,
                ProbeError::Timeout {
                    within: ZERO,
                    there: 0,
                    ..
                }
            ),
            "{error:?}"
        );
    });
}

#[test]
fn s9_2_probes_have_names_or_none_and_live_where_they_are_told_to() {
    everywhere(|node| {
        let last = node.workers() - 1;
        let placed = Probe::<u8>::on(node, last, "placed").unwrap();
        assert_eq!(placed.actor_ref().id().worker(), last);
        let named = Probe::<u8>::new(node, "named").unwrap();
        assert_eq!(named.actor_ref().id().worker(), node.owner("named"));
        let nameless = Probe::<u8>::anonymous(node).unwrap();
        assert_eq!(nameless.actor_ref().id().worker(), node.index());
        assert!(nameless.path().to_string().starts_with("/user/$"));
        let again = Probe::<u8>::new(node, "named");
        assert!(matches!(again, Err(SpawnError::NameTaken(_))));
        let nowhere = Probe::<u8>::on(node, 99, "nowhere");
        assert!(matches!(nowhere, Err(SpawnError::NoSuchWorker { .. })));
    });
}

#[test]
fn s9_2_a_message_that_comes_after_a_timed_out_expectation_is_there_for_the_next() {
    everywhere(|node| {
        let probe = Probe::new(node, "probe").unwrap();
        let late = node.spawn("late", later(probe.actor_ref())).unwrap();
        assert!(probe.try_expect(BRIEF).is_err());
        assert!(probe.try_expect_where(|_| true, BRIEF).is_err());
        assert!(probe.try_receive_n(1, BRIEF).is_err());
        late.tell((BRIEF, 7));
        assert_eq!(probe.expect(SOON), 7);
    });
}

#[test]
fn s9_2_nothing_is_lost_where_messages_and_time_outs_race() {
    const MESSAGES: u32 = 300;
    let nearly = Duration::from_micros(200);
    everywhere(|node| {
        let probe = Probe::new(node, "probe").unwrap();
        let to = other_worker(node);
        let late = node.spawn_on(to, "late", later(probe.actor_ref())).unwrap();
        (0..MESSAGES).for_each(|number| late.tell((nearly, number)));
        let mut came = Vec::new();
        while came.len() < MESSAGES as usize {
            came.extend(probe.try_expect(nearly));
        }
        assert!(came.into_iter().eq(0..MESSAGES), "all of them, in order");
    });
}

#[test]
fn s9_2_a_probe_finds_the_first_message_that_fits_and_leaves_the_others() {
    everywhere(|node| {
        let probe = Probe::new(node, "probe").unwrap();
        let late = node.spawn("late", later(probe.actor_ref())).unwrap();
        tell_all(late, [(ZERO, 1), (ZERO, 3)]);
        late.tell((BRIEF, 4));
        let mut seen = 0;
        let even = |number: &u32| {
            seen += 1;
            number.is_multiple_of(2)
        };
        assert_eq!(probe.expect_where(even, SOON), 4);
        assert!(seen >= 3);
        let text = panics(|| probe.expect_where(|number| *number > 9, BRIEF));
        let expected = "/user/probe: a fitting u32 did not come within 30ms (2 messages are there)";
        assert_eq!(text, expected);
        assert_eq!(probe.drain(), [1, 3]);
    });
}

#[test]
fn s9_2_a_probe_gives_out_several_messages_or_none() {
    everywhere(|node| {
        let probe = Probe::new(node, "probe").unwrap();
        let late = node.spawn("late", later(probe.actor_ref())).unwrap();
        tell_all(late, [(ZERO, 1), (ZERO, 2), (ZERO, 9)]);
        assert_eq!(probe.expect_where(|number| *number == 9, SOON), 9);
        assert_eq!(probe.receive_n(0, ZERO), [0; 0]);
        let text = panics(|| probe.receive_n(3, BRIEF));
        let expected = "/user/probe: 3 messages of type u32 did not come within 30ms \
                        (2 messages are there)";
        assert_eq!(text, expected);
        late.tell((BRIEF, 3));
        assert_eq!(probe.receive_n(3, SOON), [1, 2, 3]);
    });
}

#[test]
fn s9_2_a_probe_compares_messages_in_their_order() {
    everywhere(|node| {
        let probe = Probe::new(node, "probe").unwrap();
        let tell = |numbers: [u32; 3]| tell_all(probe.actor_ref(), numbers);
        tell([1, 2, 3]);
        probe.expect_in_order([1, 2], SOON);
        probe.expect_message(3, SOON);
        probe.expect_in_order([], ZERO);

        tell([4, 6, 5]);
        // At once, and not after the time, although a fourth one does not come.
        let text = panics(|| probe.expect_in_order([4, 5, 6, 7], HOUR));
        let (before, after) = text.split_once(" was to come, but ").unwrap();
        assert_eq!(before, "/user/probe: [4, 5, 6, 7] of type u32");
        assert!(
            after.starts_with("[4, 6") && after.ends_with("] came"),
            "{text}"
        );
        assert_eq!(probe.receive_n(3, SOON), [4, 6, 5]);

        let text = panics(|| probe.expect_message(8, BRIEF));
        let expected =
            "/user/probe: [8] of type u32 did not come within 30ms (no message is there)";
        assert_eq!(text, expected);
        probe.actor_ref().tell(9);
        let text = panics(|| probe.expect_message(8, SOON));
        let expected = "/user/probe: [8] of type u32 was to come, but [9] came";
        assert_eq!(text, expected);
        assert_eq!(probe.expect(SOON), 9, "it stays");
    });
}

#[test]
fn s9_2_a_time_without_messages_is_waited_for_and_ends_with_a_message() {
    everywhere(|node| {
        let probe = Probe::new(node, "probe").unwrap();
        probe.expect_no_message(ZERO);
        probe.expect_no_message(BRIEF);
        let late = node.spawn("late", later(probe.actor_ref())).unwrap();
        late.tell((BRIEF, 5));
        let text = panics(|| probe.expect_no_message(HOUR));
        let expected = "/user/probe: no u32 was to come within 3600s (1 message is there)";
        assert_eq!(text, expected);
        let error = probe.try_expect_no_message(ZERO).unwrap_err();
        assert!(matches!(
            error,
            ProbeError::Unexpected {
                message: "u32",
                there: 1,
                ..
            }
        ));
        assert_eq!(probe.expect(ZERO), 5, "it stays");
    });
}

#[test]
fn s9_2_under_a_simulation_an_hour_without_messages_takes_no_time() {
    let start = Instant::now();
    for seed in 0..SEEDS {
        let sim = Sim::new(seed);
        let probe = Probe::<u8>::new(&sim.node(0), "probe").unwrap();
        let before = sim.now();
        probe.expect_no_message(1000 * HOUR);
        let passed = sim.now() - before;
        assert!(passed >= 1000 * HOUR, "{passed:?}");
        assert!(passed < 1001 * HOUR, "{passed:?}");
    }
    assert!(start.elapsed() < SOON);
}

#[test]
fn s9_2_what_is_not_waited_for_does_not_make_the_time_longer() {
    for seed in 0..SEEDS {
        let mut sim = Sim::new(seed);
        let probe = Probe::new(&sim.node(0), "probe").unwrap();
        let ticker = sim.spawn("ticker", later(probe.actor_ref())).unwrap();
        (0..100).for_each(|number| ticker.tell((Duration::from_secs(1), number)));
        // Whatever the workers know of the time by now.
        sim.advance(HOUR);
        let before = sim.now();
        let text = panics(|| probe.expect_where(|_| false, Duration::from_secs(10)));
        assert!(text.contains("did not come within 10s"), "{text}");
        let there = probe.len();
        assert!((8..=11).contains(&there), "one a second, not {there}");
        let passed = sim.now() - before;
        assert!(passed >= Duration::from_secs(10), "{passed:?}");
        assert!(passed < Duration::from_secs(11), "{passed:?}");
    }
    under_threads(|node| {
        let probe = Probe::new(node, "probe").unwrap();
        let ticker = node.spawn("ticker", later(probe.actor_ref())).unwrap();
        (0..60).for_each(|number| ticker.tell((Duration::from_millis(25), number)));
        let start = Instant::now();
        assert!(probe.try_expect_where(|_| false, 2 * BRIEF).is_err());
        assert!(start.elapsed() >= 2 * BRIEF);
        assert!(probe.len() < 60, "it took {:?}", start.elapsed());
    });
}

#[test]
fn s9_2_the_time_goes_on_where_it_was_after_a_message_that_is_not_waited_for() {
    for seed in 0..SEEDS {
        let mut sim = Sim::new(seed);
        let probe = Probe::new(&sim.node(0), "probe").unwrap();
        let late = sim.spawn("late", later(probe.actor_ref())).unwrap();
        late.tell((Duration::from_secs(9), 1));
        late.tell((HOUR, 2));
        let before = sim.now();
        assert!(probe.try_receive_n(2, Duration::from_secs(10)).is_err());
        let passed = sim.now() - before;
        assert!(passed < Duration::from_secs(11), "{passed:?}");
    }
}

#[test]
fn s9_2_what_comes_in_the_last_moment_has_come_in_time() {
    let mut sim = Sim::builder().orderly().workers(1).start().unwrap();
    let probe = Probe::new(&sim.node(0), "probe").unwrap();
    let late = sim.spawn("late", later(probe.actor_ref())).unwrap();
    late.tell((HOUR, 1));
    assert_eq!(probe.try_expect(HOUR), Ok(1));
    assert_eq!(sim.now(), HOUR);
    late.tell((HOUR, 2));
    assert!(probe.try_expect_no_message(HOUR).is_err());
}

#[test]
fn s9_2_probes_wait_beside_each_other() {
    everywhere(|node| {
        let (first, second) = (
            Probe::new(node, "first").unwrap(),
            Probe::on(node, other_worker(node), "second").unwrap(),
        );
        let to = first.actor_ref();
        let late = node.spawn("late", later(to)).unwrap();
        late.tell((BRIEF, 1));
        second.actor_ref().tell("two");
        assert_eq!(second.expect(SOON), "two");
        second.expect_no_message(ZERO);
        assert_eq!(first.expect(SOON), 1);
        second.actor_ref().tell("three");
        first.expect_no_message(BRIEF);
        assert_eq!(second.expect(ZERO), "three");
    });
}

#[test]
fn s9_2_many_wait_at_one_probe_and_each_message_is_for_one_of_them() {
    under_threads(|node| {
        let probe = Probe::<u32>::new(node, "probe").unwrap();
        let taken: Vec<u32> = thread::scope(|scope| {
            let takers: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..50).map(|_| probe.expect(SOON)).collect::<Vec<_>>()))
                .collect();
            (0..200).for_each(|number| probe.actor_ref().tell(number));
            let taken = takers.into_iter().flat_map(|taker| taker.join().unwrap());
            taken.collect()
        });
        let mut taken = taken;
        taken.sort_unstable();
        assert!(taken.into_iter().eq(0..200));
        assert!(probe.clone().is_empty());
    });
}

#[test]
fn s9_2_a_handler_waits_for_a_probe_and_its_worker_goes_on() {
    everywhere(|node| {
        let probe = Probe::new(node, "probe").unwrap();
        let watched = probe.clone();
        let waiter = Props::new(move || {
            let watched = watched.clone();
            Behavior::receive(
                move |_ctx, (within, reply): (Duration, Reply<Option<u32>>)| {
                    reply.send(watched.try_expect(within).ok());
                },
            )
        });
        let waiter = node.spawn("waiter", waiter).unwrap();
        let late = node.spawn("late", later(probe.actor_ref())).unwrap();
        assert_eq!(waiter.ask(|reply| (BRIEF, reply), SOON).wait(), Ok(None));
        let asked = waiter.ask(|reply| (SOON, reply), SOON);
        late.tell((BRIEF, 8));
        assert_eq!(asked.wait(), Ok(Some(8)));
    });
}

#[test]
fn s9_2_a_probe_that_answers_keeps_only_what_it_gives_back() {
    enum Ledger {
        Balance(Reply<u32>),
        Enter(u32),
    }
    everywhere(|node| {
        let mut balance = 100;
        let ledger = Probe::answering(node, "ledger", move |message| match message {
            Ledger::Balance(reply) => {
                balance += 1;
                reply.send(balance);
                None
            }
            other => Some(other),
        });
        let ledger = ledger.unwrap();
        let actor = ledger.actor_ref();
        assert_eq!(actor.ask(Ledger::Balance, SOON).wait(), Ok(101));
        actor.tell(Ledger::Enter(5));
        assert_eq!(actor.ask(Ledger::Balance, SOON).wait(), Ok(102));
        assert!(matches!(ledger.expect(ZERO), Ledger::Enter(5)));
        assert!(ledger.is_empty());
    });
}

#[test]
fn s9_2_a_question_that_a_probe_has_taken_is_answered_by_the_test() {
    everywhere(|node| {
        let probe = Probe::new(node, "probe").unwrap();
        let to = probe.actor_ref();
        let asker = Props::new(move || {
            Behavior::receive(move |_ctx, done: Reply<Result<u8, AskError>>| {
                done.send(to.ask(|reply: Reply<u8>| reply, HOUR).wait());
            })
        });
        let asker = node.spawn("asker", asker).unwrap();
        let asked = asker.ask(|reply| reply, HOUR);
        probe.expect(SOON).send(7);
        assert_eq!(asked.wait(), Ok(Ok(7)));
        let asked = asker.ask(|reply| reply, HOUR);
        drop(probe.expect(SOON));
        assert!(matches!(asked.wait(), Ok(Err(AskError::NoReply(_)))));
    });
}

#[test]
fn s9_2_a_probe_that_has_stopped_says_so_and_keeps_what_it_has() {
    everywhere(|node| {
        let probe = Probe::<u32>::new(node, "probe").unwrap();
        probe.actor_ref().tell(1);
        probe.actor_ref().stop();
        assert_eq!(probe.expect(SOON), 1);
        let text = panics(|| probe.expect(HOUR));
        let expected = "/user/probe has stopped, and a message of type u32 can come no more \
                        (no message is there)";
        assert_eq!(text, expected);
        assert!(matches!(
            probe.try_receive_n(2, HOUR),
            Err(ProbeError::Ended { .. })
        ));
        probe.expect_no_message(HOUR);
        // It is known, so that waiting has not begun.
        probe.expect_terminated(probe.actor_ref(), SOON);
    });
}

#[test]
fn s9_2_a_probe_outlives_its_pool() {
    let (probe, letters) = with_pool(pool_of(2), |pool| {
        let probe = Probe::<u32>::new(&pool.node(), "probe").unwrap();
        probe.actor_ref().tell(1);
        (probe, DeadLetterProbe::over(&pool.dead_letters()))
    });
    assert_eq!(
        probe.drain(),
        [1],
        "what it was sent before the end was handled"
    );
    assert!(matches!(
        probe.try_expect(HOUR),
        Err(ProbeError::Ended { .. })
    ));
    expect_terminated(probe.actor_ref(), HOUR);
    letters.expect_none();

    let mut sim = Sim::new(1);
    let probe = Probe::<u32>::new(&sim.node(0), "probe").unwrap();
    sim.shutdown(HOUR);
    assert!(matches!(
        probe.try_expect(HOUR),
        Err(ProbeError::Ended { .. })
    ));
    expect_terminated(probe.actor_ref(), HOUR);
    drop(sim);
    assert!(matches!(
        probe.try_expect(HOUR),
        Err(ProbeError::Ended { .. })
    ));
    expect_terminated(probe.actor_ref(), HOUR);
}

#[test]
fn s9_2_a_probe_that_waits_is_told_of_the_end() {
    let pool = pool_of(2).start().unwrap();
    let probe = Probe::<u32>::new(&pool.node(), "probe").unwrap();
    let waiting = thread::spawn(move || probe.try_expect(HOUR));
    thread::sleep(BRIEF);
    pool.shutdown(SOON).unwrap();
    assert!(matches!(
        waiting.join().unwrap(),
        Err(ProbeError::Ended { .. })
    ));
}

#[test]
fn s9_2_who_cannot_wait_is_told_so() {
    struct Asks(Probe<u8>, Arc<Mutex<Option<ProbeError>>>);
    impl Drop for Asks {
        fn drop(&mut self) {
            if thread::panicking() {
                *self.1.lock().unwrap() = self.0.try_expect(SOON).err();
            }
        }
    }
    everywhere(|node| {
        let probe = Probe::new(node, "probe").unwrap();
        let told = Arc::new(Mutex::new(None));
        let (watched, telling) = (probe.clone(), Arc::clone(&told));
        let panicking = Props::new(move || {
            let (watched, telling) = (watched.clone(), telling.clone());
            Behavior::receive(move |_ctx, panics: bool| {
                let _asks = Asks(watched.clone(), telling.clone());
                assert!(!panics, "planned");
            })
        });
        let panicking = node.spawn("panicking", panicking).unwrap();
        panicking.tell(true);
        probe.expect_terminated(panicking, SOON);
        let told = told.lock().unwrap().take();
        assert_eq!(told, Some(ProbeError::CannotWait(WaitError::Unwinding)));
    });
}

#[test]
fn s9_2_the_end_of_an_actor_is_seen_from_every_worker_also_when_it_is_long_past() {
    everywhere(|node| {
        for worker in 0..node.workers() {
            let actor = || Props::new(|| Behavior::receive(|_ctx, _: u8| Next::Stop));
            let one = node
                .spawn_on(worker, &format!("one-{worker}"), actor())
                .unwrap();
            one.tell(1);
            expect_terminated(one, SOON);
            // The name is free, and its next owner's life is another one.
            let next = node
                .spawn_on(worker, &format!("one-{worker}"), actor())
                .unwrap();
            expect_terminated(one, BRIEF);
            assert!(try_expect_terminated(next, BRIEF).is_err());
            next.stop();
            expect_terminated(next, SOON);
        }
    });
}

#[test]
fn s9_2_an_actor_that_has_failed_is_terminated() {
    everywhere(|node| {
        let probe = Probe::<()>::new(node, "probe").unwrap();
        for worker in 0..node.workers() {
            let failing = Props::new(|| {
                Behavior::receive(|_ctx, panics: bool| {
                    assert!(!panics, "planned");
                    Err::<(), _>("planned")
                })
            });
            for panics in [false, true] {
                let name = format!("failing-{worker}-{panics}");
                let failing = node.spawn_on(worker, &name, failing.clone()).unwrap();
                failing.tell(panics);
                probe.expect_terminated(failing, SOON);
            }
        }
    });
}

#[test]
fn s9_2_an_actor_that_lives_is_named_with_its_path() {
    everywhere(|node| {
        let worker = other_worker(node);
        let alive = node.spawn_on(
            worker,
            "alive",
            later(Probe::new(node, "to").unwrap().actor_ref()),
        );
        let alive = alive.unwrap();
        let text = panics(|| expect_terminated(alive, BRIEF));
        let id = alive.id();
        let expected = format!(
            "/user/alive ({id}), which handles (core::time::Duration, u32), \
             did not stop within 30ms"
        );
        assert_eq!(text, expected);
        // Who gave up is not in the way of who comes later.
        let error = try_expect_terminated(alive, BRIEF).unwrap_err();
        assert!(matches!(error, ProbeError::Alive { path: Some(_), .. }));
        alive.stop();
        expect_terminated(alive, SOON);
    });
}

#[test]
fn s9_2_an_actor_is_terminated_when_its_children_are() {
    everywhere(|node| {
        let stopped = Arc::new(AtomicU32::new(0));
        let counting = Arc::clone(&stopped);
        let parent = Props::new(move || {
            let counting = Arc::clone(&counting);
            Behavior::setup(move |ctx| {
                for number in 0..3 {
                    let counting = Arc::clone(&counting);
                    let child = Props::new(move || {
                        let counting = Arc::clone(&counting);
                        Behavior::receive(|_ctx, _: u8| ()).on_signal(move |ctx, signal| {
                            if *signal == Signal::PostStop {
                                ctx.sleep(BRIEF)?;
                                counting.fetch_add(1, Relaxed);
                            }
                            Ok::<_, BoxError>(())
                        })
                    });
                    ctx.spawn(&format!("child-{number}"), child)?;
                }
                Ok(Behavior::receive(|_ctx, _: u8| ()))
            })
        });
        let parent = node.spawn_on(other_worker(node), "parent", parent).unwrap();
        parent.stop();
        expect_terminated(parent, SOON);
        assert_eq!(stopped.load(Relaxed), 3);
        assert!(node.lookup::<u8>("/user/parent").is_err());
    });
}

#[test]
fn s9_2_a_handler_waits_for_the_end_of_another_actor() {
    everywhere(|node| {
        let watcher = Props::new(|| {
            Behavior::receive(|_ctx, (actor, reply): (ActorRef<u8>, Reply<bool>)| {
                actor.stop();
                reply.send(try_expect_terminated(actor, SOON).is_ok());
            })
        });
        let watcher = node.spawn("watcher", watcher).unwrap();
        for worker in 0..node.workers() {
            let actor = Props::new(|| Behavior::receive(|_ctx, _: u8| ()));
            let actor = node
                .spawn_on(worker, &format!("actor-{worker}"), actor)
                .unwrap();
            let told = watcher.ask(|reply| (actor, reply), SOON).wait();
            assert_eq!(told, Ok(true));
            assert_eq!(watcher.ask(|reply| (actor, reply), SOON).wait(), Ok(true));
        }
    });
}

#[test]
fn s9_2_waiting_in_vain_leaves_nothing_behind_and_counts_no_late_reply() {
    with_pool(pool_of(2), |pool| {
        let probe = Probe::<u32>::new(&pool.node(), "probe").unwrap();
        let actor = pool.spawn("actor", later(probe.actor_ref())).unwrap();
        for number in 0..20 {
            assert!(probe.try_expect(Duration::from_millis(1)).is_err());
            assert!(try_expect_terminated(actor, Duration::from_millis(1)).is_err());
            probe.actor_ref().tell(number);
            assert_eq!(probe.expect(SOON), number);
        }
        actor.stop();
        expect_terminated(actor, SOON);
        assert_eq!(pool.stats().late_replies, 0);
    });
}

#[test]
fn s9_2_the_same_seed_gives_the_same_run_with_probes() {
    let run = |seed| {
        let mut sim = Sim::builder().seed(seed).workers(3).start().unwrap();
        let probe = Probe::new(&sim.node(0), "probe").unwrap();
        let late = sim.spawn("late", later(probe.actor_ref())).unwrap();
        (0..20).for_each(|number| late.tell((Duration::from_millis(1), number)));
        while probe.try_expect(Duration::from_millis(2)).is_ok() {}
        late.stop();
        expect_terminated(late, HOUR);
        probe.expect_no_message(HOUR);
        (sim.trace(), sim.steps(), sim.now())
    };
    for seed in 0..SEEDS {
        assert_eq!(run(seed), run(seed));
    }
}

#[test]
fn s9_2_a_pool_with_a_clock_of_its_own_is_waited_for_in_real_time() {
    let time = ManualTime::new();
    let source = TimeSource::Manual(time.clone());
    with_pool(pool_of(2).time_source(source), |pool| {
        let probe = Probe::new(&pool.node(), "probe").unwrap();
        let late = pool.spawn("late", later(probe.actor_ref())).unwrap();
        late.tell((HOUR, 1));
        probe.expect_no_message(BRIEF);
        common::eventually("the hour has passed", || {
            time.advance(HOUR);
            !probe.is_empty()
        });
        assert_eq!(probe.expect(ZERO), 1);
    });
}

#[test]
fn s9_2_a_failed_expectation_points_to_the_line_of_the_test() {
    thread_local! {
        static LINE: Cell<Option<(bool, u32)>> = const { Cell::new(None) };
    }
    let others = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let here = info
            .location()
            .map(|place| (place.file() == file!(), place.line()));
        LINE.set(here);
        others(info);
    }));
    let sim = Sim::new(1);
    let node = sim.node(0);
    let probe = Probe::<u8>::new(&node, "probe").unwrap();
    let actor = probe.actor_ref();
    let (letters, failures) = (DeadLetterProbe::new(&node), FailureLog::new());
    let all: [(u32, &dyn Fn()); 9] = [
        (line!(), &|| _ = probe.expect(ZERO)),
        (line!(), &|| _ = probe.expect_where(|_| true, ZERO)),
        (line!(), &|| _ = probe.receive_n(1, ZERO)),
        (line!(), &|| probe.expect_message(1, ZERO)),
        (line!(), &|| probe.expect_in_order([1], ZERO)),
        (line!(), &|| probe.expect_terminated(actor, BRIEF)),
        (line!(), &|| expect_terminated(actor, BRIEF)),
        (line!(), &|| letters.expect_type::<u8>(1)),
        (line!(), &|| _ = failures.expect("x")),
    ];
    for (line, code) in all {
        panics(code);
        assert_eq!(LINE.take(), Some((true, line)));
    }
    drop(panic::take_hook());
}

// ---- a behaviour alone ---------------------------------------------------------------------

enum Shop {
    Sell(u32),
    Sold(Reply<u32>),
    Nap(Duration),
    Hire(&'static str),
    Fire(&'static str),
    Ignore,
    Break,
    Panic,
    Close,
    Keep(Reply<u32>),
    Again(Box<Shop>),
}

fn shop() -> Behavior<Shop> {
    let kept = Rc::new(Cell::new(None));
    Behavior::with_state(0, move |sold, ctx, message| {
        match message {
            Shop::Sell(pieces) => *sold += pieces,
            Shop::Sold(reply) => reply.send(*sold),
            Shop::Nap(time) => ctx.sleep(time)?,
            Shop::Hire(name) => {
                ctx.spawn(
                    name,
                    Props::new(|| Behavior::receive(|_ctx, _: u8| Next::Stop)),
                )?;
            }
            Shop::Fire(name) => {
                ctx.spawn_anonymous(Props::new(Behavior::<u8>::stopped))?;
                ctx.self_ref().tell(Shop::Hire(name));
            }
            Shop::Ignore => return Ok(Next::Unhandled),
            Shop::Break => return Err(BoxError::from("out of order")),
            Shop::Panic => panic!("planned"),
            Shop::Close => return Ok(Next::Stop),
            Shop::Keep(reply) => kept.set(Some(reply)),
            Shop::Again(message) => ctx.self_ref().tell(*message),
        }
        Ok::<_, BoxError>(Next::Same)
    })
}

#[test]
fn s9_2_a_behaviour_alone_says_how_it_has_taken_each_message() {
    let mut test = BehaviorTest::new(shop).unwrap();
    assert_eq!(test.tell(Shop::Sell(2)), Outcome::Handled);
    assert_eq!(test.tell(Shop::Ignore), Outcome::Unhandled);
    assert_eq!(test.tell(Shop::Sell(3)), Outcome::Handled, "that is past");
    assert_eq!(
        test.tell(Shop::Again(Box::new(Shop::Ignore))),
        Outcome::Unhandled
    );
    assert_eq!(test.ask(Shop::Sold), Ok(5));
    assert_eq!(test.outcome(), Outcome::Handled);
    assert!(test.is_alive());
    assert!(test.failures().is_empty());
    assert_eq!(test.now(), ZERO, "nothing takes time by itself");

    assert_eq!(test.tell(Shop::Close), Outcome::Stopped);
    assert!(!test.is_alive());
    assert_eq!(test.tell(Shop::Sell(1)), Outcome::Refused);
    assert!(matches!(
        test.ask(Shop::Sold),
        Err(AskError::TargetStopped(_))
    ));
    assert_eq!(test.dead_letters().count(DeadLetterReason::Stopped), 2);
}

#[test]
fn s9_2_a_behaviour_alone_fails_with_its_text() {
    let texts = [
        (Shop::Break, "out of order"),
        (Shop::Panic, "panic: planned"),
    ];
    for (message, text) in texts {
        let mut test = BehaviorTest::new(shop).unwrap();
        assert_eq!(test.tell(Shop::Sell(2)), Outcome::Handled);
        assert_eq!(test.tell(message), Outcome::Failed(text.into()));
        assert_eq!(test.outcome(), Outcome::Failed(text.into()));
        assert!(!test.is_alive());
        let failures = test.failures();
        assert_eq!(failures.len(), 1);
        assert_eq!(failures[0].during, Stage::Handling);
        assert_eq!(failures[0].cause, text);
        assert_eq!(failures[0].path.as_str(), "/user/behavior");
        assert_eq!(failures[0].actor, test.actor_ref().id());
        assert_eq!(test.tell(Shop::Sell(2)), Outcome::Refused);
    }
}

#[test]
fn s9_2_a_failure_of_a_child_is_none_of_the_behaviour() {
    let mut test = BehaviorTest::new(|| {
        Behavior::receive(|ctx, text: &'static str| {
            let child = Props::new(|| Behavior::receive(|_ctx, text| Err::<(), &str>(text)));
            ctx.spawn_anonymous(child)?.tell(text);
            Ok::<_, SpawnError>(())
        })
    })
    .unwrap();
    assert_eq!(test.tell("torn"), Outcome::Handled);
    assert!(test.is_alive());
    assert_eq!(test.failures()[0].cause, "torn");
    assert_eq!(test.children().len(), 1, "it was restarted");
}

#[test]
fn s9_2_a_behaviour_alone_waits_until_time_is_given_to_it() {
    let mut test = BehaviorTest::new(shop).unwrap();
    assert_eq!(test.tell(Shop::Nap(HOUR)), Outcome::Waiting);
    assert_eq!(test.tell(Shop::Sell(1)), Outcome::Waiting, "behind the nap");
    assert_eq!(
        test.advance(HOUR - Duration::from_nanos(1)),
        Outcome::Waiting
    );
    assert_eq!(test.advance(Duration::from_nanos(1)), Outcome::Handled);
    assert_eq!(test.now(), HOUR);
    assert_eq!(test.ask(Shop::Sold), Ok(1));

    // An ask takes the time that it needs.
    assert_eq!(test.tell(Shop::Nap(HOUR)), Outcome::Waiting);
    assert_eq!(test.ask(Shop::Sold), Ok(1));
    assert_eq!(test.now(), 2 * HOUR);

    // And none, where there can be no answer.
    let answer = test.ask(Shop::Keep);
    assert_eq!(answer, Err(AskError::CannotWait(WaitError::NothingLeft)));
    assert_eq!(test.now(), 2 * HOUR);
    assert!(test.is_alive());
    test.actor_ref().tell(Shop::Nap(HOUR));
    assert_eq!(
        test.ask(Shop::Sold),
        Ok(1),
        "who sends by hand is served too"
    );
    assert_eq!(test.now(), 3 * HOUR);
}

#[test]
fn s9_2_a_behaviour_alone_has_children() {
    let mut test = BehaviorTest::new(shop).unwrap();
    assert!(test.children().is_empty());
    assert_eq!(test.tell(Shop::Hire("ada")), Outcome::Handled);
    assert_eq!(test.tell(Shop::Fire("bob")), Outcome::Handled);
    let names: Vec<String> = test.children().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["/user/behavior/ada", "/user/behavior/bob"]);
    let ada = test.node().lookup::<u8>("/user/behavior/ada").unwrap();
    ada.stop();
    expect_terminated(ada, SOON);
    assert_eq!(test.children().len(), 1);
    let taken = test.tell(Shop::Hire("bob"));
    assert!(matches!(taken, Outcome::Failed(text) if text.contains("is taken")));
    assert!(test.children().is_empty(), "they stop with it");
}

#[test]
fn s9_2_a_behaviour_alone_works_with_probes() {
    let (mut test, peer) = BehaviorTest::with_peers(|node| {
        let peer = Probe::new(node, "peer")?;
        let to = peer.actor_ref();
        let relay = Props::new(move || {
            Behavior::receive(move |_ctx, number: u32| {
                let double = to.ask(|reply: Reply<u32>| (number, reply), HOUR).wait()?;
                assert_ne!(double, 0, "planned");
                Ok::<_, AskError>(())
            })
        });
        Ok((relay, peer))
    })
    .unwrap();
    assert_eq!(test.tell(4), Outcome::Waiting);
    let (number, reply) = peer.expect(ZERO);
    reply.send(2 * number);
    assert_eq!(test.advance(ZERO), Outcome::Handled);
    let extra = Probe::<u8>::anonymous(test.node()).unwrap();
    extra.expect_no_message(BRIEF);
    assert_eq!(test.tell(5), Outcome::Waiting);
    drop(peer.expect(ZERO));
    let Outcome::Failed(text) = test.advance(ZERO) else {
        panic!("it fails with the ask's error");
    };
    let expected = "the reply was dropped without an answer: asked /user/peer";
    assert!(text.starts_with(expected), "{text}");
}

#[test]
fn s9_2_a_behaviour_that_does_not_start_is_a_typed_error() {
    let fails = || Behavior::<u8>::setup(|_ctx| Err("no power".into()));
    let error = BehaviorTest::new(fails).unwrap_err();
    assert!(matches!(
        error,
        BehaviorTestError::Spawn(SpawnError::Failed(_))
    ));
    let text = error.to_string();
    assert_eq!(text, "/user/behavior did not start: no power");
    let error = BehaviorTest::new(|| -> Behavior<u8> { panic!("planned") }).unwrap_err();
    assert!(error.to_string().ends_with("panic: planned"), "{error}");
    let wrong = BehaviorTest::<u8>::with_peers(|node| {
        let probe = Probe::<u8>::new(node, "no name")?;
        Ok((Props::new(|| Behavior::receive(|_ctx, _: u8| ())), probe))
    });
    let error = wrong.map(drop).unwrap_err();
    assert!(matches!(
        error,
        BehaviorTestError::Spawn(SpawnError::InvalidName(_))
    ));
    let error: BehaviorTestError = StartError::TooManyPools.into();
    assert!(error.to_string().contains("1024"));

    let mut stopped = BehaviorTest::new(Behavior::<u8>::stopped).unwrap();
    assert!(!stopped.is_alive());
    assert_eq!(stopped.tell(1), Outcome::Refused);
}

// ---- dead letters --------------------------------------------------------------------------

/// Leaves even numbers unhandled, and stops at the first odd one.
fn picky() -> Props<u32> {
    Props::new(|| {
        Behavior::receive(|_ctx, number: u32| {
            if number.is_multiple_of(2) {
                Next::Unhandled
            } else {
                Next::Stop
            }
        })
    })
}

#[test]
fn s7_1_a_dead_letter_probe_counts_what_is_lost_from_its_making_on() {
    everywhere(|node| {
        let early = DeadLetterProbe::new(node);
        let picky = node.spawn_on(other_worker(node), "picky", picky()).unwrap();
        early.expect_none();
        tell_all(picky, [2, 4]);
        early.expect_within(DeadLetterReason::Unhandled, 2, SOON);
        let late = DeadLetterProbe::new(node);
        picky.tell(1);
        expect_terminated(picky, SOON);
        picky.tell(3);
        late.expect_within(DeadLetterReason::Stopped, 1, SOON);
        late.expect(DeadLetterReason::Stopped, 1);
        late.expect(DeadLetterReason::Unhandled, 0);
        late.expect_type::<u32>(1);
        late.expect_type::<String>(0);
        early.expect(DeadLetterReason::Unhandled, 2);
        early.expect_type_within::<u32>(3, SOON);
        assert_eq!(early.count(DeadLetterReason::Stopped), 1);
        let letters = early.letters();
        assert!(letters.iter().all(|letter| letter.target == picky.id()));
    });
}

#[test]
fn s7_1_a_dead_letter_probe_says_what_was_lost_instead() {
    everywhere(|node| {
        let letters = DeadLetterProbe::new(node);
        let picky = node.spawn("picky", picky()).unwrap();
        let text = panics(|| letters.expect_within(DeadLetterReason::Unhandled, 1, BRIEF));
        let expected = "1 messages were to be lost because its actor did not handle it within \
                        30ms, but 0 were; all: none";
        assert_eq!(text, expected);

        tell_all(picky, [2, 4]);
        letters.expect_type_within::<u32>(2, SOON);
        let id = picky.id();
        let all = format!(
            "a u32 to {id} (its actor did not handle it), a u32 to {id} (its actor did not \
             handle it)"
        );
        let text = panics(|| letters.expect(DeadLetterReason::Unhandled, 1));
        let expected = "1 messages were to be lost because its actor did not handle it, but 2 were";
        assert_eq!(text, format!("{expected}; all: {all}"));
        let text = panics(|| letters.expect(DeadLetterReason::Forced, 1));
        assert!(text.contains("but 0 were; all: a u32"), "{text}");
        let text = panics(|| letters.expect_type::<u32>(3));
        let expected = "3 messages were to be lost of type u32, but 2 were";
        assert_eq!(text, format!("{expected}; all: {all}"));
        let text = panics(|| letters.expect_type_within::<String>(1, BRIEF));
        assert!(
            text.starts_with("1 messages were to be lost of type alloc::string::String within")
        );
        let text = panics(|| letters.expect_none());
        assert_eq!(text, format!("no message was to be lost, but: {all}"));
    });
}

#[test]
fn s7_1_a_dead_letter_probe_waits_for_a_time_in_which_nothing_is_lost() {
    everywhere(|node| {
        let letters = DeadLetterProbe::new(node);
        let picky = node.spawn("picky", picky()).unwrap();
        letters.expect_none_within(BRIEF);
        let late = node.spawn("late", later(picky)).unwrap();
        late.tell((BRIEF, 2));
        let text = panics(|| letters.expect_none_within(HOUR));
        assert!(text.starts_with("no message was to be lost within 3600s, but: a u32 to"));
    });
}

#[test]
fn s7_1_dead_letters_of_pools_that_are_gone_can_be_watched() {
    struct Unheard;
    let dead_letters = dead_letters_without_pool();
    let letters = DeadLetterProbe::over(&dead_letters);
    let actor = {
        let sim = Sim::new(1);
        Probe::new(&sim.node(0), "probe").unwrap().actor_ref()
    };
    let sending = thread::spawn(move || {
        thread::sleep(BRIEF);
        actor.tell(Unheard);
    });
    letters.expect_type_within::<Unheard>(1, SOON);
    sending.join().unwrap();
}

// ---- failures ------------------------------------------------------------------------------

#[test]
fn s9_2_a_failure_log_keeps_what_failed() {
    fn failing() -> Props<&'static str> {
        Props::new(|| {
            Behavior::receive(|ctx, text: &'static str| {
                ctx.sleep(BRIEF)?;
                Err::<(), _>(BoxError::from(text))
            })
        })
    }
    fn scenario(node: &WorkerNode, log: &FailureLog) {
        log.expect_none();
        let worker = other_worker(node);
        let (first, second) = (
            node.spawn_on(worker, "first", failing()).unwrap(),
            node.spawn_on(node.index(), "second", failing()).unwrap(),
        );
        let text = panics(|| log.expect_within(node, "rope", BRIEF));
        assert_eq!(
            text,
            "no failure with \"rope\" in it came within 30ms; all: []"
        );
        first.tell("the rope is torn");
        let failure = log.expect_within(node, "rope", SOON);
        assert_eq!(failure.path.as_str(), "/user/first");
        assert_eq!(
            (failure.cause.as_str(), failure.actor),
            ("the rope is torn", first.id())
        );
        assert_eq!(
            (failure.message_type, failure.during),
            ("&str", Stage::Handling)
        );
        second.tell("the knot is loose");
        log.expect_within(node, "/user/second", SOON);
        assert_eq!(log.expect("rope"), failure);
        let lines = [
            "/user/first failed handling a &str: the rope is torn",
            "/user/second failed handling a &str: the knot is loose",
        ];
        assert_eq!(log.lines(), lines);
        assert_eq!(log.clone().failures().len(), 2);
        let text = panics(|| log.expect("sail"));
        assert_eq!(
            text,
            format!("no failure has \"sail\" in it; all: {lines:?}")
        );
        let text = panics(|| log.expect_none());
        assert_eq!(text, format!("nothing was to fail, but: {lines:?}"));
    }
    for workers in [1, 2] {
        let log = FailureLog::new();
        with_pool(pool_of(workers).on_failure(log.hook()), |pool| {
            scenario(&pool.node(), &log);
        });
    }
    for seed in 0..SEEDS {
        let log = FailureLog::new();
        let sim = Sim::builder()
            .seed(seed)
            .on_failure(log.hook())
            .start()
            .unwrap();
        scenario(&sim.node(0), &log);
    }
}

#[test]
fn s9_2_the_parts_of_the_kit_can_be_printed_and_shared() {
    fn shared<T: Send + Sync + Clone + fmt::Debug>(_: &T) {}
    let sim = Sim::new(1);
    let probe = Probe::<Reply<u8>>::new(&sim.node(0), "probe").unwrap();
    let log = FailureLog::default();
    shared(&probe);
    shared(&log);
    let letters = DeadLetterProbe::new(&sim.node(0));
    let test = BehaviorTest::new(shop).unwrap();
    let printed = format!("{probe:?} {log:?} {letters:?} {test:?}");
    for name in ["Probe", "FailureLog", "DeadLetterProbe", "BehaviorTest"] {
        assert!(printed.contains(name), "{printed}");
    }
}
