//! Cycles through children on other workers than their parents.

use super::{Answers, Do, HOUR, cycle_of, doer, sims, work};
use crate::common::{SEEDS, ms};
use nexus_actors::Directive;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;

const WORKERS: usize = 3;

/// In every order of two events; the first makes the parent restart or passivate, and wait for its children.
fn in_each_order(run: impl Fn(&mut Sim, bool, [u64; 2])) {
    for restarts in [true, false] {
        for pauses in [[1, 2], [2, 1], [1, 1]] {
            sims(WORKERS).check(SEEDS, |sim| run(sim, restarts, pauses));
        }
    }
}

#[test]
fn s5_6_a_child_elsewhere_that_asks_its_parent_which_waits_for_its_end_is_told_at_once() {
    in_each_order(|sim, restarts, [begins, asks]| {
        let parent = sim.spawn_on(0, "parent", doer()).unwrap();
        let answers = Answers::default();
        let asking = answers.clone();
        work(parent, move |ctx| {
            let child = ctx.spawn_on(1, "child", doer())?;
            asking.have_ask("child", child, asks, parent);
            ctx.sleep(ms(begins))?;
            if restarts {
                return Err("planned".into());
            }
            Ok(Next::Passivate)
        });
        answers.assert_one_deadlock(sim, &["/user/parent", "/user/parent/child"], 0);
    });
}

#[test]
fn s5_6_a_descendant_of_a_child_elsewhere_closes_a_cycle_too() {
    for leaf_at in [1, 2, 0] {
        in_each_order(|sim, restarts, [begins, asks]| {
            let parent = sim.spawn_on(0, "parent", doer()).unwrap();
            let answers = Answers::default();
            let asking = answers.clone();
            work(parent, move |ctx| {
                let child = ctx.spawn_on(1, "child", doer())?;
                work(child, move |ctx| {
                    let leaf = ctx.spawn_on(leaf_at, "leaf", doer())?;
                    asking.have_ask("leaf", leaf, asks, parent);
                    Ok(Next::Same)
                });
                ctx.sleep(ms(begins))?;
                if restarts {
                    return Err("planned".into());
                }
                Ok(Next::Passivate)
            });
            // The child ends at its parent's request, and waits for its own children.
            let cycle = [
                "/user/parent",
                "/user/parent/child",
                "/user/parent/child/leaf",
            ];
            answers.assert_one_deadlock(sim, &cycle, 0);
        });
    }
}

#[test]
fn s5_6_who_asks_a_child_elsewhere_whose_failure_it_is_to_decide_about_is_told_at_once() {
    sims(WORKERS).check(SEEDS, |sim| {
        let escalating = SupervisorStrategy::one_for_one().always(Directive::Escalate);
        let parent = doer().supervising(escalating);
        let parent = sim.spawn_on(0, "parent", parent).unwrap();
        let other = sim.spawn_on(2, "other", doer()).unwrap();
        let answers = Answers::default();
        let asking = answers.clone();
        work(parent, move |ctx| {
            let child = ctx.spawn_on(1, "child", doer())?;
            work(child, |ctx| {
                ctx.sleep(ms(2))?;
                Err("planned".into())
            });
            asking.have_ask("other", other, 1, child);
            let answer = other.ask(Do::Question, HOUR).wait();
            asking.note("parent", ctx.now(), answer);
            Ok(Next::Same)
        });
        sim.run_for(ms(900));
        let answers = answers.0.lock().unwrap();
        let cycle = ["/user/parent", "/user/other", "/user/parent/child"];
        let error = answers.iter().find_map(|(.., answer)| answer.clone().err());
        let mut found = cycle_of(&error.expect("somebody is told"));
        let first = found.iter().position(|path| path == cycle[0]);
        found.rotate_left(first.unwrap_or(0));
        assert_eq!(found, cycle);
        assert_eq!(answers.len(), 2, "both go on: {answers:?}");
    });
}

#[test]
fn s5_6_a_child_elsewhere_that_asks_its_parent_while_that_one_waits_for_its_start_is_told_at_once()
{
    sims(WORKERS).check(SEEDS, |sim| {
        let parent = sim.spawn_on(0, "parent", doer()).unwrap();
        let answers = Answers::default();
        let asking = answers.clone();
        let child = Props::new(move || {
            let asking = asking.clone();
            Behavior::setup(move |ctx| {
                let answer = parent.ask(Do::Question, HOUR).wait();
                asking.note("child", ctx.now(), answer);
                Ok(Behavior::receive(|_ctx, _: Do| ()))
            })
        });
        work(parent, move |ctx| {
            ctx.spawn_on(1, "child", child)?;
            Ok(Next::Same)
        });
        answers.assert_one_deadlock(sim, &["/user/parent", "/user/parent/child"], 0);
    });
}
