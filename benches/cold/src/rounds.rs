//! The measurements: rows, rounds, and a process for each.

use crate::random::Random;
use crate::workloads::{self, OURS};
use crate::{Options, outcome, table};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A workload of one size, and its measurements.
pub(crate) struct Row {
    pub(crate) name: String,
    workload: &'static str,
    size: u64,
    pub(crate) entries: Vec<Entry>,
}

/// One contender in a row.
pub(crate) struct Entry {
    pub(crate) name: String,
    /// Its name in the program that contains it.
    contender: &'static str,
    program: PathBuf,
    /// Each figure, by name, from every round that succeeded.
    pub(crate) figures: Vec<(String, BTreeMap<u32, f64>)>,
}

impl Row {
    pub(crate) fn names(&self) -> Vec<&str> {
        self.entries.iter().map(|entry| &*entry.name).collect()
    }
}

/// Returns the rows to be measured.
pub(crate) fn rows(options: &Options) -> Vec<Row> {
    // This very program, even if another one has been built in its place meanwhile.
    let this = PathBuf::from("/proc/self/exe");
    let mut rows = Vec::new();
    for workload in workloads::all() {
        let quick = [workload.quick];
        let sizes = if options.quick {
            &quick
        } else {
            workload.sizes
        };
        for &size in sizes {
            let name = match workload.sizes.len() {
                1 => workload.name.to_owned(),
                _ => format!("{} {}", workload.name, grouped(size)),
            };
            let asked_for = |only: &String| name.contains(only) || workload.name == only;
            if !options.only.is_empty() && !options.only.iter().any(asked_for) {
                continue;
            }
            let mut entries: Vec<_> = (workload.contenders.iter())
                .filter(|contender| size <= contender.most)
                .filter(|contender| {
                    contender.name == OURS
                        || options.beside.is_empty()
                        || options.beside.iter().any(|name| name == contender.name)
                })
                .map(|contender| Entry::new(contender.name, contender.name, &this))
                .collect();
            let others = options.also.iter();
            entries.splice(
                1..1,
                others.map(|(name, path)| Entry::new(name, OURS, path)),
            );
            rows.push(Row {
                name,
                workload: workload.name,
                size,
                entries,
            });
        }
    }
    rows
}

impl Entry {
    fn new(name: &str, contender: &'static str, program: &Path) -> Self {
        Self {
            name: name.to_owned(),
            contender,
            program: program.to_owned(),
            figures: Vec::new(),
        }
    }

    fn note(&mut self, round: u32, figures: Vec<(String, f64)>) {
        for (name, value) in figures {
            let known = self.figures.iter().position(|figure| figure.0 == name);
            let place = known.unwrap_or_else(|| {
                self.figures.push((name, BTreeMap::new()));
                self.figures.len() - 1
            });
            self.figures[place].1.insert(round, value);
        }
    }
}

/// Formats a number with a comma after every three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Returns a different seed each time.
pub(crate) fn any_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |since| since.as_millis() as u64) % 1_000_000
}

/// Measures all rows, and prints the table. Returns whether everything succeeded.
pub(crate) fn measure(options: &Options, mut rows: Vec<Row>) -> bool {
    let seed = options.seed.unwrap_or_else(any_seed);
    let rounds = if options.quick { 1 } else { options.rounds };
    let begun = Instant::now();
    let mut random = Random::new(seed);
    let mut failed = Vec::new();
    let mut turns: Vec<_> = (rows.iter().enumerate())
        .flat_map(|(row, found)| (0..found.entries.len()).map(move |entry| (row, entry)))
        .collect();
    println!(
        "Rounds {rounds}, seed {seed}, measurements {}.",
        turns.len()
    );
    println!();
    for round in 1..=rounds {
        random.shuffle(&mut turns);
        eprintln!(
            "round {round} of {rounds}, {:.0} s",
            begun.elapsed().as_secs_f64()
        );
        for &(row, entry) in &turns {
            let row = &mut rows[row];
            let entry = &mut row.entries[entry];
            match once(entry, row.workload, row.size, options.quick) {
                Ok(figures) => entry.note(round, figures),
                Err(why) => {
                    let what = format!("{}, {}: {why}", row.name, entry.name);
                    eprintln!("FAILED: {what}");
                    failed.push(what);
                }
            }
        }
    }
    table::print(&rows);
    println!();
    println!(
        "In {:.0} s, {} failed.",
        begun.elapsed().as_secs_f64(),
        failed.len()
    );
    for what in &failed {
        println!("- FAILED: {what}");
    }
    failed.is_empty()
}

/// Makes one measurement, in a process of its own.
fn once(
    entry: &Entry,
    workload: &str,
    size: u64,
    quick: bool,
) -> Result<Vec<(String, f64)>, String> {
    let mut command = Command::new(&entry.program);
    command.env_remove("RUST_BACKTRACE");
    command.args(quick.then_some("--quick"));
    command.args(["run", workload, entry.contender, &size.to_string()]);
    let output = command.output().map_err(|error| error.to_string())?;
    let errors = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("{}: {}", output.status, errors.trim()));
    }
    if !errors.is_empty() {
        eprintln!("{workload}, {}: {}", entry.name, errors.trim());
    }
    let printed = String::from_utf8_lossy(&output.stdout);
    let line = printed.lines().last().and_then(outcome::parse);
    line.ok_or_else(|| format!("it printed no figures: {printed}"))
}
