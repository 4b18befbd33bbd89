//! Failures: those that were planned, and no others, are reported.

use nexus_actors::{ActorId, Directive};
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use super::{Check, ensure};

/// Where in an actor's life a failure is planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// In its factory, its setup or its start: whoever spawns it is told.
    Starting,
    /// In a handler.
    Handling,
    /// In the handling of a signal.
    Signalled,
    /// While it is told of its restart, or is built again.
    Restarting,
    /// When it is told of its stop.
    Stopping,
    /// In a task.
    Task,
}

#[derive(Clone, Copy, Debug)]
#[allow(dead_code)] // the actor is for those who read what is wrong
struct PlannedFailure {
    actor: u32,
    when: When,
    told: u32,
}

/// Whose restarts are counted together, and by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Counter {
    /// The supervisor's number, and its incarnation; none for the guardian.
    pub supervisor: Option<(u32, u32)>,
    /// The actor that failed, where each is counted by itself.
    pub alone: Option<ActorId>,
}

/// What a supervisor says about a failure.
#[derive(Clone, Copy, Debug)]
pub struct Decision {
    /// The actor that has failed, or whose failure it is by now.
    pub actor: ActorId,
    /// What is to be done.
    pub directive: Directive,
    /// Who counts the restarts.
    pub counter: Counter,
    /// How many there may be.
    pub limit: Option<u32>,
    /// How long a restart waits at the least, in nanoseconds.
    pub delay: u64,
}

/// The failures that were planned, and were reported.
#[derive(Debug, Default)]
pub struct Failures {
    planned: Mutex<Vec<PlannedFailure>>,
    /// What was decided about them, by their numbers.
    decisions: Mutex<HashMap<usize, Decision>>,
    /// Restarts, by whoever counts them.
    restarts: Mutex<HashMap<Counter, u32>>,
    /// Whose failures others have become.
    escalated: Mutex<HashSet<(usize, ActorId)>>,
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
        let number = Self::number_of(text);
        let mut planned = self.planned.lock();
        let Some(plan) = number.and_then(|number| planned.get_mut(number)) else {
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

    /// The number of the failure with that text.
    pub fn number_of(text: &str) -> Option<usize> {
        text.strip_prefix(PLANNED)?.parse().ok()
    }

    /// A supervisor decides about a failure. The last word counts.
    pub fn is_decided(&self, failure: usize, decision: Decision) {
        self.decisions.lock().insert(failure, decision);
    }

    /// An actor is told to start again for a failure: that was decided.
    ///
    /// # Errors
    ///
    /// When something else was.
    pub fn leads_to_restart(&self, failure: usize) -> Check {
        let decided = self.decisions.lock().get(&failure).copied();
        let restart = decided.is_some_and(|decision| decision.directive == Directive::Restart);
        ensure(restart, || {
            format!("restarted for failure {failure}, about which was decided: {decided:?}")
        })
    }

    /// An actor is built again for a failure: not more often than its supervisor allows.
    ///
    /// # Errors
    ///
    /// When it is.
    pub fn is_restarted(&self, failure: usize, actor: ActorId) -> Check {
        let Some(decision) = self.decisions.lock().get(&failure).copied() else {
            return Err(format!("built again for failure {failure}, which is open"));
        };
        if decision.actor != actor {
            // One of its siblings, which is not counted by itself.
            return Ok(());
        }
        let mut restarts = self.restarts.lock();
        let count = restarts.entry(decision.counter).or_default();
        *count += 1;
        let within = decision.limit.is_none_or(|limit| *count <= limit);
        ensure(within, || {
            format!("restarted {count} times, of {:?}", decision.limit)
        })
    }

    /// A restart for a failure took so long, in nanoseconds.
    ///
    /// # Errors
    ///
    /// When it was to wait for longer.
    pub fn was_restarted_after(&self, failure: usize, took: u64) -> Check {
        let decided = self.decisions.lock().get(&failure).copied();
        let least = decided.map_or(0, |decision| decision.delay);
        super::never_early("backoff", 0, took, least)
    }

    /// A failure is reported as that of an actor whose child's it was.
    ///
    /// # Errors
    ///
    /// When it was reported so before, or was not escalated.
    pub fn is_escalated_to(&self, failure: usize, actor: ActorId) -> Check {
        let new = self.escalated.lock().insert((failure, actor));
        ensure(new, || {
            format!("failure {failure} was twice that of {actor}")
        })?;
        let decided = self.decisions.lock().get(&failure).copied();
        let escalated = decided.is_some_and(|decision| decision.directive == Directive::Escalate);
        ensure(escalated, || {
            format!("failure {failure} was escalated to {actor}, though decided: {decided:?}")
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

    /// At the end all have been reported; those of starts too, unless the spawner was ended, and those of
    /// restarts, unless a destructor that ran between the failure and its report was.
    ///
    /// # Errors
    ///
    /// When one has not.
    pub fn are_reported(&self, starts_too: bool, restarts_too: bool) -> Check {
        let planned = self.planned.lock();
        let missing = |plan: &PlannedFailure| {
            let expected = match plan.when {
                When::Starting => starts_too,
                When::Restarting => restarts_too,
                _ => true,
            };
            plan.told == 0 && expected
        };
        match planned.iter().position(missing) {
            Some(number) => Err(format!(
                "failure {number} was never reported: {:?}",
                planned[number]
            )),
            None => Ok(()),
        }
    }
}
