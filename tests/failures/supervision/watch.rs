//! Death watch, and a behaviour that is empty.

use super::{Do, SECOND, SEEDS, only_child, scribe};
use crate::common::{Log, stopping};
use nexus_actors::DeadLetterReason;
use nexus_actors::prelude::*;
use nexus_actors::sim::{Sim, check};

/// Watches an actor, and records what it is told.
fn watcher(log: &Log, target: ActorRef<Do>) -> Props<bool> {
    let log = log.clone();
    Props::new(move || {
        let log = log.clone();
        Behavior::setup(move |ctx| {
            ctx.watch(target);
            ctx.watch(target);
            Ok(Behavior::receive(move |ctx, watch: bool| match watch {
                true => ctx.watch(target),
                false => ctx.unwatch(target),
            })
            .on_signal(move |ctx, signal| {
                if let Signal::Terminated { actor, reason, .. } = signal {
                    assert_eq!(*actor, target.id());
                    log.add(format!("{} {reason}", ctx.path().name()));
                }
            }))
        })
    })
}

#[test]
fn s4_11_a_watcher_is_told_once_why_on_one_worker_and_across_two() {
    type End = fn(ActorRef<Do>);
    let ends: [(End, &str); 3] = [
        (ActorRef::stop, "stopped"),
        (ActorRef::kill, "killed"),
        (|actor| actor.tell(Do::Fail("torn")), "failed"),
    ];
    for (end, reason) in ends {
        Sim::builder().supervising(stopping()).check(SEEDS, |sim| {
            let log = Log::default();
            let target = sim.spawn_on(1, "target", scribe(&log)).unwrap();
            let near = sim.spawn_on(1, "near", watcher(&log, target)).unwrap();
            sim.spawn_on(0, "far", watcher(&log, target)).unwrap();
            sim.run_until_idle();
            assert!(log.of("near").is_empty() && log.of("far").is_empty());
            end(target);
            sim.run_until_idle();
            assert_eq!(
                (log.of("near"), log.of("far")),
                (vec![reason.into()], vec![reason.into()])
            );
            near.tell(true);
            sim.run_until_idle();
            assert_eq!(log.of("near"), [reason, "gone before it was watched"]);
        });
    }
}

/// Watches an actor, and records the reason and the failure that it is told.
fn asking_why(log: &Log, target: ActorRef<Do>) -> Props<()> {
    let log = log.clone();
    Props::new(move || {
        let log = log.clone();
        Behavior::setup(move |ctx| {
            ctx.watch(target);
            Ok(Behavior::empty().on_signal(move |ctx, signal| {
                if let Signal::Terminated {
                    reason, failure, ..
                } = signal
                {
                    let failure = failure.as_ref().map(|failure| failure.cause.to_string());
                    log.add(format!("{} {reason}: {failure:?}", ctx.path().name()));
                }
            }))
        })
    })
}

#[test]
fn s4_11_a_watcher_is_told_the_failure_and_none_where_there_was_none() {
    type End = fn(ActorRef<Do>);
    let ends: [(End, &str); 3] = [
        (ActorRef::stop, "stopped: None"),
        (ActorRef::kill, "killed: None"),
        (
            |actor| actor.tell(Do::Fail("torn")),
            "failed: Some(\"torn\")",
        ),
    ];
    for (end, told) in ends {
        Sim::builder().supervising(stopping()).check(SEEDS, |sim| {
            let log = Log::default();
            let target = sim.spawn_on(1, "target", scribe(&log)).unwrap();
            sim.spawn_on(1, "near", asking_why(&log, target)).unwrap();
            sim.spawn_on(0, "far", asking_why(&log, target)).unwrap();
            sim.run_until_idle();
            end(target);
            sim.run_until_idle();
            assert_eq!(log.of("near"), [told]);
            assert_eq!(log.of("far"), [told]);
        });
    }
}

#[test]
fn s4_11_after_unwatch_nothing_is_told_though_it_was_under_way() {
    check(SEEDS, |sim| {
        let log = Log::default();
        let target = sim.spawn_on(1, "target", scribe(&log)).unwrap();
        let far = sim.spawn_on(0, "far", watcher(&log, target)).unwrap();
        sim.run_until_idle();
        far.suspend();
        far.tell(false);
        sim.run_until_idle();
        // Not handled yet: the order to unwatch is in its mail, with nothing behind it.
        far.resume();
        sim.run_until_idle();
        target.stop();
        sim.run_until_idle();
        assert!(log.of("far").is_empty(), "{:?}", log.lines());
    });
}

