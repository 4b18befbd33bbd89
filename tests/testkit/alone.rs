//! A behaviour alone, without a pool.

use super::{BRIEF, HOUR, Shop, ZERO, shop};
use crate::common::SOON;
use nexus_actors::failure::Stage;
use nexus_actors::prelude::*;
use nexus_actors::testkit::{BehaviorTest, BehaviorTestError, Outcome, Probe, expect_terminated};
use nexus_actors::{DeadLetterReason, SpawnError, StartError, WaitError};
use std::panic;
use std::time::Duration;

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
        assert!(test.is_alive(), "it was restarted");
        let failures = test.failures();
        assert_eq!(failures.len(), 1);
        assert_eq!(failures[0].during, Stage::Handling);
        assert_eq!(failures[0].cause, text);
        assert_eq!(failures[0].path.as_str(), "/user/behavior");
        assert_eq!(failures[0].actor, test.actor_ref().id());
        assert_eq!(test.tell(Shop::Sell(3)), Outcome::Handled);
        assert_eq!(test.ask(Shop::Sold), Ok(3), "with a new state");
    }
}

#[test]
fn s9_2_a_failure_of_a_child_is_none_of_the_behaviour() {
    let mut test = BehaviorTest::new(|| {
        Behavior::receive(|ctx, text: &'static str| {
            let child = Props::new(|| {
                Behavior::receive(|_ctx, text: &'static str| Err::<(), _>(text.into()))
            });
            ctx.spawn_anonymous(child)?.tell(text);
            Ok(())
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

    // An ask takes as much time as it needs.
    assert_eq!(test.tell(Shop::Nap(HOUR)), Outcome::Waiting);
    assert_eq!(test.ask(Shop::Sold), Ok(1));
    assert_eq!(test.now(), 2 * HOUR);

    // It takes none if there can be no answer.
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
                Ok(())
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
    let expected = "the reply was dropped without an answer; have the actor answer each question: asked /user/peer";
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

    let error = BehaviorTest::new(Behavior::<u8>::stopped).unwrap_err();
    assert!(matches!(
        error,
        BehaviorTestError::Spawn(SpawnError::EndedInStart(_))
    ));
}
