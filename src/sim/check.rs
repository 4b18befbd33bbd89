//! Running a test under many seeds, and shrinking a failing run.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Once;
use std::time::Duration;

use super::builder::SimBuilder;
use super::case::Case;
use super::choices::Choice;
use super::handle::Sim;
use super::trace::Trace;
use crate::failure::{Unwound, catch_user};

/// The variable that selects one case to run instead of all seeds.
const CASE: &str = "NEXUS_SIM";
/// The variable that sets how many seeds to run.
const SEEDS: &str = "NEXUS_SIM_SEEDS";

/// The number of steps after which a run counts as endless.
const MOST_STEPS: u64 = 10_000_000;
/// The time, on the simulated clock, that actors have to stop once the test is over.
const END: Duration = Duration::from_secs(3600);
/// The number of trace lines that a report shows.
const SHOWN: usize = 20;

/// Runs a test in a simulation for each of the seeds, and panics with a report if it fails: see
/// [`SimBuilder::check`].
///
/// ```
/// use nexus_actors::prelude::*;
/// use std::time::Duration;
///
/// nexus_actors::sim::check(0..50, |sim| {
///     let echo = sim.spawn("echo", Props::new(|| {
///         Behavior::receive(|_ctx, (number, reply): (u32, Reply<u32>)| reply.send(number))
///     })).unwrap();
///     let answer = echo.ask(|reply| (7, reply), Duration::from_secs(1)).wait();
///     assert_eq!(answer, Ok(7));
/// });
/// ```
///
/// # Panics
///
/// As for [`SimBuilder::check`].
#[track_caller]
pub fn check(seeds: impl IntoIterator<Item = u64>, test: impl Fn(&mut Sim)) {
    Sim::builder().check(seeds, test);
}

impl SimBuilder {
    /// Runs a test in a simulation for each of the seeds, and panics with a report if it fails.
    ///
    /// A run fails if the test panics; if a fault that it requested has not happened; or if, when
    /// the pool is then shut down, anything is left over or a message is unaccounted for. The first
    /// seed is run twice, and both runs must have the same trace.
    ///
    /// A failing run is shrunk: chance ends as early as possible with the run still failing, and
    /// kinds of choices and faults that the failure does not need are left out. The report says how
    /// to run that case again:
    ///
    /// ```text
    /// NEXUS_SIM='seed=42 steps=57 without=stalls' cargo test accounts_balance
    /// ```
    ///
    /// The variable `NEXUS_SIM_SEEDS` overrides the number of seeds; they begin at the first of the
    /// given ones.
    ///
    /// # Panics
    ///
    /// With the report, if a run fails; also if a simulation cannot be started, or one of the
    /// variables cannot be parsed.
    #[track_caller]
    pub fn check(self, seeds: impl IntoIterator<Item = u64>, test: impl Fn(&mut Sim)) {
        let checker = Checker {
            builder: self,
            test: &test,
        };
        if let Ok(text) = std::env::var(CASE) {
            let case = Case::parse(&text, checker.builder.case.choices);
            return checker.run_one(&case.unwrap_or_else(|error| panic!("{CASE}: {error}")));
        }
        let mut seeds = seeds.into_iter();
        let Some(first) = seeds.next() else {
            panic!("a test without a seed checks nothing");
        };
        let first_case = Case::of(first, checker.builder.case.choices);
        checker.check_determinism(&first_case);
        match number_of_seeds() {
            None => checker.run_all(std::iter::once(first).chain(seeds)),
            Some(number) => checker.run_all(first..first.saturating_add(number)),
        }
    }
}

fn number_of_seeds() -> Option<u64> {
    let text = std::env::var(SEEDS).ok()?;
    let number = text.parse().ok().filter(|number| *number > 0);
    Some(number.unwrap_or_else(|| panic!("{SEEDS}: {text:?} is no number of seeds")))
}

/// A test, and the builder of the simulations it runs in.
struct Checker<'a> {
    builder: SimBuilder,
    test: &'a dyn Fn(&mut Sim),
}

/// A finished run.
struct CheckRun {
    trace: Trace,
    steps: u64,
    now: Duration,
    /// The number of faults that the test requested.
    faults: usize,
    /// What was wrong, if anything.
    failure: Option<String>,
}

