//! Time that advances on request, and contexts that may advance it.

use super::{Count, LONG, MS, counter, finish, panic_of, sleeper};
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

#[test]
fn s9_2_time_goes_on_as_it_is_told() {
    let mut sim = Sim::builder().orderly().workers(1).start().unwrap();
    let sleeper = sim.spawn("sleeper", sleeper()).unwrap();
    sleeper.tell(10 * MS);
    sim.run_until_idle();
    assert_eq!(
        sim.now(),
        Duration::ZERO,
        "idle means: nothing before the next timer"
    );
    sim.run_for(4 * MS);
    assert_eq!((sim.now(), sim.pending().waiting), (4 * MS, 1));
    sim.advance(30 * MS);
    assert_eq!(
        (sim.now(), sim.pending().waiting),
        (34 * MS, 1),
        "runs nothing"
    );
    sim.run_until_idle();
    assert_eq!(sim.pending().waiting, 0, "late, but it goes on");
    assert!(!sim.step(), "nothing is left");
    finish(sim);
}

#[test]
fn s9_2_what_is_scheduled_is_done_at_its_time_and_may_wait() {
    let mut sim = Sim::new(5);
    let counter = sim.spawn("counter", counter()).unwrap();
    let sums: Rc<RefCell<Vec<u64>>> = Rc::default();
    let noting = Rc::clone(&sums);
    sim.schedule(2 * MS, move || {
        let sum = counter.ask(Count::Get, LONG).wait().unwrap();
        noting.borrow_mut().push(sum);
    });
    sim.schedule(MS, move || counter.tell(Count::Add(3)));
    sim.run_until_idle();
    assert_eq!(*sums.borrow(), [3]);
    finish(sim);
}

#[test]
fn s9_2_an_ask_that_can_no_longer_be_answered_does_not_hang() {
    let mut sim = Sim::new(1);
    let counter = sim.spawn("counter", counter()).unwrap();
    let asked = counter.ask(Count::Keep, LONG);
    sim.shutdown(LONG);
    assert!(matches!(asked.wait(), Err(AskError::TargetStopped(_))));
    assert!(matches!(
        counter.ask(Count::Get, LONG).wait(),
        Err(AskError::PoolClosed(_))
    ));
    finish(sim);
}

#[test]
fn s9_2_those_who_wait_are_named_with_what_they_wait_for() {
    let mut sim = Sim::builder().orderly().start().unwrap();
    let sleeper = sim.spawn_on(0, "sleeper", sleeper()).unwrap();
    let keeper = sim.spawn_on(1, "keeper", counter()).unwrap();
    let asker = Props::new(move || {
        Behavior::receive(move |_ctx, (): ()| {
            let _ = keeper.ask(Count::Keep, LONG).wait();
        })
    });
    let asker = sim.spawn_on(1, "asker", asker).unwrap();
    sleeper.tell(LONG);
    asker.tell(());
    sim.run_until_idle();
    let waiting: Vec<String> = sim.waiting().iter().map(ToString::to_string).collect();
    assert_eq!(
        waiting,
        [
            "/user/sleeper waits for time to pass",
            "/user/asker waits for /user/keeper"
        ]
    );
    finish(sim);
}

#[test]
fn s9_2_a_simulation_cannot_be_driven_by_a_handler() {
    thread_local!(static SIM: RefCell<Option<Sim>> = const { RefCell::new(None) });
    let mut sim = Sim::new(1);
    let driving = sim.spawn("driving", {
        Props::new(|| {
            Behavior::receive(|_ctx, reply: Reply<String>| {
                let step = || SIM.with_borrow_mut(|sim| sim.as_mut().unwrap().step());
                reply.send(panic_of(|| assert!(step())));
            })
        })
    });
    let asked = driving.unwrap().ask(|reply| reply, LONG);
    SIM.set(Some(sim));
    // Driven by the ask, so that the handler does not find the simulation borrowed.
    let said = asked.wait().unwrap();
    assert!(said.contains("cannot be driven in a handler"), "{said}");
    finish(SIM.take().unwrap());
}

#[test]
fn s9_2_driving_while_the_thread_panics_does_nothing_and_ends_nothing() {
    struct Guard(Sim);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.shutdown(LONG);
            assert!(!self.0.has_ended());
        }
    }
    let said = panic_of(|| {
        let mut sim = Sim::new(1);
        let sleeper = sim.spawn("sleeper", sleeper()).unwrap();
        sleeper.tell(LONG);
        sim.run_until_idle();
        let _guard = Guard(sim);
        panic!("planned");
    });
    assert_eq!(said, "planned");
}

#[test]
fn s9_2_a_simulation_is_not_started_in_a_handler() {
    let pool = WorkerPool::builder().workers(1).start().unwrap();
    let starter = Props::new(|| {
        Behavior::receive(|_ctx, reply: Reply<String>| {
            let error = Sim::builder().start().unwrap_err();
            reply.send(error.to_string());
        })
    });
    let starter = pool.spawn("starter", starter).unwrap();
    let said = starter.ask(|reply| reply, LONG).wait().unwrap();
    assert!(said.contains("handler"), "{said}");
    pool.shutdown(LONG).unwrap();
}
