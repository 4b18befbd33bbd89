//! Seeds on real threads.

use nexus_swarm::Plan;
use nexus_swarm::parallel::{self, Watch};
use std::time::Duration;

/// A run takes milliseconds.
const HANG: Duration = Duration::from_secs(30);

/// Ends the process when a seed hangs: its threads cannot be ended.
fn watch_over(watch: &Watch) {
    let watch = watch.clone();
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(Duration::from_millis(500));
            if let Some((seed, waiting)) = watch.hangs(HANG) {
                eprintln!("seed {seed} hangs:\n{waiting}");
                std::process::abort();
            }
        }
    });
}

#[test]
fn s9_1_nothing_is_wrong_in_a_few_seeds_on_threads() {
    nexus_swarm::silence_planned_panics();
    let watch = Watch::default();
    watch_over(&watch);
    for seed in 1..=10 {
        let outcome = parallel::run(&Plan::parallel(seed), &watch);
        assert!(outcome.violations.is_empty(), "seed {seed}: {outcome:#?}");
        assert!(outcome.deliveries > 0, "seed {seed} did nothing");
    }
}
