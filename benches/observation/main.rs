//! What it costs to observe a pool: the same work by a pool without observers, by one whose metrics are published,
//! by one that makes spans, and by a second one without observers, which shows how far the ratios can be trusted.
//!
//! All of them live in one process and take turns, so that what else happens on the machine meets each of them. Each
//! round is compared with the same round of the pool without observers: what counts is the median of these ratios,
//! and between which ratios half of the rounds were. Absolute figures cannot be compared between machines, or between
//! hours.
//!
//! All pools are built with the feature `tracing`. What the feature itself costs is not measured here.
//!
//! `cargo bench --package nexus-observation` measures all cases; with a word behind `--`, those with that word in
//! their names. `-- --test` runs each case with little work, and checks that the observers have observed.

mod cases;
mod pools;

use cases::Case;
use pools::{Observed, Observers};
use std::time::Duration;

/// Rounds that are measured, after one that is not.
const ROUNDS: usize = 31;

struct Options {
    quick: bool,
    part: String,
}

fn options() -> Options {
    let mut options = Options {
        quick: false,
        part: String::new(),
    };
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--test" | "--quick" => options.quick = true,
            "--bench" => {} // from cargo
            other => options.part = other.to_owned(),
        }
    }
    options
}

fn main() {
    let options = options();
    let observers = Observers::install();
    let cases = cases::all().filter(|case| case.name.contains(&options.part));
    for case in cases {
        let times = measure(&case, &observers, options.quick);
        if !options.quick {
            report(&case, &times);
        }
    }
    observers.check();
}

/// The nanoseconds for each operation, by round and kind of pool.
type Times = Vec<[f64; Observed::ALL.len()]>;

#[allow(clippy::cast_precision_loss)]
fn measure(case: &Case, observers: &Observers, quick: bool) -> Times {
    let size = if quick { case.size / 100 } else { case.size };
    let pools = Observed::ALL.map(|observed| observers.pool(observed, case.workers));
    let mut works = pools
        .each_ref()
        .map(|pool| (case.prepare)(pool.pool(), size));
    let mut round = |number: usize| {
        let mut times = [0.0; Observed::ALL.len()];
        // Each of them is the first one in its turn.
        for turn in 0..times.len() {
            let which = (number + turn) % times.len();
            let (operations, took) = works[which].round();
            times[which] = took.as_nanos() as f64 / operations as f64;
        }
        observers.keep_up();
        times
    };
    let rounds = if quick { 2 } else { ROUNDS };
    round(0);
    let times = (1..=rounds).map(&mut round).collect();
    drop(works);
    pools.into_iter().for_each(|pool| pool.end());
    times
}

/// The median, and the quartiles around it.
struct Spread {
    lower: f64,
    median: f64,
    upper: f64,
}

impl Spread {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut all: Vec<f64> = values.collect();
        all.sort_by(f64::total_cmp);
        let at = |quarters: usize| all[(all.len() - 1) * quarters / 4];
        Self {
            lower: at(1),
            median: at(2),
            upper: at(3),
        }
    }
}

fn report(case: &Case, times: &Times) {
    println!("\n{}, nanoseconds for each {}", case.name, case.operation);
    for (which, observed) in Observed::ALL.iter().enumerate() {
        let time = Spread::of(times.iter().map(|round| round[which]));
        let ratio = Spread::of(times.iter().map(|round| round[which] / round[0]));
        println!(
            "  {:<38} {:>8.1} ({:.1} to {:.1})   {:.3} ({:.3} to {:.3})",
            observed.name(),
            time.median,
            time.lower,
            time.upper,
            ratio.median,
            ratio.lower,
            ratio.upper,
        );
    }
}

/// Work that can be repeated.
trait Work {
    /// Does it once. Returns of how many operations it is, and how long they took.
    fn round(&mut self) -> (u64, Duration);
}
