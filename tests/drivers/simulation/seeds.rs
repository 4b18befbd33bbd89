//! The same seed gives the same run.

use super::{Count, MS, counter, finish};
use nexus_actors::BoxError;
use nexus_actors::prelude::*;
use nexus_actors::sim::{Choice, Sim, SimBuilder, Trace};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::sync::{Arc, Mutex};
use std::time::Duration;

struct Hop {
    left: u32,
    reply: Option<Reply<u64>>,
}

/// Actors that keep maps, wait, sleep, ask each other and fail: all that a run may depend on.
fn tangle(seed: u64) -> Trace {
    let mut sim = Sim::builder().seed(seed).workers(3).start().unwrap();
    let all: Arc<Mutex<Vec<ActorRef<Hop>>>> = Arc::default();
    for index in 0..9 {
        let others = Arc::clone(&all);
        let props = Props::new(move || hopper(Arc::clone(&others)));
        let actor = sim.spawn_on(index % 3, &format!("hopper-{index}"), props);
        all.lock().unwrap().push(actor.unwrap());
    }
    let first = all.lock().unwrap()[0];
    for left in [40, 30, 20] {
        sim.schedule(MS, move || first.tell(Hop { left, reply: None }));
    }
    sim.run_for(Duration::from_secs(1));
    finish(sim)
}

fn hopper(all: Arc<Mutex<Vec<ActorRef<Hop>>>>) -> Behavior<Hop> {
    // Keyed by references, and iterated in the order of their hashes.
    type Seen = HashMap<ActorRef<Hop>, u32, BuildHasherDefault<DefaultHasher>>;
    Behavior::with_state(Seen::default(), move |seen, ctx, Hop { left, reply }| {
        let others = all.lock().unwrap().clone();
        for other in &others {
            *seen.entry(*other).or_default() += left;
        }
        if let Some(reply) = reply {
            reply.send(seen.values().map(|number| u64::from(*number)).sum());
        }
        if left == 0 {
            return Ok(Next::Same);
        }
        if left % 13 == 0 {
            return Err(BoxError::from("unlucky"));
        }
        ctx.sleep(Duration::from_micros(u64::from(left)))?;
        let next = *seen.iter().max_by_key(|(_, number)| **number).unwrap().0;
        let left = left - 1;
        if next != ctx.self_ref() {
            let reply = |reply| Hop {
                left: 0,
                reply: Some(reply),
            };
            seen.insert(
                next,
                u32::try_from(next.ask(reply, MS).wait().unwrap_or(1) % 97)?,
            );
        }
        others.iter().for_each(|other| {
            if left % 2 == 0 || other == &next {
                other.tell(Hop {
                    left: left / 2,
                    reply: None,
                });
            }
        });
        Ok(Next::Same)
    })
}

#[test]
fn s9_1_the_same_seed_gives_the_same_run_twice_in_one_process() {
    for seed in 0..20 {
        let (one, other) = (tangle(seed), tangle(seed));
        assert!(one.len() > 100, "{} events", one.len());
        assert_eq!(one.to_string(), other.to_string());
        assert_eq!(one.fingerprint(), other.fingerprint());
    }
    assert_ne!(tangle(1), tangle(2), "and another one gives another run");
}

#[test]
fn s9_1_the_same_seed_gives_the_same_run_in_two_processes() {
    const CHILD: &str = "NEXUS_TEST_TRACE_TO";
    if let Ok(path) = std::env::var(CHILD) {
        return tangle(7).save(path).unwrap();
    }
    let traces: Vec<String> = ["one", "two"]
        .map(|name| {
            let file = format!("nexus-trace-{name}-{}", std::process::id());
            let path = std::env::temp_dir().join(file);
            let name = "simulation::seeds::s9_1_the_same_seed_gives_the_same_run_in_two_processes";
            let child = std::process::Command::new(std::env::current_exe().unwrap())
                .args([name, "--exact"])
                .env(CHILD, &path)
                .output()
                .unwrap();
            assert!(child.status.success());
            let trace = std::fs::read_to_string(&path).unwrap();
            std::fs::remove_file(&path).unwrap();
            trace
        })
        .into();
    assert!(traces[0].lines().count() > 100);
    assert_eq!(traces[0], traces[1]);
    assert_eq!(
        traces[0],
        tangle(7).to_string(),
        "nor is this one different"
    );
}

#[test]
fn s9_1_every_kind_of_choice_changes_the_run() {
    let run = |builder: SimBuilder| {
        let mut sim = builder.seed(3).start().unwrap();
        let counters: Vec<_> = (0..6)
            .map(|index| {
                sim.spawn_on(index % 2, &format!("counter-{index}"), counter())
                    .unwrap()
            })
            .collect();
        for round in 0..1000 {
            counters
                .iter()
                .for_each(|counter| counter.tell(Count::Add(round)));
            sim.run_for(Duration::from_micros(20));
        }
        (sim.steps(), finish(sim).fingerprint())
    };
    let all = run(Sim::builder());
    for &choice in Choice::ALL {
        assert_ne!(run(Sim::builder().without(choice)), all, "{choice}");
    }
    let orderly = |seed| {
        let mut sim = Sim::builder().seed(seed).orderly().start().unwrap();
        let counter = sim.spawn("counter", counter()).unwrap();
        counter.tell(Count::Add(seed));
        sim.run_until_idle();
        finish(sim)
    };
    assert_eq!(
        orderly(1),
        orderly(2),
        "without chance the seed decides nothing"
    );
}
