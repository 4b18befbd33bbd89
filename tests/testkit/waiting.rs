//! How expectations wait: how long, by which clock, beside each other, and in a handler.

use super::{BRIEF, HOUR, SEEDS, ZERO, everywhere, later, other_worker, panics, under_threads};
use crate::common::{SOON, pool_of, with_pool};
use nexus_actors::pool::{ManualTime, TimeSource};
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use nexus_actors::testkit::{
    DeadLetterProbe, Probe, ProbeError, expect_terminated, try_expect_terminated,
};
use nexus_actors::{DeadLetterReason, WaitError};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

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
        // Regardless of the time that each worker has seen so far.
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
        let panicking = Once::new(move || {
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
        crate::common::eventually("the hour has passed", || {
            time.advance(HOUR);
            !probe.is_empty()
        });
        assert_eq!(probe.expect(ZERO), 1);
    });
}

#[test]
fn a_limit_is_a_time_from_now_or_a_moment() {
    everywhere(|node| {
        let probe = Probe::<u32>::new(node, "probe").unwrap();
        let letters = DeadLetterProbe::new(node);
        let now = Instant::now();
        let error = probe.try_expect(now).unwrap_err();
        assert!(
            matches!(error, ProbeError::Timeout { within: ZERO, .. }),
            "{error}"
        );
        probe.expect_no_message(now);
        letters.expect_none_within(now);
        let soon = now + SOON;
        probe.actor_ref().tell(5);
        probe.actor_ref().tell(6);
        assert_eq!(probe.expect(soon), 5);
        probe.expect_message(6, Deadline::NEVER);
        assert!(try_expect_terminated(probe.actor_ref(), now).is_err());
        probe.actor_ref().stop();
        probe.expect_terminated(probe.actor_ref(), Deadline::NEVER);
        probe.actor_ref().tell(7);
        letters.expect_within(DeadLetterReason::Stopped, 1, soon);
        letters.expect_type_within::<u32>(1, Deadline::NEVER);
    });
}
