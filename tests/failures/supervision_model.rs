//! Supervision compared with a slow, obvious model: trees of actors with strategies of every kind, in which
//! one actor after the other fails.

use crate::common::LONG;
use nexus_actors::failure::Cause;
use nexus_actors::prelude::*;
use nexus_actors::sim::{Sim, check};
use nexus_actors::{BoxError, Failure};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

const FAILURES: usize = 25;

/// A generator of the plan, apart from the simulation's own (Marsaglia's xorshift).
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(choices.len() as u64)).unwrap()]
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Scope {
    One,
    All,
    Rest,
}

/// How an actor supervises its children.
#[derive(Clone, Copy, Debug)]
struct Rule {
    scope: Scope,
    /// For a returned error, a panic, and a child's failure that was escalated.
    directives: [Directive; 3],
    limit: Option<u32>,
}

impl Rule {
    fn draw(draw: &mut Draw) -> Self {
        const DIRECTIVES: [Directive; 6] = [
            Directive::Restart,
            Directive::Restart,
            Directive::Restart,
            Directive::Resume,
            Directive::Stop,
            Directive::Escalate,
        ];
        Self {
            scope: draw.of(&[Scope::One, Scope::All, Scope::Rest]),
            directives: std::array::from_fn(|_| draw.of(&DIRECTIVES)),
            limit: draw.of(&[None, Some(0), Some(1), Some(3), Some(5)]),
        }
    }

    fn strategy(self) -> SupervisorStrategy {
        let strategy = match self.scope {
            Scope::One => SupervisorStrategy::one_for_one(),
            Scope::All => SupervisorStrategy::all_for_one(),
            Scope::Rest => SupervisorStrategy::rest_for_one(),
        };
        let decided = strategy.decide(move |failure: &Failure| {
            self.directives[match failure.cause {
                Cause::Error(_) => 0,
                Cause::Panic(_) => 1,
                _ => 2,
            }]
        });
        match self.limit {
            Some(restarts) => decided.limit(restarts, LONG),
            None => decided.without_limit(),
        }
    }
}

/// A planned tree: each actor's rule, and its children.
#[derive(Clone, Debug)]
struct Plan {
    rule: Rule,
    children: Vec<Plan>,
}

impl Plan {
    fn draw(draw: &mut Draw, depth: u32) -> Self {
        let children = if depth == 0 { 0 } else { 1 + draw.below(3) };
        Self {
            rule: Rule::draw(draw),
            children: (0..children).map(|_| Self::draw(draw, depth - 1)).collect(),
        }
    }
}

// ---- the actors ---------------------------------------------------------------------------------

type Starts = Arc<Mutex<BTreeMap<String, u32>>>;

/// What each actor is told: how to fail.
type Fail = usize;

/// Where each actor starts its children.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// On its own worker.
    Here,
    /// On this many workers in turn, beginning with the next one.
    Spread(usize),
}

fn actor(plan: Arc<Plan>, starts: Starts, place: Place) -> Props<Fail> {
    let strategy = plan.rule.strategy();
    Props::new(move || {
        let (plan, starts) = (Arc::clone(&plan), Arc::clone(&starts));
        Behavior::setup(move |ctx| {
            *starts
                .lock()
                .unwrap()
                .entry(ctx.path().to_string())
                .or_default() += 1;
            for (index, child) in plan.children.iter().enumerate() {
                let child = actor(Arc::new(child.clone()), Arc::clone(&starts), place);
                let name = index.to_string();
                match place {
                    Place::Here => ctx.spawn(&name, child)?,
                    Place::Spread(workers) => {
                        ctx.spawn_on((ctx.worker() + 1 + index) % workers, &name, child)?
                    }
                };
            }
            Ok(Behavior::receive(|_ctx, kind: Fail| {
                assert_eq!(kind, 0, "planned");
                Err::<(), _>(BoxError::from("planned"))
            }))
        })
    })
    .supervising(strategy)
}

// ---- the model ----------------------------------------------------------------------------------

/// A live actor.
struct Node {
    plan: Plan,
    path: String,
    /// Restarts that its parent has counted for it alone, and restarts that it has counted for its children
    /// together.
    alone: u32,
    together: u32,
    /// `None` for a child that has stopped.
    children: Vec<Option<Node>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Outcome {
    GoesOn,
    Restart,
    Stop,
}

impl Node {
    fn start(plan: &Plan, path: &str, starts: &mut BTreeMap<String, u32>) -> Self {
        *starts.entry(path.to_owned()).or_default() += 1;
        let child = |(index, plan): (usize, &Plan)| {
            Some(Self::start(plan, &format!("{path}/{index}"), starts))
        };
        Self {
            plan: plan.clone(),
            path: path.to_owned(),
            alone: 0,
            together: 0,
            children: plan.children.iter().enumerate().map(child).collect(),
        }
    }

    fn start_again(&mut self, starts: &mut BTreeMap<String, u32>) {
        let anew = Self::start(&self.plan, &self.path, starts);
        self.children = anew.children;
        self.together = 0;
    }

