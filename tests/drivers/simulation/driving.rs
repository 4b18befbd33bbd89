//! One interpreter drives the actors of all workers.

use super::{Count, LONG, counter, finish, sleeper};
use nexus_actors::ask::AskErrorKind;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[test]
fn s9_1_actors_of_two_workers_work_without_threads() {
    let mut sim = Sim::new(1);
    let counter = sim.spawn_on(1, "counter", counter()).unwrap();
    (1..=100).for_each(|number| counter.tell(Count::Add(number)));
    assert_eq!(counter.ask(Count::Get, LONG).wait(), Ok(5050));
    let report = sim.shutdown(LONG);
    assert_eq!((report.forced, report.unprocessed), (0, 0));
    finish(sim);
}

#[test]
fn s9_1_the_same_configure_runs_in_a_simulation() {
    let sim = Sim::builder().workers(3).configure(|node| {
        node.spawn("counter", counter())?;
        node.spawn_on(node.index(), &format!("local-{}", node.index()), counter())?;
        Ok(())
    });
    let sim = sim.start().unwrap();
    for name in ["counter", "local-0", "local-1", "local-2"] {
        assert!(
            sim.lookup::<Count>(format!("/user/{name}")).is_ok(),
            "{name}"
        );
    }
    finish(sim);
    let failing = Sim::builder().configure(|node| match node.index() {
        0 => Ok(()),
        _ => Err("planned".into()),
    });
    let error = failing.start().unwrap_err();
    assert_eq!(error.to_string(), "configuring worker 1 failed: planned");
}

#[test]
fn s5_3_a_timeout_comes_at_its_time_and_a_certain_end_at_once() {
    let mut sim = Sim::builder().orderly().start().unwrap();
    let counter = sim.spawn_on(1, "counter", counter()).unwrap();
    let stopping = sim.spawn_on(1, "stopping", {
        Props::new(|| Behavior::receive(|_ctx, _: Reply<u64>| Next::Stop))
    });
    let unanswered = stopping.unwrap().ask(|reply| reply, LONG);
    assert!(matches!(
        sim.run_until(unanswered),
        Err(AskError::NoReply(_))
    ));
    assert_eq!(sim.now(), Duration::ZERO);
    let held = counter.ask(Count::Keep, Duration::from_secs(10)).wait();
    let error = held.unwrap_err();
    assert_eq!(error.kind(), AskErrorKind::Timeout);
    assert_eq!(error.details().unwrap().waited(), Duration::from_secs(10));
    assert_eq!(sim.now(), Duration::from_secs(10), "to the nanosecond");
    finish(sim);
}

#[test]
fn s5_5_only_the_actor_that_waits_does() {
    let mut sim = Sim::builder().orderly().workers(1).start().unwrap();
    let counter = sim.spawn("counter", counter()).unwrap();
    let sleeper = sim.spawn("sleeper", sleeper()).unwrap();
    sleeper.tell(Duration::from_secs(60));
    sleeper.tell(Duration::from_secs(60));
    sim.run_until_idle();
    assert_eq!(counter.ask(Count::Get, LONG).wait(), Ok(0));
    let pending = sim.pending();
    assert_eq!(
        (pending.waiting, pending.messages),
        (1, 1),
        "its mail waits"
    );
    assert_eq!(sim.now(), Duration::ZERO);
    sim.run_for(Duration::from_secs(121));
    let pending = sim.pending();
    assert_eq!((pending.waiting, pending.messages), (0, 0));
    assert_eq!(sim.now(), Duration::from_secs(121));
    finish(sim);
}

/// Records in its log that it was dropped.
struct Noted(Arc<Mutex<Vec<&'static str>>>, &'static str);

impl Drop for Noted {
    fn drop(&mut self) {
        self.0.lock().unwrap().push(self.1);
    }
}

#[test]
fn s4_4_what_is_left_at_the_deadline_is_stopped_by_force() {
    let mut sim = Sim::builder().orderly().start().unwrap();
    let log = Arc::new(Mutex::new(Vec::new()));
    let noting = Arc::clone(&log);
    let props = Props::new(move || {
        let (noting, told) = (Arc::clone(&noting), Arc::clone(&noting));
        Behavior::receive(move |ctx, (): ()| {
            let _on_stack = Noted(Arc::clone(&noting), "unwound");
            Ok(ctx.sleep(LONG)?)
        })
        .on_signal(move |_ctx, signal| {
            if matches!(signal, Signal::PostStop(_)) {
                told.lock().unwrap().push("told");
            }
            Ok(())
        })
    });
    let stuck = sim.spawn_on(1, "stuck", props).unwrap();
    (0..3).for_each(|_| stuck.tell(()));
    sim.run_until_idle();
    let report = sim.shutdown(Duration::from_secs(5));
    assert_eq!(sim.now(), Duration::from_secs(5));
    assert_eq!((report.forced, report.unprocessed), (1, 2));
    assert_eq!(*log.lock().unwrap(), ["unwound", "told"]);
    finish(sim);
}
