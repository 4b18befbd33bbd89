//! Death watch: whoever watches an actor is told of its end once, with the reason, and not after it
//! has let go.

use nexus_actors::TerminationReason;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::life::Life;
use super::{Check, ensure};

/// What is known of an actor at the moment in which another one begins to watch it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenWatched {
    /// It runs, on the worker of the one that watches it.
    Runs,
    /// It is no more, as its worker knows, which is that of the one that watches it.
    Gone,
    /// Nothing is certain.
    Unknown,
}

#[derive(Debug)]
struct Watch {
    target: Arc<Life>,
    when: WhenWatched,
}

/// Whom one actor watches, by their numbers.
#[derive(Debug, Default)]
pub struct Watches(Mutex<BTreeMap<u32, Watch>>);

impl Watches {
    /// It begins to watch somebody, or does already.
    pub fn begins(&self, target: &Arc<Life>, when: WhenWatched) {
        let target = Arc::clone(target);
        let number = target.number;
        let mut watches = self.0.lock();
        watches.entry(number).or_insert(Watch { target, when });
    }

    /// It does not watch them any more, whatever is under way.
    pub fn ends(&self, target: &Life) {
        self.0.lock().remove(&target.number);
    }

    /// It watches nobody any more.
    pub fn end(&self) {
        self.0.lock().clear();
    }

    /// It is told of somebody's end; the whole pool ends or does not.
    ///
    /// # Errors
    ///
    /// When it does not watch them, or was told before; when they are there, or have ended for another
    /// reason.
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

    /// It handles a message: of whoever was no more when it began to watch them it has been told.
    ///
    /// # Errors
    ///
    /// When it has not.
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

    /// Nothing is left to do: it has been told of all that are no more.
    ///
    /// # Errors
    ///
    /// When it has not.
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