    /// The descendant at `route` fails so. Returns what that means for this actor.
    fn fails_below(
        &mut self,
        route: &[usize],
        kind: usize,
        starts: &mut BTreeMap<String, u32>,
    ) -> Option<usize> {
        let (&index, rest) = route.split_first()?;
        let child = self.children[index].as_mut()?;
        let kind = if rest.is_empty() {
            kind
        } else {
            child.fails_below(rest, kind, starts)?
        };
        self.supervise(index, kind, starts)
    }

    /// A child has failed so. Returns the kind of this actor's own failure, if it is escalated.
    fn supervise(
        &mut self,
        index: usize,
        kind: usize,
        starts: &mut BTreeMap<String, u32>,
    ) -> Option<usize> {
        let rule = self.plan.rule;
        let outcome = match rule.directives[kind] {
            Directive::Resume => Outcome::GoesOn,
            Directive::Stop => Outcome::Stop,
            Directive::Escalate => return Some(2),
            Directive::Restart => {
                let together = rule.scope != Scope::One;
                let child = self.children[index].as_mut().unwrap();
                let count = if together {
                    &mut self.together
                } else {
                    &mut child.alone
                };
                if rule.limit.is_some_and(|limit| *count >= limit) {
                    Outcome::Stop
                } else {
                    *count += 1;
                    Outcome::Restart
                }
            }
        };
        let all = 0..self.children.len();
        for affected in all {
            let reached = match rule.scope {
                Scope::One => affected == index,
                Scope::All => true,
                Scope::Rest => affected >= index,
            };
            if !reached || outcome == Outcome::GoesOn {
                continue;
            }
            if outcome == Outcome::Stop {
                self.children[affected] = None;
            } else if let Some(child) = &mut self.children[affected] {
                child.start_again(starts);
            }
        }
        None
    }

    fn living(&self, route: &mut Vec<usize>, found: &mut Vec<(Vec<usize>, String)>) {
        for (index, child) in self.children.iter().enumerate() {
            if let Some(child) = child {
                route.push(index);
                found.push((route.clone(), child.path.clone()));
                child.living(route, found);
                route.pop();
            }
        }
    }
}

#[test]
fn s4_5_trees_of_strategies_do_what_a_slow_model_does() {
    compare_with_model(1, Place::Here);
}

#[test]
fn s4_17_trees_over_several_workers_do_what_a_slow_model_does() {
    compare_with_model(3, Place::Spread(3));
}

fn compare_with_model(workers: usize, place: Place) {
    let guardian = Rule {
        scope: Scope::One,
        directives: [Directive::Restart, Directive::Stop, Directive::Restart],
        limit: Some(3),
    };
    let run = |sim: &mut Sim| {
        let mut draw = Draw(sim.seed().wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let top = Plan::draw(&mut draw, 3);
        let started = Starts::default();
        let name = "0";
        let props = actor(Arc::new(top.clone()), Arc::clone(&started), place);
        sim.spawn(name, props).unwrap();
        let mut starts = BTreeMap::new();
        let above = Plan {
            rule: guardian,
            children: vec![top],
        };
        let mut model = Node::start(&above, "/user", &mut starts);
        starts.remove("/user");
        for _ in 0..FAILURES {
            let mut living = Vec::new();
            model.living(&mut Vec::new(), &mut living);
            if living.is_empty() {
                break;
            }
            let index = usize::try_from(draw.below(living.len() as u64)).unwrap();
            let (route, path) = living.swap_remove(index);
            let kind = usize::try_from(draw.below(2)).unwrap();
            sim.lookup::<Fail>(&path).unwrap().tell(kind);
            sim.run_until_idle();
            let escalated = model.fails_below(&route, kind, &mut starts);
            assert!(escalated.is_none(), "the guardian has nobody to turn to");
            assert_eq!(
                *started.lock().unwrap(),
                starts,
                "after a failure of {path}"
            );
            let mut expected = Vec::new();
            model.living(&mut Vec::new(), &mut expected);
            for path in starts.keys() {
                let lives = expected.iter().any(|(_, living)| living == path);
                assert_eq!(sim.lookup::<Fail>(path).is_ok(), lives, "{path}");
            }
        }
    };
    Sim::builder()
        .workers(workers)
        .supervising(guardian.strategy())
        .check(0..400, run);
}

#[test]
fn s4_6_by_default_the_guardian_restarts_what_fails() {
    check(0..20, |sim| {
        let plan = Plan {
            rule: Rule::draw(&mut Draw(7)),
            children: Vec::new(),
        };
        let started = Starts::default();
        let top = sim
            .spawn(
                "top",
                actor(Arc::new(plan), Arc::clone(&started), Place::Here),
            )
            .unwrap();
        top.tell(0);
        sim.run_until_idle();
        assert_eq!(sim.lookup::<Fail>("/user/top").unwrap(), top);
        assert_eq!(started.lock().unwrap()["/user/top"], 2);
    });
}
