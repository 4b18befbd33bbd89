//! Restarts, and the other decisions about a failure.

use super::{Do, SECOND, SEEDS, family, only_child, scribe};
use crate::common::{Log, stopping};
use nexus_actors::failure::{Cause, Stage};
use nexus_actors::prelude::*;
use nexus_actors::sim::{Sim, check};
use nexus_actors::supervision::Backoff;
use nexus_actors::{BoxError, DeadLetterReason, Failure};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(3600);

fn restarts_at_once() -> SupervisorStrategy {
    SupervisorStrategy::one_for_one()
}

#[test]
fn s4_7_a_restart_keeps_the_mail_and_nothing_else() {
    check(SEEDS, |sim| {
        let log = Log::default();
        let child = only_child(sim, &log, None);
        child.tell(Do::Say("one"));
        let asked = child.ask(Do::Never, LONG);
        child.tell(Do::Say("two"));
        let counted = child.ask(Do::Count, LONG);
        assert!(matches!(asked.wait(), Err(AskError::TargetFailed(_))));
        assert_eq!(counted.wait(), Ok(1), "fresh state, and the mail behind");
        assert!(sim.now() < SECOND);
        assert_eq!(
            log.of("child"),
            [
                "PreStart",
                "says one",
                "PreRestart(with a question)",
                "PostRestart(with a question)",
                "says two",
            ]
        );
        assert_eq!(sim.lookup::<Do>("/user/parent/child"), Ok(child));
    });
}

#[test]
fn s4_6_the_default_is_three_restarts_in_a_minute_then_the_end() {
    check(SEEDS, |sim| {
        let log = Log::default();
        let child = only_child(sim, &log, None);
        for number in 0..4 {
            assert!(sim.lookup::<Do>("/user/parent/child").is_ok(), "{number}");
            child.tell(if number % 2 == 0 {
                Do::Fail("torn")
            } else {
                Do::Panic("torn")
            });
            sim.run_until_idle();
        }
        assert!(sim.lookup::<Do>("/user/parent/child").is_err());
        assert_eq!(log.of("parent"), ["hears panic: torn"]);
        let restarts = log
            .of("child")
            .iter()
            .filter(|line| line.starts_with("PostRestart"))
            .count();
        assert_eq!(restarts, 3);
    });
}

#[test]
fn s4_6_restarts_that_lie_far_apart_never_end() {
    let mut sim = Sim::builder().orderly().start().unwrap();
    let log = Log::default();
    let child = only_child(&mut sim, &log, None);
    for _ in 0..20 {
        child.tell(Do::Fail("torn"));
        sim.run_for(Duration::from_secs(20));
    }
    assert!(sim.lookup::<Do>("/user/parent/child").is_ok());
}

#[test]
fn s4_5_one_all_or_the_rest_are_restarted() {
    let table: [(SupervisorStrategy, &[&str]); 3] = [
        (SupervisorStrategy::one_for_one(), &["b"]),
        (SupervisorStrategy::all_for_one(), &["a", "b", "c"]),
        (SupervisorStrategy::rest_for_one(), &["b", "c"]),
    ];
    for (strategy, restarted) in table {
        check(SEEDS, |sim| {
            let log = Log::default();
            let (props, children) = family(&log, &["a", "b", "c"], Some(strategy.clone()));
            sim.spawn("parent", props).unwrap();
            let [a, b, c] = children.lock().unwrap().clone().try_into().unwrap();
            [a, b, c]
                .iter()
                .for_each(|child| child.tell(Do::Say("before")));
            sim.run_until_idle();
            // One of them is busy meanwhile: it is restarted after its message.
            c.tell(Do::Sleep(SECOND));
            sim.run_until_idle();
            b.tell(Do::Fail("torn"));
            [a, b, c]
                .iter()
                .for_each(|child| child.tell(Do::Say("after")));
            sim.run_for(10 * SECOND);
            for (name, child) in [("a", a), ("b", b), ("c", c)] {
                let anew = restarted.contains(&name);
                let said = child.ask(Do::Count, LONG).wait();
                assert_eq!(
                    said,
                    Ok(if anew { 1 } else { 2 }),
                    "{name} with {strategy:?}"
                );
            }
        });
    }
}

