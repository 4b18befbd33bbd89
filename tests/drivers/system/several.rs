//! Several systems on one thread, and options.

use super::{Count, SHORT, counter, system, with_system};
use crate::common::*;
use nexus_actors::StartError;
use nexus_actors::prelude::*;
use std::thread;

#[test]
fn s9_1_two_systems_work_side_by_side_on_one_thread() {
    with_system(ActorSystem::builder(), |one| {
        with_system(ActorSystem::builder(), |two| {
            let in_one = one.spawn("same-name", counter()).unwrap();
            let in_two = two.spawn("same-name", counter()).unwrap();
            in_one.tell(Count::Add(1));
            in_two.tell(Count::Add(2));
            let asked = [in_one, in_two].map(|counter| counter.ask(Count::Get, SOON));
            let [from_one, from_two] = asked.map(Ask::wait);
            assert_eq!((from_one, from_two), (Ok(1), Ok(2)));
            one.run();
            two.run();
        });
    });
}

#[test]
fn s9_1_a_handler_that_asks_another_system_gets_its_answer_when_that_is_driven() {
    with_system(ActorSystem::builder(), |one| {
        with_system(ActorSystem::builder(), |two| {
            let counter = two.spawn("counter", counter()).unwrap();
            counter.tell(Count::Add(42));
            let asker = one.spawn(
                "asker",
                Props::new(move || {
                    Behavior::receive(move |_ctx, reply: Reply<u64>| {
                        reply.send(counter.ask(Count::Get, NEVER).wait()?);
                        Ok(())
                    })
                }),
            );
            let asked = asker.unwrap().ask(|reply| reply, NEVER);
            one.run_until_idle();
            assert_eq!(one.waiting().len(), 1);
            two.run_until_idle();
            one.run_until_idle();
            assert!(one.waiting().is_empty());
            assert_eq!(asked.wait(), Ok(42));
        });
    });
}

static_assertions::assert_not_impl_any!(ActorSystem: Send, Sync);

#[test]
fn s8_2_options_that_cannot_be_are_refused() {
    let refused = ActorSystem::builder().stack_size(1).start().err();
    assert!(matches!(refused, Some(StartError::InvalidStackSize(1))));
    let builder = ActorSystem::builder().name("a-name").stack_size(1 << 20);
    let text = format!("{builder:?}");
    assert!(
        text.contains("a-name") && text.contains("1048576"),
        "{text}"
    );
    with_system(builder, |system| {
        assert!(format!("{system:?}").contains("a-name"));
    });
}

#[test]
fn s8_5_an_idle_system_sleeps_until_it_is_needed() {
    with_system(ActorSystem::builder(), |system| {
        let node = system.node();
        let counter = system.spawn("counter", counter()).unwrap();
        let stopper = thread::spawn(move || {
            for _ in 0..3 {
                thread::sleep(SHORT);
                counter.tell(Count::Add(1));
            }
            node.request_shutdown(SOON);
        });
        system.run_until_shutdown();
        stopper.join().unwrap();
        let parks = system.stats().workers[0].parks;
        assert!((1..20).contains(&parks), "it parked {parks} times");
        assert_eq!(system.stats().handled(), 3);
    });
}

#[test]
fn s8_5_many_systems_leave_nothing_behind() {
    let _watchdog = watchdog();
    for _ in 0..2_000 {
        let system = system();
        let actor = system.spawn("actor", echo(|| 7)).unwrap();
        assert_eq!(actor.ask(|reply| reply, SOON).wait(), Ok(7));
    }
}
