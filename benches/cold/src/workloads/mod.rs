//! The workloads, each with its contenders.

pub(crate) mod burst;
mod idle;
#[cfg(feature = "kompact")]
mod kompact;
pub(crate) mod life;
mod lookup;
mod mixed_day;
mod open_loop;
mod outside;
mod pools;
mod rounds;
pub(crate) mod timers;

use crate::outcome::Outcome;

/// A contender in a workload. The first one is always ours.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    /// The largest size that it can run: larger ones take too long, or too much memory.
    pub(crate) most: u64,
    pub(crate) run: fn(u64) -> Outcome,
}

/// The name of our contender.
pub(crate) const OURS: &str = "nexus";

pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) sizes: &'static [u64],
    /// The size in a quick run.
    pub(crate) quick: u64,
    pub(crate) contenders: Vec<Contender>,
}

impl Workload {
    fn new(name: &'static str, sizes: &'static [u64], quick: u64) -> Self {
        Self {
            name,
            sizes,
            quick,
            contenders: Vec::new(),
        }
    }

    fn ours(self, run: fn(u64) -> Outcome) -> Self {
        self.beside(OURS, run)
    }

    fn beside(self, name: &'static str, run: fn(u64) -> Outcome) -> Self {
        self.up_to(u64::MAX, name, run)
    }

    fn up_to(mut self, most: u64, name: &'static str, run: fn(u64) -> Outcome) -> Self {
        self.contenders.push(Contender { name, most, run });
        self
    }
}

/// Returns all workloads.
pub(crate) fn all() -> Vec<Workload> {
    let groups = [
        idle::workloads(),
        burst::workloads(),
        rounds::workloads(),
        life::workloads(),
        outside::workloads(),
        lookup::workloads(),
        timers::workloads(),
        open_loop::workloads(),
        mixed_day::workloads(),
        pools::workloads(),
    ];
    let all = groups.into_iter().flatten();
    #[cfg(feature = "kompact")]
    let all = all.map(kompact::join);
    all.collect()
}
