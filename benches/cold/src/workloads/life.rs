//! Actors that are started, in a handler or from a thread, and live for one message.

use super::Workload;
use crate::moment::{self, BEGUN, HANDLED};
use crate::outcome::Outcome;
use crate::stakker;
use crate::system::nexus::Nexus;
use crate::system::tokio::Tokio;
use crate::system::{Role, System, Then, nexus};
use nexus_actors::prelude::{ActorRef, Behavior, Props};
use std::time::Instant;

/// The number of actors that are started before they get their turn.
pub(crate) const LITTER: u64 = 1_000;

/// Lives for one message.
#[derive(Clone)]
struct Mayfly;

impl<S: System> Role<S> for Mayfly {
    type Message = u64;

    fn take(&mut self, _: &mut S::Here<'_, Self>, message: u64) -> Then {
        moment::count(message);
        Then::Stop
    }
}

/// Starts actors, tells each of them one message, and lets them have their turn.
struct Parent<S: System> {
    recipe: S::Recipe<Mayfly>,
}

impl<S: System> Clone for Parent<S> {
    fn clone(&self) -> Self {
        let recipe = self.recipe.clone();
        Self { recipe }
    }
}

enum Start<S: System> {
    /// Starts that many, and no more.
    All(u64),
    /// Starts that many, a litter at a time.
    Litters(u64, S::Ref<Parent<S>>),
}

impl<S: System> Role<S> for Parent<S> {
    type Message = Start<S>;

    fn take(&mut self, here: &mut S::Here<'_, Self>, start: Start<S>) -> Then {
        match start {
            Start::All(count) => {
                let mut children = Vec::with_capacity(count as usize);
                BEGUN.set();
                for _ in 0..count {
                    children.push(S::start_child::<Mayfly, Self>(here, &self.recipe));
                }
                moment::part_handled(children.len() as u64);
                // They stay alive, even those that end when the last reference to them is dropped.
                std::mem::forget(children);
            }
            Start::Litters(left, me) => {
                for _ in 0..LITTER.min(left) {
                    S::tell(&S::start_child::<Mayfly, Self>(here, &self.recipe), 1);
                }
                if left > LITTER {
                    S::tell(&me.clone(), Start::Litters(left - LITTER, me));
                }
            }
        }
        Then::Stay
    }
}

/// Actors that are started, told and stopped.
pub(super) fn life<S: System>(count: u64) -> Outcome {
    moment::expect_on_thread(count);
    let system = S::new(1);
    let recipe = S::recipe(Mayfly);
    let parent = system.start(0, Parent { recipe });
    BEGUN.set();
    S::tell(&parent.clone(), Start::Litters(count, parent));
    system.wait(&HANDLED);
    assert_eq!(moment::sum(), count);
    system.end();
    Outcome::new().rate(count, moment::took()).peak()
}

/// Actors that are started in one handler.
pub(super) fn start<S: System>(count: u64) -> Outcome {
    let system = S::new(1);
    let recipe = S::recipe(Mayfly);
    let parent = system.start(0, Parent { recipe });
    S::tell(&parent, Start::All(count));
    system.wait(&HANDLED);
    assert_eq!(moment::sum(), count);
    system.end();
    Outcome::new().rate(count, moment::took()).peak()
}

/// Actors that are started one after the other from a thread. Ours are running by then; a task starts
/// when its runtime gets to it.
pub(super) fn start_outside<S: System>(count: u64) -> Outcome {
    let system = S::new(2);
    let recipe = S::recipe(Mayfly);
    let begun = Instant::now();
    let actors: Vec<_> = (0..count).map(|_| system.start_anywhere(&recipe)).collect();
    let took = begun.elapsed();
    assert_eq!(actors.len() as u64, count);
    system.end();
    Outcome::new().rate(count, took)
}

fn names(count: u64) -> Vec<String> {
    (0..count).map(|index| format!("order-{index}")).collect()
}

fn silent() -> Props<u64> {
    Props::new(|| Behavior::receive(|_ctx, message| moment::count(message)))
}

/// Named actors, started from a thread.
fn named_outside(count: u64) -> Outcome {
    let pool = nexus::pool(2);
    let (names, silent) = (names(count), silent());
    let begun = Instant::now();
    for name in &names {
        pool.spawn(name, silent.clone()).expect("starts");
    }
    let took = begun.elapsed();
    let found = pool.lookup::<u64>(format!("/user/{}", names[names.len() / 2]));
    assert!(found.is_ok(), "it is there");
    nexus::end(&pool);
    Outcome::new().rate(count, took)
}

/// Named actors, started from a handler.
fn named(count: u64) -> Outcome {
    let pool = nexus::pool(1);
    let parent = Props::new(move || {
        let silent = silent();
        Behavior::receive(move |ctx, names: Vec<String>| {
            BEGUN.set();
            for name in &names {
                let _: ActorRef<u64> = ctx.spawn(name, silent.clone())?;
            }
            moment::part_handled(names.len() as u64);
            Ok(())
        })
    });
    let parent = pool.spawn("parent", parent).expect("starts");
    parent.tell(names(count));
    HANDLED.wait();
    assert_eq!(moment::sum(), count);
    let found = pool.lookup::<u64>(format!("/user/parent/order-{}", count / 2));
    assert!(found.is_ok(), "it is there");
    nexus::end(&pool);
    Outcome::new().rate(count, moment::took())
}

pub(crate) fn workloads() -> Vec<Workload> {
    const MILLION: u64 = 1_000_000;
    const QUICK: u64 = 2_000;
    let life = Workload::new("life", &[MILLION], QUICK)
        .ours(life::<Nexus>)
        .beside("stakker", stakker::life)
        .beside("tokio", life::<Tokio>);
    let start = Workload::new("start", &[MILLION], QUICK)
        .ours(start::<Nexus>)
        .beside("stakker", stakker::start)
        .beside("tokio", start::<Tokio>);
    vec![
        life,
        start,
        Workload::new("start-outside", &[100_000], QUICK)
            .ours(start_outside::<Nexus>)
            .beside("tokio", start_outside::<Tokio>),
        Workload::new("start-named", &[100_000], QUICK).ours(named),
        Workload::new("start-named-outside", &[100_000], QUICK).ours(named_outside),
    ]
}
