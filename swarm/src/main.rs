//! The swarm as a program: runs seeds, and reports what was wrong and how to reproduce it.

use clap::{Parser, Subcommand};
use nexus_swarm::corpus::{self, Entry};
use nexus_swarm::mutants::{self, Planted};
use nexus_swarm::parallel::Watch;
use nexus_swarm::{Features, Outcome, parallel, simulated};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

/// Runs generated systems of actors, and checks everything that must hold.
#[derive(Parser, Debug)]
#[command(name = "nexus-swarm")]
struct Options {
    /// How many seeds to run.
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    first: u64,
    /// Runs for that long, instead of a number of seeds.
    #[arg(long)]
    minutes: Option<f64>,
    /// Runs only this seed, and shows its plan and the end of its trace.
    #[arg(long)]
    seed: Option<u64>,
    /// Runs on real threads.
    #[arg(long)]
    parallel: bool,
    /// Uses only these features, instead of those that are drawn.
    #[arg(long, value_parser = parse_features)]
    only: Option<Features>,
    /// How many seeds to run at the same time.
    #[arg(long)]
    jobs: Option<usize>,
    /// Prints how often each event occurred.
    #[arg(long)]
    seen: bool,
    /// Searches for one planted bug.
    #[arg(long)]
    mutant: Option<String>,
    /// Searches in this process, which may not survive it.
    #[arg(long, hide = true, requires = "mutant")]
    here: bool,
    #[command(subcommand)]
    all: Option<All>,
}

fn parse_features(text: &str) -> Result<Features, String> {
    let names = text.split(',').filter(|name| !name.is_empty());
    Features::named(names).map_err(|name| format!("there is no feature called {name}"))
}

impl Options {
    fn entry(&self, seed: u64) -> Entry {
        Entry {
            features: self.only,
            ..Entry::of(seed)
        }
    }
}

#[derive(Subcommand, Debug, Clone, Copy)]
enum All {
    /// Searches for every planted bug.
    Mutants,
}

/// The most time that a seed may take. It takes milliseconds.
const HANG: Duration = Duration::from_secs(20);
/// One seed in this many runs twice, and must do the same both times.
const TWICE: u64 = 8;
/// Seeds that run on threads at the same time: most of the time they wait.
const ON_THREADS: usize = 6;
/// The number of violations after which the program stops.
const ENOUGH: u64 = 10;

fn main() -> ExitCode {
    let options = Options::parse();
    nexus_swarm::silence_planned_panics();
    let fine = match (&options.all, &options.mutant, options.seed) {
        (Some(All::Mutants), _, _) => look_for_all(),
        (None, Some(name), _) if options.here => look_here(name, &options),
        (None, Some(name), _) => look_for_one(name),
        (None, None, Some(seed)) => show(seed, &options),
        (None, None, None) => run_many(&options),
    };
    match fine {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

// ---- seeds ---------------------------------------------------------------------------------

#[derive(Default)]
struct Sum {
    seeds: u64,
    wrong: u64,
    deliveries: u64,
    steps: u64,
    seen: BTreeMap<&'static str, u64>,
}

impl Sum {
    fn add(&mut self, outcome: &Outcome) {
        self.seeds += 1;
        self.wrong += u64::from(!outcome.violations.is_empty());
        self.deliveries += outcome.deliveries;
        self.steps += outcome.steps;
        for (what, count) in &outcome.seen {
            *self.seen.entry(what).or_default() += count;
        }
    }
}

fn run_many(options: &Options) -> bool {
    let began = Instant::now();
    let end = options.minutes.map(|minutes| minutes * 60.0);
    let last = match end {
        Some(_) => u64::MAX,
        None => options.first.saturating_add(options.seeds),
    };
    let drawn = (options.first..last).map(|seed| options.entry(seed));
    let seeds = corpus::entries().into_iter().chain(drawn);
    let (seeds, sum) = (Mutex::new(seeds), Mutex::new(Sum::default()));
    let next = || {
        let late = end.is_some_and(|end| began.elapsed().as_secs_f64() > end);
        let enough = late || sum.lock().wrong >= ENOUGH;
        (!enough).then(|| seeds.lock().next()).flatten()
    };
    let work = || {
        let watch = Watch::default();
        watch_over(&watch, options.parallel);
        while let Some(seed) = next() {
            let outcome = run_one(seed, options.parallel, &watch);
            let mut sum = sum.lock();
            tell_of(&outcome, seed, options.parallel);
            sum.add(&outcome);
        }
    };
    let usual = if options.parallel { ON_THREADS } else { 1 };
    std::thread::scope(|scope| {
        for _ in 0..options.jobs.unwrap_or(usual) {
            scope.spawn(work);
        }
    });
    let sum = sum.into_inner();
    if options.seen {
        for (what, count) in &sum.seen {
            println!("{count:>10} {what}");
        }
    }
    tell_sum(&sum, began.elapsed());
    sum.wrong == 0 && sum.deliveries > 0
}

fn run_one(entry: Entry, on_threads: bool, watch: &Watch) -> Outcome {
    let plan = entry.plan(on_threads);
    if on_threads {
        return parallel::run(&plan, watch);
    }
    let seed = entry.seed;
    watch.begins(seed);
    let mut outcome = simulated::run(&plan, false);
    if seed.is_multiple_of(TWICE) && outcome.violations.is_empty() {
        let again = simulated::run(&plan, false);
        if again.fingerprint != outcome.fingerprint {
            let text = "a second run of the same seed did something else".to_owned();
            outcome.violations.push(text);
        }
    }
    watch.ends();
    outcome
}

fn tell_of(outcome: &Outcome, entry: Entry, on_threads: bool) {
    if outcome.violations.is_empty() {
        return;
    }
    println!("seed {}:", outcome.seed);
    for violation in &outcome.violations {
        println!("    {violation}");
    }
    let only = entry
        .features
        .map(|features| format!(" --only '{features}'"));
    let only = only.unwrap_or_default();
    println!("  again: {}{only}", command_for(outcome.seed, on_threads));
}

fn command_for(seed: u64, on_threads: bool) -> String {
    let parallel = if on_threads { " --parallel" } else { "" };
    format!("cargo run -p nexus-swarm --release --{parallel} --seed {seed}")
}

fn tell_sum(sum: &Sum, took: Duration) {
    let Sum {
        seeds,
        wrong,
        deliveries,
        steps,
        ..
    } = sum;
    #[allow(clippy::cast_precision_loss)] // it is a rate
    let rate = |number: u64| number as f64 / took.as_secs_f64();
    println!(
        "{seeds} seeds, {wrong} wrong, {deliveries} deliveries, {steps} steps in {took:.2?}: \
         {:.0} seeds/s, {:.0} deliveries/s",
        rate(*seeds),
        rate(*deliveries),
    );
}

/// Ends the process if a seed hangs, and reports which actors wait for what.
fn watch_over(watch: &Watch, on_threads: bool) {
    let watch = watch.clone();
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(Duration::from_millis(500));
            if let Some((seed, waiting)) = watch.hangs(HANG) {
                println!("seed {seed} hangs:\n{waiting}");
                println!("  again: {}", command_for(seed, on_threads));
                std::process::exit(3);
            }
        }
    });
}

