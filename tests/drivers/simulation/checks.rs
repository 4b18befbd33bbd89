//! Checks under many seeds, and what they report of a case that fails.

use super::{Count, LONG, counter, panic_of};
use nexus_actors::prelude::*;
use nexus_actors::sim::{Fault, Sim};
use std::cell::Cell;

/// Two actors race to reach a third one first.
fn race(sim: &mut Sim) -> u64 {
    let first = Props::new(|| {
        let mut winner = 0;
        Behavior::receive(move |_ctx, message| match message {
            Count::Add(number) if winner == 0 => winner = number,
            Count::Add(_) | Count::Keep(_) => {}
            Count::Get(reply) => reply.send(winner),
        })
    });
    let goal = sim.spawn_on(0, "goal", first).unwrap();
    let runner = |number| {
        Props::new(move || Behavior::receive(move |_ctx, (): ()| goal.tell(Count::Add(number))))
    };
    let favourite = sim.spawn_on(0, "favourite", runner(1)).unwrap();
    let outsider = sim.spawn_on(1, "outsider", runner(2)).unwrap();
    favourite.tell(());
    outsider.tell(());
    sim.run_until_idle();
    goal.ask(Count::Get, LONG).wait().unwrap()
}

#[test]
fn s9_2_a_failing_test_tells_its_seed_and_the_smallest_case_it_found() {
    let seeds = Cell::new(0);
    let said = panic_of(|| {
        nexus_actors::sim::check(0..1000, |sim| {
            seeds.set(seeds.get().max(sim.seed()));
            assert_eq!(race(sim), 1, "the outsider has won");
        });
    });
    let seed = seeds.get();
    assert!(seed > 0 && seed < 1000, "it takes some luck: {seed}");
    let first = said.lines().next().unwrap();
    assert!(
        first.starts_with(&format!("seed={seed} fails at step ")),
        "{said}"
    );
    assert!(said.contains("the outsider has won"), "{said}");
    let case = said
        .split("NEXUS_SIM='")
        .nth(1)
        .unwrap()
        .split('\'')
        .next()
        .unwrap();
    assert!(case.starts_with(&format!("seed={seed} steps=")), "{case}");
    assert!(case.contains("without="), "{case}");
    assert!(
        said.contains("cargo test simulation::checks::s9_2_a_failing_test_tells_its_seed"),
        "{said}"
    );
    assert!(
        said.contains("delivers  /user/outsider [1.1#1] -> /user/goal"),
        "{said}"
    );
}

#[test]
fn s9_2_a_case_runs_again_as_it_was_reported() {
    const NAME: &str = "simulation::checks::s9_2_a_case_runs_again_as_it_was_reported";
    let child = std::env::var("NEXUS_SIM").is_ok() || std::env::var("NEXUS_SIM_SEEDS").is_ok();
    let test = || {
        nexus_actors::sim::check(0..3, |sim| {
            println!("ran seed {}", sim.seed());
            let mut wrong = Fault::panic("/user/counter", 1);
            if sim.seed() == 77 {
                wrong = Fault::panic("/user/counter", 2);
            }
            sim.inject(wrong).unwrap();
            let counter = sim.spawn("counter", counter()).unwrap();
            counter.tell(Count::Add(1));
            sim.run_until_idle();
        });
    };
    if child {
        return test();
    }
    let run = |name: &str, value: &str| {
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args([NAME, "--exact", "--nocapture"])
            .env(name, value)
            .output()
            .unwrap();
        let text = [child.stdout, child.stderr].map(|text| String::from_utf8(text).unwrap());
        (child.status.success(), text.concat())
    };
    let (passes, said) = run("NEXUS_SIM_SEEDS", "5");
    assert!(
        passes && said.contains("ran seed 4") && !said.contains("ran seed 5"),
        "{said}"
    );
    let (passes, said) = run("NEXUS_SIM", "seed=9 steps=3");
    assert!(passes && said.contains("ran seed 9") && said.contains("starts    /user/counter"));
    let (passes, said) = run("NEXUS_SIM", "77");
    assert!(
        !passes && said.contains("never happened: panic in handling 2"),
        "{said}"
    );
    let (passes, said) = run("NEXUS_SIM", "seed=77 without=fault-0");
    assert!(
        passes,
        "a fault that is switched off is missed by nobody: {said}"
    );
    let (passes, said) = run("NEXUS_SIM", "what?");
    assert!(!passes && said.contains("\"what?\" is no number"), "{said}");
}

#[test]
fn s9_2_a_test_that_depends_on_something_else_than_its_seed_is_told_where() {
    let runs = Cell::new(0_u64);
    let said = panic_of(|| {
        nexus_actors::sim::check(0..3, |sim| {
            runs.set(runs.get() + 1);
            let counter = sim.spawn("counter", counter()).unwrap();
            (0..runs.get()).for_each(|_| counter.tell(Count::Add(1)));
            sim.run_until_idle();
        });
    });
    assert!(said.contains("two runs of seed=0 differ"), "{said}");
    assert!(said.contains("they part at event 2"), "{said}");
}

#[test]
fn s9_2_a_test_without_end_fails() {
    let said = panic_of(|| {
        Sim::builder().step_limit(1000).check(0..1, |sim| {
            let chatty = sim.spawn("chatty", {
                Props::new(|| Behavior::receive(|ctx, (): ()| ctx.self_ref().tell(())))
            });
            chatty.unwrap().tell(());
            sim.run_until_idle();
        });
    });
    assert!(
        said.contains("the simulation goes on after 1000 steps"),
        "{said}"
    );
}

#[test]
fn s9_2_options_that_cannot_be_are_refused() {
    let error = Sim::builder().workers(0).start().unwrap_err().to_string();
    assert_eq!(error, "a pool has between 1 and 1024 workers, not 0");
    let error = Sim::builder()
        .stack_size(1)
        .start()
        .unwrap_err()
        .to_string();
    assert_eq!(error, "a stack has between 64 KiB and 1 GiB, not 1 bytes");
    let panic = panic_of(|| drop(Sim::new(1).node(2)));
    assert!(panic.contains("no worker 2"), "{panic}");
}
