//! Probes of dead letters, and logs of failures.

use super::{BRIEF, HOUR, SEEDS, everywhere, later, other_worker, panics, shop, tell_all};
use crate::common::{SOON, pool_of, with_pool};
use nexus_actors::DeadLetterReason;
use nexus_actors::failure::Stage;
use nexus_actors::pool::dead_letters_without_pool;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use nexus_actors::testkit::{BehaviorTest, DeadLetterProbe, FailureLog, Probe, expect_terminated};
use std::{fmt, thread};

/// Leaves even numbers unhandled, and stops at the first odd number.
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
        let all = "a u32 to /user/picky was lost: its actor did not handle it; a u32 to /user/picky \
                   was lost: its actor did not handle it";
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
            "/user/first failed while handling a &str: the rope is torn",
            "/user/second failed while handling a &str: the knot is loose",
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
