//! Threads that are not actors send to one actor.

use super::Workload;
use super::burst::Counter;
use crate::moment::{self, BEGUN, HANDLED};
use crate::outcome::Outcome;
use crate::system::nexus::Nexus;
use crate::system::tokio::Tokio;
use crate::system::{System, threads};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

/// That many threads send `each` messages each to one actor.
pub(super) fn outside<S: System, const THREADS: u64>(each: u64) -> Outcome {
    let messages = THREADS * each;
    let system = S::new(1);
    let counter = system.start(0, Counter::<1>::of(messages));
    let barrier = Barrier::new(THREADS as usize);
    let tell = |first: u64| {
        if barrier.wait().is_leader() {
            BEGUN.set();
        }
        let begun = Instant::now();
        for number in first..first + each {
            S::tell::<Counter<1>>(&counter, [number]);
        }
        begun.elapsed()
    };
    let telling: Duration = thread::scope(|scope| {
        let tell = &tell;
        let tellers: Vec<_> = (0..THREADS)
            .map(|thread| scope.spawn(move || tell(thread * each)))
            .collect();
        system.wait(&HANDLED);
        let told = tellers.into_iter().map(|teller| teller.join());
        told.map(|took| took.expect("ends well")).sum()
    });
    system.end();
    assert_eq!(moment::sum(), messages * (messages - 1) / 2);
    Outcome::new()
        .rate(messages, moment::took())
        .each("ns/tell", messages, telling)
        .peak()
}

pub(crate) fn workloads() -> Vec<Workload> {
    type SegQueue = threads::Threads<threads::Polling>;
    type Channel = threads::Threads<threads::Channel>;
    const EACH: u64 = 1_000_000;
    const QUICK: u64 = 5_000;
    vec![
        Workload::new("outside-1", &[EACH], QUICK)
            .ours(outside::<Nexus, 1>)
            .beside("seg-queue", outside::<SegQueue, 1>)
            .beside("channel", outside::<Channel, 1>)
            .beside("tokio", outside::<Tokio, 1>),
        Workload::new("outside-4", &[EACH], QUICK)
            .ours(outside::<Nexus, 4>)
            .beside("seg-queue", outside::<SegQueue, 4>)
            .beside("channel", outside::<Channel, 4>)
            .beside("tokio", outside::<Tokio, 4>),
    ]
}
