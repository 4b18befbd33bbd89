//! Seeds in simulation, and what follows from a seed.

use nexus_swarm::corpus::{self, Entry};
use nexus_swarm::{Outcome, Plan, simulated};

fn run(seed: u64) -> Outcome {
    run_entry(Entry::of(seed))
}

fn run_entry(entry: Entry) -> Outcome {
    nexus_swarm::silence_planned_panics();
    let outcome = simulated::run(&entry.plan(false), false);
    assert!(outcome.violations.is_empty(), "{entry:?}: {outcome:#?}");
    outcome
}

#[test]
fn s9_1_nothing_is_wrong_in_a_few_seeds() {
    let outcomes: Vec<_> = (1..=150).map(run).collect();
    let deliveries: u64 = outcomes.iter().map(|outcome| outcome.deliveries).sum();
    assert!(
        deliveries > 5_000,
        "only {deliveries} messages were handled"
    );
}

#[test]
fn s9_1_nothing_is_wrong_in_the_corpus() {
    let entries = corpus::entries();
    assert!(!entries.is_empty());
    entries.into_iter().for_each(|entry| {
        run_entry(entry);
    });
}

#[test]
fn s9_1_a_seed_gives_the_same_plan_and_the_same_run() {
    for seed in 1000..1040 {
        let plan = |seed| Plan::simulated(seed).to_string();
        assert_eq!(plan(seed), plan(seed));
        assert_ne!(plan(seed), plan(seed + 1));
        let (first, second) = (run(seed), run(seed));
        assert_eq!(first.fingerprint, second.fingerprint, "seed {seed}");
        assert_eq!(first.seen, second.seen, "seed {seed}");
    }
}

#[test]
fn everything_that_can_happen_does() {
    let mut seen: Vec<_> = (2000..2300).flat_map(|seed| run(seed).seen).collect();
    seen.sort_unstable();
    seen.dedup_by_key(|(what, _)| *what);
    let all = [
        "actor ended in its start",
        "actor failed to start",
        "actor not started, as the pool ends",
        "answer from outside",
        "ask answered",
        "ask dropped",
        "ask from anywhere",
        "ask of a failed actor",
        "ask of a stopped actor",
        "ask of an ended pool",
        "ask that could not wait",
        "ask timed out",
        "ask without reply",
        "failure while handling",
        "decision to escalate",
        "decision to restart",
        "decision to resume",
        "decision to stop",
        "failure escalated",
        "failure while restarting",
        "failure while starting",
        "failure while told a signal",
        "failure with a question in hand",
        "restart",
        "told of a failed child",
        "failure while stopping",
        "kill",
        "lookup found it",
        "lookup found nobody",
        "ask of a full mailbox",
        "mailbox filled",
        "message dropped at once",
        "message from anywhere",
        "message out of the stash",
        "message put aside",
        "message refused for want of room",
        "stash full",
        "timer rang",
        "name was taken",
        "resumption",
        "send refused",
        "send timed out",
        "sent for certain",
        "shutdown by an actor",
        "stop",
        "suspension",
        "told of a failure",
        "told of a kill",
        "told of a stop",
        "told of somebody who was no more",
        "try_tell refused",
        "watch of a neighbour",
        "watch of somebody who is no more",
        "answer to a question to all",
        "cancellation",
        "cancelled task",
        "copy that fails",
        "end of a subscription",
        "failure in a task",
        "failure in a task that is held",
        "member joined",
        "member left",
        "message through a router",
        "no answer to a question to all",
        "order to passivate",
        "panic of a task",
        "passivation",
        "publication",
        "resize",
        "result of a task",
        "router started",
        "stop of a group",
        "stop of a router",
        "stop of a topic",
        "subscriber told",
        "subscription",
        "wake-up",
        "receive time-out",
        "passivation of somebody idle",
        "task of a signal",
        "to beat",
        "to crowd",
        "to flood",
    ];
    for what in all {
        let found = seen.iter().any(|(name, _)| *name == what);
        assert!(found, "no {what} in 300 seeds: {seen:#?}");
    }
}