#[test]
fn s4_5_one_or_all_are_stopped() {
    let stop = |strategy: SupervisorStrategy| strategy.always(Directive::Stop);
    let table: [(SupervisorStrategy, &[&str]); 3] = [
        (stop(SupervisorStrategy::one_for_one()), &["a", "c"]),
        (stop(SupervisorStrategy::all_for_one()), &[]),
        (stop(SupervisorStrategy::rest_for_one()), &["a"]),
    ];
    for (strategy, left) in table {
        check(SEEDS, |sim| {
            let log = Log::default();
            let (props, children) = family(&log, &["a", "b", "c"], Some(strategy.clone()));
            sim.spawn("parent", props).unwrap();
            let b = children.lock().unwrap()[1];
            b.tell(Do::Fail("torn"));
            sim.run_until_idle();
            for name in ["a", "b", "c"] {
                let lives = sim.lookup::<Do>(format!("/user/parent/{name}")).is_ok();
                assert_eq!(lives, left.contains(&name), "{name} with {strategy:?}");
            }
            assert_eq!(log.of("parent"), ["hears torn"]);
        });
    }
}

#[test]
fn s4_8_resume_keeps_the_state_and_drops_the_message() {
    check(SEEDS, |sim| {
        let log = Log::default();
        let strategy = SupervisorStrategy::one_for_one().always(Directive::Resume);
        let child = only_child(sim, &log, Some(strategy));
        child.tell(Do::Say("one"));
        (0..50).for_each(|_| child.tell(Do::Panic("torn")));
        child.tell(Do::Say("two"));
        assert_eq!(child.ask(Do::Count, LONG).wait(), Ok(2));
        assert_eq!(log.of("child"), ["PreStart", "says one", "says two"]);
    });
}

#[test]
fn s4_5_a_failure_is_escalated_up_to_the_guardian() {
    Sim::builder().supervising(stopping()).check(SEEDS, |sim| {
        let log = Log::default();
        let strategy = SupervisorStrategy::one_for_one().always(Directive::Escalate);
        let (props, children) = family(&log, &["child"], Some(strategy));
        let parent = sim.spawn("parent", props).unwrap();
        let child = children.lock().unwrap()[0];
        child.tell(Do::Fail("torn"));
        child.tell(Do::Say("lost"));
        sim.run_until_idle();
        assert!(sim.lookup::<Do>("/user/parent").is_err());
        assert_eq!(log.of("child"), ["PreStart", "PostStop(Failed)"]);
        parent.tell(Do::Say("lost"));
        sim.run_until_idle();
        assert_eq!(sim.dead_letters().total(), 2);
    });
}

#[test]
fn s4_5_what_the_parent_makes_of_an_escalated_failure_holds_for_the_child() {
    for directive in [Directive::Restart, Directive::Resume] {
        let failures: Arc<Mutex<Vec<(String, Stage)>>> = Arc::default();
        let telling = Arc::clone(&failures);
        let builder = Sim::builder()
            .supervising(SupervisorStrategy::one_for_one().always(directive))
            .on_failure(move |failure: &Failure| {
                if let Cause::Child(child) = &failure.cause {
                    assert_eq!(child.path.as_str(), "/user/parent/child");
                }
                let path = failure.path.to_string();
                telling.lock().unwrap().push((path, failure.during));
            });
        builder.check(SEEDS, |sim| {
            failures.lock().unwrap().clear();
            let log = Log::default();
            let strategy = SupervisorStrategy::one_for_one().always(Directive::Escalate);
            let (props, children) = family(&log, &["child"], Some(strategy));
            sim.spawn("parent", props).unwrap();
            let child = children.lock().unwrap()[0];
            child.tell(Do::Say("one"));
            child.tell(Do::Fail("torn"));
            child.tell(Do::Say("two"));
            sim.run_until_idle();
            let said = child.ask(Do::Count, LONG).wait();
            if directive == Directive::Resume {
                assert_eq!(said, Ok(2));
            } else {
                assert!(
                    matches!(said, Err(AskError::TargetStopped(_))),
                    "the parent has a new child"
                );
                assert_eq!(log.of("parent"), ["restarted"]);
                let anew = children.lock().unwrap()[0];
                assert_eq!(anew.ask(Do::Count, LONG).wait(), Ok(0));
            }
            let expected = [
                ("/user/parent/child".to_owned(), Stage::Handling),
                ("/user/parent".to_owned(), Stage::Supervising),
            ];
            assert_eq!(*failures.lock().unwrap(), expected);
        });
    }
}

