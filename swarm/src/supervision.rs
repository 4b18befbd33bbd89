//! Supervision: how failures are decided, and what is then expected.

use nexus_actors::Failure;
use nexus_actors::failure::{Cause, Stage};
use nexus_actors::prelude::*;
use nexus_actors::supervision::Backoff;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use crate::features::Feature;
use crate::note::Load;
use crate::oracles::{Check, Counter, Decision, Failures, When};
use crate::record::Record;
use crate::rng::Rng;
use crate::sender::nanos;
use crate::world::World;

/// Longer than any run.
const FOREVER: Duration = Duration::from_secs(1_000_000);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    One,
    All,
    Rest,
}

/// How an actor supervises, as drawn.
#[derive(Clone, Copy, Debug)]
struct Rule {
    scope: Scope,
    /// For a returned error, a panic, and a child's failure that was escalated.
    directives: [Directive; 3],
    limit: Option<u32>,
    /// The shortest and the longest delay.
    backoff: Option<(Duration, Duration)>,
}

impl Rule {
    fn draw(rng: &mut Rng) -> Self {
        const DIRECTIVES: [Directive; 6] = [
            Directive::Restart,
            Directive::Restart,
            Directive::Restart,
            Directive::Resume,
            Directive::Stop,
            Directive::Escalate,
        ];
        let least = Duration::from_micros(rng.between(1, 300));
        Self {
            scope: *rng.pick(&[Scope::One, Scope::One, Scope::All, Scope::Rest]),
            directives: std::array::from_fn(|_| *rng.pick(&DIRECTIVES)),
            limit: *rng.pick(&[None, Some(0), Some(1), Some(3), Some(3)]),
            backoff: rng.percent(30).then_some((least, least * 8)),
        }
    }

    fn directive(&self, cause: &Cause) -> Directive {
        self.directives[match cause {
            Cause::Error(_) => 0,
            Cause::Panic(_) => 1,
            _ => 2,
        }]
    }

    fn strategy(
        self,
        decide: impl Fn(&Failure, Directive) + Send + Sync + 'static,
    ) -> SupervisorStrategy {
        let strategy = match self.scope {
            Scope::One => SupervisorStrategy::one_for_one(),
            Scope::All => SupervisorStrategy::all_for_one(),
            Scope::Rest => SupervisorStrategy::rest_for_one(),
        };
        let strategy = strategy.decide(move |failure: &Failure| {
            let directive = self.directive(&failure.cause);
            decide(failure, directive);
            directive
        });
        let strategy = match self.backoff {
            Some((least, most)) => {
                let backoff = Backoff::new(least, most);
                strategy.backoff(backoff.expect("the longest is longer"))
            }
            None => strategy,
        };
        match self.limit {
            Some(restarts) => strategy.limit(restarts, FOREVER),
            None => strategy.without_limit(),
        }
    }
}

/// The number of the planned failure at the root of a failure.
pub(crate) fn root_of(failure: &Failure) -> Option<usize> {
    match &failure.cause {
        Cause::Child(child) => root_of(child),
        Cause::Panic(text) => Failures::number_of(text),
        Cause::Error(error) => Failures::number_of(&error.to_string()),
        _ => None,
    }
}

impl<L: Load> World<L> {
    /// The strategy of an actor for its children. Unless the plan says otherwise, a failing child
    /// stops.
    pub(crate) fn strategy_of(self: &Arc<Self>, record: &Arc<Record<L>>) -> SupervisorStrategy {
        if !self.features.has(Feature::Supervision) {
            return SupervisorStrategy::one_for_one().always(Directive::Stop);
        }
        let rule = Rule::draw(&mut Rng::new(record.seed ^ 0x5afe));
        let (world, supervisor) = (Arc::downgrade(self), Arc::downgrade(record));
        rule.strategy(move |failure, directive| {
            if let (Some(world), Some(supervisor)) = (world.upgrade(), supervisor.upgrade()) {
                world.decides(rule, Some(&supervisor), failure, directive);
            }
        })
    }

    /// The strategy of the guardian for the top-level actors.
    pub(crate) fn strategy_of_guardian(self: &Arc<Self>, seed: u64) -> SupervisorStrategy {
        if !self.features.has(Feature::Supervision) {
            return SupervisorStrategy::one_for_one().always(Directive::Stop);
        }
        let mut rule = Rule::draw(&mut Rng::new(seed ^ 0x60a2d));
        // There are many top-level actors, and all of them stopping at once is little to observe.
        rule.scope = Scope::One;
        let world = Arc::downgrade(self);
        rule.strategy(move |failure, directive| {
            if let Some(world) = world.upgrade() {
                world.decides(rule, None, failure, directive);
            }
        })
    }

