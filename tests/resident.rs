//! The memory that the operating system counts for this process is given back as well. This is the
//! only test of the program, because the memory of any other test would be counted too.

#![cfg(target_os = "linux")]

mod common;

use common::*;
use nexus_actors::prelude::*;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Barrier};

fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("Linux says");
    let pages = pages.split_whitespace().nth(1).expect("the resident ones");
    pages.parse::<usize>().expect("a number") * 4096
}

#[test]
fn s9_5_the_memory_of_a_flood_goes_back() {
    with_pool(pool_of(1), |pool| {
        let gate = Arc::new(Barrier::new(2));
        let (at_gate, sum) = (Arc::clone(&gate), Arc::new(AtomicU64::new(0)));
        let actor = pool.spawn(
            "actor",
            Props::new(move || {
                let (gate, sum) = (Arc::clone(&at_gate), Arc::clone(&sum));
                Behavior::receive(move |_ctx, number: u64| {
                    if number == 0 {
                        gate.wait();
                    }
                    sum.fetch_add(number, Relaxed);
                })
            }),
        );
        let actor = actor.expect("it starts");
        actor.tell(0);
        let before = resident();
        (1..3_000_000).for_each(|number| actor.tell(number));
        let peak = resident();
        assert!(
            peak > before + (64 << 20),
            "the worker is held up: {before} to {peak}"
        );
        gate.wait();
        eventually("all was handled", || pool.stats().handled() == 3_000_000);
        eventually("the memory goes back", || resident() <= before + (48 << 20));
    });
}
