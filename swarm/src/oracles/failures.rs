//! Failures: those that were planned, and no others, are reported.

use parking_lot::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use super::{Check, ensure};

/// Where in an actor's life a failure is planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// In its factory, its setup or its start: whoever spawns it is told.
    Starting,
    /// In a handler.
    Handling,
    /// When it is told of its stop.
    Stopping,
}

#[derive(Clone, Copy, Debug)]
#[allow(dead_code)] // the actor is for those who read what is wrong
struct PlannedFailure {
    actor: u32,
    when: When,
    told: u32,
}

/// The failures that were planned, and were reported.
#[derive(Debug, Default)]
pub struct Failures {
    planned: Mutex<Vec<PlannedFailure>>,
    /// How many the simulation was to cause.
    injected: AtomicU64,
}

const PLANNED: &str = "planned failure ";

impl Failures {
    /// That actor is about to fail. Answers the text to fail with.
    pub fn plan(&self, actor: u32, when: When) -> String {
        let mut planned = self.planned.lock();
        planned.push(PlannedFailure {
            actor,
            when,
            told: 0,
        });
        format!("{PLANNED}{}", planned.len() - 1)
    }

    /// Whether a text is that of a planned failure.
    pub fn is_planned(text: &str) -> bool {
        text.starts_with(PLANNED)
    }

    /// A failure is reported.
    ///
    /// # Errors
    ///
    /// When it was not planned so, or was reported before.
    pub fn is_reported(&self, text: &str, when: When) -> Check {
        let number = text.strip_prefix(PLANNED).and_then(|n| n.parse().ok());
        let mut planned = self.planned.lock();
        let Some(plan) = number.and_then(|number: usize| planned.get_mut(number)) else {
            return Err(format!(
                "a failure was reported that nobody planned: {text}"
            ));
        };
        plan.told += 1;
        ensure(plan.told == 1, || format!("{text} was reported twice"))?;
        ensure(plan.when == when, || {
            format!("{text} was reported as one while {when:?}: {plan:?}")
        })
    }

    /// The simulation is to cause a failure, or has.
    pub fn is_injected(&self) {
        self.injected.fetch_add(1, SeqCst);
    }

    /// Whether any failure was planned.
    pub fn any(&self) -> bool {
        !self.planned.lock().is_empty() || self.injected.load(SeqCst) > 0
    }

    /// At the end all have been reported; those of starts too, unless the spawner was ended.
    ///
    /// # Errors
    ///
    /// When one has not.
    pub fn are_reported(&self, starts_too: bool) -> Check {
        let planned = self.planned.lock();
        let missing =
            |plan: &PlannedFailure| plan.told == 0 && (starts_too || plan.when != When::Starting);
        match planned.iter().position(missing) {
            Some(number) => Err(format!(
                "failure {number} was never reported: {:?}",
                planned[number]
            )),
            None => Ok(()),
        }
    }
}
