//! Actors that are looked up by their path.

use super::Workload;
use crate::outcome::Outcome;
use crate::random::Random;
use crate::system::nexus;
use nexus_actors::prelude::{ActorRef, Behavior, Props};
use std::time::Instant;

/// The number of lookups of each actor.
const TIMES: u64 = 10;

/// Paths in random order, each with its number.
fn paths(count: u64) -> Vec<(String, u64)> {
    let mut paths: Vec<_> = (0..count)
        .map(|number| (format!("/user/order-{number}"), number))
        .collect();
    Random::new(11).shuffle(&mut paths);
    paths
}

/// Looks all of them up, and returns the time for each lookup.
fn look_up(paths: &[(String, u64)], mut is_right: impl FnMut(&str, u64) -> bool) -> Outcome {
    let begun = Instant::now();
    let mut wrong = 0;
    for _ in 0..TIMES {
        for (path, number) in paths {
            wrong += u64::from(!is_right(path, *number));
        }
    }
    let took = begun.elapsed();
    assert_eq!(wrong, 0, "each is found, and is the right one");
    Outcome::new().each("ns/look-up", TIMES * paths.len() as u64, took)
}

fn ours(count: u64) -> Outcome {
    let pool = nexus::pool(1);
    let silent = Props::<u64>::new(|| Behavior::receive(|_ctx, _| {}));
    let start = |number| {
        let name = format!("order-{number}");
        pool.spawn(&name, silent.clone()).expect("starts")
    };
    let actors: Vec<ActorRef<u64>> = (0..count).map(start).collect();
    let outcome = look_up(&paths(count), |path, number| {
        pool.lookup::<u64>(path) == Ok(actors[number as usize])
    });
    nexus::end(&pool);
    outcome
}

fn flurry(count: u64) -> Outcome {
    let map = flurry::HashMap::<String, u64>::new();
    for number in 0..count {
        map.pin().insert(format!("/user/order-{number}"), number);
    }
    look_up(&paths(count), |path, number| {
        map.pin().get(path) == Some(&number)
    })
}

pub(crate) fn workloads() -> Vec<Workload> {
    vec![
        Workload::new("lookup", &[100_000], 2_000)
            .ours(ours)
            .beside("flurry", flurry),
    ]
}
