//! The workloads of kompact, which joins the other contenders if it is built.

use super::{Workload, burst, idle, life, outside, rounds};
use crate::outcome::Outcome;
use crate::system::kompact::Kompact;

type Run = fn(u64) -> Outcome;

/// Components of kompact are large.
const ACTORS: u64 = 100_000;

/// Returns the workload, with kompact as the last contender if it takes part.
pub(super) fn join(workload: Workload) -> Workload {
    let (most, run): (u64, Run) = match workload.name {
        "idle" => (ACTORS, idle::idle::<Kompact, false, false>),
        "idle-random" => (ACTORS, idle::idle::<Kompact, true, false>),
        "idle-outside" => (ACTORS, idle::idle::<Kompact, false, true>),
        "burst" => (u64::MAX, burst::one_burst::<Kompact, 1, 1>),
        "burst-2w" => (u64::MAX, burst::one_burst::<Kompact, 2, 1>),
        "bursts-of-256" => (u64::MAX, burst::bursts::<Kompact, 1>),
        "bursts-of-256-2w" => (u64::MAX, burst::bursts::<Kompact, 2>),
        "fan-out" => (u64::MAX, burst::fan_out::<Kompact, 1>),
        "fan-out-2w" => (u64::MAX, burst::fan_out::<Kompact, 2>),
        "ping-pong" => (u64::MAX, rounds::ping_pong::<Kompact, 1>),
        "ping-pong-2w" => (u64::MAX, rounds::ping_pong::<Kompact, 2>),
        "ring" => (u64::MAX, rounds::hundred::<Kompact, 1>),
        "ring-2w" => (u64::MAX, rounds::hundred::<Kompact, 2>),
        "outside-1" => (u64::MAX, outside::outside::<Kompact, 1>),
        "outside-4" => (u64::MAX, outside::outside::<Kompact, 4>),
        "start" => (ACTORS, life::start::<Kompact>),
        _ => return workload,
    };
    workload.up_to(most, "kompact", run)
}
