//! The cost of a pool that does nothing: to start it, to end it, and to keep it.

use super::Workload;
use crate::outcome::{self, Outcome};
use crate::system::{nexus, tokio};
use std::time::{Duration, Instant};

/// CPU time while there is nothing to do.
fn idle_cpu() -> Outcome {
    // Workers that have just been started may still look for work; they stop by themselves.
    std::thread::sleep(Duration::from_millis(100));
    let before = outcome::cpu_time();
    let idle = outcome::length(Duration::from_secs(5));
    std::thread::sleep(idle);
    let used = outcome::cpu_time() - before;
    assert!(used < idle / 20, "{used:?} of CPU in {idle:?}");
    Outcome::new().with("ms CPU", used.as_secs_f64() * 1e3)
}

fn idle_pool(workers: u64) -> Outcome {
    let pool = nexus::pool(workers as usize);
    let outcome = idle_cpu();
    nexus::end(&pool);
    outcome
}

fn idle_runtime(threads: u64) -> Outcome {
    let _runtime = tokio::runtime(threads as usize);
    idle_cpu()
}

fn micros(begun: Instant, started: Instant) -> Outcome {
    let micros = |length: Duration| length.as_secs_f64() * 1e6;
    Outcome::new()
        .with("µs to start", micros(started - begun))
        .with("µs to end", micros(started.elapsed()))
}

fn start_pool(workers: u64) -> Outcome {
    let begun = Instant::now();
    let pool = nexus::pool(workers as usize);
    let started = Instant::now();
    nexus::end(&pool);
    micros(begun, started)
}

fn start_runtime(threads: u64) -> Outcome {
    let begun = Instant::now();
    let runtime = tokio::runtime(threads as usize);
    let started = Instant::now();
    drop(runtime);
    micros(begun, started)
}

pub(crate) fn workloads() -> Vec<Workload> {
    vec![
        Workload::new("idle-cpu", &[4], 4)
            .ours(idle_pool)
            .beside("tokio", idle_runtime),
        Workload::new("pool-start", &[2, 8], 2)
            .ours(start_pool)
            .beside("tokio", start_runtime),
    ]
}
