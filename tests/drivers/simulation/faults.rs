//! Faults that strike where and when they were meant to.

use super::{Count, LONG, MS, counter, finish, panic_of, sleeper};
use nexus_actors::prelude::*;
use nexus_actors::sim::{Fault, FaultError, Sim};
use std::time::Duration;

#[test]
fn s9_2_a_panic_strikes_at_the_handling_it_was_meant_for() {
    let mut sim = Sim::new(1);
    sim.inject(Fault::panic("/user/counter", 3)).unwrap();
    let actor = sim.spawn("counter", counter()).unwrap();
    (1..=2).for_each(|number| actor.tell(Count::Add(number)));
    assert!(matches!(
        actor.ask(Count::Get, LONG).wait(),
        Err(AskError::TargetFailed(_))
    ));
    let events = finish(sim).to_string();
    assert!(events.contains("fails     /user/counter"), "{events}");
    assert!(
        events.contains("planned: panic in handling 3 of /user/counter"),
        "{events}"
    );
}

#[test]
fn s9_2_several_faults_count_the_handlings_of_one_actor_alike() {
    let resuming = SupervisorStrategy::one_for_one().always(Directive::Resume);
    let mut sim = Sim::builder().supervising(resuming).start().unwrap();
    for handling in [2, 3, 5] {
        sim.inject(Fault::panic("/user/counter", handling)).unwrap();
    }
    let actor = sim.spawn("counter", counter()).unwrap();
    (0..6).for_each(|power| actor.tell(Count::Add(10_u64.pow(power))));
    assert_eq!(actor.ask(Count::Get, LONG).wait(), Ok(101_001));
    finish(sim);
}

#[test]
fn s9_2_a_fault_finds_an_actor_that_lives_already() {
    let mut sim = Sim::new(1);
    let actor = sim.spawn("counter", counter()).unwrap();
    sim.inject(Fault::kill("/user/counter", 2)).unwrap();
    (1..=5).for_each(|number| actor.tell(Count::Add(number)));
    sim.run_until_idle();
    let stats = sim.stats();
    assert_eq!(
        (stats.handled(), stats.dead_letters, stats.actors()),
        (1, 4, 0)
    );
    finish(sim);
}

#[test]
fn s9_2_a_worker_stands_still_for_as_long_as_it_was_told_to() {
    let mut sim = Sim::builder().orderly().start().unwrap();
    sim.inject(Fault::stall(1, MS, 5 * MS)).unwrap();
    let actor = sim.spawn_on(1, "counter", counter()).unwrap();
    sim.run_for(2 * MS);
    assert_eq!(actor.ask(Count::Get, LONG).wait(), Ok(0));
    assert_eq!(sim.now(), 6 * MS);
    finish(sim);
}

#[test]
fn s9_2_the_clock_jumps() {
    let mut sim = Sim::builder().orderly().start().unwrap();
    sim.inject(Fault::clock_jump(MS, LONG)).unwrap();
    let sleeper = sim.spawn("sleeper", sleeper()).unwrap();
    sleeper.tell(2 * MS);
    sim.run_for(3 * MS);
    sim.run_until_idle();
    assert_eq!(sim.pending().waiting, 0);
    assert!(sim.now() >= LONG);
    finish(sim);
}

#[test]
fn s9_2_messages_are_slowed_down() {
    let until = 10 * MS;
    let mut sim = Sim::builder().orderly().start().unwrap();
    sim.inject(Fault::slow_outside(Duration::ZERO, until, 7 * MS))
        .unwrap();
    let first = sim.spawn_on(0, "first", counter()).unwrap();
    assert_eq!(sim.now(), 7 * MS, "the order to start it came from outside");
    sim.run_for(until);
    sim.inject(Fault::slow_link(1, 0, Duration::ZERO, LONG, 9 * MS))
        .unwrap();
    let teller =
        Props::new(move || Behavior::receive(move |_ctx, number| first.tell(Count::Add(number))));
    let teller = sim.spawn_on(1, "teller", teller).unwrap();
    let before = sim.now();
    teller.tell(4);
    sim.run_until_idle();
    assert_eq!(first.ask(Count::Get, LONG).wait(), Ok(4));
    assert_eq!(sim.now() - before, 9 * MS);
    finish(sim);
}

#[test]
fn s9_2_a_fault_that_cannot_happen_is_refused() {
    let mut sim = Sim::new(1);
    let no_worker = sim.inject(Fault::stall(2, MS, MS)).unwrap_err();
    assert_eq!(
        no_worker,
        FaultError::NoSuchWorker {
            worker: 2,
            workers: 2
        }
    );
    let no_path = sim.inject(Fault::panic("counter", 1)).unwrap_err();
    assert!(matches!(no_path, FaultError::InvalidPath(_)));
    let no_handling = sim.inject(Fault::kill("/user/counter", 0)).unwrap_err();
    assert_eq!(no_handling, FaultError::NoHandling);
    let no_time = sim.inject(Fault::slow_outside(MS, MS, MS)).unwrap_err();
    assert_eq!(no_time, FaultError::NoTime);
    assert!(sim.unfired().is_empty());
}

#[test]
fn s9_2_a_fault_that_never_happened_fails_the_test() {
    let said = panic_of(|| {
        let mut sim = Sim::new(1);
        sim.inject(Fault::panic("/user/nobody", 1)).unwrap();
        sim.inject(Fault::slow_outside(LONG, 2 * LONG, MS)).unwrap();
        assert_eq!(sim.unfired().len(), 2);
    });
    assert!(
        said.contains("never happened: panic in handling 1 of /user/nobody; what comes"),
        "{said}"
    );
    let checked = panic_of(|| {
        nexus_actors::sim::check(0..3, |sim| sim.inject(Fault::panic("/user/no", 1)).unwrap());
    });
    assert!(checked.contains("seed=0"), "{checked}");
    assert!(
        checked.contains("never happened: panic in handling 1 of /user/no"),
        "{checked}"
    );
}
