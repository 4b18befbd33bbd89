//! Death watch: a watcher is told of an actor's end once, with the reason, and not after it has
//! stopped watching.

use nexus_actors::failure::TerminationReason;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::life::Life;
use super::{Check, ensure};

/// What is known about an actor at the moment in which another one begins to watch it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenWatched {
    /// It runs, on the watcher's worker.
    Runs,
    /// It no longer exists, as is known on its worker, which is the watcher's.
    Gone,
    /// Nothing is certain.
    Unknown,
}

#[derive(Debug)]
struct Watch {
    target: Arc<Life>,
    when: WhenWatched,
}

/// The actors that one actor watches, by their numbers.
#[derive(Debug, Default)]
pub struct Watches(Mutex<BTreeMap<u32, Watch>>);

impl Watches {
    /// Records that it begins to watch an actor, or watches it already.
    pub fn begins(&self, target: &Arc<Life>, when: WhenWatched) {
        let target = Arc::clone(target);
        let number = target.number;
        let mut watches = self.0.lock();
        watches.entry(number).or_insert(Watch { target, when });
    }

    /// Records that it stops watching an actor, whatever notice is in flight.
    pub fn ends(&self, target: &Life) {
        self.0.lock().remove(&target.number);
    }

    /// Records that it stops watching all actors.
    pub fn end(&self) {
        self.0.lock().clear();
    }

    /// Records that it is told of an actor's end. `pool_ends` says whether the whole pool ends.
    ///
    /// # Errors
    ///
    /// If it does not watch that actor, or was told before; if that actor exists, or has ended for
    /// another reason.
    pub fn is_told(&self, target: &Life, reason: TerminationReason, pool_ends: bool) -> Check {
        let number = target.number;
        let Some(watch) = self.0.lock().remove(&number) else {
            return Err(format!(
                "told of the end of {number}, which it does not watch"
            ));
        };
        let unknown = reason == TerminationReason::Unknown;
        ensure(!unknown || watch.when != WhenWatched::Runs, || {
            format!("not told why {number} has stopped, which ran when it was watched")
        })?;
        ensure(unknown || watch.when != WhenWatched::Gone, || {
            format!("told that {number} has {reason}, which had before it was watched")
        })?;
        target.is_told_to_have_ended(reason, pool_ends)
    }

    /// Checks, as it handles a message, that it has been told of every actor that no longer existed
    /// when it began to watch it.
    ///
    /// # Errors
    ///
    /// If it has not.
    pub fn are_told_at_once(&self) -> Check {
        let watches = self.0.lock();
        let gone = |watch: &&Watch| watch.when == WhenWatched::Gone;
        match watches.values().find(gone) {
            Some(watch) => Err(format!(
                "handles a message, and was not told of {}, which was no more when watched",
                watch.target.number
            )),
            None => Ok(()),
        }
    }

    /// Checks, when nothing is left to do, that it has been told of all actors that no longer
    /// exist.
    ///
    /// # Errors
    ///
    /// If it has not.
    pub fn are_all_told(&self) -> Check {
        let watches = self.0.lock();
        match watches.values().find(|watch| watch.target.is_no_more()) {
            Some(watch) => Err(format!(
                "was never told of the end of {}, which it watches",
                watch.target.number
            )),
            None => Ok(()),
        }
    }
}
