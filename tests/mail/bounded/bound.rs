//! The bound itself: what every strategy does, and what preserves the bound.

use super::{
    Handled, LONG, PLACES, SECOND, SEEDS, STRATEGIES, Way, bounded, deal, dealers, handled, send,
    sink, suspended,
};
use nexus_actors::DeadLetterReason;
use nexus_actors::failure::DeadLetters;
use nexus_actors::mailbox::MailboxError;
use nexus_actors::prelude::*;
use nexus_actors::sim::check;
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn lost(letters: &DeadLetters) -> [u64; 3] {
    [
        DeadLetterReason::Full,
        DeadLetterReason::DroppedNewest,
        DeadLetterReason::DroppedOldest,
    ]
    .map(|reason| letters.count(reason))
}

#[test]
fn s3_1_a_capacity_of_zero_is_refused_when_it_is_asked_for() {
    for overflow in STRATEGIES {
        assert_eq!(Mailbox::bounded(0, overflow), Err(MailboxError::NoCapacity));
    }
    assert_eq!(Mailbox::default(), Mailbox::unbounded());
    assert_eq!(bounded(3, Overflow::Fail).capacity(), Some(3));
}

/// The outcome of five messages to a mailbox of three that is not emptied: the results, the
/// messages handled in the end, and the dead letters.
fn expected(overflow: Overflow, way: Way) -> (Vec<&'static str>, Vec<u64>, [u64; 3]) {
    let refusal = match (way, overflow) {
        (Way::Tell, _) | (_, Overflow::DropOldest) => "Ok(())",
        (_, Overflow::DropNewest) => "Err(Dropped(..))",
        (Way::TryTell, _) | (_, Overflow::Fail) => "Err(Full(..))",
        (_, Overflow::Backpressure) => "Err(Timeout(..))",
        (_, unknown) => panic!("nothing is expected of {unknown:?}"),
    };
    let results = vec!["Ok(())", "Ok(())", "Ok(())", refusal, refusal];
    let (kept, lost) = match overflow {
        Overflow::DropNewest => (vec![0, 1, 2], [0, 2, 0]),
        Overflow::DropOldest => (vec![2, 3, 4], [0, 0, 2]),
        Overflow::Backpressure | Overflow::Fail if way == Way::Tell => (vec![0, 1, 2], [2, 0, 0]),
        Overflow::Backpressure | Overflow::Fail => (vec![0, 1, 2], [0; 3]),
        unknown => panic!("nothing is expected of {unknown:?}"),
    };
    (results, kept, lost)
}

#[test]
fn s3_2_every_strategy_tells_the_truth_in_every_way_from_every_place() {
    check(0..20, |sim| {
        let dealers = dealers(sim);
        let letters = sim.dead_letters();
        for overflow in STRATEGIES {
            for place in PLACES {
                for way in [Way::Tell, Way::TryTell, Way::SendTimeout(SECOND)] {
                    let case = format!("{overflow:?} {place:?} {way:?}");
                    let (props, log) = sink(3, overflow, Duration::ZERO);
                    let actor = suspended(sim, "actor", props);
                    let before = lost(&letters);
                    let results = deal(sim, &dealers, place, way, actor, (0..5).collect());
                    sim.run_until_idle();
                    let (expected, kept, buried) = expected(overflow, way);
                    assert_eq!(results, expected, "{case}");
                    assert_eq!(sim.pending().messages, 3, "{case}");
                    actor.resume();
                    sim.run_until_idle();
                    assert_eq!(handled(&log), kept, "{case}");
                    let after = lost(&letters);
                    let buried_now = [0, 1, 2].map(|index| after[index] - before[index]);
                    assert_eq!(buried_now, buried, "{case}");
                    actor.stop();
                    sim.run_until_idle();
                    assert_eq!(send(Way::TryTell, actor, 9), "Err(Stopped(..))", "{case}");
                    assert_eq!(send(Way::Send, actor, 9), "Err(Stopped(..))", "{case}");
                }
            }
        }
    });
}

#[test]
fn s3_2_a_question_to_a_full_mailbox_fails_at_once() {
    for overflow in [Overflow::Fail, Overflow::DropNewest, Overflow::DropOldest] {
        check(0..20, move |sim| {
            let props = Props::new(|| Behavior::receive(|_ctx, reply: Reply<u8>| reply.send(1)));
            let actor = sim
                .spawn("actor", props.mailbox(bounded(1, overflow)))
                .unwrap();
            actor.suspend();
            sim.run_until_idle();
            let first = actor.ask(|reply| reply, LONG);
            let second = actor.ask(|reply| reply, LONG);
            let (kept, refused) = match overflow {
                Overflow::DropOldest => (second, first),
                _ => (first, second),
            };
            assert!(matches!(
                sim.run_until(refused),
                Err(AskError::MailboxFull(_))
            ));
            assert!(sim.now() < SECOND, "it is told at once");
            actor.resume();
            assert_eq!(sim.run_until(kept), Ok(1));
        });
    }
}

#[test]
fn s3_2_all_references_to_a_bounded_actor_are_equal_and_bounded() {
    check(0..10, |sim| {
        let seen: Arc<Mutex<Option<ActorRef<u64>>>> = Arc::default();
        let told = Arc::clone(&seen);
        let props = Props::new(move || {
            let told = Arc::clone(&told);
            Behavior::receive(move |ctx, _: u64| *told.lock().unwrap() = Some(ctx.self_ref()))
        });
        let actor = sim
            .spawn("actor", props.mailbox(bounded(1, Overflow::Fail)))
            .unwrap();
        actor.tell(1);
        sim.run_until_idle();
        let itself = seen.lock().unwrap().unwrap();
        let found = sim.lookup::<u64>("/user/actor").unwrap();
        assert!(actor == itself && actor == found);
        assert_eq!((actor.id(), actor.id()), (itself.id(), found.id()));
        actor.suspend();
        sim.run_until_idle();
        assert_eq!(send(Way::TryTell, itself, 1), "Ok(())");
        assert_eq!(send(Way::TryTell, found, 1), "Err(Full(..))");
        assert_eq!(send(Way::TryTell, itself, 1), "Err(Full(..))");
    });
}

#[test]
fn s3_1_restarting_and_becoming_keep_the_mailbox_and_its_bound() {
    check(SEEDS, |sim| {
        let log = Handled::default();
        let written = Arc::clone(&log);
        fn after(log: Handled) -> Behavior<u64> {
            Behavior::receive(move |_ctx, number| {
                log.lock().unwrap().push(number);
                match number {
                    10 => Ok(Next::Become(after(Arc::clone(&log)))),
                    20 => Err(nexus_actors::BoxError::from("planned")),
                    _ => Ok(Next::Same),
                }
            })
        }
        let props = Props::new(move || {
            after(Arc::clone(&written)).supervise(SupervisorStrategy::one_for_one())
        });
        let props = props.mailbox(bounded(2, Overflow::Backpressure));
        let actor = sim.spawn("actor", props).unwrap();
        let numbers = [10, 1, 20, 2, 10, 20, 3, 4];
        for number in numbers {
            assert_eq!(send(Way::Send, actor, number), "Ok(())");
        }
        sim.run_until_idle();
        assert_eq!(
            handled(&log),
            numbers,
            "only the failing ones are not retried"
        );
        actor.suspend();
        sim.run_until_idle();
        let results = [5, 6, 7].map(|number| send(Way::TryTell, actor, number));
        assert_eq!(
            results,
            ["Ok(())", "Ok(())", "Err(Full(..))"],
            "every place was freed"
        );
    });
}
