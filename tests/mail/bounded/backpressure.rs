//! Waiting for capacity, in simulation.

use super::{
    Deal, Handled, LONG, PLACES, SECOND, SEEDS, Way, assert_in_order, bounded, deal, dealers,
    handled, send, sink, start_dealer, suspended,
};
use nexus_actors::prelude::*;
use nexus_actors::sim::{Sim, check};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A suspended actor whose only permit is taken, its log, and dealers beside it.
fn full(sim: &mut Sim) -> (ActorRef<u64>, Handled, Vec<ActorRef<Deal>>) {
    let (props, log) = sink(1, Overflow::Backpressure, Duration::ZERO);
    let actor = suspended(sim, "actor", props);
    let dealers = dealers(sim);
    actor.tell(0);
    (actor, log, dealers)
}

#[test]
fn s3_3_with_backpressure_everything_arrives_once_and_in_order() {
    for (capacity, pause) in [(1, 0), (3, 50), (16, 0)] {
        check(0..30, move |sim| {
            let pause = Duration::from_micros(pause);
            let (props, log) = sink(capacity, Overflow::Backpressure, pause);
            let actor = sim.spawn_on(0, "actor", props).unwrap();
            let mut asks = Vec::new();
            for sender in 0..4_u64 {
                let dealer = start_dealer(sim, sender);
                let numbers: Vec<u64> = (0..40).map(|number| sender * 1000 + number).collect();
                asks.push(dealer.ask(|reply| Deal(Way::Send, actor, numbers, reply), LONG));
            }
            for number in 0..40 {
                assert_eq!(send(Way::Send, actor, 4000 + number), "Ok(())");
                assert!(
                    sim.pending().messages <= capacity as u64 + 4,
                    "asks, and the bound"
                );
            }
            for ask in asks {
                let results = sim.run_until(ask).unwrap();
                assert!(results.iter().all(|result| result == "Ok(())"));
            }
            sim.run_for(SECOND);
            assert_in_order(&handled(&log), 5, 40);
            assert_eq!(sim.stats().dead_letters, 0);
        });
    }
}

#[test]
fn s3_3_waiting_senders_are_admitted_in_order_and_never_overtaken() {
    check(SEEDS, |sim| {
        let (props, log) = sink(1, Overflow::Backpressure, Duration::ZERO);
        let actor = suspended(sim, "actor", props);
        actor.tell(0);
        sim.run_for(SECOND);
        let mut asks = Vec::new();
        for number in 1..=6_u64 {
            let dealer = start_dealer(sim, number);
            asks.push(dealer.ask(|reply| Deal(Way::Send, actor, vec![number], reply), LONG));
            sim.run_for(SECOND);
        }
        actor.resume();
        for ask in asks {
            assert_eq!(sim.run_until(ask).unwrap(), ["Ok(())"]);
        }
        sim.run_until_idle();
        assert_eq!(handled(&log), [0, 1, 2, 3, 4, 5, 6]);
    });
}

#[test]
fn s3_3_of_many_waiting_senders_those_that_stay_are_admitted_in_order() {
    check(0..20, |sim| {
        let (props, log) = sink(1, Overflow::Backpressure, Duration::ZERO);
        let actor = suspended(sim, "actor", props);
        actor.tell(0);
        sim.run_for(SECOND);
        let waiting = Props::new(move || {
            Behavior::receive(move |ctx, number: u64| {
                drop(ctx.spawn_task(move |_task| match number % 4 {
                    // The last ones give up first.
                    0 => drop(actor.send_timeout(number, 5000 * SECOND - SECOND * number as u32)),
                    _ => actor.send(number).unwrap(),
                }));
            })
        });
        let waiting = sim.spawn_on(0, "waiting", waiting).unwrap();
        for number in 1..=60 {
            waiting.tell(number);
            sim.run_for(SECOND);
        }
        sim.run_for(6000 * SECOND);
        assert_eq!(sim.waiting().len(), 45);
        actor.resume();
        sim.run_until_idle();
        let stayed: Vec<u64> = (0..=60).filter(|it| *it == 0 || it % 4 != 0).collect();
        assert_eq!(handled(&log), stayed);
    });
}

#[test]
fn s3_3_waiting_senders_are_admitted_before_others() {
    check(SEEDS, |sim| {
        let (props, log) = sink(2, Overflow::Backpressure, SECOND);
        let actor = sim.spawn_on(0, "actor", props).unwrap();
        let dealers = dealers(sim);
        // One message is handled for a second, two wait in the mailbox, and one sender waits.
        actor.tell(0);
        sim.run_until_idle();
        (1..=2).for_each(|number| actor.tell(number));
        let waits = dealers[1].ask(|reply| Deal(Way::Send, actor, vec![3], reply), LONG);
        sim.run_until_idle();
        assert_eq!(send(Way::TryTell, actor, 9), "Err(Full(..))");
        assert_eq!(sim.run_until(waits).unwrap(), ["Ok(())"]);
        sim.run_for(10 * SECOND);
        assert_eq!(handled(&log), [0, 1, 2, 3]);
    });
}

