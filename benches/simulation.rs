//! The cost of a simulated delivery, with everything left to chance and a trace kept, and of a whole
//! small simulation: a swarm runs them by the hundred thousand.

#![allow(missing_docs)] // criterion's macros make public functions

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const DELIVERIES: u64 = 100_000;
const ACTORS: usize = 32;

type Ring = Arc<Mutex<Vec<ActorRef<u64>>>>;

/// Passes numbers round a ring of actors, one less each time.
fn ring(workers: usize) -> (Sim, Vec<ActorRef<u64>>) {
    let builder = Sim::builder().seed(1).workers(workers).keep_events(100_000);
    let mut sim = builder.start().expect("starts");
    let ring = Ring::default();
    for index in 0..ACTORS {
        let ring_of_actor = Arc::clone(&ring);
        let props = Props::new(move || {
            let ring = Arc::clone(&ring_of_actor);
            Behavior::receive(move |_ctx, left: u64| {
                if left > 0 {
                    ring.lock().expect("unpoisoned")[(index + 1) % ACTORS].tell(left - 1);
                }
            })
        });
        let actor = sim.spawn_on(index % workers, &format!("actor-{index}"), props);
        ring.lock()
            .expect("unpoisoned")
            .push(actor.expect("starts"));
    }
    let actors = ring.lock().expect("unpoisoned").clone();
    (sim, actors)
}

fn deliveries(c: &mut Criterion) {
    let mut group = c.benchmark_group("simulated_deliveries");
    group
        .throughput(Throughput::Elements(DELIVERIES))
        .sample_size(20);
    for workers in [1, 4] {
        group.bench_function(format!("{workers}_workers"), |b| {
            let (mut sim, actors) = ring(workers);
            b.iter(|| {
                let share = DELIVERIES / ACTORS as u64;
                actors.iter().for_each(|actor| actor.tell(share - 1));
                sim.run_until_idle();
            });
        });
    }
    group.bench_function("asks_across_2_workers", |b| {
        let mut sim = Sim::new(1);
        let echo = Props::new(|| Behavior::receive(|_ctx, reply: Reply<u64>| reply.send(1)));
        let echo = sim.spawn_on(1, "echo", echo).expect("starts");
        let asker = Props::new(move || {
            Behavior::receive(move |_ctx, asks: u64| {
                for _ in 0..asks {
                    echo.ask(|reply| reply, Duration::from_secs(1)).wait()?;
                }
                Ok(())
            })
        });
        let asker = sim.spawn_on(0, "asker", asker).expect("starts");
        b.iter(|| {
            asker.tell(DELIVERIES);
            sim.run_until_idle();
        });
    });
    group.finish();
}

fn whole_simulations(c: &mut Criterion) {
    let mut group = c.benchmark_group("whole_simulations");
    group.throughput(Throughput::Elements(1));
    group.bench_function("2_workers_32_actors_and_320_deliveries", |b| {
        b.iter_batched(
            || (),
            |()| {
                let (mut sim, actors) = ring(2);
                actors.iter().for_each(|actor| actor.tell(9));
                sim.run_until_idle();
                sim.shutdown(Duration::from_secs(1))
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, deliveries, whole_simulations);
criterion_main!(benches);
