//! A part of an actor's protocol: row 1.7 of the contract.

use nexus_actors::Recipient;
use nexus_actors::prelude::*;
use nexus_actors::sim::check;
use nexus_actors::testkit::{DeadLetterProbe, Probe};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(5);

#[derive(Debug, PartialEq)]
enum Order {
    Add(u32),
    Note(String),
}

enum Question {
    Double(u32, Reply<u32>),
    Other,
}

#[test]
fn s1_7_an_actor_is_sent_a_part_of_its_protocol_from_everywhere_and_in_order() {
    check(0..50, |sim| {
        let probe = Probe::new(&sim.node(0), "probe").unwrap();
        let numbers: Recipient<u32> = probe.actor_ref().contramap(Order::Add);
        let texts = numbers.contramap(|text: &'static str| text.len() as u32);
        let to = numbers.clone();
        let sender = Props::new(move || {
            let to = to.clone();
            Behavior::receive(move |_ctx, number: u32| to.tell(number))
        });
        let near = sim.spawn_on(0, "near", sender.clone()).unwrap();
        let far = sim.spawn_on(1, "far", sender).unwrap();
        assert_eq!(numbers.id(), probe.actor_ref().id());
        for (start, actor) in [(0, near), (10, far)] {
            (start..start + 3).for_each(|number| actor.tell(number));
            let expected = (start..start + 3).map(Order::Add);
            probe.expect_in_order(expected, SOON);
        }
        texts.tell("four");
        numbers.tell(5);
        probe.actor_ref().tell(Order::Note("six".into()));
        let expected = [Order::Add(4), Order::Add(5), Order::Note("six".into())];
        probe.expect_in_order(expected, SOON);
    });
}

#[test]
fn s1_7_an_ask_goes_through_a_part_of_a_protocol() {
    check(0..50, |sim| {
        let doubler = sim.spawn(
            "doubler",
            Props::new(|| {
                Behavior::receive(|_ctx, message| match message {
                    Question::Double(number, reply) => {
                        reply.send(number * 2);
                        Next::Same
                    }
                    Question::Other => Next::Unhandled,
                })
            }),
        );
        let doubler = doubler.unwrap();
        let part = doubler.contramap(|(number, reply)| Question::Double(number, reply));
        assert_eq!(part.ask(|reply| (21, reply), SOON).wait(), Ok(42));
        let whole = Recipient::from(doubler);
        let asked = whole.ask(|reply| Question::Double(4, reply), SOON);
        assert_eq!(asked.wait(), Ok(8));
        whole.tell(Question::Other);
        doubler.stop();
        sim.run_until_idle();
        let late = part.ask(|reply| (1, reply), SOON).wait();
        assert!(matches!(late, Err(AskError::TargetStopped(_))));
    });
}

#[test]
fn s1_7_what_comes_too_late_is_a_dead_letter_of_the_actors_own_type() {
    check(0..20, |sim| {
        let letters = DeadLetterProbe::new(&sim.node(0));
        let probe = Probe::<Order>::new(&sim.node(1), "probe").unwrap();
        let numbers = probe.actor_ref().contramap(Order::Add);
        probe.actor_ref().stop();
        sim.run_until_idle();
        numbers.tell(1);
        sim.run_until_idle();
        letters.expect_type::<Order>(1);
    });
}

#[test]
fn s1_7_recipients_cross_threads_and_say_what_they_are() {
    let pool = WorkerPool::builder().workers(2).start().unwrap();
    let probe = Probe::new(&pool.node(), "probe").unwrap();
    let numbers = probe.actor_ref().contramap(Order::Add);
    let there = numbers.clone();
    std::thread::spawn(move || (0..100).for_each(|number| there.tell(number)))
        .join()
        .unwrap();
    probe.expect_in_order((0..100).map(Order::Add), SOON);
    assert_eq!(
        format!("{numbers:?}"),
        format!("Recipient<u32>({})", numbers.id())
    );
    pool.shutdown(SOON).unwrap();
}
