//! Failures: those that were planned are reported, and no others.

use nexus_actors::Directive;
use nexus_actors::address::ActorId;
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;

use super::{Check, ensure};

/// The stage of an actor's life at which a failure is planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// In its factory, its setup or its start: the spawner is told.
    Starting,
    /// In a handler.
    Handling,
    /// While it handles a signal.
    Signalled,
    /// While it handles its restart signal, or is built again.
    Restarting,
    /// While it handles its stop signal.
    Stopping,
    /// In a task.
    Task,
}

#[derive(Clone, Copy, Debug)]
#[allow(dead_code)] // the actor is for readers of reports
struct PlannedFailure {
    actor: u32,
    when: When,
    told: u32,
}

/// The actors whose restarts are counted together, and the supervisor that counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Counter {
    /// The supervisor's number and incarnation; `None` for the guardian.
    pub supervisor: Option<(u32, u32)>,
    /// The actor that failed, if each is counted separately.
    pub alone: Option<ActorId>,
}

/// The decision of a supervisor about a failure.
#[derive(Clone, Copy, Debug)]
pub struct Decision {
    /// The actor that has failed, or that the failure has been escalated to.
    pub actor: ActorId,
    /// What is to be done.
    pub directive: Directive,
    /// The counter of the restarts.
    pub counter: Counter,
    /// How many restarts it allows.
    pub limit: Option<u32>,
    /// The shortest delay of a restart, in nanoseconds.
    pub delay: u64,
}

/// The failures that were planned, and those that were reported.
#[derive(Debug, Default)]
pub struct Failures {
    planned: Mutex<Vec<PlannedFailure>>,
    /// The decisions about them, by their numbers.
    decisions: Mutex<HashMap<usize, Decision>>,
    /// The number of restarts of each counter.
    restarts: Mutex<HashMap<Counter, u32>>,
    /// The failures that were escalated, each with the actor that it became the failure of.
    escalated: Mutex<HashSet<(usize, ActorId)>>,
    /// The number of failures that the simulation was to cause.
    injected: AtomicU64,
}

const PLANNED: &str = "planned failure ";

impl Failures {
    /// Records that the actor is about to fail. Returns the text to fail with.
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

    /// Records that a failure is reported.
    ///
    /// # Errors
    ///
    /// If it was not planned that way, or was reported before.
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

    /// Records a supervisor's decision about a failure. The last one counts.
    pub fn is_decided(&self, failure: usize, decision: Decision) {
        self.decisions.lock().insert(failure, decision);
    }

    /// Checks that the restart signal that an actor receives for a failure was decided on.
    ///
    /// # Errors
    ///
    /// If the decision was another one.
    pub fn leads_to_restart(&self, failure: usize) -> Check {
        let decided = self.decisions.lock().get(&failure).copied();
        let restart = decided.is_some_and(|decision| decision.directive == Directive::Restart);
        ensure(restart, || {
            format!("restarted for failure {failure}, about which was decided: {decided:?}")
        })
    }

    /// Records that an actor is built again for a failure.
    ///
    /// # Errors
    ///
    /// If that is more often than its supervisor allows.
    pub fn is_restarted(&self, failure: usize, actor: ActorId) -> Check {
        let Some(decision) = self.decisions.lock().get(&failure).copied() else {
            return Err(format!("built again for failure {failure}, which is open"));
        };
        if decision.actor != actor {
            // A sibling, which is not counted separately.
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

    /// Checks that a restart for a failure took long enough; `took` is in nanoseconds.
    ///
    /// # Errors
    ///
    /// If it was to wait for longer.
    pub fn was_restarted_after(&self, failure: usize, took: u64) -> Check {
        let decided = self.decisions.lock().get(&failure).copied();
        let least = decided.map_or(0, |decision| decision.delay);
        super::never_early("backoff", 0, took, least)
    }

    /// Records that a child's failure is reported as that of its parent.
    ///
    /// # Errors
    ///
    /// If it was reported that way before, or was not escalated.
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

    /// Records that the simulation is to cause a failure, or has caused one.
    pub fn is_injected(&self) {
        self.injected.fetch_add(1, SeqCst);
    }

    /// Whether any failure was planned.
    pub fn any(&self) -> bool {
        !self.planned.lock().is_empty() || self.injected.load(SeqCst) > 0
    }

    /// Checks that all failures have been reported at the end; those of starts too, unless the
    /// spawner was ended, and those of restarts, unless a destructor that ran between the failure
    /// and its report was ended.
    ///
    /// # Errors
    ///
    /// If one was not reported.
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
