//! Many actors that wait for their mail: the memory that they take, and how fast they are told.

use super::Workload;
use crate::moment::{self, BEGUN, CREATED, HANDLED, PUBLISHED, TOLD};
use crate::outcome::{self, Memory, Outcome, mebibytes, resident};
use crate::random::Random;
use crate::stakker;
use crate::system::nexus::Nexus;
use crate::system::tokio::Tokio;
use crate::system::{Role, System, Then};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Does nothing but count, on its thread.
#[derive(Clone)]
pub(crate) struct Idle(u64);

impl<S: System> Role<S> for Idle {
    type Message = u64;

    #[inline]
    fn take(&mut self, _: &mut S::Here<'_, Self>, message: u64) -> Then {
        self.0 += message;
        moment::count(message);
        Then::Stay
    }
}

/// Starts the other actors, and tells them.
struct Nursery<S: System> {
    recipe: S::Recipe<Idle>,
    children: Vec<S::Ref<Idle>>,
    /// The place from which a thread outside takes them.
    public: Children<S>,
}

type Children<S> = Arc<Mutex<Vec<<S as System>::Ref<Idle>>>>;

impl<S: System> Clone for Nursery<S> {
    fn clone(&self) -> Self {
        Self {
            recipe: self.recipe.clone(),
            children: self.children.clone(),
            public: Arc::clone(&self.public),
        }
    }
}

#[derive(Debug)]
enum Order {
    Create(u64),
    Shuffle,
    Publish,
    /// Tells each of them that many messages.
    Tell(u64),
}

impl<S: System> Role<S> for Nursery<S> {
    type Message = Order;

    fn take(&mut self, here: &mut S::Here<'_, Self>, order: Order) -> Then {
        match order {
            Order::Create(count) => {
                self.children.reserve_exact(count as usize);
                for _ in 0..count {
                    let child = S::start_child::<Idle, Self>(here, &self.recipe);
                    self.children.push(child);
                }
                CREATED.set();
            }
            Order::Shuffle => Random::new(7).shuffle(&mut self.children),
            Order::Publish => {
                let children = std::mem::take(&mut self.children);
                *self.public.lock().unwrap_or_else(PoisonError::into_inner) = children;
                PUBLISHED.set();
            }
            Order::Tell(each) => {
                BEGUN.set();
                tell_all::<S>(&self.children, each);
                TOLD.set();
            }
        }
        Then::Stay
    }
}

fn tell_all<S: System>(children: &[S::Ref<Idle>], each: u64) {
    for round in 0..each {
        for child in children {
            S::tell(child, round + 1);
        }
    }
}

/// Creates actors, and tells each of them that many messages. Returns the memory that was resident
/// before, for each idle actor, and a while after all messages were handled.
fn told<S: System>(count: u64, each: u64, shuffled: bool, outside: bool) -> Memory {
    moment::expect_on_thread(count * each);
    let system = S::new(1);
    let public: Children<S> = Arc::default();
    let nursery = Nursery {
        recipe: S::recipe(Idle(0)),
        children: Vec::new(),
        public: Arc::clone(&public),
    };
    let nursery = system.start(0, nursery);
    let before = resident();
    S::tell(&nursery, Order::Create(count));
    system.wait(&CREATED);
    system.rest(outcome::length(Duration::from_millis(500)));
    // The list of references is not part of their memory.
    let list = count * size_of::<S::Ref<Idle>>() as u64;
    let idle = resident().saturating_sub(before + list) as f64 / count as f64;
    if shuffled {
        S::tell(&nursery, Order::Shuffle);
    }
    if outside {
        S::tell(&nursery, Order::Publish);
        system.wait(&PUBLISHED);
        let children = std::mem::take(&mut *public.lock().unwrap_or_else(PoisonError::into_inner));
        std::thread::spawn(move || {
            BEGUN.set();
            tell_all::<S>(&children, each);
            TOLD.set();
        });
    } else {
        S::tell(&nursery, Order::Tell(each));
    }
    system.wait(&HANDLED);
    assert_eq!(moment::sum(), count * each * (each + 1) / 2);
    system.rest(outcome::length(Duration::from_secs(1)));
    let memory = Memory {
        before,
        idle,
        rest: resident(),
    };
    system.end();
    memory
}

/// Below this number, actors do not show in memory, which is allocated by the page.
const SEEN_IN_MEMORY: u64 = 10_000;

pub(super) fn idle<S: System, const SHUFFLED: bool, const OUTSIDE: bool>(count: u64) -> Outcome {
    figures(count, &told::<S>(count, 1, SHUFFLED, OUTSIDE))
}

fn figures(count: u64, memory: &Memory) -> Outcome {
    let outcome =
        Outcome::new()
            .rate(count, moment::took())
            .each("ns/tell", count, moment::telling_took());
    if count < SEEN_IN_MEMORY {
        return outcome;
    }
    outcome
        .with("B/idle actor", memory.idle)
        .peak()
        .with("rest MB", mebibytes(memory.rest))
}

/// One thread to many actors, ten times round.
pub(super) fn round_and_round<S: System>(count: u64) -> Outcome {
    told::<S>(count, 10, false, true);
    Outcome::new().rate(10 * count, moment::took()).each(
        "ns/tell",
        10 * count,
        moment::telling_took(),
    )
}

const FIFTY: u64 = 50;

/// Fifty messages to each of many actors.
pub(super) fn rest<S: System>(count: u64) -> Outcome {
    rested(count, &told::<S>(count, FIFTY, false, false))
}

fn rested(count: u64, memory: &Memory) -> Outcome {
    outcome::rested(memory.before, memory.rest).rate(FIFTY * count, moment::took())
}

pub(crate) fn workloads() -> Vec<Workload> {
    const SIZES: &[u64] = &[1, 100, 10_000, 100_000, 1_000_000];
    const QUICK: u64 = 1_000;
    let inside = |name, shuffled| {
        let workload = Workload::new(name, SIZES, QUICK);
        if shuffled {
            workload
                .ours(idle::<Nexus, true, false>)
                .beside("stakker", |size| {
                    figures(size, &stakker::told(size, 1, true))
                })
                .beside("tokio", idle::<Tokio, true, false>)
        } else {
            workload
                .ours(idle::<Nexus, false, false>)
                .beside("stakker", |size| {
                    figures(size, &stakker::told(size, 1, false))
                })
                .beside("tokio", idle::<Tokio, false, false>)
        }
    };
    vec![
        inside("idle", false),
        inside("idle-random", true),
        Workload::new("idle-outside", SIZES, QUICK)
            .ours(idle::<Nexus, false, true>)
            .beside("tokio", idle::<Tokio, false, true>),
        Workload::new("idle-random-outside", SIZES, QUICK)
            .ours(idle::<Nexus, true, true>)
            .beside("tokio", idle::<Tokio, true, true>),
        Workload::new("outside-many", &[100_000], QUICK)
            .ours(round_and_round::<Nexus>)
            .beside("tokio", round_and_round::<Tokio>),
        Workload::new("rest-spread", &[100_000], QUICK)
            .ours(rest::<Nexus>)
            .beside("stakker", |size| {
                rested(size, &stakker::told(size, FIFTY, false))
            })
            .beside("tokio", rest::<Tokio>),
    ]
}
