//! The output of a measured process: figures by name, and the sources of the figures.

use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Figures, each with a name that ends in its unit.
pub(crate) struct Outcome(Vec<(&'static str, f64)>);

impl Outcome {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn with(mut self, name: &'static str, value: f64) -> Self {
        self.0.push((name, value));
        self
    }

    /// Adds the rate of `count` in that time.
    pub(crate) fn rate(self, count: u64, took: Duration) -> Self {
        self.with("M/s", count as f64 / took.as_secs_f64() / 1e6)
    }

    /// Adds the nanoseconds for each of `count`.
    pub(crate) fn each(self, name: &'static str, count: u64, took: Duration) -> Self {
        self.with(name, took.as_nanos() as f64 / count as f64)
    }

    /// Adds the peak of resident memory.
    pub(crate) fn peak(self) -> Self {
        self.with("peak MB", mebibytes(status("VmHWM:")))
    }
}

/// Resident memory at several times.
pub(crate) struct Memory {
    /// Before the actors were started.
    pub(crate) before: u64,
    /// For each actor, while all of them wait for mail.
    pub(crate) idle: f64,
    /// A while after everything was handled.
    pub(crate) rest: u64,
}

/// The memory that stays resident after much mail, a second later.
pub(crate) fn rested(before: u64, after: u64) -> Outcome {
    let outcome = Outcome::new().with("before MB", mebibytes(before));
    outcome.peak().with("rest MB", mebibytes(after))
}

impl fmt::Display for Outcome {
    /// Writes one line, as [`parse`] reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figures = self.0.iter();
        let figures: Vec<_> = figures
            .map(|(name, value)| format!("{}={value}", name.replace(' ', "_")))
            .collect();
        f.write_str(&figures.join(" "))
    }
}

/// Reads the line of a measured process.
pub(crate) fn parse(line: &str) -> Option<Vec<(String, f64)>> {
    let figure = |figure: &str| {
        let (name, value) = figure.split_once('=')?;
        Some((name.replace('_', " "), value.parse().ok()?))
    };
    line.split_whitespace().map(figure).collect()
}

pub(crate) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / (1 << 20) as f64
}

/// Resident memory of this process in bytes.
pub(crate) fn resident() -> u64 {
    status("VmRSS:")
}

fn status(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with(field));
    let kibibytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kibibytes.expect("a number of kB") * 1024
}

/// CPU time of the threads of this process, as the scheduler counts it.
pub(crate) fn cpu_time() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let nanos = tasks.filter_map(|task| {
        let path = task.ok()?.path().join("schedstat");
        let text = std::fs::read_to_string(path).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

static QUICK: AtomicBool = AtomicBool::new(false);

/// Makes waits short, as the figures are not needed.
pub(crate) fn be_quick() {
    QUICK.store(true, Relaxed);
}

/// Returns a length of time, or a fiftieth of it in a quick run.
pub(crate) fn length(full: Duration) -> Duration {
    if QUICK.load(Relaxed) { full / 50 } else { full }
}