#[test]
fn s4_5_a_child_that_could_not_be_built_again_stops_when_its_escalated_failure_is_resumed() {
    let resume = SupervisorStrategy::one_for_one().always(Directive::Resume);
    Sim::builder().supervising(resume).check(SEEDS, |sim| {
        let log = Log::default();
        let escalates =
            SupervisorStrategy::one_for_one().decide(|failure: &Failure| match failure.during {
                Stage::Handling => Directive::Restart,
                _ => Directive::Escalate,
            });
        let built = Arc::new(Mutex::new(0));
        let child = Props::new(move || {
            *built.lock().unwrap() += 1;
            assert_eq!(*built.lock().unwrap(), 1, "planned: it is built once");
            Behavior::receive(|_ctx, message| match message {
                Do::Fail(text) => Err(BoxError::from(text)),
                _ => Ok(()),
            })
        });
        let told = log.clone();
        let parent = Props::new(move || {
            let (child, log) = (child.clone(), told.clone());
            Behavior::setup(move |ctx| {
                let child = ctx.spawn("child", child)?;
                ctx.watch(child);
                child.tell(Do::Fail("torn"));
                child.tell(Do::Say("lost"));
                Ok(Behavior::<Do>::empty().on_signal(move |_ctx, signal| {
                    if let Signal::Terminated { reason, .. } = signal {
                        log.add(reason.to_string());
                    }
                }))
            })
        });
        sim.spawn("parent", parent.supervising(escalates)).unwrap();
        sim.run_until_idle();
        assert_eq!(log.take(), ["failed"]);
        assert_eq!(sim.dead_letters().count(DeadLetterReason::Failed), 1);
        assert_eq!(sim.stats().actors(), 1);
    });
}

/// Several children at once, two levels below the actor that resumes: each continues with its remaining mail.
#[test]
fn s4_5_those_whose_failures_are_resumed_far_above_go_on_with_all_in_between() {
    const CHILDREN: usize = 3;
    let resume = SupervisorStrategy::one_for_one().always(Directive::Resume);
    let escalate = || SupervisorStrategy::one_for_one().always(Directive::Escalate);
    Sim::builder().supervising(resume).check(SEEDS, |sim| {
        let log = Log::default();
        let (below, between) = (log.clone(), log.clone());
        let upper = Props::new(move || {
            let (below, between) = (below.clone(), between.clone());
            Behavior::setup(move |ctx| {
                let lower = Props::new(move || {
                    let log = below.clone();
                    let said = between.clone();
                    Behavior::setup(move |ctx| {
                        for number in 0..CHILDREN {
                            let child = ctx.spawn(&format!("child-{number}"), scribe(&log))?;
                            child.tell(Do::Fail("torn"));
                            child.tell(Do::Say("mended"));
                        }
                        Ok(Behavior::receive(move |_ctx, ()| said.add("lower goes on")))
                    })
                });
                let lower = ctx.spawn("lower", lower.supervising(escalate()))?;
                lower.tell(());
                Ok(Behavior::<()>::empty())
            })
        });
        sim.spawn("upper", upper.supervising(escalate())).unwrap();
        sim.run_until_idle();
        for number in 0..CHILDREN {
            let name = format!("child-{number}");
            let said = format!("{name} says mended");
            assert!(log.lines().contains(&said), "{:?}", log.lines());
        }
        assert!(log.lines().contains(&"lower goes on".to_owned()));
        assert_eq!(sim.stats().actors(), CHILDREN as u64 + 2);
    });
}

#[test]
fn s4_5_a_behaviour_is_supervised_by_itself_first() {
    check(SEEDS, |sim| {
        let props = Props::new(|| {
            let mut sum = 0;
            Behavior::receive(move |_ctx, (number, reply): (i32, Reply<i32>)| {
                if number < 0 {
                    return Err("negative".into());
                }
                assert!(number < 100, "too large");
                sum += number;
                reply.send(sum);
                Ok(())
            })
            .supervise(
                SupervisorStrategy::one_for_one().decide(|failure: &Failure| match failure.cause {
                    Cause::Error(_) => Directive::Resume,
                    _ => Directive::Escalate,
                }),
            )
            .supervise(SupervisorStrategy::one_for_one().limit(1, LONG))
        });
        // At the top level, where the guardian would stop it.
        let actor = sim.spawn("actor", props).unwrap();
        let add = |number| actor.ask(|reply| (number, reply), LONG).wait();
        assert_eq!(add(5), Ok(5));
        assert!(matches!(add(-1), Err(AskError::TargetFailed(_))));
        assert_eq!(add(1), Ok(6), "resumed by the inner one");
        assert!(matches!(add(100), Err(AskError::TargetFailed(_))));
        assert_eq!(add(2), Ok(2), "restarted by the outer one");
        assert!(matches!(add(100), Err(AskError::TargetFailed(_))));
        assert!(
            matches!(add(2), Err(AskError::TargetStopped(_))),
            "once in an hour"
        );
    });
}