impl Checker<'_> {
    fn run_all(&self, seeds: impl Iterator<Item = u64>) {
        for seed in seeds {
            let case = Case::of(seed, self.builder.case.choices);
            let run = self.run(&case);
            if run.failure.is_some() {
                self.report(&case, &run);
            }
        }
    }

    fn run_one(&self, case: &Case) {
        let run = self.run(case);
        eprintln!("{CASE}: the run of {case} in full:\n{}", run.trace);
        if let Some(failure) = &run.failure {
            panic!("{case}: {failure}");
        }
    }

    /// Runs the test once.
    fn run(&self, case: &Case) -> CheckRun {
        let mut builder = self.builder.clone();
        builder.case = case.clone();
        let limit = builder.step_limit.unwrap_or(MOST_STEPS);
        let started = builder.step_limit(limit).start();
        let mut sim = started.unwrap_or_else(|error| panic!("no simulation: {error}"));
        sim.checked = true;
        let ended = catch_user(|| {
            (self.test)(&mut sim);
            what_is_wrong(&mut sim)
        });
        let (steps, now, faults) = (sim.steps(), sim.now(), sim.faults());
        let failure = match ended {
            Err(Unwound::Panicked(payload)) => Some(payload.to_string()),
            Err(Unwound::Forced) => Some("the test was ended by force".to_owned()),
            Ok(failure) => failure,
        };
        CheckRun {
            trace: sim.trace(),
            steps,
            now,
            faults,
            failure,
        }
    }

    fn check_determinism(&self, case: &Case) {
        let (one, other) = quietly(|| (self.run(case), self.run(case)));
        if let Some(difference) = one.trace.first_difference(&other.trace) {
            panic!(
                "two runs of {case} differ, so the test depends on something outside of the \
                 simulation (the real clock, another thread, the order of a HashMap with random \
                 keys); they part at {difference}"
            );
        }
    }

    /// Panics with the full report about a failing run.
    fn report(&self, case: &Case, run: &CheckRun) -> ! {
        let (smallest, last) = quietly(|| self.shrink(case, run));
        let mut text = String::new();
        let (failure, steps, now) = (run.failure.as_deref(), run.steps, run.now);
        let failure = failure.unwrap_or_default();
        let _ = writeln!(
            text,
            "{case} fails at step {steps}, after {now:?}: {failure}"
        );
        match last {
            None => {
                text.push_str("and does not fail when it is run again: it is not deterministic\n")
            }
            Some(last) => {
                let _ = writeln!(text, "the smallest case found: {smallest}");
                if let Some(failure) = last.failure.filter(|other| other != failure) {
                    let _ = writeln!(text, "which says: {failure}");
                }
                let _ = writeln!(text, "to run it again: {}", command(&smallest));
                let _ = write!(text, "its last events:\n{}", last.trace.tail(SHOWN));
            }
        }
        panic!("{text}");
    }

    /// Returns the smallest case found that still fails, and its run; the run is `None` if not even
    /// the same case fails again.
    fn shrink(&self, case: &Case, run: &CheckRun) -> (Case, Option<CheckRun>) {
        let mut best = Smallest {
            checker: self,
            case: case.clone(),
            run: None,
        };
        if !best.try_case(case.clone()) {
            return (best.case, None);
        }
        best.end_chance_early(run.steps);
        best.leave_choices_out();
        best.leave_faults_out(run.faults);
        (best.case, best.run)
    }
}

/// The smallest failing case so far.
struct Smallest<'a> {
    checker: &'a Checker<'a>,
    case: Case,
    run: Option<CheckRun>,
}

impl Smallest<'_> {
    /// Makes a case the smallest one if it fails, and returns whether it does.
    fn try_case(&mut self, case: Case) -> bool {
        let run = self.checker.run(&case);
        let fails = run.failure.is_some();
        if fails {
            (self.case, self.run) = (case, Some(run));
        }
        fails
    }

    /// Bisects the number of steps that are left to chance.
    fn end_chance_early(&mut self, steps: u64) {
        let with = |case: &Case, orderly_from| Case {
            orderly_from,
            ..case.clone()
        };
        if self.try_case(with(&self.case, 0)) {
            return;
        }
        let (mut passes, mut fails) = (0, steps + 1);
        while fails - passes > 1 {
            let middle = passes + (fails - passes) / 2;
            if self.try_case(with(&self.case, middle)) {
                fails = middle;
            } else {
                passes = middle;
            }
        }
    }

    fn leave_choices_out(&mut self) {
        for &choice in Choice::ALL {
            let case = Case {
                choices: self.case.choices.without(choice),
                ..self.case.clone()
            };
            if case != self.case {
                self.try_case(case);
            }
        }
    }

    fn leave_faults_out(&mut self, faults: usize) {
        for fault in 0..faults {
            let mut without_faults: BTreeSet<usize> = self.case.without_faults.clone();
            without_faults.insert(fault);
            let case = Case {
                without_faults,
                ..self.case.clone()
            };
            self.try_case(case);
        }
    }
}

/// The instructions to run a case again.
fn command(case: &Case) -> String {
    let thread = std::thread::current();
    match thread.name() {
        Some(test) if test != "main" => format!("{CASE}='{case}' cargo test {test}"),
        _ => format!("set {CASE}='{case}'"),
    }
}

/// What is wrong with a simulation whose test has passed, if anything.
fn what_is_wrong(sim: &mut Sim) -> Option<String> {
    let unfired = sim.unfired();
    if !unfired.is_empty() {
        let list: Vec<String> = unfired.iter().map(ToString::to_string).collect();
        return Some(format!("faults that never happened: {}", list.join("; ")));
    }
    sim.shutdown(END);
    let (stats, pending) = (sim.stats(), sim.pending());
    if stats.sent() != stats.handled() + stats.dead_letters + stats.queued() + stats.stashed() {
        return Some(format!("messages are unaccounted for: {stats:?}"));
    }
    (!pending.is_empty()).then(|| format!("the shutdown left something behind: {pending:?}"))
}

// ---- quiet panics ----------------------------------------------------------------------------

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

static HOOK: Once = Once::new();

/// Runs `code` without reporting panics on this thread: a failing test is run again and again.
fn quietly<R>(code: impl FnOnce() -> R) -> R {
    HOOK.call_once(|| {
        let told = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !QUIET.get() {
                told(panic);
            }
        }));
    });
    let outer = QUIET.replace(true);
    let answer = code();
    QUIET.set(outer);
    answer
}