    /// The strategy of a router for its routees: it is never restarted itself.
    pub(crate) fn strategy_of_router(self: &Arc<Self>, seed: u64) -> SupervisorStrategy {
        if !self.features.has(Feature::Supervision) {
            return SupervisorStrategy::one_for_one().always(Directive::Stop);
        }
        let mut rule = Rule::draw(&mut Rng::new(seed ^ 0x60a7e));
        rule.scope = Scope::One;
        for directive in &mut rule.directives {
            if *directive == Directive::Escalate {
                *directive = Directive::Restart;
            }
        }
        let world = Arc::downgrade(self);
        rule.strategy(move |failure, directive| {
            if let Some(world) = world.upgrade() {
                world.decides(rule, None, failure, directive);
            }
        })
    }

    /// The strategy of an actor for its own behaviour, if it has one.
    pub(crate) fn own_strategy_of(
        self: &Arc<Self>,
        record: &Arc<Record<L>>,
    ) -> Option<SupervisorStrategy> {
        let rng = &mut Rng::new(record.seed ^ 0x0e17);
        if !self.features.has(Feature::Supervision) || !rng.percent(20) {
            return None;
        }
        let mut rule = Rule::draw(rng);
        rule.scope = Scope::One;
        // It is counted together with the parent's restarts here, so it has no limit of its own.
        rule.limit = None;
        let world = Arc::downgrade(self);
        Some(rule.strategy(move |failure, directive| {
            if let Some(world) = world.upgrade()
                && let Some(root) = root_of(failure)
            {
                let counter = Counter {
                    supervisor: None,
                    alone: None,
                };
                world.note_decision(rule, counter, root, failure, directive);
            }
        }))
    }

    /// Records the decision of a supervisor.
    fn decides(
        &self,
        rule: Rule,
        supervisor: Option<&Arc<Record<L>>>,
        failure: &Failure,
        directive: Directive,
    ) {
        self.oracles.saw(match directive {
            Directive::Restart => "decision to restart",
            Directive::Resume => "decision to resume",
            Directive::Stop => "decision to stop",
            _ => "decision to escalate",
        });
        if let (Directive::Escalate, Some(supervisor)) = (directive, supervisor) {
            supervisor.life.is_failing();
        }
        let ends = matches!(directive, Directive::Restart | Directive::Stop);
        if ends
            && rule.scope != Scope::One
            && let Some(supervisor) = supervisor
        {
            // The same happens to its siblings; above the limit they stop.
            for child in &*supervisor.conceived.lock() {
                child.is_failing();
            }
        }
        let Some(root) = root_of(failure) else { return };
        let counter = Counter {
            supervisor: supervisor.map(|one| (one.life.number, one.life.incarnation())),
            alone: (rule.scope == Scope::One).then_some(failure.actor),
        };
        self.note_decision(rule, counter, root, failure, directive);
    }

    fn note_decision(
        &self,
        rule: Rule,
        counter: Counter,
        root: usize,
        failure: &Failure,
        directive: Directive,
    ) {
        let decision = Decision {
            actor: failure.actor,
            directive,
            counter,
            limit: rule.limit,
            delay: rule.backoff.map_or(0, |(least, _)| nanos(least)),
        };
        self.oracles.failures.is_decided(root, decision);
    }
}

/// Checks the report of a failure.
pub(crate) fn report<L: Load>(world: &World<L>, failure: &Failure) -> Check {
    let oracles = &world.oracles;
    if matches!(&failure.cause, Cause::Panic(text) if text.starts_with("planned: ")) {
        // The fault replaced the handler, for a message that counts as handled.
        oracles.handled.fetch_add(1, SeqCst);
        return Ok(());
    }
    let text = match &failure.cause {
        Cause::Panic(payload) => payload.to_string(),
        Cause::Error(error) => error.to_string(),
        Cause::Child(_) => {
            oracles.saw("failure escalated");
            let root = root_of(failure);
            return root.map_or(Ok(()), |root| {
                oracles.failures.is_escalated_to(root, failure.actor)
            });
        }
        other => other.to_string(),
    };
    let when = match failure.during {
        Stage::Starting => When::Starting,
        Stage::Stopping => When::Stopping,
        Stage::Restarting => When::Restarting,
        Stage::Signalled => When::Signalled,
        Stage::Task => When::Task,
        _ => When::Handling,
    };
    oracles.failures.is_reported(&text, when)
}