fn show(seed: u64, options: &Options) -> bool {
    let watch = Watch::default();
    watch_over(&watch, options.parallel);
    let entry = options.entry(seed);
    let plan = entry.plan(options.parallel);
    println!("{plan}");
    if options.parallel {
        let mut fine = true;
        for _ in 0..options.seeds.min(20) {
            let outcome = run_one(entry, true, &watch);
            tell_of(&outcome, entry, true);
            fine &= outcome.violations.is_empty();
        }
        return fine;
    }
    watch.begins(seed);
    let outcome = simulated::run(&plan, true);
    println!("{}", outcome.trace);
    println!(
        "{} deliveries, {} steps, fingerprint {:016x}",
        outcome.deliveries, outcome.steps, outcome.fingerprint
    );
    tell_of(&outcome, entry, false);
    outcome.violations.is_empty()
}

// ---- mutants -------------------------------------------------------------------------------

fn are_planted() -> bool {
    if !mutants::ARE_PLANTED {
        println!("no mistakes are planted in this build; `cargo swarm` makes one that has them");
    }
    mutants::ARE_PLANTED
}

fn look_for_all() -> bool {
    let found = |planted| look_for(planted);
    are_planted()
        && mutants::ALL
            .iter()
            .map(found)
            .fold(true, |all, one| all & one)
}

fn look_for_one(name: &str) -> bool {
    let planted = mutants::ALL.iter().find(|planted| planted.name == name);
    match planted {
        Some(planted) => are_planted() && look_for(planted),
        None => {
            println!("there is no mistake called {name}");
            false
        }
    }
}

fn look_for(planted: &Planted) -> bool {
    let Ok(program) = std::env::current_exe() else {
        println!("this program cannot find itself");
        return false;
    };
    let mut command = Command::new(program);
    let bound = planted.bound.to_string();
    command.args(["--here", "--mutant", planted.name, "--seeds", &bound]);
    mutants::report(planted, command)
}

fn look_here(name: &str, options: &Options) -> bool {
    for seed in options.first..options.first.saturating_add(options.seeds) {
        println!("{}{seed}", mutants::AT_SEED);
        let plan = options.entry(seed).plan(false);
        let Some(outcome) = mutants::with(name, || simulated::run(&plan, false)) else {
            return false;
        };
        if let Some(violation) = outcome.violations.first() {
            println!("{}{violation}", mutants::FOUND);
            return false;
        }
    }
    true
}
