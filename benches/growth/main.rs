//! How costs grow with the number of things: each [case](cases) runs with some number of them and with
//! four times as many, and the instructions of both runs are counted.
//!
//! The number of instructions is the same in every run; no time is. Instructions are counted by valgrind,
//! which must be installed; each run is a process of its own. What a process that does nothing takes,
//! from its start to its end, is subtracted.
//!
//! A linear cost grows by 4, a cost of `n log n` by a little more, and a quadratic cost by 16, part of
//! which is hidden by the rest of the work. So a case fails if it grows by more than [`MOST`].
//!
//! `cargo bench --bench growth` measures all cases; with a word behind `--`, those with that word in
//! their names. `-- --test` runs each case once, with few things, and counts nothing.

mod cases;

use cases::Case;
use std::process::{Command, ExitCode};
use std::sync::Mutex;

/// The most by which a cost may grow with four times as many things.
const MOST: f64 = 5.0;

const TIMES: usize = 4;

/// The number of runs that are counted at the same time.
const AT_ONCE: usize = 2;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (mut quick, mut part) = (false, String::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--run" => return run(&arguments.collect::<Vec<_>>()),
            "--test" | "--quick" => quick = true,
            "--bench" => {} // from cargo
            other => part = other.to_owned(),
        }
    }
    let chosen: Vec<&Case> = cases::all()
        .filter(|one| one.name.contains(&part))
        .collect();
    if quick {
        for case in &chosen {
            (case.run)(case.size / 16);
        }
        println!("{} cases do what they say", chosen.len());
        return ExitCode::SUCCESS;
    }
    measure(&chosen)
}

/// Runs a case, as the process whose instructions are counted.
fn run(arguments: &[String]) -> ExitCode {
    let [name, size] = arguments else {
        eprintln!("--run takes the name of a case, and its size");
        return ExitCode::FAILURE;
    };
    let size = size.parse().expect("a size");
    // Runs nothing if the name is empty.
    let named = cases::all().filter(|case| case.name == name);
    named.for_each(|case| (case.run)(size));
    ExitCode::SUCCESS
}

/// Counts the instructions of a case of that size; of an empty run if the name is empty.
fn count(name: &str, size: usize) -> Result<u64, String> {
    let itself = std::env::current_exe().map_err(|error| error.to_string())?;
    let counted = Command::new("valgrind")
        .args(["--tool=cachegrind", "--cache-sim=no"])
        .arg("--cachegrind-out-file=/dev/null")
        .arg(itself)
        .args(["--run", name, &size.to_string()])
        .output()
        .map_err(|error| format!("valgrind counts the instructions, and cannot be run: {error}"))?;
    let said = String::from_utf8_lossy(&counted.stderr);
    if !counted.status.success() {
        return Err(format!("{name}, {size}: {}\n{said}", counted.status));
    }
    // ==4711== I   refs:      1,234,567
    let refs = said.lines().find_map(|line| line.split_once(" refs:"));
    let digits = refs.map(|(_, number)| number.replace([',', ' '], ""));
    let number = digits.and_then(|digits| digits.parse().ok());
    number.ok_or_else(|| format!("valgrind has counted nothing, but said:\n{said}"))
}

/// The counts of a case, for some things and for four times as many.
struct Counted {
    some: u64,
    more: u64,
}

impl Counted {
    fn of(case: &Case, nothing: u64) -> Result<Self, String> {
        let of = |size| Ok::<_, String>(count(case.name, size)?.saturating_sub(nothing));
        Ok(Self {
            some: of(case.size)?,
            more: of(TIMES * case.size)?,
        })
    }

    fn growth(&self) -> f64 {
        self.more as f64 / self.some as f64
    }
}

fn measure(cases: &[&Case]) -> ExitCode {
    let nothing = match count("", 0) {
        Ok(nothing) => nothing,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    println!("{:<78} {:>6} {:>8} {:>8}  growth", "", "n", "at n", "at 4n");
    let (next, failed) = (Mutex::new(cases.iter()), Mutex::new(0));
    let measure_on = || {
        loop {
            let Some(case) = next.lock().expect("not poisoned").next() else {
                return;
            };
            let counted = Counted::of(case, nothing);
            let mut failed = failed.lock().expect("not poisoned");
            match counted {
                Ok(counted) => {
                    let each = |count: u64, size: usize| count / size as u64;
                    let (some, more) = (
                        each(counted.some, case.size),
                        each(counted.more, TIMES * case.size),
                    );
                    let growth = counted.growth();
                    let verdict = if growth > MOST { "  TOO MUCH" } else { "" };
                    *failed += u32::from(growth > MOST);
                    println!(
                        "{:<78} {:>6} {some:>8} {more:>8}  {growth:6.2}{verdict}",
                        case.name, case.size
                    );
                }
                Err(error) => {
                    *failed += 1;
                    println!("{:<78} FAILED\n{error}", case.name);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        (0..AT_ONCE).for_each(|_| drop(scope.spawn(measure_on)));
    });
    let failed = failed.into_inner().expect("not poisoned");
    println!(
        "{} cases, instructions for each of n; {failed} grow by more than {MOST}, or fail",
        cases.len()
    );
    if failed > 0 || cases.is_empty() {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
