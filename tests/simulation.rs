//! Simulation: section 9 of the contract.

use nexus_actors::prelude::*;
use nexus_actors::sim::{Choice, Choices, Fault, FaultError, Sim, Trace, TraceKind};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::rc::Rc;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(3600);

enum Count {
    Add(u64),
    Get(Reply<u64>),
}

fn counter() -> Props<Count> {
    Props::new(|| {
        Behavior::with_state(0, |sum: &mut u64, _ctx, message| match message {
            Count::Add(number) => *sum += number,
            Count::Get(reply) => reply.send(*sum),
        })
    })
}

#[test]
fn s9_1_actors_of_two_workers_work_without_threads() {
    let mut sim = Sim::new(1);
    let counter = sim.spawn_on(1, "counter", counter()).unwrap();
    (1..=100).for_each(|number| counter.tell(Count::Add(number)));
    assert_eq!(counter.ask(Count::Get, LONG).wait(), Ok(5050));
    let report = sim.shutdown(LONG);
    assert_eq!((report.forced, report.unprocessed), (0, 0));
    assert!(sim.has_ended());
    assert!(sim.pending().is_empty(), "{:?}", sim.pending());
}
