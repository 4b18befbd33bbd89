//! What holds for every run.

use super::{Config, Met, Side, Step, World, config, run, step};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn s5_7_whatever_the_network_and_the_clocks_do_a_request_runs_once_and_ends_once(
        config in config(false),
        steps in prop::collection::vec(step(), 0..150),
    ) {
        run(config, &steps);
    }

    #[test]
    fn s5_7_where_nothing_arrives_any_more_both_sides_are_empty_when_their_times_have_passed(
        config in config(false),
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let mut world = World::new(config);
        for step in &steps {
            world.step(step);
        }
        world.die_out();
    }

    #[test]
    fn s5_7_over_a_lossless_link_there_is_one_answer_to_a_request_and_nothing_else(
        config in config(true),
        steps in prop::collection::vec(step(), 0..150),
    ) {
        let world = run(config, &steps);
        for seen in world.seen.values() {
            let sent = |kind| seen.sent.get(kind).copied().unwrap_or_default();
            prop_assert_eq!((sent("request"), sent("answer"), sent("ack")), (1, 1, 0));
            prop_assert!(sent("cancel") <= 1);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]

    /// With limits that are large enough, half of the messages lost, and others repeated.
    #[test]
    fn s5_7_over_a_bad_network_every_reply_arrives_and_every_cancel_is_confirmed(
        chances in prop::collection::vec((0..4_u8, any::<usize>()), 1_000),
        cancels in prop::collection::btree_set(1..20_usize, 0..6),
    ) {
        let config = Config {
            lossless: false,
            first: 5,
            longest_interval: 40,
            outstanding: 100,
            unconfirmed: 100,
            confirm_within: 1_000_000,
            in_progress: 100,
            longest: 1_000_000,
            remembered: 100,
            remember_for: 1_000_000,
        };
        let longest_interval = config.longest_interval;
        let mut world = World::new(config);
        for number in 1..20 {
            world.step(&Step::Request { timeout: 1_000_000 });
            if cancels.contains(&number) {
                world.step(&Step::Cancel(number - 1));
            }
        }
        for (chance, which) in chances {
            let to = if which % 2 == 0 { Side::Requester } else { Side::Responder };
            world.step(&match chance {
                0 | 1 => Step::Lose(to, which / 2),
                2 => Step::Deliver(to, which / 2),
                _ => Step::Repeat(to, which / 2),
            });
            world.step(&Step::Deliver(to, which / 3));
            world.step(&Step::Finish(which));
            world.step(&Step::Clock(Side::Requester, 1));
            world.step(&Step::Poll(Side::Requester));
        }
        // Until now, chance may have lost every copy of some message. Once nothing is lost any
        // more, everything completes as soon as each message has been sent again.
        for _ in 0..=longest_interval {
            world.step(&Step::Poll(Side::Requester));
            while !world.to_responder.is_empty() {
                world.step(&Step::Deliver(Side::Responder, 0));
            }
            while !world.executing.is_empty() {
                world.step(&Step::Finish(0));
            }
            while !world.to_requester.is_empty() {
                world.step(&Step::Deliver(Side::Requester, 0));
            }
            world.step(&Step::Clock(Side::Requester, 1));
        }
        for (number, seen) in &world.seen {
            prop_assert!(seen.over, "{} has not ended", number);
            let cancelled = cancels.contains(&usize::try_from(*number).unwrap());
            prop_assert!(cancelled || seen.result.is_some());
        }
        prop_assert_eq!(world.requester.unconfirmed(), 0);
        prop_assert_eq!(world.met.replied as usize, 19 - cancels.len());
    }
}

#[test]
fn s5_7_the_runs_above_meet_every_case() {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(ProptestConfig::with_cases(300), rng);
    let mut met = Vec::new();
    let runs = (config(false), prop::collection::vec(step(), 0..150));
    for _ in 0..300 {
        let (config, steps) = runs.new_tree(&mut runner).unwrap().current();
        met.push(run(config, &steps).met);
    }
    let all = |count: fn(&Met) -> u32| met.iter().map(count).sum::<u32>();
    let counts = [
        ("replied", all(|met| met.replied)),
        ("cached", all(|met| met.cached)),
        ("late replies", all(|met| met.late_replies)),
        ("late results", all(|met| met.late_results)),
        ("cancelled first", all(|met| met.cancelled_first)),
        ("cancelled in progress", all(|m| m.cancelled_in_progress)),
        ("busy", all(|met| met.busy)),
        ("forgotten", all(|met| met.forgotten)),
        ("timed out", all(|met| met.timed_out)),
        ("expired", all(|met| met.expired)),
        ("full", all(|met| met.full)),
        ("confirmed", all(|met| met.confirmed)),
    ];
    let rare: Vec<_> = counts.iter().filter(|(_, count)| *count < 20).collect();
    assert!(rare.is_empty(), "hardly met: {rare:?} of {counts:?}");
}
