//! Cycles through actors that wait without a fiber: until their children have ended while they
//! restart or passivate, or until their parents have decided about their failures.

use super::{Answers, Do, HOUR, Outcome, cycle_of, doer, sims, work};
use crate::common::{SEEDS, ms};
use nexus_actors::Directive;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;

impl Answers {
    /// Asserts that one ask failed, with that cycle, and that all others were answered.
    #[track_caller]
    pub(super) fn assert_one_deadlock(&self, sim: &mut Sim, cycle: &[&str], others: usize) {
        sim.run_for(ms(900));
        let answers = self.0.lock().unwrap();
        let mut failed = answers
            .iter()
            .filter_map(|(.., answer)| answer.clone().err());
        let error = failed
            .next()
            .unwrap_or_else(|| panic!("nobody was told: {answers:?}"));
        let mut found = cycle_of(&error);
        let first = found.iter().position(|path| path == cycle[0]);
        found.rotate_left(first.unwrap_or(0));
        assert_eq!(found, cycle);
        assert_eq!(
            (failed.next(), answers.len()),
            (None, others + 1),
            "{answers:?}"
        );
        sim.run_until_idle();
        assert_eq!(sim.waiting(), []);
    }
}

/// How an actor comes to wait for its children.
#[derive(Clone, Copy, Debug)]
enum Way {
    Restart,
    Passivate,
}

const WAYS: [Way; 2] = [Way::Restart, Way::Passivate];

impl Way {
    fn go(self) -> Outcome {
        match self {
            Way::Restart => Err("planned".into()),
            Way::Passivate => Ok(Next::Passivate),
        }
    }

    /// Makes it wait, after a pause, for a child that is spawned at once.
    fn have_wait(
        self,
        actor: ActorRef<Do>,
        pause: u64,
        child: Props<Do>,
        first: impl FnOnce(ActorRef<Do>) + Send + 'static,
    ) {
        work(actor, move |ctx| {
            let child = ctx.spawn("child", child)?;
            first(child);
            ctx.sleep(ms(pause))?;
            self.go()
        });
    }
}

/// Each way, with either of two events first, with one worker and with three.
fn in_each_order(run: impl Fn(&mut Sim, Way, [u64; 2])) {
    for way in WAYS {
        for pauses in [[1, 2], [2, 1], [1, 1]] {
            for workers in [1, 3] {
                sims(workers).check(SEEDS, |sim| run(sim, way, pauses));
            }
        }
    }
}

fn last(sim: &Sim) -> usize {
    sim.workers() - 1
}

/// An actor that comes to wait for its child, and another actor that the child asks; each after a pause.
fn child_asks_other(
    sim: &mut Sim,
    way: Way,
    [begins, asks]: [u64; 2],
) -> (ActorRef<Do>, ActorRef<Do>, Answers) {
    let parent = sim.spawn_on(0, "parent", doer()).unwrap();
    let other = sim.spawn_on(last(sim), "other", doer()).unwrap();
    let answers = Answers::default();
    let asking = answers.clone();
    way.have_wait(parent, begins, doer(), move |child| {
        asking.have_ask("child", child, asks, other);
    });
    (parent, other, answers)
}

#[test]
fn s5_6_a_child_that_asks_its_parent_which_waits_for_its_end_is_told_at_once() {
    in_each_order(|sim, way, [begins, asks]| {
        let (parent, answers) = (sim.spawn("parent", doer()).unwrap(), Answers::default());
        let asking = answers.clone();
        way.have_wait(parent, begins, doer(), move |child| {
            asking.have_ask("child", child, asks, parent);
        });
        answers.assert_one_deadlock(sim, &["/user/parent", "/user/parent/child"], 0);
    });
}

#[test]
fn s5_6_a_cycle_closes_whichever_of_its_waits_begins_last() {
    for third in [1, 3] {
        in_each_order(|sim, way, [begins, asks]| {
            let (parent, other, answers) = child_asks_other(sim, way, [begins, asks]);
            answers.have_ask("other", other, third, parent);
            let cycle = ["/user/parent", "/user/parent/child", "/user/other"];
            answers.assert_one_deadlock(sim, &cycle, 1);
        });
    }
}

#[test]
fn s5_6_a_grandchild_closes_a_cycle_too() {
    in_each_order(|sim, way, [begins, asks]| {
        let (parent, answers) = (sim.spawn("parent", doer()).unwrap(), Answers::default());
        let asking = answers.clone();
        way.have_wait(parent, begins, doer(), move |child| {
            work(child, move |ctx| {
                let leaf = ctx.spawn("leaf", doer())?;
                asking.have_ask("leaf", leaf, asks, parent);
                Ok(Next::Same)
            });
        });
        let cycle = ["/user/parent", "/user/parent/child/leaf"];
        answers.assert_one_deadlock(sim, &cycle, 0);
    });
}

