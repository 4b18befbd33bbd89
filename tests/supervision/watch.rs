//! Death watch, and a behaviour that is empty.

use super::{Do, SEEDS, only_child, scribe};
use crate::common::Log;
use nexus_actors::prelude::*;
use nexus_actors::sim::check;

/// Watches an actor, and writes what it is told.
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
                if let Signal::Terminated { actor, reason } = signal {
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
        check(SEEDS, |sim| {
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
        // Not told yet: the order to unwatch lies in its mail, ahead of nothing.
        far.resume();
        sim.run_until_idle();
        target.stop();
        sim.run_until_idle();
        assert!(log.of("far").is_empty(), "{:?}", log.lines());
    });
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
        assert_eq!(log.of("it"), ["PreStart", "PostStop"]);
    });
}