/// Many watchers, some of which leave before the end: which ones are told, and in which order.
#[test]
fn s4_11_many_watchers_are_told_in_order_and_none_that_has_left() {
    const MANY: usize = 50;
    let mut sim = Sim::builder().orderly().workers(1).start().unwrap();
    let log = Log::default();
    let target = sim.spawn("target", scribe(&log)).unwrap();
    let start = |number| sim.spawn(&format!("watcher-{number}"), watcher(&log, target));
    let watchers: Vec<_> = (0..MANY).map(start).map(Result::unwrap).collect();
    let leaves = |number: &usize| number % 3 == 1;
    (0..MANY)
        .filter(leaves)
        .for_each(|number| watchers[number].tell(false));
    sim.run_until_idle();
    target.stop();
    sim.run_until_idle();
    let told = |number| format!("watcher-{number} stopped");
    let stayed = (0..MANY).filter(|number| !leaves(number));
    let expected: Vec<_> = stayed.map(told).collect();
    let lines = log.lines();
    let told: Vec<_> = lines.iter().filter(|it| it.contains("watcher")).collect();
    assert_eq!(told, expected.iter().collect::<Vec<_>>());
}

/// A watcher of many actors, which is told of no end while its handler runs, unwatches some of them after
/// they have ended.
#[test]
fn s4_11_many_ends_are_told_in_order_and_none_that_is_watched_no_more() {
    const MANY: usize = 50;
    let mut sim = Sim::builder().orderly().workers(1).start().unwrap();
    let log = Log::default();
    let start = |number| sim.spawn(&format!("target-{number}"), scribe(&log));
    let targets: Vec<_> = (0..MANY).map(start).map(Result::unwrap).collect();
    let (these, written) = (targets.clone(), log.clone());
    let watching = Props::new(move || {
        let (targets, log) = (these.clone(), written.clone());
        let ended = targets.clone();
        let behavior = Behavior::receive(move |ctx: &mut Context<'_, ()>, ()| {
            targets.iter().for_each(|target| ctx.watch(*target));
            ctx.sleep(SECOND)?;
            for target in targets.iter().skip(1).step_by(3) {
                ctx.unwatch(*target);
            }
            // One of these is watched again.
            ctx.watch(targets[4]);
            Ok(())
        });
        behavior.on_signal(move |_ctx, signal| {
            if let Signal::Terminated { actor, reason, .. } = signal {
                let number = ended.iter().position(|it| it.id() == *actor);
                log.add(format!("{} {reason}", number.unwrap()));
            }
        })
    });
    sim.spawn("watching", watching).unwrap().tell(());
    sim.run_until_idle();
    targets.iter().rev().for_each(|target| target.stop());
    sim.run_for(2 * SECOND);
    let stayed = (0..MANY).rev().filter(|number| number % 3 != 1);
    let mut expected: Vec<_> = stayed.map(|number| format!("{number} stopped")).collect();
    expected.push("4 gone before it was watched".to_owned());
    let lines = log.lines();
    let told: Vec<_> = lines.iter().filter(|it| !it.contains("target")).collect();
    assert_eq!(told, expected.iter().collect::<Vec<_>>());
}

#[test]
fn s4_11_a_restart_is_no_end() {
    check(SEEDS, |sim| {
        let log = Log::default();
        let child = only_child(sim, &log, None);
        sim.spawn("watcher", watcher(&log, child)).unwrap();
        child.tell(Do::Fail("torn"));
        sim.run_until_idle();
        assert!(log.of("watcher").is_empty());
        (0..3).for_each(|_| child.tell(Do::Fail("torn")));
        sim.run_until_idle();
        assert_eq!(log.of("watcher"), ["failed"]);
    });
}

#[test]
fn s2_3_an_empty_behaviour_loses_its_mail_and_hears_signals() {
    check(SEEDS, |sim| {
        let log = Log::default();
        let told = log.clone();
        let props = Props::new(move || {
            let told = told.clone();
            Behavior::<u8>::empty()
                .on_signal(move |_ctx, signal| told.add(format!("it {signal:?}")))
        });
        let actor = sim.spawn("actor", props).unwrap();
        (0..3).for_each(|number| actor.tell(number));
        actor.stop();
        sim.run_until_idle();
        assert_eq!(sim.dead_letters().count(DeadLetterReason::Unhandled), 3);
        assert_eq!(log.of("it"), ["PreStart", "PostStop(Stopped)"]);
    });
}