#[test]
fn s3_3_a_deadline_is_kept_and_gives_the_message_back() {
    for place in PLACES {
        check(SEEDS, move |sim| {
            sim.disable_chance();
            let (actor, log, dealers) = full(sim);
            sim.run_until_idle();
            let began = sim.now();
            let way = Way::SendTimeout(5 * SECOND);
            let result = deal(sim, &dealers, place, way, actor, vec![1]);
            assert_eq!(result, ["Err(Timeout(..))"]);
            assert_eq!(sim.now() - began, 5 * SECOND, "{place:?}");
            actor.resume();
            sim.run_until_idle();
            assert_eq!(handled(&log), [0]);
        });
    }
}

#[test]
fn s3_3_a_sender_that_gives_up_leaves_its_place_to_others() {
    check(0..100, |sim| {
        // Capacity becomes free while senders give up.
        let (props, log) = sink(2, Overflow::Backpressure, Duration::from_micros(40));
        let actor = sim.spawn_on(0, "actor", props).unwrap();
        let mut asks = Vec::new();
        for sender in 0..6_u64 {
            let dealer = start_dealer(sim, sender);
            let way = Way::SendTimeout(Duration::from_micros(20 + 15 * sender));
            let numbers = (0..10).map(|number| sender * 1000 + number).collect();
            asks.push(dealer.ask(|reply| Deal(way, actor, numbers, reply), LONG));
        }
        let mut sent = 0;
        for ask in asks {
            let results = sim.run_until(ask).unwrap();
            sent += results.iter().filter(|result| *result == "Ok(())").count();
        }
        sim.run_for(SECOND);
        assert_eq!(
            handled(&log).len(),
            sent,
            "what was accepted is handled, and nothing else"
        );
        actor.suspend();
        sim.run_until_idle();
        let results = [1, 2, 3].map(|number| send(Way::TryTell, actor, number));
        assert_eq!(
            results,
            ["Ok(())", "Ok(())", "Err(Full(..))"],
            "no place was lost or made"
        );
        assert_eq!(sim.stats().late_replies, 0, "room is no reply");
    });
}

#[test]
fn s3_3_a_full_mailbox_holds_up_its_senders_only() {
    check(SEEDS, |sim| {
        let (actor, _log, dealers) = full(sim);
        let asks: Vec<_> = dealers
            .iter()
            .map(|dealer| dealer.ask(|reply| Deal(Way::Send, actor, vec![1], reply), LONG))
            .collect();
        sim.run_until_idle();
        for worker in 0..2 {
            let echo = Props::new(|| Behavior::receive(|_ctx, reply: Reply<u8>| reply.send(7)));
            let echo = sim
                .spawn_on(worker, &format!("echo-{worker}"), echo)
                .unwrap();
            assert_eq!(echo.ask(|reply| reply, SECOND).wait(), Ok(7));
        }
        actor.resume();
        for ask in asks {
            assert_eq!(sim.run_until(ask).unwrap(), ["Ok(())"]);
        }
    });
}

#[test]
fn s3_3_who_waits_is_told_at_once_when_the_actor_ends() {
    type End = fn(ActorRef<u64>);
    let ends: [End; 2] = [ActorRef::stop, ActorRef::kill];
    for (place, end) in PLACES
        .into_iter()
        .flat_map(|place| ends.map(|end| (place, end)))
    {
        check(0..30, move |sim| {
            let (actor, log, dealers) = full(sim);
            sim.schedule(SECOND, move || end(actor));
            sim.schedule(2 * SECOND, move || actor.resume());
            let began = sim.now();
            let result = deal(sim, &dealers, place, Way::Send, actor, vec![1]);
            assert_eq!(result, ["Err(Stopped(..))"]);
            assert!(
                sim.now() - began < 2 * SECOND,
                "before it has handled its mail"
            );
            sim.run_for(5 * SECOND);
            assert!(handled(&log).len() <= 1);
        });
    }
}

#[test]
fn s3_3_a_forced_end_leaves_no_sender_waiting() {
    check(SEEDS, |sim| {
        let (actor, _log, dealers) = full(sim);
        let asks: Vec<_> = dealers
            .iter()
            .map(|dealer| dealer.ask(|reply| Deal(Way::Send, actor, vec![1, 2], reply), LONG))
            .collect();
        sim.run_until_idle();
        sim.shutdown(Duration::ZERO);
        asks.into_iter().for_each(|ask| drop(ask.wait()));
    });
}

#[test]
fn s3_3_to_wait_for_room_in_ones_own_mailbox_fails_at_once() {
    check(SEEDS, |sim| {
        let results: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = Arc::clone(&results);
        let props = Props::new(move || {
            let noted = Arc::clone(&noted);
            Behavior::receive(move |ctx, number: u64| {
                if number == 0 {
                    let own = ctx.self_ref();
                    let sent = [1, 2].map(|number| send(Way::Send, own, number));
                    noted.lock().unwrap().extend(sent);
                }
            })
        });
        let props = props.mailbox(bounded(1, Overflow::Backpressure));
        sim.spawn("actor", props).unwrap().tell(0);
        sim.run_until_idle();
        assert_eq!(*results.lock().unwrap(), ["Ok(())", "Err(Full(..))"]);
    });
}
