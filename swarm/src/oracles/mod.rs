//! Oracles: what must hold, whatever a system does. Each is small and independent; it reports what
//! is wrong and never panics: a panic in a handler would be taken for a planned one.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64};

mod asks;
mod bounds;
mod failures;
mod groups;
mod kept;
mod life;
mod mail;
mod names;
mod routers;
mod silences;
mod sums;
mod tasks;
mod topics;
mod watches;

pub use self::asks::{Asks, LateAnswers, Outcome};
pub use self::bounds::Room;
pub use self::failures::{Counter, Decision, Failures, When};
pub use self::groups::Groups;
pub use self::kept::{Repeats, Ring, StashBook, TimerBook};
pub use self::life::Life;
pub use self::mail::{InHandler, OneAtATime, Sequences, never_early};
pub use self::names::{Claim, Names, Sight};
pub use self::routers::{Routings, Scattered, Way};
pub use self::silences::Silence;
pub use self::sums::{Counted, Ids, Origin, Sums, Tally};
pub use self::tasks::{TaskOutcome, Tasks};
pub use self::topics::Topics;
pub use self::watches::{Watches, WhenWatched};

/// The result of a check: nothing, or what is wrong.
pub type Check = Result<(), String>;

fn ensure(holds: bool, wrong: impl FnOnce() -> String) -> Check {
    if holds { Ok(()) } else { Err(wrong()) }
}

/// The oracles of one run, and the violations they have found.
#[derive(Debug, Default)]
pub struct Oracles {
    found: Mutex<Vec<String>>,
    /// Asks.
    pub asks: Asks,
    /// Failures.
    pub failures: Failures,
    /// Names.
    pub names: Names,
    /// Messages that exist.
    pub notes: Tally,
    /// States that exist.
    pub states: Tally,
    /// Asks that have not ended.
    pub open_asks: Tally,
    /// Tasks that may be waited for.
    pub held_tasks: Tally,
    /// Messages that were sent.
    pub sent: AtomicU64,
    /// Messages through routers that may have been lost behind them.
    pub lost_on_the_way: AtomicU64,
    /// Messages that were handled.
    pub handled: AtomicU64,
    /// Messages that were left unhandled.
    pub unhandled: AtomicU64,
    /// The ids of messages.
    pub ids: Ids,
    /// How often each event was seen, to show that it occurs.
    seen: Mutex<BTreeMap<&'static str, u64>>,
    /// The runtime's own answers that may have been late.
    pub other_late: AtomicU64,
    /// Whether the pool ends, or is about to.
    pub pool_ends: AtomicBool,
}

/// The number of violations that are kept: the first ones tell most.
const KEPT: usize = 20;

impl Oracles {
    /// Records the result of a check.
    pub fn note(&self, who: impl FnOnce() -> String, check: Check) {
        if let Err(wrong) = check {
            self.violated(format!("{}: {wrong}", who()));
        }
    }

    /// Records a violation.
    pub fn violated(&self, text: String) {
        let mut found = self.found.lock();
        if found.len() < KEPT {
            found.push(text);
        }
    }

    /// Counts an event.
    pub fn saw(&self, what: &'static str) {
        *self.seen.lock().entry(what).or_default() += 1;
    }

    /// How often each event was seen.
    pub fn seen(&self) -> BTreeMap<&'static str, u64> {
        self.seen.lock().clone()
    }

    /// The violations found so far.
    pub fn found(&self) -> Vec<String> {
        self.found.lock().clone()
    }
}