#[test]
fn s5_6_two_that_wait_for_their_children_make_a_cycle_together() {
    in_each_order(|sim, way, [begins, asks]| {
        let one = sim.spawn_on(0, "one", doer()).unwrap();
        let two = sim.spawn_on(last(sim), "two", doer()).unwrap();
        let answers = Answers::default();
        for (parent, asked, pause) in [(one, two, begins), (two, one, 1)] {
            let asking = answers.clone();
            way.have_wait(parent, pause, doer(), move |child| {
                asking.have_ask("child", child, asks, asked);
            });
        }
        let cycle = [
            "/user/one",
            "/user/one/child",
            "/user/two",
            "/user/two/child",
        ];
        answers.assert_one_deadlock(sim, &cycle, 1);
    });
}

#[test]
fn s5_6_a_cycle_is_found_among_more_ways_than_could_be_tried() {
    const PARENTS: usize = 30;
    const CHILDREN: u64 = 4; // of each: a quintillion paths lead from the first parent to the last
    for workers in [1, 3] {
        sims(workers).check(0..3, |sim| {
            let names = (0..PARENTS).map(|number| format!("p{number}"));
            let spawned = names.map(|name| sim.spawn(&name, doer()).unwrap());
            let parents: Vec<_> = spawned.collect();
            let answers = Answers::default();
            for (place, &parent) in parents.iter().enumerate() {
                let (asked, asking) = (parents[(place + 1) % PARENTS], answers.clone());
                let last = place + 1 == PARENTS;
                work(parent, move |ctx| {
                    for number in 0..CHILDREN {
                        let child = ctx.spawn(&format!("c{number}"), doer())?;
                        match number {
                            0 if last => asking.have_ask("last", child, 5, asked),
                            _ if last => work(child, |ctx| {
                                ctx.sleep(ms(500))?;
                                Ok(Next::Same)
                            }),
                            _ => asking.have_ask("child", child, 2 + number % 2, asked),
                        }
                    }
                    ctx.sleep(ms(1))?;
                    Err("planned".into())
                });
            }
            sim.run_for(ms(100));
            let answers = answers.0.lock().unwrap().clone();
            let [(.., Err(error))] = &answers[..] else {
                panic!("one is told");
            };
            assert_eq!(cycle_of(error).len(), 2 * PARENTS);
        });
    }
}

#[test]
fn s5_6_no_child_that_will_be_answered_closes_a_cycle() {
    in_each_order(|sim, way, [begins, asks]| {
        let (parent, other, answers) = child_asks_other(sim, way, [begins, asks]);
        // It asks the actor that waits for that child, but only after it has answered the child.
        let asking = answers.clone();
        work(other, move |ctx| {
            ctx.sleep(ms(5))?;
            asking.have_ask("other", other, 0, parent);
            Ok(Next::Same)
        });
        sim.run_for(ms(900));
        let answers = answers.0.lock().unwrap();
        let ended: Vec<_> = answers
            .iter()
            .map(|(who, _, answer)| (*who, answer))
            .collect();
        assert_eq!(ended, [("child", &Ok(())), ("other", &Ok(()))]);
    });
}

#[test]
fn s5_6_an_ask_begun_in_post_stop_closes_a_cycle_with_the_passivating_actor() {
    Sim::builder().check(SEEDS, |sim| {
        let answers = Answers::default();
        let asking = answers.clone();
        let props = Props::new(move || {
            let asking = asking.clone();
            let behavior = Behavior::receive(|_, message| match message {
                Do::Work(_) => Ok(Next::Passivate),
                Do::Question(reply) => {
                    reply.send(());
                    Ok(Next::Same)
                }
            });
            behavior.on_signal(move |ctx, signal| {
                if matches!(signal, Signal::PostStop(_)) && asking.0.lock().unwrap().is_empty() {
                    let child = ctx.spawn("child", doer())?;
                    asking.have_ask("child", child, 1, ctx.self_ref());
                }
                Ok(())
            })
        });
        let parent = sim.spawn("parent", props).unwrap();
        work(parent, |_| Ok(Next::Same));
        answers.assert_one_deadlock(sim, &["/user/parent", "/user/parent/child"], 0);
    });
}

#[test]
fn s5_6_who_asks_a_child_whose_failure_it_is_to_decide_about_is_told_at_once() {
    for workers in [1, 3] {
        let sims = Sim::builder().workers(workers).on_failure(|_| {});
        sims.check(SEEDS, |sim| {
            let escalating = SupervisorStrategy::one_for_one().always(Directive::Escalate);
            let parent = sim.spawn("parent", doer().supervising(escalating)).unwrap();
            let other = sim.spawn_on(last(sim), "other", doer()).unwrap();
            let answers = Answers::default();
            let asking = answers.clone();
            work(parent, move |ctx| {
                let child = ctx.spawn("child", doer())?;
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
}
