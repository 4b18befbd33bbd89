//! Oracles: what must hold, whatever a system does. Each is a small thing of its own, which says
//! what is wrong and never panics: a panic in a handler would be taken for a planned one.

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

/// What a check comes to: nothing, or what is wrong.
pub type Check = Result<(), String>;

fn ensure(holds: bool, wrong: impl FnOnce() -> String) -> Check {
    if holds { Ok(()) } else { Err(wrong()) }
}

/// The oracles of one run, and what they have found.
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
    /// Asks that nobody has ended.
    pub open_asks: Tally,
    /// Tasks that somebody may wait for.
    pub held_tasks: Tally,
    /// Messages that were sent.
    pub sent: AtomicU64,
    /// Messages through routers that may have been lost behind them.
    pub lost_on_the_way: AtomicU64,
    /// Messages that were handled.
    pub handled: AtomicU64,
    /// Messages that their handlers left.
    pub unhandled: AtomicU64,
    /// Ids of messages.
    pub ids: Ids,
    /// How often what was seen to happen, so that one can see that it does.
    seen: Mutex<BTreeMap<&'static str, u64>>,
    /// Answers of the runtime itself that may have come late.
    pub other_late: AtomicU64,
    /// Whether the pool ends, or is about to.
    pub pool_ends: AtomicBool,
}

/// Violations that are kept: the first ones say most.
const KEPT: usize = 20;

impl Oracles {
    /// Takes a check's result in.
    pub fn note(&self, who: impl FnOnce() -> String, check: Check) {
        if let Err(wrong) = check {
            self.violated(format!("{}: {wrong}", who()));
        }
    }

    /// Something is wrong.
    pub fn violated(&self, text: String) {
        let mut found = self.found.lock();
        if found.len() < KEPT {
            found.push(text);
        }
    }

    /// Something happens that is worth counting.
    pub fn saw(&self, what: &'static str) {
        *self.seen.lock().entry(what).or_default() += 1;
    }

    /// How often what was seen.
    pub fn seen(&self) -> BTreeMap<&'static str, u64> {
        self.seen.lock().clone()
    }

    /// What was found so far.
    pub fn found(&self) -> Vec<String> {
        self.found.lock().clone()
    }
}