#[test]
fn s4_7_backoff_lets_the_mail_wait_longer_each_time() {
    let mut sim = Sim::builder().orderly().start().unwrap();
    let log = Log::default();
    let backoff = Backoff::new(SECOND, 4 * SECOND).unwrap();
    let child = only_child(&mut sim, &log, Some(restarts_at_once().backoff(backoff)));
    for expected in [1, 2, 4, 4] {
        let before = sim.now();
        child.tell(Do::Fail("torn"));
        assert_eq!(child.ask(Do::Count, LONG).wait(), Ok(0));
        assert_eq!(sim.now() - before, expected * SECOND);
    }
    sim.run_for(10 * SECOND);
    let before = sim.now();
    child.tell(Do::Fail("torn"));
    assert_eq!(child.ask(Do::Count, LONG).wait(), Ok(0));
    assert_eq!(
        sim.now() - before,
        SECOND,
        "after a healthy time it begins again"
    );
}

#[test]
fn s4_7_children_stop_before_their_parent_starts_again() {
    let restarting = Sim::builder().supervising(restarts_at_once());
    restarting.check(SEEDS, |sim| {
        let log = Log::default();
        let (inner, children) = family(&log, &["leaf"], None);
        let outer = Props::new(move || {
            let inner = inner.clone();
            Behavior::setup(move |ctx| {
                let middle = ctx.spawn("middle", inner)?;
                Ok(Behavior::receive(move |_ctx, message: Do| {
                    middle.tell(message)
                }))
            })
        });
        let outer = sim.spawn("outer", outer).unwrap();
        let leaf = children.lock().unwrap()[0];
        leaf.tell(Do::Sleep(SECOND));
        sim.run_until_idle();
        outer.tell(Do::Fail("torn"));
        sim.run_for(10 * SECOND);
        assert_eq!(log.of("leaf"), ["PreStart", "PostStop(Failed)", "PreStart"]);
        let order = log.lines();
        let stopped = order
            .iter()
            .position(|line| line == "leaf PostStop(Failed)")
            .unwrap();
        let restarted = order
            .iter()
            .position(|line| line == "parent restarted")
            .unwrap();
        assert!(stopped < restarted, "{order:?}");
    });
}

#[test]
fn s4_7_a_factory_that_fails_again_counts_as_another_failure() {
    check(SEEDS, |sim| {
        let starts = Arc::new(Mutex::new(0));
        let counting = Arc::clone(&starts);
        let props = Props::new(move || {
            let mut starts = counting.lock().unwrap();
            *starts += 1;
            let first = *starts == 1;
            drop(starts);
            Behavior::setup(move |_ctx| match first {
                true => Ok(Behavior::receive(|_ctx, _: u8| Err::<(), _>("torn".into()))),
                false => Err("never again".into()),
            })
            .supervise(SupervisorStrategy::one_for_one())
        });
        let actor = sim.spawn("actor", props).unwrap();
        (0..3).for_each(|number| actor.tell(number));
        sim.run_until_idle();
        assert!(sim.lookup::<u8>("/user/actor").is_err());
        assert_eq!(*starts.lock().unwrap(), 4, "three restarts");
    });
}

#[test]
fn s4_5_a_child_that_fails_while_its_parent_stops_or_restarts_is_not_restarted() {
    for strategy in [
        SupervisorStrategy::one_for_one(),
        SupervisorStrategy::all_for_one(),
        SupervisorStrategy::one_for_one().always(Directive::Escalate),
    ] {
        for ending in [
            |parent: ActorRef<Do>| parent.stop(),
            |parent: ActorRef<Do>| parent.tell(Do::Fail("torn")),
        ] {
            let restarting = Sim::builder().supervising(restarts_at_once());
            restarting.check(SEEDS, |sim| {
                let log = Log::default();
                let names = &["a", "b", "c"];
                let (props, children) = family(&log, names, Some(strategy.clone()));
                let parent = sim.spawn("parent", props).unwrap();
                let first = children.lock().unwrap().clone();
                for child in &first {
                    child.tell(Do::Sleep(SECOND));
                    child.tell(Do::Fail("torn too"));
                }
                sim.run_until_idle();
                ending(parent);
                sim.run_for(10 * SECOND);
                for name in names {
                    let lines = log.of(name);
                    assert_eq!(lines[0], "PreStart", "{name}: {lines:?}");
                    assert!(lines[1].starts_with("PostStop("), "{name}: {lines:?}");
                }
            });
        }
    }
}
