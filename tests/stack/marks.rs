//! How deeply stacks were used.

use super::{KIB, have_dug, marks, miner};
use crate::common::{SOON, eventually, pool_of, with_pool};
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;

/// What a turn uses in addition to its handler's digging, with and without debug assertions.
const BESIDE: u64 = 64 * KIB as u64;

#[test]
fn s4_10_the_high_water_mark_follows_the_deepest_handler() {
    with_pool(pool_of(2).stack_size(1024 * KIB), |pool| {
        let miner = pool.spawn_on(0, "miner", miner()).unwrap();
        let marks = || marks(&pool.stats());
        for depth in [200 * KIB, 700 * KIB, 100 * KIB, 900 * KIB] {
            have_dug(miner, depth);
            eventually("it is seen", || marks()[0] >= depth as u64);
        }
        let [dug, idle] = marks()[..] else {
            panic!("two workers")
        };
        assert!(dug <= 900 * KIB as u64 + BESIDE, "{dug}");
        assert!((1..=BESIDE).contains(&idle), "{idle}");
    });
}

#[test]
fn s4_10_the_high_water_mark_is_known_at_once_where_the_caller_drives() {
    let system = ActorSystem::builder()
        .stack_size(1024 * KIB)
        .start()
        .unwrap();
    let digging = system.spawn("miner", miner()).unwrap();
    let deep = 500 * KIB as u64;
    assert!(marks(&system.stats())[0] < deep);
    have_dug(digging, 500 * KIB);
    let mark = marks(&system.stats())[0];
    assert!((deep..=deep + BESIDE).contains(&mark), "{mark}");

    let mut sim = Sim::builder()
        .stack_size(1024 * KIB)
        .workers(2)
        .start()
        .unwrap();
    let digging = sim.spawn_on(1, "miner", miner()).unwrap();
    have_dug(digging, 500 * KIB);
    let marks = marks(&sim.stats());
    assert!(
        marks[0] < deep && (deep..=deep + BESIDE).contains(&marks[1]),
        "{marks:?}"
    );
    sim.shutdown(SOON);
}
