//! How actors end, and which reason all watchers are told: the table in the documentation of
//! `TerminationReason`, row by row.

mod others;
mod reasons;

use crate::common::{Log, SEEDS};
use nexus_actors::BoxError;
use nexus_actors::address::ActorId;
use nexus_actors::failure::TerminationReason;
use nexus_actors::prelude::*;
use nexus_actors::sim::{Sim, check};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use TerminationReason::Unknown;

/// What a member of the family is told to do.
enum Do {
    Stop,
    BecomeStopped,
    Fail,
    Panic,
    Sleep(Duration),
    /// One of its tasks fails.
    FailInTask,
    /// Set this receive time-out, and stop when it is over.
    StopIn(Duration),
    Keep(Reply<()>),
}

/// How the members of a family are supervised: the grandparent's strategy is for the parent, and so on.
#[derive(Clone)]
struct Family {
    /// Those of the grandparent, the parent and the child.
    strategies: [SupervisorStrategy; 3],
    /// Which instances of the child run, and which fail or stop instead.
    rebuilt: Rebuilt,
    /// Whether each has its children on another worker than its own.
    apart: bool,
}

/// What the second instance of the child does.
#[derive(Clone, Copy, PartialEq)]
enum Rebuilt {
    Runs,
    Fails,
    Stops,
}

fn stops() -> SupervisorStrategy {
    SupervisorStrategy::one_for_one().always(Directive::Stop)
}

fn restarts() -> SupervisorStrategy {
    SupervisorStrategy::one_for_one()
}

fn escalates() -> SupervisorStrategy {
    SupervisorStrategy::one_for_one().always(Directive::Escalate)
}

/// A family in which a failure stops the actor that fails.
fn stopping() -> Family {
    Family {
        strategies: [stops(), stops(), stops()],
        rebuilt: Rebuilt::Runs,
        apart: false,
    }
}

impl Family {
    fn of_parent(mut self, strategy: SupervisorStrategy) -> Self {
        self.strategies[0] = strategy;
        self
    }

    fn of_child(mut self, strategy: SupervisorStrategy) -> Self {
        self.strategies[1] = strategy;
        self
    }

    fn rebuilt(mut self, rebuilt: Rebuilt) -> Self {
        self.rebuilt = rebuilt;
        self
    }

    /// A member that starts the members below it, its children.
    fn member(&self, generation: usize) -> Props<Do> {
        const NAMES: [&[&str]; 4] = [&["parent"], &["child", "sibling"], &["grandchild"], &[]];
        let (family, built) = (self.clone(), Arc::new(Mutex::new(0)));
        let props = Props::new(move || {
            let family = family.clone();
            *built.lock().unwrap() += 1;
            let again = generation == 2 && *built.lock().unwrap() > 1;
            let rebuilt = family.rebuilt;
            Behavior::setup(move |ctx| {
                match rebuilt {
                    Rebuilt::Fails if again => return Err("it cannot be built again".into()),
                    Rebuilt::Stops if again => return Ok(Behavior::stopped()),
                    _ => {}
                }
                let worker = (ctx.worker() + usize::from(family.apart)) % WORKERS;
                for name in NAMES[generation] {
                    ctx.spawn_on(worker, name, family.member(generation + 1))?;
                }
                Ok(Behavior::with_state(Vec::new(), handle).on_signal(
                    |_ctx, signal| match signal {
                        Signal::ReceiveTimeout => Next::Stop,
                        _ => Next::Same,
                    },
                ))
            })
        });
        match self.strategies.get(generation) {
            Some(strategy) => props.supervising(strategy.clone()),
            None => props,
        }
    }
}

fn handle(
    kept: &mut Vec<Reply<()>>,
    ctx: &mut Context<'_, Do>,
    message: Do,
) -> Result<Next<Do>, BoxError> {
    match message {
        Do::Stop => return Ok(Next::Stop),
        Do::BecomeStopped => return Ok(Next::Become(Behavior::stopped())),
        Do::Fail => return Err("torn".into()),
        Do::Panic => panic!("planned"),
        Do::Sleep(time) => ctx.sleep(time)?,
        Do::FailInTask => drop(ctx.spawn_task(|_| panic!("planned"))),
        Do::StopIn(time) => ctx.set_receive_timeout(time),
        Do::Keep(reply) => kept.push(reply),
    }
    Ok(Next::Same)
}

