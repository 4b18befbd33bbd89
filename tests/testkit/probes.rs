//! What a probe returns: messages in order, messages that match, and messages that it replies to.

use super::{BRIEF, HOUR, ZERO, everywhere, later, panics, tell_all};
use crate::common::{SOON, pool_of, with_pool};
use nexus_actors::SpawnError;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use nexus_actors::testkit::{DeadLetterProbe, FailureLog, Probe, ProbeError, expect_terminated};
use std::cell::Cell;
use std::panic;
use std::time::Duration;

/// A probe, and an actor that sends it numbers after a delay.
fn probe_and_later(node: &WorkerNode) -> (Probe<u32>, ActorRef<(Duration, u32)>) {
    let probe = Probe::new(node, "probe").unwrap();
    let late = node.spawn("late", later(probe.actor_ref())).unwrap();
    (probe, late)
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

/// Another handle takes messages out while one is expected.
#[test]
fn s9_2_messages_are_looked_at_that_come_while_others_are_taken_out() {
    let mut sim = Sim::builder().orderly().workers(1).start().unwrap();
    let probe = Probe::new(&sim.node(0), "probe").unwrap();
    let doing = || Props::new(|| Behavior::receive(|_ctx, work: Box<dyn FnOnce() + Send>| work()));
    let (looks, takes) = (probe.clone(), probe.clone());
    // The actor that looks is woken before the one that takes the message looked at.
    let looking = sim.spawn("looking", doing()).unwrap();
    looking.tell(Box::new(move || {
        assert_eq!(looks.expect_where(|number| *number == 4, HOUR), 4);
        looks.expect_in_order([5, 6], HOUR);
    }));
    let taking = sim.spawn("taking", doing()).unwrap();
    taking.tell(Box::new(move || {
        (1..=3).for_each(|number| assert_eq!(takes.expect(HOUR), number));
    }));
    let to = probe.actor_ref();
    for number in 1..=6_u32 {
        sim.schedule(Duration::from_secs(u64::from(number)), move || {
            to.tell(number);
        });
    }
    sim.run_for(SOON);
    assert_eq!(sim.waiting(), []);
    // The same for a sequence whose first message is taken away.
    sim.schedule(SOON, move || to.tell(7));
    let other = probe.clone();
    sim.schedule(2 * SOON, move || assert_eq!(other.expect(ZERO), 7));
    for number in [8, 9] {
        sim.schedule(3 * SOON, move || to.tell(number));
    }
    let taken = panics(|| probe.expect_in_order([7, 8, 9], HOUR));
    assert!(
        taken.contains("but [8]") || taken.contains("but [8, 9]"),
        "{taken}"
    );
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
        let (probe, late) = probe_and_later(node);
        assert!(probe.try_expect(BRIEF).is_err());
        assert!(probe.try_expect_where(|_| true, BRIEF).is_err());
        assert!(probe.try_receive_n(1, BRIEF).is_err());
        late.tell((BRIEF, 7));
        assert_eq!(probe.expect(SOON), 7);
    });
}

#[test]
fn s9_2_a_probe_finds_the_first_message_that_fits_and_leaves_the_others() {
    everywhere(|node| {
        let (probe, late) = probe_and_later(node);
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
        let (probe, late) = probe_and_later(node);
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
        // At once, without waiting for the time-out, although the fourth message does not come.
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
        // Its end is known, so that the wait does not even begin.
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