/// The family in a simulation, and its watchers.
struct Stage<'a> {
    sim: &'a mut Sim,
    parent: ActorRef<Do>,
    child: ActorRef<Do>,
    sibling: ActorRef<Do>,
}

/// A watcher of all of these, which records the reasons under its name.
fn watcher(log: &Log, name: &'static str, watched: [ActorId; 3]) -> Props<[ActorRef<Do>; 3]> {
    let log = log.clone();
    Props::new(move || {
        let log = log.clone();
        Behavior::receive(|ctx, actors: [ActorRef<Do>; 3]| {
            actors.into_iter().for_each(|actor| ctx.watch(actor));
        })
        .on_signal(move |_ctx, signal| {
            if let Signal::Terminated { actor, reason, .. } = signal {
                let member = watched.iter().position(|one| one == actor).unwrap();
                log.add(format!("{name} {} {reason:?}", MEMBERS[member]));
            }
        })
    })
}

/// The number of workers in a simulation.
const WORKERS: usize = 2;

const MEMBERS: [&str; 3] = ["parent", "child", "grandchild"];

/// Starts a family, has it end so, and checks what the watchers in the same simulation were told of the
/// parent, the child and the grandchild: both if all live on one worker, and if children live on another
/// worker than their parents.
fn ends(
    way: &str,
    family: &Family,
    end: impl Fn(&mut Stage<'_>),
    expected: [Option<TerminationReason>; 3],
) {
    for apart in [false, true] {
        let family = Family {
            apart,
            ..family.clone()
        };
        let way = if apart {
            format!("{way}, apart")
        } else {
            way.to_owned()
        };
        ends_in(&way, &family, &end, expected);
    }
}

fn ends_in(
    way: &str,
    family: &Family,
    end: impl Fn(&mut Stage<'_>),
    expected: [Option<TerminationReason>; 3],
) {
    check(SEEDS, |sim| {
        let log = Log::default();
        sim.spawn_on(1, "top", family.member(0)).unwrap();
        let of = |sim: &Sim, path| sim.lookup::<Do>(path).unwrap();
        let parent = of(sim, "/user/top/parent");
        let child = of(sim, "/user/top/parent/child");
        let sibling = of(sim, "/user/top/parent/sibling");
        let grandchild = of(sim, "/user/top/parent/child/grandchild");
        let actors = [parent, child, grandchild];
        let ids = actors.map(ActorRef::id);
        for (worker, name) in [(1, "near"), (0, "far")] {
            let watcher = watcher(&log, name, ids);
            sim.spawn_on(worker, name, watcher).unwrap().tell(actors);
        }
        sim.run_until_idle();
        let mut stage = Stage {
            sim,
            parent,
            child,
            sibling,
        };
        end(&mut stage);
        sim.run_until_idle();
        let told = |reasons: [Option<TerminationReason>; 3]| {
            let line = |(member, reason): (_, Option<_>)| Some(format!("{member} {:?}", reason?));
            let mut lines: Vec<_> = MEMBERS.into_iter().zip(reasons).filter_map(line).collect();
            lines.sort();
            lines
        };
        let seen = |name| {
            let mut lines = log.of(name);
            lines.sort();
            lines
        };
        assert_eq!(seen("near"), told(expected), "{way}, seen from near");
        assert_eq!(seen("far"), told(expected), "{way}, seen from far");
        // A watcher that comes only now is told that it is too late.
        let late = sim.spawn_on(0, "late", watcher(&log, "late", ids));
        late.unwrap().tell(actors);
        sim.run_until_idle();
        let late = expected.map(|reason| reason.map(|_| Unknown));
        assert_eq!(seen("late"), told(late), "{way}, seen too late");
    });
}

/// As [`ends`], in a family where a failure stops the actor that fails.
fn ends_plainly(way: &str, expected: [Option<TerminationReason>; 3], end: fn(&mut Stage<'_>)) {
    ends(way, &stopping(), end, expected);
}
